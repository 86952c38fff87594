"""Odd requests of clients nobody here wrote: each is answered as the vendor answers it."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from tests.simulators.conftest import AGENTS, INVOCATIONS, TESTS
from tests.simulators.talking import PATIENCE_S, public_url, talk, talker

if TYPE_CHECKING:
    from tests.simulators.conftest import World

CONVERSATIONS = "/v1/convai/conversations"
CONVERSATION = "/v1/convai/conversation"
HEAD_OF_A_TEXT = b"\x81\xff"
"""Of a whole text, masked, whose length comes in eight bytes."""
MASK_BYTES = 4


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (f"{CONVERSATION}/get-signed-url", "agent_id"),
        (f"{CONVERSATION}/token", "agent_id"),
        (f"{AGENTS}/summaries", "agent_ids"),
    ],
)
def test_what_a_query_lacks_is_said_before_the_key_is_looked_at(
    world: World, path: str, name: str
) -> None:
    url = f"{world.running.elevenlabs_url}{path}"
    for headers in ({}, {"xi-api-key": world.running.elevenlabs_key}):
        answer = world.http.get(url, headers=headers)
        assert answer.status_code == 422
        flaw = answer.json()["detail"][0]
        assert (flaw["type"], flaw["loc"]) == ("missing", ["query", name])


def test_a_page_follows_the_last_one_even_if_that_was_deleted(world: World) -> None:
    agent_id = world.new_agent()
    made = [
        world.steer("conversations", {"agent_id": agent_id, "seconds_ago": ago})["conversation_id"]
        for ago in (10, 20, 20, 30, 40)
    ]
    seen: list[str] = []
    query: dict[str, Any] = {"agent_id": agent_id, "page_size": 2}
    while True:
        page = world.call("GET", CONVERSATIONS, params=query).json()
        ids = [one["conversation_id"] for one in page["conversations"]]
        seen += ids
        for one in ids:
            assert world.call("DELETE", f"{CONVERSATIONS}/{one}").status_code == 200
        if not page["has_more"]:
            break
        query["cursor"] = page["next_cursor"]
    assert (len(seen), sorted(seen)) == (len(made), sorted(made))
    assert page["next_cursor"] is None


@pytest.mark.parametrize("path", [AGENTS, TESTS, INVOCATIONS, CONVERSATIONS])
def test_no_list_takes_a_cursor_it_did_not_give(world: World, path: str) -> None:
    answer = world.call("GET", path, params={"cursor": "conv_of_somebody_else"})
    assert answer.status_code == 400
    assert answer.json()["detail"]["param"] == "cursor"


@pytest.mark.parametrize(
    "frame",
    [
        b"\x00\x01",
        "",
        "[1]",
        '{"type": null}',
        '{"foo": 1}',
        '{"type": "conversation_initiation_client_data"}',
        '{"type": "user_message", "text": 5}',
    ],
    ids=["binary", "empty", "a list", "no type", "no message", "two beginnings", "no text"],
)
def test_a_frame_that_is_no_message_breaks_the_contract(world: World, frame: str | bytes) -> None:
    url = public_url(world, talker(world))
    with connect(url, proxy=None, open_timeout=PATIENCE_S) as connection:
        connection.send('{"type": "conversation_initiation_client_data"}')
        connection.recv(PATIENCE_S)
        connection.send(frame)
        with pytest.raises(ConnectionClosedError) as closed:
            list(connection)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008
    assert closed.value.rcvd.reason.startswith("Invalid message")


def test_a_frame_that_is_too_large_is_not_read(world: World) -> None:
    """Nothing but its head is sent: whoever still writes when the server leaves may find the line
    cut before reading why.
    """
    url = public_url(world, talker(world))
    with connect(url, proxy=None, open_timeout=PATIENCE_S) as connection:
        connection.send('{"type": "conversation_initiation_client_data"}')
        connection.recv(PATIENCE_S)
        connection.socket.sendall(HEAD_OF_A_TEXT + struct.pack("!Q", 2_000_000) + bytes(MASK_BYTES))
        with pytest.raises(ConnectionClosedError) as closed:
            list(connection)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


@pytest.mark.parametrize(
    "message",
    [
        {"type": "user_message"},
        {"type": "user_message", "text": "  "},
        {"type": "pong"},
        {"type": "pong", "event_id": 99},
        {"type": "client_tool_result", "tool_call_id": "none", "result": "", "is_error": False},
        {"type": "feedback", "event_id": 7, "score": None},
        {"user_audio_chunk": "no base64!"},
    ],
    ids=lambda message: str(message)[:40],
)
def test_a_message_that_changes_nothing_is_passed_over(
    world: World, message: dict[str, Any]
) -> None:
    with talk(public_url(world, talker(world))) as line:
        line.until("agent_response_complete")
        line.send(**message)
        line.say("When do you open?")
        assert line.until("agent_response")


def test_an_archived_branch_runs_no_tests(world: World) -> None:
    agent_id = world.new_agent()
    agent = f"{AGENTS}/{agent_id}"
    made = world.call(
        "POST",
        f"{agent}/branches",
        json={
            "parent_version_id": world.read_agent(agent_id)["version_id"],
            "name": "old",
            "description": "",
        },
    ).json()["created_branch_id"]
    test = world.call("POST", f"{TESTS}/create", json={"name": "t", "type": "llm"}).json()["id"]
    archived = world.call("PATCH", f"{agent}/branches/{made}", json={"is_archived": True})
    assert archived.status_code == 200
    body = {"tests": [{"test_id": test}], "branch_id": made}
    assert world.call("POST", f"{agent}/run-tests", json=body).status_code == 400
