"""One live call: its record, its line, what it may be told to do, and what happened to it.

A call is a task. It ends by being told so, from whichever side; who tells it need not know what
it is doing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from simulators.twilio.calls.bounds import MAX_DIGITS, MAX_EVENTS
from simulators.twilio.calls.line import Line
from simulators.twilio.calls.media import MediaStream
from simulators.wire import Json

API_VERSION = "2010-04-01"
COMPLETED = "completed"
OVER = frozenset({COMPLETED, "busy", "failed", "no-answer", "canceled"})
WAITING = frozenset({"queued", "ringing"})
LIVE = "in-progress"
# Countries by the beginning of a number; the vendor sends an empty text for others.
COUNTRIES = {"+1": "US", "+33": "FR", "+34": "ES", "+39": "IT", "+43": "AT", "+44": "GB"}
COUNTRIES |= {"+41": "CH", "+49": "DE", "+31": "NL", "+46": "SE", "+48": "PL", "+61": "AU"}
MAX_UNREAD_DIGITS = 8 * MAX_DIGITS


@dataclass(frozen=True, slots=True)
class Instructions:
    """Where a call takes its TwiML from: an address, or the document itself."""

    url: str = ""
    method: str = "POST"
    fallback_url: str = ""
    fallback_method: str = "POST"
    twiml: str | None = None
    parameters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class CallbackPlan:
    """Which changes of a call are reported where."""

    url: str = ""
    method: str = "POST"
    events: frozenset[str] = frozenset({COMPLETED})


class Leg:
    """A call between its beginning and its end."""

    def __init__(self, record: Json, line: Line, callbacks: CallbackPlan) -> None:
        self.record = record
        self.line = line
        self.callbacks = callbacks
        self.events: deque[Json] = deque(maxlen=MAX_EVENTS)
        self.streams: list[MediaStream] = []
        self.past_streams: list[MediaStream] = []
        self.children: list[str] = []
        self.sequence = 0
        self.held_callbacks: list[Callable[[], None]] = []
        self.callback_chain: asyncio.Task[None] | None = None
        self.task: asyncio.Task[None] | None = None
        self.extra: Mapping[str, str] = {}
        self.takes_instructions = False
        self.fallback = Instructions()
        self._loop = asyncio.get_running_loop()
        self._begun_s = self._loop.time()
        self._performing: asyncio.Task[Instructions | None] | None = None
        self._wish: Instructions | None = None
        self.end_as: str | None = None
        self.ends_as = COMPLETED
        self.shares_line = False
        self._digits = ""
        self._digit_reader: Callable[[str], None] | None = None
        self.answered: asyncio.Future[str] = self._loop.create_future()
        self.joinable: asyncio.Future[str] = self._loop.create_future()
        self.over: asyncio.Future[str] = self._loop.create_future()

    @property
    def sid(self) -> str:
        """The call's SID."""
        return str(self.record["sid"])

    @property
    def status(self) -> str:
        """The call's status."""
        return str(self.record["status"])

    @property
    def is_whispered_to(self) -> bool:
        """True for who was dialled, picked up, and is not connected with the caller yet."""
        return bool(self.record["parent_call_sid"]) and not self.joinable.done()

    def note(self, event: str, **facts: object) -> None:
        """Remember what happened, in seconds since the call began."""
        at_s = round(self._loop.time() - self._begun_s, 3)
        self.events.append({"event": event, "at_s": at_s, **facts})

    def parameters(self) -> dict[str, str]:
        """What every request about this call carries."""
        record = self.record
        caller, called = record["from"], record["to"]
        given = {
            "CallSid": record["sid"],
            "AccountSid": record["account_sid"],
            "From": caller,
            "To": called,
            "Caller": caller,
            "Called": called,
            "CallStatus": record["status"],
            "ApiVersion": API_VERSION,
            "Direction": record["direction"],
            "ForwardedFrom": record["forwarded_from"] or "",
            "CallerName": record["caller_name"] or "",
            "ParentCallSid": record["parent_call_sid"] or "",
            "AnsweredBy": record["answered_by"] or "",
        }
        found = {name: value for name, value in given.items() if value}
        for side, number in (("From", caller), ("To", called)):
            other = "Caller" if side == "From" else "Called"
            for name in (side, other):
                found[f"{name}Country"] = country_of(number)
                for detail in ("State", "City", "Zip"):
                    found[f"{name}{detail}"] = ""
        return {**found, **self.extra}

    def stop(self, status: str | None = None) -> None:
        """End the call, now: with this status, or completed or canceled as it was answered."""
        if self.end_as is None and self.task is not None and not self.task.done():
            answered = self.record["answered_at"] is not None
            self.end_as = status or (COMPLETED if answered else "canceled")
            self.task.cancel()

    def redirect(self, instructions: Instructions) -> None:
        """Leave off whatever goes on, and do this."""
        self._wish = instructions
        if self._performing is not None:
            self._performing.cancel()

    async def perform(self, doing: asyncio.Task[Instructions | None]) -> Instructions | None:
        """What is to be done after this: what it says itself, or what was wished for meanwhile."""
        self._performing = doing
        if self._wish is not None:
            doing.cancel()
        try:
            following = await doing
        except asyncio.CancelledError:
            if self._wish is None or self.end_as is not None:
                raise
            self.line.ear.clear()
            following = None
        finally:
            self._performing = None
        if self._wish is not None:
            following, self._wish = self._wish, None
        return following

    def press(self, digits: str) -> None:
        """The caller's keys: to the streams, and to whoever gathers or will."""
        keys = "".join(digit for digit in digits if digit not in "wW")
        for stream in list(self.streams):
            stream.press(keys)
        if self._digit_reader is not None:
            self._digit_reader(keys)
        elif not any(stream.plan.is_bidirectional for stream in self.streams):
            self._digits = (self._digits + keys)[-MAX_UNREAD_DIGITS:]

    def gather(self, reader: Callable[[str], None] | None) -> None:
        """Give keys to this from now on, those that nobody read first; None for nobody."""
        self._digit_reader = reader
        if reader is not None and self._digits:
            digits, self._digits = self._digits, ""
            reader(digits)

    def cut(self) -> None:
        """The network goes: connections end without a word, and the call with them."""
        for stream in list(self.streams):
            stream.cut()
        self.stop()


def country_of(number: str) -> str:
    """Such as ``US``; empty when it is not known."""
    return next((COUNTRIES[prefix] for prefix in COUNTRIES if number.startswith(prefix)), "")
