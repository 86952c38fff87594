"""What ElevenLabs refuses, in which of its three error shapes, and in which order it looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from elevenlabs.core.api_error import ApiError

if TYPE_CHECKING:
    from tests.simulators.conftest import World

Json = dict[str, Any]
AGENTS = "/v1/convai/agents"
MAX_BODY = 8 * 1024 * 1024


def create(world: World, **body: Any) -> Any:
    content = {"conversation_config": {}, **body}
    return world.call("POST", f"{AGENTS}/create", json=content)


def prompt(**fields: Any) -> Json:
    return {"agent": {"prompt": fields}}


@pytest.mark.parametrize(
    ("key", "status"), [("wrong", "invalid_api_key"), ("", "needs_authorization")]
)
def test_a_wrong_or_missing_key(world: World, key: str, status: str) -> None:
    response = world.call("GET", AGENTS, headers={"xi-api-key": key})
    assert response.status_code == 401
    detail = response.json()["detail"]
    assert (detail["type"], detail["status"]) == ("authentication_error", status)


def test_the_body_is_checked_before_the_key(world: World) -> None:
    url = f"{world.running.elevenlabs_url}{AGENTS}/create"
    response = world.http.post(url, json={"name": 5}, headers={"xi-api-key": "wrong"})
    assert response.status_code == 422
    locations = [flaw["loc"] for flaw in response.json()["detail"]]
    assert locations == [["body", "conversation_config"], ["body", "name"]]


@pytest.mark.parametrize(
    ("config", "location", "kind"),
    [
        ({"tts": {"stability": "very"}}, ["tts", "stability"], "float_parsing"),
        ({"tts": {"speed": 9}}, ["tts", "speed"], "less_than_equal"),
        ({"turn": {"turn_eagerness": "x"}}, ["turn", "turn_eagerness"], "enum"),
        ({"asr": {"keywords": "one"}}, ["asr", "keywords"], "list_type"),
        (prompt(llm="gpt-nope"), ["agent", "prompt", "llm"], "enum"),
        (prompt(max_tokens=1.5), ["agent", "prompt", "max_tokens"], "int_from_float"),
        ({"conversation": {"text_only": "so"}}, ["conversation", "text_only"], "bool_parsing"),
        ({"agent": {"first_message": 1}}, ["agent", "first_message"], "string_type"),
        ({"agent": "nobody"}, ["agent"], "model_attributes_type"),
    ],
)
def test_a_wrong_type_names_its_place(
    world: World, config: Json, location: list[str], kind: str
) -> None:
    agent_id = world.new_agent()
    responses = [
        create(world, conversation_config=config),
        world.call("PATCH", f"{AGENTS}/{agent_id}", json={"conversation_config": config}),
    ]
    for response in responses:
        assert response.status_code == 422
        (flaw,) = response.json()["detail"]
        assert (flaw["loc"], flaw["type"]) == (["body", "conversation_config", *location], kind)
    assert len(world.listed_names()) == 1


def test_text_that_is_no_json(world: World) -> None:
    response = world.call("POST", f"{AGENTS}/create", content=b"{")
    assert response.status_code == 422
    assert response.json()["detail"][0]["type"] == "json_invalid"


def test_an_unknown_agent_in_the_older_shape(world: World) -> None:
    for method, body in (("GET", None), ("PATCH", {"name": "x"}), ("DELETE", None)):
        response = world.call(method, f"{AGENTS}/agent_unknown", json=body)
        assert response.status_code == 404
        assert response.json()["detail"]["status"] == "document_not_found"
        assert set(response.json()["detail"]) == {"status", "message"}


def test_the_official_client_raises_with_status_and_body(world: World) -> None:
    with pytest.raises(ApiError) as raised:
        world.elevenlabs.conversational_ai.agents.get("agent_unknown")
    assert raised.value.status_code == 404
    assert raised.value.body["detail"]["status"] == "document_not_found"


def test_tools_and_tool_ids_exclude_each_other(world: World) -> None:
    tool = {"type": "client", "name": "look", "description": "d"}
    response = create(world, conversation_config=prompt(tools=[tool], tool_ids=["tool_1"]))
    assert response.status_code == 400
    assert response.json()["detail"]["status"] == "both_tools_and_tool_ids_provided"
    inline = create(world, conversation_config=prompt(tools=[tool]))
    read = world.read_agent(inline.json()["agent_id"])["conversation_config"]["agent"]["prompt"]
    assert len(read["tool_ids"]) == 1


@pytest.mark.parametrize(
    ("config", "param"),
    [
        (prompt(tool_ids=["tool_unknown"]), "tool_ids"),
        (prompt(knowledge_base=[{"type": "text", "name": "n", "id": "x"}]), "knowledge_base"),
        ({"tts": {"voice_id": "unknown"}}, "voice_id"),
    ],
)
def test_a_reference_to_nothing_names_the_parameter(world: World, config: Json, param: str) -> None:
    response = create(world, conversation_config=config)
    assert response.status_code == 400
    assert response.json()["detail"]["param"].endswith(param)
    assert world.listed_names() == []


def test_a_voice_can_be_added(world: World) -> None:
    world.steer("voices", {"voice_id": "cloned-voice", "name": "Ours"})
    response = create(world, conversation_config={"tts": {"voice_id": "cloned-voice"}})
    assert response.status_code == 200


def test_a_tool_in_use_is_deleted_only_by_force(world: World) -> None:
    config = {"type": "client", "name": "look", "description": "d"}
    tool_id = world.call("POST", "/v1/convai/tools", json={"tool_config": config}).json()["id"]
    agent_id = world.new_agent(conversation_config=prompt(tool_ids=[tool_id]))
    path = f"/v1/convai/tools/{tool_id}"
    users = world.call("GET", f"{path}/dependent-agents").json()["agents"]
    assert [user["id"] for user in users] == [agent_id]
    assert world.call("DELETE", path).status_code == 409
    assert world.call("DELETE", path, params={"force": "true"}).status_code == 200
    assert world.call("GET", path).status_code == 404
    read = world.read_agent(agent_id)["conversation_config"]["agent"]["prompt"]
    assert read["tool_ids"] == []


def test_a_webhook_value_needs_exactly_one_source(world: World) -> None:
    def body(**value: Any) -> Json:
        schema = {"type": "object", "properties": {"slot": {"type": "string", **value}}}
        api = {"url": "https://x.example.com", "method": "POST", "request_body_schema": schema}
        config = {"type": "webhook", "name": "t", "description": "d", "api_schema": api}
        return {"tool_config": config}

    for value, status in (
        ({"description": "a slot"}, 200),
        ({"dynamic_variable": "slot"}, 200),
        ({}, 422),
        ({"description": "a slot", "dynamic_variable": "slot"}, 422),
    ):
        assert world.call("POST", "/v1/convai/tools", json=body(**value)).status_code == status


def test_patching_a_tool_replaces_it(world: World) -> None:
    config = {"type": "client", "name": "look", "description": "d", "expects_response": True}
    tool_id = world.call("POST", "/v1/convai/tools", json={"tool_config": config}).json()["id"]
    bare = {"type": "client", "name": "look", "description": "e"}
    after = world.call("PATCH", f"/v1/convai/tools/{tool_id}", json={"tool_config": bare}).json()
    assert after["tool_config"]["description"] == "e"
    assert after["tool_config"]["expects_response"] is False


def test_a_secret_is_never_shown(world: World) -> None:
    body = {"type": "new", "name": "key", "value": "very-hidden"}
    created = world.call("POST", "/v1/convai/secrets", json=body)
    secret_id = created.json()["secret_id"]
    patched = world.call(
        "PATCH", f"/v1/convai/secrets/{secret_id}", json={**body, "type": "update"}
    )
    listed = world.call("GET", "/v1/convai/secrets")
    log = world.http.get(f"{world.running.elevenlabs_url}/_sim/requests")
    for response in (created, patched, listed, log):
        assert response.status_code == 200
        assert "very-hidden" not in response.text
    assert world.call("DELETE", f"/v1/convai/secrets/{secret_id}").status_code == 204
    assert world.call("GET", "/v1/convai/secrets").json()["secrets"] == []


def test_a_document_keeps_its_text_to_the_letter(world: World) -> None:
    text = "Öffnungszeiten: 9 bis 18 <b>täglich</b> & nachts 🌙"
    created = world.call("POST", "/v1/convai/knowledge-base/text", json={"text": text})
    path = f"/v1/convai/knowledge-base/{created.json()['id']}"
    assert world.call("GET", f"{path}/content").text == text
    changed = world.call("PATCH", path, json={"name": "hours", "content": "closed"}).json()
    assert (changed["name"], changed["extracted_inner_html"]) == ("hours", "closed")
    assert changed["metadata"]["size_bytes"] == 6


def test_too_large_a_body(world: World) -> None:
    response = world.call("POST", f"{AGENTS}/create", content=b" " * (MAX_BODY + 1))
    assert response.status_code == 413


def test_unknown_paths_and_methods(world: World) -> None:
    assert world.call("GET", "/v1/convai/nothing").status_code == 404
    refused = world.call("PUT", AGENTS)
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET")


@pytest.mark.parametrize(
    "text",
    [
        b'{"conversation_config": {"tts": {"stability": NaN}}}',
        b'{"conversation_config": {"tts": {"stability": 1e999}}}',
        b'{"conversation_config": {}, "name": "\\ud800"}',
        b'{"conversation_config": {"language_presets": ' + b'{"x":' * 90 + b"{}" + b"}" * 92,
        b'{"conversation_config": ' + b"[" * 100_000,
        b'{"name": "\xff"}',
        b"[]",
        b"null",
        b"",
    ],
    ids=["nan", "infinite", "surrogate", "deep", "very deep", "bytes", "list", "null", "empty"],
)
def test_a_strange_body_is_unprocessable_and_never_an_accident(world: World, text: bytes) -> None:
    for method, path in (("POST", f"{AGENTS}/create"), ("PATCH", f"{AGENTS}/{world.new_agent()}")):
        assert world.call(method, path, content=text).status_code == 422


def test_a_secret_in_use_is_kept(world: World) -> None:
    body = {"type": "new", "name": "key", "value": "hidden"}
    secret_id = world.call("POST", "/v1/convai/secrets", json=body).json()["secret_id"]
    llm = {"url": "https://llm.example.com", "api_key": {"secret_id": secret_id}}
    agent_id = world.new_agent(conversation_config=prompt(llm="custom-llm", custom_llm=llm))
    listed = world.call("GET", "/v1/convai/secrets").json()
    world.check("GET", "/v1/convai/secrets", listed)
    assert [user["id"] for user in listed["secrets"][0]["used_by"]["agents"]] == [agent_id]
    assert world.call("DELETE", f"/v1/convai/secrets/{secret_id}").status_code == 409
    api = {"url": "https://x.example.com", "request_headers": {"Key": {"secret_id": "unknown"}}}
    config = {"type": "webhook", "name": "t", "description": "d", "api_schema": api}
    refused = world.call("POST", "/v1/convai/tools", json={"tool_config": config})
    assert refused.json()["detail"]["code"] == "secret_not_found"
