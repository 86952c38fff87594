"""A conversation in text over the real protocol: what is sent, and what is made of what comes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.conversing.platform_side import AGENT, TOKEN, all_of, in_text
from trunkline.model.errors import InvalidInput
from trunkline.model.testing.talk import (
    AgentCorrected,
    AgentSaid,
    Ended,
    Opened,
    Sound,
    ToolAsked,
    ToolBegun,
    ToolDone,
)

if TYPE_CHECKING:
    from tests.conversing.platform_side import Platform, Side
    from trunkline.adapters.elevenlabs.talks import ElevenLabsTalks


async def test_the_caller_begins_with_variables_and_text_only(
    platform: Platform, talks: ElevenLabsTalks
) -> None:
    async def part(side: Side) -> None:
        await side.begin()
        await side.say("Hello, this is the front desk.")
        await side.connection.close(1000, "")

    platform.part = part
    async with talks.open(in_text(branch_id="agtbrch_7")) as talk:
        assert talk.conversation_id == "conv_1"
        assert await all_of(talk.events()) == [
            Opened(conversation_id="conv_1"),
            AgentSaid(text="Hello, this is the front desk.", event_id=1),
            Ended(by="agent", code=1000),
        ]
    assert platform.asked == [{"agent_id": [AGENT], "branch_id": ["agtbrch_7"]}]
    assert platform.sides[0].heard == [
        {
            "type": "conversation_initiation_client_data",
            "custom_llm_extra_body": {},
            "conversation_config_override": {"conversation": {"text_only": True}},
            "dynamic_variables": {"secret__trunkline_test": TOKEN},
        }
    ]


async def test_words_context_and_answers_of_tools_reach_the_platform(
    platform: Platform, talks: ElevenLabsTalks
) -> None:
    async def part(side: Side) -> None:
        await side.begin()
        await side.hear("user_message")
        await side.hear("contextual_update")
        await side.hear("client_tool_result")
        await side.hear("client_tool_result")
        await side.connection.close(1000, "")

    platform.part = part
    async with talks.open(in_text()) as talk:
        await talk.say("I need Monday at nine.")
        await talk.inform("The caller is a member.")
        await talk.answer_tool("call_1", {"slots": ["é"]}, is_error=False)
        await talk.answer_tool("call_2", "no such slot", is_error=True)
        await all_of(talk.events())
    assert platform.sides[0].heard[1:] == [
        {"type": "user_message", "text": "I need Monday at nine."},
        {"type": "contextual_update", "text": "The caller is a member."},
        {
            "type": "client_tool_result",
            "tool_call_id": "call_1",
            "result": '{"slots": ["é"]}',
            "is_error": False,
        },
        {
            "type": "client_tool_result",
            "tool_call_id": "call_2",
            "result": "no such slot",
            "is_error": True,
        },
    ]


async def test_tools_and_corrections_are_told_apart(
    platform: Platform, talks: ElevenLabsTalks
) -> None:
    correction = {
        "original_agent_response": "We are open from nine.",
        "corrected_agent_response": "We are open",
        "event_id": 4,
    }
    asked = {"tool_name": "show_map", "tool_call_id": "c1", "parameters": {"zoom": 2}}
    begun = {"tool_name": "book_slot", "tool_call_id": "c2", "tool_type": "webhook"}
    done = {**begun, "is_error": True, "is_called": True}
    hung_up = {"tool_name": "end_call", "tool_call_id": "c3", "tool_type": "system"}

    async def part(side: Side) -> None:
        await side.begin()
        await side.send({"type": "client_tool_call", "client_tool_call": asked})
        await side.send({"type": "agent_tool_request", "agent_tool_request": begun})
        await side.send({"type": "agent_tool_response", "agent_tool_response": done})
        await side.send(
            {
                "type": "agent_response_correction",
                "agent_response_correction_event": correction,
            }
        )
        await side.send({"type": "agent_tool_response", "agent_tool_response": hung_up})
        await side.connection.close(1000, "")

    platform.part = part
    async with talks.open(in_text()) as talk:
        events = await all_of(talk.events())
    assert events[1:-1] == [
        ToolAsked(tool="show_map", call_id="c1", arguments={"zoom": 2}),
        ToolBegun(tool="book_slot", call_id="c2"),
        ToolDone(tool="book_slot", call_id="c2", is_error=True),
        AgentCorrected(original="We are open from nine.", corrected="We are open", event_id=4),
        ToolDone(tool="end_call", call_id="c3", place="platform"),
    ]


async def test_messages_nobody_knows_yet_are_passed_over(
    platform: Platform, talks: ElevenLabsTalks
) -> None:
    async def part(side: Side) -> None:
        await side.begin()
        await side.send({"type": "hologram", "hologram_event": {"event_id": 1}})
        await side.send({"no_type": True})
        await side.send({"type": ["agent_response"]})
        await side.say("Still here.")
        await side.connection.close(1000, "")

    platform.part = part
    async with talks.open(in_text()) as talk:
        events = await all_of(talk.events())
    assert [type(event) for event in events] == [Opened, AgentSaid, Ended]


async def test_a_ping_is_answered_at_once(platform: Platform, talks: ElevenLabsTalks) -> None:
    answers: list[object] = []

    async def part(side: Side) -> None:
        await side.begin()
        await side.send({"type": "ping", "ping_event": {"event_id": 12, "ping_ms": None}})
        answers.append(await side.hear("pong"))
        await side.connection.close(1000, "")

    platform.part = part
    async with talks.open(in_text()) as talk:
        await all_of(talk.events())
    assert answers == [{"type": "pong", "event_id": 12}]


async def test_hanging_up_is_the_callers_end(platform: Platform, talks: ElevenLabsTalks) -> None:
    closed: list[int | None] = []

    async def part(side: Side) -> None:
        await side.begin()
        await side.connection.wait_closed()
        closed.append(side.connection.close_code)

    platform.part = part
    async with talks.open(in_text()) as talk:
        await talk.hang_up()
        assert (await all_of(talk.events()))[-1] == Ended(by="caller", code=1000)
    assert closed == [1000]


async def test_leaving_the_block_closes_the_socket(
    platform: Platform, talks: ElevenLabsTalks
) -> None:
    left = asyncio.Event()

    async def part(side: Side) -> None:
        await side.begin()
        await side.connection.wait_closed()
        left.set()

    platform.part = part
    with pytest.raises(LookupError):
        async with talks.open(in_text()):
            raise LookupError
    async with asyncio.timeout(60):
        await left.wait()


async def test_text_has_neither_sound_nor_keys(platform: Platform, talks: ElevenLabsTalks) -> None:
    async def part(side: Side) -> None:
        await side.begin()
        await side.connection.wait_closed()

    platform.part = part
    async with talks.open(in_text()) as talk:
        with pytest.raises(InvalidInput):
            await talk.play(Sound(b"\0\0" * 160, 16_000))
        with pytest.raises(InvalidInput):
            await talk.press("1#")
