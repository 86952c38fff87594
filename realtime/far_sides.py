"""The agent's side of a call that a conversation test placed, as it is written down meanwhile.

The call the test places and the call its number takes are two to the carrier and to us, in whatever
process each is carried. They find each other by both numbers and the time; from then on what the
agent says is read where it is kept for everybody, and only its sound comes over the line.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final, Literal

from trunkline.model.base import Json
from trunkline.model.calls.events import CallEvent, EventName
from trunkline.model.calls.limits import CALL_CLOCK_SKEW_S, HAPPENINGS_PAGE
from trunkline.model.calls.records import CallFilter, CallRecord
from trunkline.model.errors import ConversationLost, ConversationRefused
from trunkline.model.testing.placed import PHONE_BEGIN_S, PHONE_NEWS_LOOK_S, PhonePlan
from trunkline.model.testing.talk import (
    AgentCorrected,
    AgentSaid,
    CallerUnderstood,
    Ended,
    Interrupted,
    Opened,
    TalkEvent,
    ToolBegun,
    ToolDone,
)
from trunkline.ports.calls import CallHub, Calls

CALLS_LOOKED_AT: Final = 20
"""Calls of an environment since this one was placed: its own is among the first."""
NORMAL: Final = 1000


class FarSide:
    """Follows one call from its number's side."""

    def __init__(self, calls: Calls, hub: CallHub, near: CallRecord, plan: PhonePlan) -> None:
        self._calls = calls
        self._hub = hub
        self._near = near
        self._plan = plan
        self.conversation_id = ""

    async def events(self) -> AsyncIterator[TalkEvent]:
        """What the platform says, up to the end of the agent's side.

        Raises ConversationRefused if another agent than the one under test answers, and
        ConversationLost if its side broke off or never was there.
        """
        after, far = 0, None
        with self._hub.changes(self._near.project) as changed:
            async with asyncio.timeout(PHONE_BEGIN_S) as patience:
                try:
                    while far is None:
                        far = await self._found()
                        if far is None:
                            await _next(changed)
                except TimeoutError:
                    raise self._unanswered() from None
                patience.reschedule(None)
            self._require_expected(far)
            while True:
                page = await self._calls.events_of(
                    far.project, far.id, after=after, limit=HAPPENINGS_PAGE
                )
                for event in page:
                    after = event.seq
                    told = self._told(event)
                    if told is not None:
                        yield told
                    if isinstance(told, Ended):
                        return
                if not page:
                    await _next(changed)

    async def _found(self) -> CallRecord | None:
        """The call our number took, marked as part of the test from now on."""
        near = self._near
        where = CallFilter(
            environment=near.environment,
            direction="inbound",
            since=near.started_at - timedelta(seconds=CALL_CLOCK_SKEW_S),
        )
        numbers = (near.from_number, near.to_number)
        for call in await self._calls.calls(near.project, where, limit=CALLS_LOOKED_AT):
            if (call.from_number, call.to_number) == numbers and call.test in ("", near.test):
                return await self._calls.change_call(
                    call.project,
                    call.id,
                    lambda known: known.model_copy(update={"test": known.test or near.test}),
                )
        return None

    def _require_expected(self, far: CallRecord) -> None:
        plan = self._plan
        if far.agent != plan.agent:
            who = far.agent or "nobody"
            raise ConversationRefused(
                f"{who} answered at {plan.called.name} ({far.route.words}), not {plan.agent}",
                hint="Call at a time and from a number that the routing table leads to the agent",
            )
        if far.digest != plan.digest:
            raise ConversationRefused(
                f"{plan.agent} was deployed anew since the test was prepared",
                hint="Run the test again",
            )

    def _unanswered(self) -> ConversationLost:
        return ConversationLost(
            f"the call to {self._near.to_number} did not reach this server",
            why="NotConnected",
            hint="Check the number's addresses at the carrier: trunkline status shows its drift",
        )

    def _told(self, event: CallEvent) -> TalkEvent | None:
        if event.name == "connection_closed":
            return _end(event.data)
        reader = _READERS.get(event.name)
        told = reader(event.data) if reader is not None else None
        if isinstance(told, Opened):
            self.conversation_id = told.conversation_id
        return told


async def _next(changed: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(PHONE_NEWS_LOOK_S):
            await changed.wait()
    changed.clear()


def _end(data: Mapping[str, Json]) -> Ended:
    """How the agent's side ended. Raises ConversationLost unless one of the two hung up."""
    by, reason = str(data.get("by", "")), str(data.get("reason", ""))
    if by == "agent":
        return Ended(by="agent", code=NORMAL, reason=reason)
    if by == "caller":
        return Ended(by="caller", code=NORMAL, reason=reason)
    raise ConversationLost(reason or "the agent's side of the call broke off", why=by.capitalize())


def _tool(data: Mapping[str, Json]) -> TalkEvent:
    place = str(data.get("place", "service"))
    said: dict[str, Any] = {
        "tool": str(data.get("tool", "")),
        "call_id": str(data.get("callId", "")),
        "place": place if place in ("platform", "caller") else "service",
    }
    if data.get("phase") == "done":
        return ToolDone(**said, is_error=bool(data.get("isError")))
    return ToolBegun(**said)


def _text(data: Mapping[str, Json], name: Literal["text", "original", "corrected"]) -> str:
    return str(data.get(name, ""))


_READERS: Final[Mapping[EventName, Callable[[Mapping[str, Json]], TalkEvent]]] = {
    "conversation_started": lambda data: Opened(
        conversation_id=str(data.get("conversationId", ""))
    ),
    "agent_response": lambda data: AgentSaid(text=_text(data, "text")),
    "agent_response_correction": lambda data: AgentCorrected(
        original=_text(data, "original"), corrected=_text(data, "corrected")
    ),
    "user_transcript": lambda data: CallerUnderstood(text=_text(data, "text")),
    "interruption": lambda _: Interrupted(),
    "tool_call": _tool,
}
