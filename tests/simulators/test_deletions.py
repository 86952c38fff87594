"""What can be deleted, what has to be forced, what a deletion leaves, and how it is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.simulators.conftest import World

Json = dict[str, Any]
AGENTS = "/v1/convai/agents"
TOOLS = "/v1/convai/tools"
TESTS = "/v1/convai/agent-testing"
DOCUMENTS = "/v1/convai/knowledge-base"
SECRETS = "/v1/convai/secrets"
NUMBERS = "/v1/convai/phone-numbers"
TOOL: Json = {"tool_config": {"type": "client", "name": "look", "description": "d"}}


def prompt(**fields: Any) -> Json:
    return {"conversation_config": {"agent": {"prompt": fields}}}


def new_document(world: World) -> str:
    return str(world.call("POST", f"{DOCUMENTS}/text", json={"text": "x"}).json()["id"])


def new_tool(world: World) -> str:
    return str(world.call("POST", TOOLS, json=TOOL).json()["id"])


def naming(document_id: str) -> list[Json]:
    return [{"type": "text", "name": "x", "id": document_id, "usage_mode": "auto"}]


def objects(world: World, *, on: str = "elevenlabs") -> Json:
    running = world.running
    url = running.elevenlabs_url if on == "elevenlabs" else running.twilio_url
    found: Json = world.http.get(f"{url}/_sim/counters").json()["objects"]
    return found


def test_an_agent_goes_without_a_word_and_frees_its_number(world: World) -> None:
    agent_id = world.new_agent()
    number_id = world.import_number(agent_id=agent_id).json()["phone_number_id"]
    deleted = world.call("DELETE", f"{AGENTS}/{agent_id}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert world.call("DELETE", f"{AGENTS}/{agent_id}").status_code == 404
    assert world.listed_names() == []
    assert world.call("GET", f"{NUMBERS}/{number_id}").json()["assigned_agent"] is None


@pytest.mark.parametrize("kind", ["tool", "document"])
def test_what_only_a_branch_uses_is_in_use(world: World, kind: str) -> None:
    if kind == "tool":
        object_id = new_tool(world)
        path, config = f"{TOOLS}/{object_id}", prompt(tool_ids=[object_id])
    else:
        object_id = new_document(world)
        path = f"{DOCUMENTS}/{object_id}"
        config = prompt(knowledge_base=naming(object_id))
    agent_id = world.new_agent("desk")
    version_id = world.read_agent(agent_id)["version_id"]
    body = {"parent_version_id": version_id, "name": "b", "description": ""}
    made = world.call("POST", f"{AGENTS}/{agent_id}/branches", json={**body, **config}).json()
    users = world.call("GET", f"{path}/dependent-agents").json()
    assert [user["id"] for user in users["agents"]] == [agent_id]
    assert users["branches"] == [
        {
            "agent_id": agent_id,
            "agent_name": "desk",
            "branch_id": made["created_branch_id"],
            "branch_name": "b",
            "is_main": False,
        }
    ]
    refused = world.call("DELETE", path)
    assert (refused.status_code, refused.json()["detail"]["type"]) == (409, "conflict")
    assert world.call("GET", path).status_code == 200
    forced = world.call("DELETE", path, params={"force": "true"})
    assert (forced.status_code, forced.json()) == (200, {})
    read = world.read_agent(agent_id, branch_id=made["created_branch_id"])
    prompt_now = read["conversation_config"]["agent"]["prompt"]
    assert (prompt_now["tool_ids"], prompt_now["knowledge_base"]) == ([], [])


def test_what_nobody_uses_goes_unforced(world: World) -> None:
    for path in (f"{TOOLS}/{new_tool(world)}", f"{DOCUMENTS}/{new_document(world)}"):
        assert world.call("DELETE", path).status_code == 200
        assert world.call("GET", path).status_code == 404
        assert world.call("DELETE", path).status_code == 404


def test_an_agents_deletion_frees_what_it_used(world: World) -> None:
    tool_id = new_tool(world)
    agent_id = world.new_agent(**prompt(tool_ids=[tool_id]))
    assert world.call("DELETE", f"{TOOLS}/{tool_id}").status_code == 409
    world.call("DELETE", f"{AGENTS}/{agent_id}")
    assert world.call("DELETE", f"{TOOLS}/{tool_id}").status_code == 200


def test_every_create_and_delete_is_counted_by_id_and_name(world: World) -> None:
    first, second = world.new_agent("twin"), world.new_agent("twin")
    world.patch_agent(second, {"tags": ["t"]})
    world.call("DELETE", f"{AGENTS}/{first}")
    world.call("DELETE", f"{AGENTS}/{first}")
    counted = objects(world)["agents"]
    assert (counted["created"], counted["deleted"]) == (2, 1)
    assert counted["by_name"] == {"twin": {"created": 2, "deleted": 1}}
    assert counted["by_id"] == {
        first: {"name": "twin", "created": 1, "deleted": 1},
        second: {"name": "twin", "created": 1, "deleted": 0},
    }
    world.patch_agent(second, {"name": "renamed"})
    assert objects(world)["agents"]["by_id"][second]["name"] == "renamed"


def test_every_kind_is_counted(world: World) -> None:
    tool_id, document_id = new_tool(world), new_document(world)
    secret = {"type": "new", "name": "key", "value": "v"}
    secret_id = world.call("POST", SECRETS, json=secret).json()["secret_id"]
    number_id = world.import_number().json()["phone_number_id"]
    test = {"type": "llm", "name": "greets"}
    test_id = world.call("POST", f"{TESTS}/create", json=test).json()["id"]
    for path in (
        f"{TESTS}/{test_id}",
        f"{TOOLS}/{tool_id}",
        f"{DOCUMENTS}/{document_id}",
        f"{SECRETS}/{secret_id}",
        f"{NUMBERS}/{number_id}",
    ):
        assert world.call("DELETE", path).is_success
    names = {kind: counted["by_name"] for kind, counted in objects(world).items()}
    once = {"created": 1, "deleted": 1}
    assert names == {
        "agents": {},
        "tools": {"look": once},
        "documents": {"Text document": once},
        "secrets": {"key": once},
        "numbers": {"+15005550001": once},
        "tests": {"greets": once},
    }


def test_an_effect_counts_and_a_request_does_not(world: World) -> None:
    create: Json = {"method": "POST", "route": f"{AGENTS}/create", "times": 1}
    body = {"name": "agent", "conversation_config": {}}
    for kind, count in (("status-after", 1), ("status-before", 1), ("duplicate", 3)):
        world.fault(kind=kind, **create)
        world.call("POST", f"{AGENTS}/create", json=body)
        assert objects(world)["agents"]["created"] == count


def test_what_the_control_plane_does_is_not_counted(world: World) -> None:
    agent_id = world.new_agent()
    world.steer("edit", {"agent_id": agent_id, "delete": True})
    assert objects(world)["agents"]["deleted"] == 0
    world.steer("numbers", {"phone_number": "+13125550000"}, on="twilio")
    assert objects(world, on="twilio")["numbers"]["created"] == 0


def test_counting_begins_afresh_and_still_knows_what_goes(world: World) -> None:
    agent_id = world.new_agent("old")
    url = f"{world.running.elevenlabs_url}/_sim/counters"
    assert world.http.delete(url).json()["objects"]["agents"]["by_id"] == {}
    world.call("DELETE", f"{AGENTS}/{agent_id}")
    counted = objects(world)["agents"]["by_id"]
    assert counted == {agent_id: {"name": "old", "created": 0, "deleted": 1}}


def test_a_number_released_at_twilio_is_counted(world: World) -> None:
    number = world.twilio_number()
    auth = (world.running.twilio_account_sid, world.running.twilio_auth_token)
    deleted = world.http.delete(f"{world.running.twilio_url}{number['uri']}", auth=auth)
    assert deleted.status_code == 204
    counted = objects(world, on="twilio")["numbers"]["by_id"]
    name = number["phone_number"]
    assert counted == {number["sid"]: {"name": name, "created": 0, "deleted": 1}}
