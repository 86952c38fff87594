"""Fetches that miss a write, and lists whose hint of a change lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.simulators.conftest import World

Json = dict[str, Any]
AGENTS = "/v1/convai/agents"
TOOLS = "/v1/convai/tools"
FETCH = f"{AGENTS}/{{agent_id}}"


def greeting(text: str) -> Json:
    return {"conversation_config": {"agent": {"first_message": text}}}


def greeting_of(agent: Json) -> str:
    return str(agent["conversation_config"]["agent"]["first_message"])


def status(world: World, path: str) -> int:
    return world.call("GET", path).status_code


def test_an_old_version_is_served_once(world: World) -> None:
    agent_id = world.new_agent(**greeting("old"))
    first = world.read_agent(agent_id)["version_id"]
    world.patch_agent(agent_id, greeting("new"))
    world.fault(kind="stale", route=FETCH, nth=1)
    stale, fresh = world.read_agent(agent_id), world.read_agent(agent_id)
    assert (greeting_of(stale), stale["version_id"]) == ("old", first)
    assert greeting_of(fresh) == "new"


def test_a_new_agent_is_missing_once_and_a_deleted_one_still_there(world: World) -> None:
    world.fault(kind="stale", route=FETCH, times=2)
    agent_id = world.new_agent()
    assert status(world, f"{AGENTS}/{agent_id}") == 404
    world.call("DELETE", f"{AGENTS}/{agent_id}")
    assert status(world, f"{AGENTS}/{agent_id}") == 200
    assert status(world, f"{AGENTS}/{agent_id}") == 404


def test_a_name_is_as_late_as_the_rest(world: World) -> None:
    agent_id = world.new_agent("before")
    world.patch_agent(agent_id, {"name": "after", "tags": ["t"]})
    world.fault(kind="stale", route=FETCH, nth=1)
    stale = world.read_agent(agent_id)
    assert (stale["name"], stale["tags"]) == ("before", [])


def test_an_agent_nobody_wrote_since_is_current(world: World) -> None:
    quiet, busy = world.new_agent("quiet", **greeting("same")), world.new_agent("busy")
    world.patch_agent(quiet, greeting("again"))
    world.patch_agent(busy, {"name": "busier"})
    world.fault(kind="stale", route=f"{AGENTS}/{busy}")
    assert greeting_of(world.read_agent(quiet)) == "again"
    assert world.read_agent(busy)["name"] == "busy"


@pytest.mark.parametrize("reads", [1, 3])
def test_the_first_fetches_of_each_object_miss_its_write(world: World, reads: int) -> None:
    agent_id = world.new_agent("old")
    world.steer("fetch-lag", {"reads": reads})
    world.patch_agent(agent_id, {"name": "new"})
    other_id = world.new_agent("other")
    names = [world.read_agent(agent_id)["name"] for _ in range(reads + 1)]
    assert names == ["old"] * reads + ["new"]
    statuses = [status(world, f"{AGENTS}/{other_id}") for _ in range(reads + 1)]
    assert statuses == [404] * reads + [200]
    world.steer("reset")
    assert status(world, f"{AGENTS}/{world.new_agent()}") == 200


def test_a_list_is_not_late_with_it(world: World) -> None:
    world.steer("fetch-lag", {"reads": 5})
    world.new_agent("listed")
    assert world.listed_names() == ["listed"]


def test_tools_and_numbers_are_late_too(world: World) -> None:
    world.steer("fetch-lag", {"reads": 1})
    config = {"type": "client", "name": "look", "description": "d"}
    tool_id = world.call("POST", TOOLS, json={"tool_config": config}).json()["id"]
    assert [status(world, f"{TOOLS}/{tool_id}") for _ in range(2)] == [404, 200]
    number = world.twilio_number()
    url = f"{world.running.twilio_url}{number['uri']}"
    auth = (world.running.twilio_account_sid, world.running.twilio_auth_token)
    world.steer("fetch-lag", {"reads": 1}, on="twilio")
    world.http.post(url, data={"FriendlyName": "changed"}, auth=auth)
    names = [world.http.get(url, auth=auth).json()["friendly_name"] for _ in range(2)]
    assert names == [number["friendly_name"], "changed"]


def test_chance_decides_the_same_way_for_the_same_seed(world: World) -> None:
    def late_reads() -> list[bool]:
        agent_id = world.new_agent("old")
        world.patch_agent(agent_id, {"name": "new"})
        world.http.delete(f"{world.running.elevenlabs_url}/_sim/faults")
        fault = {"kind": "stale", "route": FETCH, "probability": 0.5}
        world.steer("faults", {"seed": 11, "faults": [fault]})
        return [world.read_agent(agent_id)["name"] == "old" for _ in range(12)]

    first = late_reads()
    assert first == late_reads()
    assert set(first) == {True, False}


def test_the_log_says_which_answer_was_stale(world: World) -> None:
    agent_id = world.new_agent()
    world.fault(kind="stale", route=FETCH, nth=1)
    status(world, f"{AGENTS}/{agent_id}")
    log = world.http.get(f"{world.running.elevenlabs_url}/_sim/requests").json()["requests"]
    assert [entry["effect"] for entry in log] == ["applied", "stale"]


def hint(world: World) -> int:
    (row,) = world.call("GET", AGENTS).json()["agents"]
    return int(row["updated_at_unix_secs"])


def test_a_hint_that_does_not_move_with_the_change(world: World) -> None:
    agent_id = world.new_agent("agent")
    before = hint(world)
    world.steer("stale-hints", {"enabled": True})
    world.steer("clock", {"advance_s": 100})
    world.steer("edit", {"agent_id": agent_id, "body": greeting("changed")})
    assert hint(world) == before
    truth = world.read_agent(agent_id)["metadata"]["updated_at_unix_secs"]
    assert truth >= before + 100
    world.steer("stale-hints", {"enabled": False})
    world.patch_agent(agent_id, {"name": "later"})
    assert hint(world) >= truth
