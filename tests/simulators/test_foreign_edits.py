"""Other people's changes and deletions, at once or between a client's read and its next write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.simulators.conftest import World

Json = dict[str, Any]
AGENTS = "/v1/convai/agents"
TOOLS = "/v1/convai/tools"
DOCUMENTS = "/v1/convai/knowledge-base"
NUMBERS = "/v1/convai/phone-numbers"


def tool(description: str) -> Json:
    return {"tool_config": {"type": "client", "name": "look", "description": description}}


def edit(world: World, **body: Any) -> Json:
    return world.steer("edit", body)


def new_tool(world: World) -> str:
    return str(world.call("POST", TOOLS, json=tool("ours")).json()["id"])


def new_document(world: World) -> str:
    return str(world.call("POST", f"{DOCUMENTS}/text", json={"text": "ours"}).json()["id"])


def test_someone_changes_a_tool(world: World) -> None:
    tool_id = new_tool(world)
    assert edit(world, tool_id=tool_id, body=tool("theirs")) == {"tool_id": tool_id}
    read = world.call("GET", f"{TOOLS}/{tool_id}").json()
    assert read["tool_config"]["description"] == "theirs"


def test_someone_changes_a_document(world: World) -> None:
    document_id = new_document(world)
    edit(world, document_id=document_id, body={"content": "theirs"})
    assert world.call("GET", f"{DOCUMENTS}/{document_id}/content").text == "theirs"


def test_someone_assigns_a_number(world: World) -> None:
    agent_id = world.new_agent()
    number_id = world.import_number().json()["phone_number_id"]
    edit(world, phone_number_id=number_id, body={"agent_id": agent_id})
    read = world.call("GET", f"{NUMBERS}/{number_id}").json()
    assert read["assigned_agent"]["agent_id"] == agent_id


def test_someone_deletes_what_is_about_to_be_written(world: World) -> None:
    agent_id, tool_id, document_id = world.new_agent(), new_tool(world), new_document(world)
    number_id = world.import_number().json()["phone_number_id"]
    for name, object_id, path, body in (
        ("agent_id", agent_id, f"{AGENTS}/{agent_id}", {"name": "late"}),
        ("tool_id", tool_id, f"{TOOLS}/{tool_id}", tool("late")),
        ("document_id", document_id, f"{DOCUMENTS}/{document_id}", {"name": "late"}),
        ("phone_number_id", number_id, f"{NUMBERS}/{number_id}", {"label": "late"}),
    ):
        edit(world, **{name: object_id, "delete": True, "when": "before-next-patch"})
        assert world.call("GET", path).status_code == 200
        assert world.call("PATCH", path, json=body).status_code == 404


def test_an_edit_just_before_a_deletion(world: World) -> None:
    agent_id = world.new_agent("ours")
    edit(world, agent_id=agent_id, body={"tags": ["keep"]}, when="before-next-write")
    assert world.call("DELETE", f"{AGENTS}/{agent_id}").status_code == 204
    log = world.http.get(f"{world.running.elevenlabs_url}/_sim/counters").json()
    assert log["objects"]["agents"]["deleted"] == 1


def test_an_edit_can_come_before_each_of_several_writes(world: World) -> None:
    agent_id = world.new_agent()
    edit(world, body={"tags": ["theirs"]}, when="before-next-patch", times=2)
    tags = []
    for _ in range(3):
        world.patch_agent(agent_id, {"name": "ours"})
        tags.append(world.read_agent(agent_id)["tags"])
        world.patch_agent(agent_id, {"tags": []})
    assert tags == [["theirs"], [], []]


def test_an_edit_the_vendor_refuses_changes_nothing(world: World) -> None:
    agent_id = world.new_agent("ours")
    nobody = {"conversation_config": {"tts": {"voice_id": "unknown"}}}
    edit(world, agent_id=agent_id, body=nobody, when="before-next-patch")
    assert world.patch_agent(agent_id, {"name": "still ours"})["name"] == "still ours"


def test_someone_edits_a_number_at_twilio_just_before_it_is_written(world: World) -> None:
    number = world.twilio_number()
    fields = {"VoiceUrl": "https://theirs.example.com/voice"}
    body = {"phone_number": number["phone_number"], "fields": fields, "when": "before-next-write"}
    world.steer("edit", body, on="twilio")
    assert not world.twilio_number()["voice_url"]
    url = f"{world.running.twilio_url}{number['uri']}"
    auth = (world.running.twilio_account_sid, world.running.twilio_auth_token)
    written = world.http.post(url, data={"FriendlyName": "ours"}, auth=auth).json()
    assert (written["voice_url"], written["friendly_name"]) == (fields["VoiceUrl"], "ours")


@pytest.mark.parametrize(
    "body",
    [
        {"body": {"name": "x"}},
        {"agent_id": "a", "tool_id": "b", "body": {"name": "x"}},
        {"agent_id": "a"},
        {"agent_id": "a", "body": {"name": "x"}, "delete": True},
        {"agent_id": "a", "body": {"name": "x"}, "when": "before-next-patch", "times": 101},
    ],
)
def test_an_edit_that_makes_no_sense_is_refused(world: World, body: Json) -> None:
    response = world.http.post(f"{world.running.elevenlabs_url}/_sim/edit", json=body)
    assert response.status_code == 400
