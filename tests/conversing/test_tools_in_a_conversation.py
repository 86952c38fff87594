"""Tools of a conversation under test: answered here or at the desk, and in their place among what
was said.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from activities.conversing import converse
from tests.conversing.platform_side import TOKEN, answering, in_text
from tests.conversing.scripts import company, open_desk, script, verdict, words
from trunkline.model.base import JsonObject
from trunkline.model.errors import StoreUnavailable
from trunkline.model.testing.limits import DESK_POLL_S
from trunkline.services.passing_desks import PassingDesks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.conversing.platform_side import Platform, Side
    from trunkline.adapters.elevenlabs.talks import ElevenLabsTalks
    from trunkline.model.testing.desks import DeskCall


def client_tool(name: str, call_id: str, **parameters: Any) -> dict[str, Any]:
    """The agent asks the caller's side for a tool."""
    asked = {"tool_name": name, "tool_call_id": call_id, "parameters": parameters}
    return {"type": "client_tool_call", "client_tool_call": asked}


async def test_client_tools_are_answered_from_stubs(
    platform: Platform, talks: ElevenLabsTalks
) -> None:
    answers: list[dict[str, Any]] = []

    async def part(side: Side) -> None:
        await side.begin()
        await side.hear("user_message")
        for number, place in enumerate(("paris", "rome", "oslo")):
            await side.send(client_tool("show_map", f"c{number}", place=place))
            answers.append(await side.hear("client_tool_result"))
        await side.say("There you are.")
        await side.connection.wait_closed()

    platform.part = part
    told = script(
        {
            "say": "Show me the map.",
            "expect": [
                {"calls": {"name": "show_map", "args": {"place": "paris"}}},
                {"says": "there you are"},
            ],
        },
        functions=[("show_map", "client")],
        tools={
            "show_map": [
                {"when": {"args": {"place": "paris"}}, "reply": {"shown": True}, "after": "100ms"},
                {"when": {"args": {"place": "rome"}}, "fail": "error"},
                {"fail": "http503"},
            ]
        },
    )
    conversation = await converse(told, in_text(), company(talks))
    result = verdict(told, conversation)
    assert (result.outcome, result.message) == ("passed", "")
    assert [
        (a["tool_call_id"], json.loads(a["result"]) if not a["is_error"] else a["is_error"])
        for a in answers
    ] == [("c0", {"shown": True}), ("c1", True), ("c2", True)]
    called, answered = (
        next(line for line in conversation.lines if line.kind == kind)
        for kind in ("toolCalled", "toolAnswered")
    )
    assert answered.at_ms - called.at_ms >= 100


async def test_a_tool_nobody_prepared_fails_the_run(
    platform: Platform, talks: ElevenLabsTalks
) -> None:
    async def part(side: Side) -> None:
        await side.begin()
        await side.hear("user_message")
        await side.send(client_tool("show_map", "c1"))
        assert (await side.hear("client_tool_result"))["is_error"]
        await side.connection.wait_closed()

    platform.part = part
    told = script({"say": "Show me the map.", "expect": [{"says": "there"}]})
    result = verdict(told, await converse(told, in_text(), company(talks)))
    assert (result.outcome, result.reason) == ("failed", "UnstubbedTool")


async def test_a_client_tool_that_times_out_is_never_answered(
    platform: Platform, talks: ElevenLabsTalks
) -> None:
    async def part(side: Side) -> None:
        await side.begin()
        await side.hear("user_message")
        await side.send(client_tool("show_map", "c1"))
        done = {"tool_name": "show_map", "tool_call_id": "c1", "tool_type": "client"}
        done_event = {**done, "is_error": True, "is_called": True}
        await side.send({"type": "agent_tool_response", "agent_tool_response": done_event})
        await side.say("The map does not load.")
        await side.connection.wait_closed()

    platform.part = part
    told = script(
        {"say": "The map.", "expect": [{"calls": "show_map"}, {"says": "does not load"}]},
        tools={"show_map": [{"fail": "timeout"}]},
    )
    conversation = await converse(told, in_text(), company(talks))
    assert verdict(told, conversation).outcome == "passed"
    assert all(message["type"] != "client_tool_result" for message in platform.sides[0].heard)


BOOKED: JsonObject = {"slot": "2026-06-16T14:30"}


async def test_calls_at_the_desk_stand_where_they_happened(
    platform: Platform, talks: ElevenLabsTalks
) -> None:
    desks = PassingDesks()
    told = script(
        {
            "say": "Half past two, please.",
            "expect": [
                {"calls": {"name": "book_slot", "args": BOOKED}, "within": "1s"},
                {"says": "BLC-204"},
            ],
        },
        functions=[("book_slot", "webhook")],
        tools={"book_slot": [{"reply": {"confirmation": "BLC-204"}}]},
        **{"finally": [{"callsTotal": {"book_slot": 1}}]},
    )
    digest = await open_desk(desks, told, TOKEN)

    async def part(side: Side) -> None:
        await side.begin()
        await side.hear("user_message")
        taken = await desks.take_call(digest, "book_slot", BOOKED, datetime.now(UTC))
        assert taken is not None
        done = {"tool_name": "book_slot", "tool_call_id": "c1", "tool_type": "webhook"}
        await side.send({"type": "agent_tool_response", "agent_tool_response": done})
        await side.say("Done, it is BLC-204.")
        await side.connection.wait_closed()

    platform.part = part
    conversation = await converse(told, in_text(), company(talks, desks=desks), desk_id="desk-1")
    result = verdict(told, conversation)
    assert (result.outcome, result.message) == ("passed", "")
    assert [kind for kind, _ in words(conversation)] == [
        "callerSaid",
        "toolCalled",
        "toolAnswered",
        "agentSaid",
        "ended",
    ]
    assert conversation.lines[2].answer == {"confirmation": "BLC-204"}


async def test_a_call_is_found_without_a_word_of_the_platform(
    platform: Platform, talks: ElevenLabsTalks
) -> None:
    desks = PassingDesks()
    told = script(
        {"say": "Book it.", "expect": [{"noCall": "book_slot", "for": "500ms"}]},
        functions=[("book_slot", "webhook")],
        tools={"book_slot": [{"reply": {}}]},
    )
    digest = await open_desk(desks, told, TOKEN)

    async def part(side: Side) -> None:
        await side.begin()
        await side.hear("user_message")
        await side.say("Of course.")
        await desks.take_call(digest, "book_slot", {}, datetime.now(UTC))
        await side.connection.wait_closed()

    platform.part = part
    conversation = await converse(told, in_text(), company(talks, desks=desks), desk_id="desk-1")
    result = verdict(told, conversation)
    assert (result.outcome, result.reason) == ("failed", "Called")


class WatchedDesks(PassingDesks):
    """Desks that know how often somebody looked."""

    looks = 0

    async def desk_calls(self, desk_id: str, *, after: int = 0) -> Sequence[DeskCall]:
        """Calls in order of arrival, those after an ordinal."""
        self.looks += 1
        return await super().desk_calls(desk_id, after=after)


@pytest.mark.parametrize("mode", ["text", "audio"])
async def test_a_desk_is_not_asked_with_every_frame(
    platform: Platform, talks: ElevenLabsTalks, mode: str
) -> None:
    """Sound is listened to every few milliseconds; desks are rows in a database."""
    desks = WatchedDesks()
    told = script(
        {"silence": "2s", "expect": [{"noCall": "book_slot", "for": "2s"}]},
        mode=mode,
        functions=[("book_slot", "webhook")],
        tools={"book_slot": [{"reply": {}}]},
    )
    await open_desk(desks, told, TOKEN)

    async def part(side: Side) -> None:
        await side.begin()
        await side.say("Take your time.")
        async for _ in side.connection:
            pass

    platform.part = part
    request = in_text(text_only=mode == "text")
    conversation = await converse(told, request, company(talks, desks=desks), desk_id="desk-1")
    result = verdict(told, conversation)
    assert (result.outcome, result.message) == ("passed", "")
    assert 2 <= desks.looks <= 4 + 3 / DESK_POLL_S


async def test_a_gateway_nobody_reaches_blames_nobody(
    platform: Platform, talks: ElevenLabsTalks
) -> None:
    found = await finished_badly(platform, talks, {"reply": {}}, arrives=False)
    assert found == ("inconclusive", "ToolGatewayUnreachable")


async def finished_badly(
    platform: Platform, talks: ElevenLabsTalks, stub: dict[str, Any], *, arrives: bool = True
) -> tuple[str, str]:
    """What a call comes to of which the platform says it went wrong, taken down if it arrives."""
    desks = PassingDesks()
    told = script(
        {
            "say": "Book it.",
            "expect": [{"calls": "book_slot"}, {"says": "booked", "within": "1s"}],
        },
        functions=[("book_slot", "webhook")],
        tools={"book_slot": [stub]},
    )
    digest = await open_desk(desks, told, TOKEN)

    async def part(side: Side) -> None:
        await side.begin()
        await side.hear("user_message")
        if arrives:
            await desks.take_call(digest, "book_slot", BOOKED, datetime.now(UTC))
        done = {"tool_name": "book_slot", "tool_call_id": "c1", "tool_type": "webhook"}
        event = {**done, "is_error": True, "is_called": True}
        await side.send({"type": "agent_tool_response", "agent_tool_response": event})
        await side.say("I am sorry, that did not work.")
        await side.connection.wait_closed()

    platform.part = part
    conversation = await converse(told, in_text(), company(talks, desks=desks), desk_id="desk-1")
    result = verdict(told, conversation)
    return result.outcome, result.reason


async def test_an_answer_that_never_arrived_blames_nobody(
    platform: Platform, talks: ElevenLabsTalks
) -> None:
    found = await finished_badly(platform, talks, {"reply": {"booked": True}, "after": "2s"})
    assert found == ("inconclusive", "ToolGatewayUnreachable")


@pytest.mark.slow
@pytest.mark.parametrize(
    "stub", [{"fail": "http503"}, {"fail": "timeout"}, {"reply": {"booked": True}, "after": "20s"}]
)
async def test_a_fault_the_script_wants_is_the_agents_to_cope_with(
    platform: Platform, talks: ElevenLabsTalks, stub: dict[str, Any]
) -> None:
    found = await finished_badly(platform, talks, stub)
    assert found == ("failed", "NotSaid")


class ClosedDesks(PassingDesks):
    """Desks in a store that has gone away."""

    async def desk_calls(self, desk_id: str, *, after: int = 0) -> Sequence[DeskCall]:
        raise StoreUnavailable(f"calls of {desk_id} after {after} cannot be read")


async def test_a_store_that_is_down_is_no_verdict(
    platform: Platform, talks: ElevenLabsTalks
) -> None:
    platform.part = answering("At nine.")
    told = script({"say": "When?", "expect": [{"says": "nine"}]})
    with pytest.raises(StoreUnavailable):
        await converse(told, in_text(), company(talks, desks=ClosedDesks()), desk_id="desk-1")
