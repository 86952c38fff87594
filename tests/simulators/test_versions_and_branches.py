"""Every change is a version with a parent; branches are lines of versions with traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.simulators.conftest import World

Json = dict[str, Any]
AGENTS = "/v1/convai/agents"


def prompt(text: str) -> Json:
    return {"conversation_config": {"agent": {"prompt": {"prompt": text}}}}


def prompt_of(agent: Json) -> str:
    return str(agent["conversation_config"]["agent"]["prompt"]["prompt"])


def version(world: World, agent_id: str, version_id: str) -> Json:
    path = f"{AGENTS}/{agent_id}/versions/{version_id}"
    content: Json = world.call("GET", path).json()
    world.check("GET", path, content)
    return content


def new_branch(world: World, agent_id: str, **body: Any) -> str:
    parent = world.read_agent(agent_id)["version_id"]
    content = {"parent_version_id": parent, "name": "staging", "description": "", **body}
    response = world.call("POST", f"{AGENTS}/{agent_id}/branches", json=content)
    assert response.status_code == 200, response.text
    return str(response.json()["created_branch_id"])


def test_a_patch_makes_a_version_whose_parent_was_the_tip(world: World) -> None:
    agent_id = world.new_agent()
    first = world.read_agent(agent_id)["version_id"]
    second = world.patch_agent(agent_id, {**prompt("two"), "version_description": "Second"})
    made = version(world, agent_id, second["version_id"])
    assert made["parents"]["in_branch_parent_id"] == first
    assert made["version_description"] == "Second"
    assert made["seq_no_in_branch"] == 2
    assert made["branch_id"] == second["branch_id"] == second["main_branch_id"]
    assert version(world, agent_id, first)["parents"]["in_branch_parent_id"] is None


def test_name_and_tags_move_no_version(world: World) -> None:
    agent_id = world.new_agent("before")
    first = world.read_agent(agent_id)["version_id"]
    after = world.patch_agent(agent_id, {"name": "after", "tags": ["t"]})
    assert (after["version_id"], after["name"], after["tags"]) == (first, "after", ["t"])


def test_an_old_version_still_reads_as_it_was(world: World) -> None:
    agent_id = world.new_agent(**prompt("one"))
    first = world.read_agent(agent_id)["version_id"]
    world.patch_agent(agent_id, prompt("two"))
    assert prompt_of(world.read_agent(agent_id, version_id=first)) == "one"
    assert prompt_of(world.read_agent(agent_id)) == "two"


def test_a_branch_changes_without_main(world: World) -> None:
    agent_id = world.new_agent(**prompt("main"))
    tip = world.read_agent(agent_id)["version_id"]
    branch_id = new_branch(world, agent_id, **prompt("branched"))
    assert prompt_of(world.read_agent(agent_id, branch_id=branch_id)) == "branched"
    world.patch_agent(agent_id, prompt("patched"), branch_id=branch_id)
    assert prompt_of(world.read_agent(agent_id)) == "main"
    branch = world.call("GET", f"{AGENTS}/{agent_id}/branches/{branch_id}").json()
    assert branch["current_live_percentage"] == 0
    assert branch["parent_branch"]["name"] == "Main"
    latest, first = branch["most_recent_versions"]
    assert latest["parents"]["in_branch_parent_id"] == first["id"]
    assert first["parents"]["out_of_branch_parent_id"] == tip


def test_traffic_has_to_add_up(world: World) -> None:
    agent_id = world.new_agent()
    main_id = world.read_agent(agent_id)["main_branch_id"]
    branch_id = new_branch(world, agent_id)

    def deploy(main_share: int, branch_share: int) -> int:
        requests = [
            {
                "branch_id": target,
                "deployment_strategy": {"type": "percentage", "traffic_percentage": share},
            }
            for target, share in ((main_id, main_share), (branch_id, branch_share))
        ]
        body = {"deployment_request": {"requests": requests}}
        return world.call("POST", f"{AGENTS}/{agent_id}/deployments", json=body).status_code

    assert deploy(50, 10) == 400
    assert deploy(90, 10) == 200
    listed = world.call("GET", f"{AGENTS}/{agent_id}/branches").json()["results"]
    shares = {row["name"]: row["current_live_percentage"] for row in listed}
    assert shares == {"Main": 90, "staging": 10}


def test_an_archived_branch_takes_no_change_and_leaves_the_list(world: World) -> None:
    agent_id = world.new_agent()
    branch_id = new_branch(world, agent_id)
    path = f"{AGENTS}/{agent_id}/branches/{branch_id}"
    assert world.call("PATCH", path, json={"is_archived": True}).json()["is_archived"] is True
    refused = world.call(
        "PATCH", f"{AGENTS}/{agent_id}", json=prompt("x"), params={"branch_id": branch_id}
    )
    assert refused.status_code == 400
    assert refused.json()["detail"]["status"] == "publish_to_archived_branch"
    names = [
        [
            row["name"]
            for row in world.call("GET", path.rpartition("/")[0], params=query).json()["results"]
        ]
        for query in ({}, {"include_archived": "true"})
    ]
    assert names == [["Main"], ["Main", "staging"]]


def test_someone_elses_edit_is_a_version_of_theirs(world: World) -> None:
    agent_id = world.new_agent(**prompt("ours"))
    ours = world.read_agent(agent_id)["version_id"]
    edited = world.steer(
        "edit",
        {"agent_id": agent_id, "body": prompt("theirs"), "name": "Ada", "email": "ada@example.com"},
    )
    made = version(world, agent_id, edited["version_id"])
    assert made["parents"]["in_branch_parent_id"] == ours
    assert made["access_info"]["creator_email"] == "ada@example.com"
    assert made["access_info"]["is_creator"] is False
    assert prompt_of(world.read_agent(agent_id)) == "theirs"


def test_an_edit_between_read_and_write_shows_in_the_parent(world: World) -> None:
    agent_id = world.new_agent(**prompt("ours"))
    read = world.read_agent(agent_id)["version_id"]
    edit = {"conversation_config": {"agent": {"first_message": "Theirs"}}}
    world.steer("edit", {"agent_id": agent_id, "body": edit, "when": "before-next-patch"})
    written = world.patch_agent(agent_id, prompt("ours again"))
    parent = version(world, agent_id, written["version_id"])["parents"]["in_branch_parent_id"]
    assert parent != read
    assert version(world, agent_id, parent)["parents"]["in_branch_parent_id"] == read
    assert written["conversation_config"]["agent"]["first_message"] == "Theirs"
    calm = world.patch_agent(agent_id, prompt("calm"))
    last = version(world, agent_id, calm["version_id"])
    assert last["parents"]["in_branch_parent_id"] == written["version_id"]
