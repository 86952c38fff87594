"""Tools an agent uses in a conversation: addresses that are called, clients that are asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.simulators.official import ClientTools, Conversation
from tests.simulators.receiving import POLL_INTERVAL_S, Service, serving
from tests.simulators.talk_flows import finished
from tests.simulators.talking import PATIENCE_S, public_url, talk, talker

if TYPE_CHECKING:
    from tests.simulators.conftest import World

Json = dict[str, Any]
PROMPT = """
# Bookings

When the caller wants a table, call `book_table`. If it fails, say that the table could not be
booked. When it worked, tell the caller the confirmation code.
"""


@pytest.fixture
def service() -> Iterator[Service]:
    with serving() as found:
        yield found


def literal(**source: Any) -> Json:
    return {"type": "string", **source}


def tool(world: World, **config: Any) -> str:
    content = {"name": "book_table", "description": "Books a table for a caller.", **config}
    answer = world.call("POST", "/v1/convai/tools", json={"tool_config": content})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def webhook(world: World, url: str, **schema: Any) -> str:
    return tool(world, type="webhook", api_schema={"url": url, "method": "POST", **schema})


def with_tool(world: World, tool_id: str, **parts: Any) -> str:
    prompt = {"prompt": PROMPT, "tool_ids": [tool_id]}
    return talker(world, agent={"prompt": prompt}, **parts)


def test_an_address_is_called_as_the_schemas_say(world: World, service: Service) -> None:
    secret = {"type": "new", "name": "key", "value": "s3cret"}
    secret_id = world.call("POST", "/v1/convai/secrets", json=secret).json()["secret_id"]
    tool_id = webhook(
        world,
        service.url + "/shops/{shop}/tables?lang=en",
        request_headers={
            "x-key": {"secret_id": secret_id},
            "authorization": {"variable_name": "secret__token"},
            "x-caller": "Caller {{name}}",
        },
        path_params_schema={"shop": literal(constant_value="north side")},
        query_params_schema={"properties": {"who": literal(dynamic_variable="name")}},
        request_body_schema={
            "type": "object",
            "properties": {
                "source": literal(constant_value="phone"),
                "who": literal(dynamic_variable="name"),
                "wish": literal(description="What the caller wishes, in the caller's words"),
            },
        },
    )
    variables = {"name": "Ann", "secret__token": "Bearer abc"}
    with talk(public_url(world, with_tool(world, tool_id)), dynamic_variables=variables) as line:
        line.say("I want a table for two please.")
        request = line.until("agent_tool_request")["agent_tool_request"]
        response = line.until("agent_tool_response")["agent_tool_response"]
        assert "204" in line.reply().replace(" ", "")
    assert request["tool_name"] == response["tool_name"] == "book_table"
    assert request["tool_call_id"] == response["tool_call_id"]
    assert (response["is_error"], response["is_called"]) == (False, True)
    (asked,) = service.asked
    assert asked["method"] == "POST"
    assert asked["path"] == "/shops/north%20side/tables?lang=en&who=Ann"
    headers = asked["headers"]
    assert headers["x-key"] == "s3cret"
    assert headers["authorization"] == "Bearer abc"
    assert headers["x-caller"] == "Caller Ann"
    body = json.loads(asked["body"])
    assert (body["source"], body["who"]) == ("phone", "Ann")


@pytest.mark.parametrize("status", [302, 400, 503])
def test_a_refused_call_is_an_error_the_agent_hears_of(
    world: World, service: Service, status: int
) -> None:
    service.status = status
    agent_id = with_tool(world, webhook(world, service.url))
    with talk(public_url(world, agent_id)) as line:
        line.say("I want a table for two please.")
        response = line.until("agent_tool_response")["agent_tool_response"]
        assert (response["is_error"], response["is_called"]) == (True, True)
        assert "TBL" not in line.reply()


@pytest.mark.slow
def test_a_call_ends_after_the_tools_own_timeout(world: World, service: Service) -> None:
    service.waits_for = threading.Event()
    api = {"url": service.url, "method": "POST"}
    tool_id = tool(world, type="webhook", api_schema=api, response_timeout_secs=5)
    with talk(public_url(world, with_tool(world, tool_id))) as line:
        line.say("I want a table for two please.")
        assert line.until("agent_tool_response")["agent_tool_response"]["is_error"] is True
    service.waits_for.set()


@pytest.mark.parametrize(
    "url", ["https://booking.example.com/x", "http://10.0.0.1/x", "ftp://127.0.0.1/x"]
)
def test_only_this_machine_is_ever_called(world: World, url: str) -> None:
    agent_id = with_tool(world, webhook(world, url))
    with talk(public_url(world, agent_id)) as line:
        line.say("I want a table for two please.")
        response = line.until("agent_tool_response")["agent_tool_response"]
    assert (response["is_error"], response["is_called"]) == (True, False)


def test_a_client_answers_its_tool(world: World) -> None:
    tool_id = tool(world, type="client", expects_response=True)
    conversation_tools = ClientTools()
    used: list[Json] = []

    def book(parameters: Json) -> Json:
        used.append(parameters)
        return {"confirmation": "TBL-7"}

    conversation_tools.register("book_table", book)
    replies: list[str] = []
    confirmed = threading.Event()

    def heard(reply: str) -> None:
        replies.append(reply)
        if "7" in reply:
            confirmed.set()

    conversation = Conversation(
        world.elevenlabs,
        with_tool(world, tool_id),
        requires_auth=False,
        client_tools=conversation_tools,
        callback_agent_response=heard,
    )
    conversation.start_session()
    try:
        while not replies:
            confirmed.wait(POLL_INTERVAL_S)
        conversation.send_user_message("I want a table for two please.")
        assert confirmed.wait(PATIENCE_S), replies
    finally:
        conversation.end_session()
        conversation.wait_for_session_end()
    assert len(used) == 1


@pytest.mark.slow
def test_a_client_that_does_not_answer_in_time_is_an_error(world: World) -> None:
    tool_id = tool(world, type="client", expects_response=True, response_timeout_secs=1)
    with talk(public_url(world, with_tool(world, tool_id))) as line:
        line.say("I want a table for two please.")
        line.until("client_tool_call")
        assert line.until("agent_tool_response")["agent_tool_response"]["is_error"] is True


def test_the_platforms_own_tools_are_told_of_too(world: World) -> None:
    built_in = {
        "end_call": {"name": "end_call", "params": {"system_tool_type": "end_call"}},
        "language_detection": {
            "name": "language_detection",
            "params": {"system_tool_type": "language_detection"},
        },
    }
    agent = {"prompt": {"prompt": "The bakery opens at nine.", "built_in_tools": built_in}}
    preset = {"es": {"overrides": {"agent": {"first_message": "Hola."}}}}
    agent_id = talker(world, agent=agent, language_presets=preset)
    with talk(public_url(world, agent_id)) as line:
        line.say("Hola, ¿a qué hora abre la panadería mañana por la mañana, por favor?")
        switched = line.until("agent_tool_request")["agent_tool_request"]
        line.say("Muchas gracias, adiós.")
        ended = line.until("agent_tool_request")["agent_tool_request"]
        assert line.end()[0] == 1000
    names = [(asked["tool_name"], asked["tool_type"]) for asked in (switched, ended)]
    assert names == [("language_detection", "system"), ("end_call", "system")]


def test_what_a_tool_did_is_in_the_transcript(world: World, service: Service) -> None:
    agent_id = with_tool(world, webhook(world, service.url))
    with talk(public_url(world, agent_id)) as line:
        line.say("I want a table for two please.")
        line.until("agent_tool_response")
        line.reply()
    path = f"/v1/convai/conversations/{finished(world, agent_id)}"
    conversation = world.call("GET", path).json()
    world.check("GET", path, conversation)
    calls = [call for entry in conversation["transcript"] for call in entry["tool_calls"]]
    results = [one for entry in conversation["transcript"] for one in entry["tool_results"]]
    assert [call["tool_name"] for call in calls] == ["book_table"]
    assert json.loads(results[0]["result_value"]) == {"confirmation": "TBL-204"}
    listed = world.call("GET", "/v1/convai/conversations", params={"tool_names": "book_table"})
    assert [one["agent_id"] for one in listed.json()["conversations"]] == [agent_id]
