"""A script drives a conversation in text: turns, tools, limits, and both ways to its end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from activities.conversing import converse
from tests.conversing.platform_side import TOKEN, answering, in_text
from tests.conversing.scripts import FIRST_MESSAGE, company, script, verdict, words
from trunkline.model.errors import RateLimited

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.conversing.platform_side import Platform, Side
    from trunkline.adapters.elevenlabs.talks import ElevenLabsTalks
    from trunkline.model.testing.transcripts import Line


async def test_a_conversation_as_it_should_be(platform: Platform, talks: ElevenLabsTalks) -> None:
    platform.part = answering(
        "We are open from nine to five.", "You are welcome.", greeting=FIRST_MESSAGE
    )
    told = script(
        {"expect": [{"says": "front desk", "within": "2s"}]},
        {"say": "When are you open?", "expect": [{"says": {"contains": "nine"}}]},
        {"say": "Thank you.", "expect": [{"says": "welcome"}]},
        variables={"customer": "Maya"},
        clock="2026-06-12T09:00:00+01:00",
    )
    conversation = await converse(told, in_text(), company(talks))
    result = verdict(told, conversation)
    assert (result.outcome, result.message) == ("passed", "")
    assert words(conversation) == [
        ("agentSaid", FIRST_MESSAGE),
        ("callerSaid", "When are you open?"),
        ("agentSaid", "We are open from nine to five."),
        ("callerSaid", "Thank you."),
        ("agentSaid", "You are welcome."),
        ("ended", ""),
    ]
    assert [line.turn for line in conversation.lines] == [0, 1, 1, 2, 2, 2]
    assert conversation.lines[-1].by == "caller"
    assert len(result.reply_ms) == 2
    assert max(result.reply_ms) < 1_000
    assert result.conversation_id == "conv_1"
    assert platform.sides[0].heard[0]["dynamic_variables"] == {
        "customer": "Maya",
        "system__time": "2026-06-12T09:00:00+01:00",
        "secret__trunkline_test": TOKEN,
    }


async def test_a_failed_check_ends_the_conversation(
    platform: Platform, talks: ElevenLabsTalks
) -> None:
    platform.part = answering("We are closed.", "Bye.")
    told = script(
        {"say": "When are you open?", "expect": [{"says": {"notContains": "closed"}}]},
        {"say": "Thank you."},
    )
    conversation = await converse(told, in_text(), company(talks))
    result = verdict(told, conversation)
    assert (result.outcome, result.reason) == ("failed", "Said")
    assert ("callerSaid", "Thank you.") not in words(conversation)


async def test_the_agent_ends_the_conversation(platform: Platform, talks: ElevenLabsTalks) -> None:
    async def part(side: Side) -> None:
        await side.begin()
        await side.hear("user_message")
        await side.say("Goodbye!")
        done = {"tool_name": "end_call", "tool_call_id": "c1", "tool_type": "system"}
        await side.send({"type": "agent_tool_response", "agent_tool_response": done})
        await side.connection.close(1000, "")

    platform.part = part
    told = script(
        {"say": "That is all, bye.", "expect": [{"says": "goodbye"}, {"calls": "end_call"}]},
        functions=[("end_call", "builtin")],
        **{"finally": [{"ends": {"by": "agent"}}, {"callsTotal": {"end_call": 1}}]},
    )
    conversation = await converse(told, in_text(), company(talks))
    result = verdict(told, conversation)
    assert (result.outcome, result.message) == ("passed", "")
    assert [(line.kind, line.by) for line in conversation.lines][-1] == ("ended", "agent")


async def test_a_greeting_is_no_answer_to_the_first_question(
    platform: Platform, talks: ElevenLabsTalks
) -> None:
    platform.part = answering("At nine.", greeting=FIRST_MESSAGE)
    told = script(
        {"say": "When?", "expect": [{"says": {"notContains": "front desk"}}, {"says": "nine"}]},
        first_message=FIRST_MESSAGE,
    )
    conversation = await converse(told, in_text(), company(talks))
    assert verdict(told, conversation).outcome == "passed"
    assert words(conversation)[:2] == [("agentSaid", FIRST_MESSAGE), ("callerSaid", "When?")]


async def test_a_limit_of_seconds_ends_the_wait(platform: Platform, talks: ElevenLabsTalks) -> None:
    async def part(side: Side) -> None:
        await side.begin()
        await side.hear("user_message")
        await side.connection.wait_closed()

    platform.part = part
    told = script({"say": "Hello?", "expect": [{"says": "hello"}]}, limits={"seconds": 1.0})
    started = asyncio.get_running_loop().time()
    conversation = await converse(told, in_text(), company(talks))
    assert asyncio.get_running_loop().time() - started < 5
    result = verdict(told, conversation)
    assert (result.outcome, result.reason) == ("failed", "LimitExceeded")


async def test_silence_past_the_deadline_is_inconclusive(
    platform: Platform, talks: ElevenLabsTalks
) -> None:
    async def part(side: Side) -> None:
        await side.begin()
        await side.connection.wait_closed()

    platform.part = part
    told = script({"say": "Hello?", "expect": [{"says": "hello"}]}, {"say": "Still there?"})
    result = verdict(told, await converse(told, in_text(), company(talks, patience_s=0.5)))
    assert (result.outcome, result.reason) == ("inconclusive", "AgentSilent")


async def test_a_turn_too_many_is_a_failure(platform: Platform, talks: ElevenLabsTalks) -> None:
    platform.part = answering("One.", "Two.", "Three.")
    told = script({"say": "a"}, {"say": "b"}, {"say": "c"}, limits={"turns": 2})
    result = verdict(told, await converse(told, in_text(), company(talks)))
    assert (result.outcome, result.reason) == ("failed", "LimitExceeded")
    assert result.turns == 3


async def test_too_much_money_is_inconclusive(platform: Platform, talks: ElevenLabsTalks) -> None:
    platform.part = answering("One.", "Two.", "Three.")
    told = script({"say": "a"}, {"say": "b"}, {"say": "c"}, limits={"costUsd": 0.004})
    result = verdict(told, await converse(told, in_text(), company(talks)))
    assert (result.outcome, result.reason) == ("inconclusive", "BudgetExhausted")


@pytest.mark.parametrize(
    ("code", "reason"),
    [(1002, "ConversationLost"), (1008, "ConversationRefused"), (1011, "ConversationLost")],
)
async def test_an_end_by_the_platform_is_inconclusive(
    code: int, reason: str, platform: Platform, talks: ElevenLabsTalks
) -> None:
    async def part(side: Side) -> None:
        await side.begin()
        await side.hear("user_message")
        await side.connection.close(code, "sorry about that")

    platform.part = part
    told = script({"say": "Hello?", "expect": [{"says": "hello"}]})
    result = verdict(told, await converse(told, in_text(), company(talks)))
    assert (result.outcome, result.reason) == ("inconclusive", reason)
    assert "sorry about that" in result.message


async def test_a_malformed_frame_is_inconclusive(
    platform: Platform, talks: ElevenLabsTalks
) -> None:
    async def part(side: Side) -> None:
        await side.begin()
        await side.hear("user_message")
        await side.send("{")
        await side.connection.wait_closed()

    platform.part = part
    told = script({"say": "Hello?", "expect": [{"says": "hello"}]})
    result = verdict(told, await converse(told, in_text(), company(talks)))
    assert (result.outcome, result.reason) == ("inconclusive", "ConversationLost")
    assert result.message.startswith("MalformedFrame: ")


async def test_a_wrong_agent_id_is_inconclusive(platform: Platform, talks: ElevenLabsTalks) -> None:
    platform.signing = (404, {"detail": {"status": "not_found", "message": "No such agent."}})
    told = script({"say": "Hello?", "expect": [{"says": "hello"}]})
    result = verdict(told, await converse(told, in_text(), company(talks)))
    assert (result.outcome, result.reason) == ("inconclusive", "ConversationRefused")


async def test_no_free_place_is_told_to_whoever_hands_out_places(
    platform: Platform, talks: ElevenLabsTalks
) -> None:
    platform.handshake = (429, {})
    with pytest.raises(RateLimited):
        await converse(script({"say": "Hello?"}), in_text(), company(talks))


async def test_a_script_without_a_caller_model_cannot_improvise(
    platform: Platform, talks: ElevenLabsTalks
) -> None:
    told = script({"asCaller": "Ask for an appointment"})
    result = verdict(told, await converse(told, in_text(), company(talks)))
    assert (result.outcome, result.reason) == ("inconclusive", "CallerModelNotConfigured")
    assert platform.sides == []


class Reading:
    """A caller that reads its part from a sheet, since no model is at hand."""

    identity = "sheet"

    def __init__(self, *lines: str) -> None:
        self._lines = [*lines]
        self.seen: list[int] = []

    async def next_utterance(
        self, persona: str, goal: str, transcript: Sequence[Line]
    ) -> str | None:
        assert (persona, goal) == ("A nurse", "Book an appointment")
        self.seen.append(sum(line.kind == "agentSaid" for line in transcript))
        return self._lines.pop(0) if self._lines else None


async def test_an_improvised_turn_goes_on_until_its_caller_is_content(
    platform: Platform, talks: ElevenLabsTalks
) -> None:
    platform.part = answering("Which day?", "Tuesday is booked.", greeting=FIRST_MESSAGE)
    told = script(
        {"expect": [{"says": "front desk"}]},
        {"asCaller": "Book an appointment", "expect": [{"says": "booked"}]},
        caller={"persona": "A nurse"},
    )
    caller = Reading("I need an appointment.", "On Tuesday.")
    conversation = await converse(told, in_text(), company(talks, caller=caller))
    result = verdict(told, conversation)
    assert (result.outcome, result.message) == ("passed", "")
    assert caller.seen == [1, 2, 3]
    assert len(result.reply_ms) == 2


async def test_context_silence_and_history_reach_the_agent(
    platform: Platform, talks: ElevenLabsTalks
) -> None:
    async def part(side: Side) -> None:
        await side.begin()
        await side.hear("contextual_update")
        await side.hear("contextual_update")
        await side.say("Are you still there?")
        await side.connection.wait_closed()

    platform.part = part
    told = script(
        {"inject": {"context": "The caller is a member."}},
        {"silence": "300ms", "expect": [{"says": "still there"}]},
        history=[{"agent": "Hello."}, {"caller": "One moment."}],
    )
    conversation = await converse(told, in_text(), company(talks))
    assert verdict(told, conversation).outcome == "passed"
    said = [message.get("text") for message in platform.sides[0].heard[1:]]
    assert said == [
        "What was said earlier in this conversation:\nAgent: Hello.\nCaller: One moment.",
        "The caller is a member.",
    ]
    assert ("callerWaited", "300ms") in words(conversation)


async def test_keys_do_not_apply_in_text(platform: Platform, talks: ElevenLabsTalks) -> None:
    platform.part = answering("Good.")
    told = script(
        {"dtmf": "1#", "expect": [{"says": "good"}]},
        {"say": "Hello", "expect": [{"says": "good"}]},
    )
    conversation = await converse(told, in_text(), company(talks))
    result = verdict(told, conversation)
    assert result.outcome == "passed"
    assert [check.outcome for check in result.checks] == ["notApplicable", "passed"]


async def test_progress_is_told_turn_by_turn(platform: Platform, talks: ElevenLabsTalks) -> None:
    platform.part = answering("One.", "Two.")
    told: list[str] = []
    wanted = script({"say": "a"}, {"say": "b"})
    await converse(wanted, in_text(), company(talks, progress=told.append))
    assert told == ["turn 1 of 2", "turn 2 of 2"]


async def test_variables_are_those_at_the_end(platform: Platform, talks: ElevenLabsTalks) -> None:
    platform.part = answering("Booked.")
    update = {"variable_name": "booking_id", "old_value": None, "new_value": "APT-12"}
    begun = {"booking_id": "", "tier": "gold", "secret__trunkline_test": TOKEN}
    platform.records["/v1/convai/conversations/conv_1"] = {
        "status": "processing",
        "transcript": [
            {"role": "user", "tool_results": None},
            {"role": "agent", "tool_results": [{"dynamic_variable_updates": [update]}]},
        ],
        "conversation_initiation_client_data": {"dynamic_variables": begun},
    }
    told = script(
        {"say": "Book it."},
        variables={"booking_id": "", "tier": "gold"},
        **{"finally": [{"variables": {"booking_id": {"matches": "^APT-"}, "tier": "gold"}}]},
    )
    conversation = await converse(told, in_text(), company(talks))
    assert conversation.facts.variables == {"booking_id": "APT-12", "tier": "gold"}
    assert verdict(told, conversation).outcome == "passed"


async def test_variables_nobody_tells_are_inconclusive(
    platform: Platform, talks: ElevenLabsTalks
) -> None:
    platform.part = answering("Booked.")
    told = script({"say": "Book it."}, **{"finally": [{"variables": {"tier": "gold"}}]})
    result = verdict(told, await converse(told, in_text(), company(talks)))
    assert result.outcome == "inconclusive"


async def test_a_slow_answer_is_too_late(platform: Platform, talks: ElevenLabsTalks) -> None:
    async def part(side: Side) -> None:
        await side.begin()
        await side.hear("user_message")
        thought = asyncio.Event()
        asyncio.get_running_loop().call_later(0.4, thought.set)
        await thought.wait()
        await side.say("At nine.")
        await side.connection.wait_closed()

    platform.part = part
    told = script({"say": "When?", "expect": [{"says": "nine", "within": "200ms"}]})
    conversation = await converse(told, in_text(), company(talks))
    result = verdict(told, conversation)
    assert (result.outcome, result.reason) == ("failed", "TooLate")
    assert result.reply_ms[0] == pytest.approx(400, abs=150)


async def test_giving_up_a_conversation_hangs_up(
    platform: Platform, talks: ElevenLabsTalks
) -> None:
    asked, left = asyncio.Event(), asyncio.Event()

    async def part(side: Side) -> None:
        await side.begin()
        await side.hear("user_message")
        asked.set()
        await side.connection.wait_closed()
        left.set()

    platform.part = part
    told = script({"say": "Hello?", "expect": [{"says": "hello"}]})
    talking = asyncio.create_task(converse(told, in_text(), company(talks)))
    async with asyncio.timeout(60):
        await asked.wait()
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)
        await left.wait()
    assert talking.cancelled()


async def test_only_what_was_spoken_of_a_reply_counts(
    platform: Platform, talks: ElevenLabsTalks
) -> None:
    correction = {
        "original_agent_response": "At nine, and on Sundays at ten.",
        "corrected_agent_response": "At nine,",
        "event_id": 1,
    }

    async def part(side: Side) -> None:
        await side.begin()
        await side.hear("user_message")
        await side.say("At nine, and on Sundays at ten.")
        await side.send(
            {
                "type": "agent_response_correction",
                "agent_response_correction_event": correction,
            }
        )
        await side.connection.wait_closed()

    platform.part = part
    told = script({"say": "When?", "expect": [{"says": "Sundays", "within": "500ms"}]})
    result = verdict(told, await converse(told, in_text(), company(talks)))
    assert (result.outcome, result.reason) == ("failed", "NotSaid")
