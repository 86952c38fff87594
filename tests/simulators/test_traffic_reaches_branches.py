"""Conversations go where the traffic is sent, unless pinned; archived branches take none."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.simulators.talking import public_url, signed_url, talk, talker

if TYPE_CHECKING:
    from tests.simulators.conftest import World

Json = dict[str, Any]
AGENTS = "/v1/convai/agents"


def greeting(text: str) -> Json:
    return {"conversation_config": {"agent": {"first_message": text}}}


def branch(world: World, agent_id: str, text: str) -> str:
    parent = world.read_agent(agent_id)["version_id"]
    body = {"parent_version_id": parent, "name": text, "description": "", **greeting(text)}
    answer = world.call("POST", f"{AGENTS}/{agent_id}/branches", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["created_branch_id"])


def deploy(world: World, agent_id: str, **shares: float) -> int:
    requests = [
        {
            "branch_id": branch_id,
            "deployment_strategy": {"type": "percentage", "traffic_percentage": share},
        }
        for branch_id, share in shares.items()
    ]
    body = {"deployment_request": {"requests": requests}}
    return world.call("POST", f"{AGENTS}/{agent_id}/deployments", json=body).status_code


def heard(url: str) -> str:
    with talk(url) as line:
        return line.reply()


def test_a_branch_without_traffic_is_reached_only_by_its_name(world: World) -> None:
    agent_id = talker(world, "Main here.")
    branch_id = branch(world, agent_id, "Branch here.")
    assert {heard(public_url(world, agent_id)) for _ in range(5)} == {"Main here."}
    assert heard(signed_url(world, agent_id, branch_id=branch_id)) == "Branch here."
    tip = world.read_agent(agent_id, branch_id=branch_id)["version_id"]
    world.patch_agent(agent_id, greeting("Changed."), branch_id=branch_id)
    assert heard(signed_url(world, agent_id, branch_id=branch_id)) == "Changed."
    assert heard(signed_url(world, agent_id, version_id=tip)) == "Branch here."
    with talk(public_url(world, agent_id), branch_id=branch_id) as line:
        assert line.reply() == "Changed."


def test_traffic_is_divided_as_declared(world: World) -> None:
    agent_id = talker(world, "Main here.")
    branch_id = branch(world, agent_id, "Branch here.")
    main_id = world.read_agent(agent_id)["main_branch_id"]
    assert deploy(world, agent_id, **{main_id: 70.0, branch_id: 30.0}) == 200
    found = Counter(heard(public_url(world, agent_id)) for _ in range(60))
    assert 8 <= found["Branch here."] <= 30
    assert found["Main here."] == 60 - found["Branch here."]
    listed = world.call("GET", f"{AGENTS}/{agent_id}/branches").json()["results"]
    assert sum(row["calls_7d"] for row in listed) == 60


def test_a_split_is_whole_and_its_history_is_kept(world: World) -> None:
    agent_id = talker(world)
    branch_id = branch(world, agent_id, "b")
    main_id = world.read_agent(agent_id)["main_branch_id"]
    assert deploy(world, agent_id, **{main_id: 60.0, branch_id: 39.0}) == 400
    assert deploy(world, agent_id, **{main_id: 100 / 3, branch_id: 200 / 3}) == 200
    assert deploy(world, agent_id, **{main_id: 100.0}) == 200
    path = f"{AGENTS}/{agent_id}/deployments"
    content = world.call("GET", path).json()
    world.check("GET", path, content)
    shares = [one["traffic_percentage_branch_id_map"].get(main_id) for one in content["results"]]
    assert shares == [100.0, 100 / 3, 100.0]
    assert [one["is_active"] for one in content["results"]] == [True, False, False]
    second = world.call("GET", path, params={"page": 2, "page_size": 2}).json()["results"]
    assert [one["id"] for one in second] == [content["results"][2]["id"]]


def test_an_archived_branch_takes_no_conversation_and_no_traffic(world: World) -> None:
    agent_id = talker(world)
    branch_id = branch(world, agent_id, "old")
    main_id = world.read_agent(agent_id)["main_branch_id"]
    url = signed_url(world, agent_id, branch_id=branch_id)
    path = f"{AGENTS}/{agent_id}/branches/{branch_id}"
    assert world.call("PATCH", path, json={"is_archived": True}).status_code == 200
    with talk(url) as line:
        assert line.end()[0] == 1008
    assert deploy(world, agent_id, **{main_id: 90.0, branch_id: 10.0}) == 400
    assert world.call("PATCH", path, json={"is_archived": False}).status_code == 200
    assert heard(url) == "old"


def test_an_agent_degraded_by_its_tag_is_worse_on_its_branches_too(world: World) -> None:
    world.steer("talks", {"degraded_tags": ["worse"], "think_ms": 100})
    took_s, said = [], []
    for tags in ([], ["worse"]):
        agent_id = talker(world, tags=tags)
        branch_id = branch(world, agent_id, "Branch here.")
        with talk(signed_url(world, agent_id, branch_id=branch_id)) as found:
            assert found.reply() == "Branch here."
            began_s = time.monotonic()
            found.say("When do you open?")
            said.append(found.reply())
            took_s.append(time.monotonic() - began_s)
    assert took_s[1] >= 0.2
    assert said[0] != said[1]


def test_a_name_belongs_to_one_branch_of_an_agent(world: World) -> None:
    agent_id = talker(world)
    first = branch(world, agent_id, "b")
    second = branch(world, agent_id, "c")
    path = f"{AGENTS}/{agent_id}/branches"
    parent = world.read_agent(agent_id)["version_id"]
    body = {"parent_version_id": parent, "name": "b", "description": ""}
    assert world.call("POST", path, json=body).status_code == 400
    assert world.call("PATCH", f"{path}/{second}", json={"name": "b"}).status_code == 400
    assert world.call("PATCH", f"{path}/{first}", json={"name": "b"}).status_code == 200
    assert world.call("PATCH", f"{path}/{first}", json={"is_archived": True}).status_code == 200
    assert world.call("POST", path, json=body).status_code == 400
    freed = world.call("PATCH", f"{path}/{first}", json={"name": "b, put away"})
    assert freed.status_code == 200
    branch(world, agent_id, "b")
    branch(world, talker(world), "b")
