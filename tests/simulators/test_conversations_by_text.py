"""Conversations by text, with the vendor's own client and message by message."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
from elevenlabs import AsyncElevenLabs

from tests.simulators.official import (
    AsyncConversation,
    Conversation,
    ConversationInitiationData,
    DisconnectionDetails,
)
from tests.simulators.talking import PATIENCE_S, public_url, signed_url, talk, talker

if TYPE_CHECKING:
    from tests.simulators.conftest import World

FACTS = {"prompt": {"prompt": "The bakery opens at nine."}}


def test_the_official_client_talks_until_the_agent_ends_it(world: World) -> None:
    agent_id = talker(world, "Hello {{name}}.")
    replies: list[str] = []
    greeted, over = threading.Event(), threading.Event()
    ends: list[DisconnectionDetails] = []

    def heard(reply: str) -> None:
        replies.append(reply)
        greeted.set()

    def ended(details: DisconnectionDetails) -> None:
        ends.append(details)
        over.set()

    conversation = Conversation(
        world.elevenlabs,
        agent_id,
        requires_auth=True,
        config=ConversationInitiationData(dynamic_variables={"name": "Ann"}),
        callback_agent_response=heard,
        callback_disconnect=ended,
    )
    conversation.start_session()
    assert greeted.wait(PATIENCE_S)
    conversation.send_user_message("Thank you, goodbye!")
    assert over.wait(PATIENCE_S)
    assert conversation.wait_for_session_end() is not None
    assert replies[0] == "Hello Ann."
    assert [(end.reason, end.close_code) for end in ends] == [("agent", 1000)]


async def test_the_official_async_client_talks_and_hangs_up(world: World) -> None:
    agent_id = talker(world, agent=FACTS)
    replies: asyncio.Queue[str] = asyncio.Queue()
    parts: list[str] = []
    ends: list[DisconnectionDetails] = []

    async def heard(reply: str) -> None:
        await replies.put(reply)

    async def part(text: str, kind: Any) -> None:
        parts.append(f"{kind.value}:{text}")

    async def ended(details: DisconnectionDetails) -> None:
        ends.append(details)

    running = world.running
    client = AsyncElevenLabs(base_url=running.elevenlabs_url, api_key=running.elevenlabs_key)
    conversation = AsyncConversation(
        client,
        agent_id,
        requires_auth=False,
        callback_agent_response=heard,
        callback_agent_chat_response_part=part,
        callback_disconnect=ended,
    )
    await conversation.start_session()
    assert await asyncio.wait_for(replies.get(), PATIENCE_S) == "Welcome."
    assert parts == ["start:", "delta:Welcome. ", "stop:"]
    await conversation.send_contextual_update("The caller is a neighbour.")
    await conversation.send_user_message("When does the bakery open?")
    assert "nine" in await asyncio.wait_for(replies.get(), PATIENCE_S)
    await conversation.end_session()
    await conversation.wait_for_session_end()
    assert [end.reason for end in ends] == ["user"]


def test_only_the_agents_own_list_of_events_is_sent(world: World) -> None:
    agent_id = talker(world, conversation={"client_events": ["agent_response"]})
    with talk(public_url(world, agent_id)) as line:
        line.say("Thank you, goodbye!")
        line.end()
    assert set(line.kinds()) == {"conversation_initiation_metadata", "agent_response"}


def test_a_reply_comes_in_parts_whole_and_complete(world: World) -> None:
    with talk(public_url(world, talker(world, "Good day."))) as line:
        line.until("agent_response_complete")
    part = "agent_chat_response_part"
    assert line.kinds() == [
        "conversation_initiation_metadata",
        *[part] * 4,
        "agent_response",
        "agent_response_complete",
    ]


def test_pings_are_measured_by_their_pongs(world: World) -> None:
    with talk(public_url(world, talker(world))) as line:
        assert line.until("ping")["ping_event"]["ping_ms"] is None
        line.say("When do you open?")
        while line.reply() == "Welcome.":
            continue
        world.steer("clock", {"advance_s": 5})
        assert line.until("ping")["ping_event"]["ping_ms"] >= 1


def test_a_client_that_answers_no_ping_is_given_up(world: World) -> None:
    world.steer("talks", {"think_ms": 0})
    with talk(public_url(world, talker(world, turn={"turn_timeout": 300}))) as line:
        line.answers_pings = False
        for _ in range(6):
            line.until("ping")
            line.send(type="user_activity")
            world.steer("clock", {"advance_s": 5})
        assert line.end()[0] == 1002


def test_an_agent_asks_into_a_silence(world: World) -> None:
    with talk(public_url(world, talker(world))) as line:
        line.until("agent_response_complete")
        world.steer("clock", {"advance_s": 8})
        assert line.reply() != "Welcome."


@pytest.mark.parametrize(
    ("parts", "seconds", "code"),
    [
        ({"conversation": {"max_duration_seconds": 30}}, 31, 1000),
        ({"turn": {"silence_end_call_timeout": 20, "turn_timeout": 300}}, 21, 1000),
        ({"turn": {"turn_timeout": 300}}, 61, 1002),
    ],
    ids=["longest", "silent", "no input"],
)
def test_a_conversation_does_not_last_for_ever(
    world: World, parts: dict[str, Any], seconds: float, code: int
) -> None:
    with talk(public_url(world, talker(world, **parts))) as line:
        line.until("agent_response_complete")
        world.steer("clock", {"advance_s": seconds})
        assert line.end()[0] == code


@pytest.mark.parametrize(
    "text", ["no json", "[]", '{"type": "sing"}', '{"type": "contextual_update"}']
)
def test_a_message_that_makes_no_sense_ends_the_conversation(world: World, text: str) -> None:
    with talk(public_url(world, talker(world))) as line:
        line.until("agent_response_complete")
        line.send_text(text)
        assert line.end()[0] == 1008
    assert "error" in line.kinds()


def test_a_contextual_update_is_known_from_then_on(world: World) -> None:
    with talk(public_url(world, talker(world))) as line:
        line.until("agent_response_complete")
        line.send(type="contextual_update", text="The bakery is closed on Monday for repairs.")
        line.say("Is the bakery open on Monday?")
        assert "closed" in line.reply().lower()


def test_a_contextual_update_takes_the_place_of_its_predecessor(world: World) -> None:
    with talk(public_url(world, talker(world))) as line:
        line.until("agent_response_complete")
        for day in ("Monday", "Friday"):
            text = f"The bakery is closed on {day} for repairs."
            line.send(type="contextual_update", text=text, context_id="closed")
        line.say("When is the bakery closed for repairs?")
        reply = line.reply()
    assert "Friday" in reply
    assert "Monday" not in reply


def test_a_signed_url_may_carry_the_conversations_id(world: World) -> None:
    agent_id = talker(world)
    url = signed_url(world, agent_id, include_conversation_id=True)
    with talk(url) as line:
        event = line.until("conversation_initiation_metadata")
        told = event["conversation_initiation_metadata_event"]
        assert f"conversation_id={told['conversation_id']}" in url
    with talk(url) as line:
        assert line.end()[0] == 1008


def test_a_reset_closes_what_is_going_on(world: World) -> None:
    with talk(public_url(world, talker(world))) as line:
        line.until("agent_response_complete")
        world.steer("reset")
        assert line.end()[0] == 1012
    assert world.http.get(f"{world.running.elevenlabs_url}/_sim/talks").json()["in_progress"] == 0
