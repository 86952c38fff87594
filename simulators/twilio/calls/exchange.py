"""The telephone exchange: calls that live, from the first ring to the last report.

It decides what rings where and when, and keeps the record of every call true. What a call does
once it is answered is ``verbs``' business.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from simulators.twilio.calls.bounds import (
    DEFAULT_RING_S,
    LONGEST_CALL_S,
    MAX_KEPT_CALLS,
    MAX_LIVE_CALLS,
)
from simulators.twilio.calls.callbacks import INITIATED, Callbacks
from simulators.twilio.calls.crossing import crossed
from simulators.twilio.calls.dialling import ANSWERED, Dialling
from simulators.twilio.calls.gathering import Recordings
from simulators.twilio.calls.leg import COMPLETED, LIVE, OVER, CallbackPlan, Instructions, Leg
from simulators.twilio.calls.line import Line
from simulators.twilio.calls.machines import DETECTION_MS, Detection
from simulators.twilio.calls.pace import Pace
from simulators.twilio.calls.people import People, Person
from simulators.twilio.calls.persons import act
from simulators.twilio.calls.records import CallRecords, duration_of
from simulators.twilio.calls.signing import Signer
from simulators.twilio.calls.streaming import Streaming
from simulators.twilio.calls.troubles import TelephonyTroubles
from simulators.twilio.calls.verbs import Performer
from simulators.twilio.calls.web import Places, Web
from simulators.twilio.numbers import Numbers
from simulators.twilio.workspace import Workspace
from simulators.wire import Json

DIAL_TONES_S = 0.2
NO_DETECTION = Detection()
logger = logging.getLogger(__name__)


class TooManyCalls(Exception):
    """No more calls at once."""


class Exchange:
    """All calls of one account."""

    def __init__(
        self,
        workspace: Workspace,
        numbers: Numbers,
        *,
        account_sid: str,
        auth_token: str,
        platform_url: str | None,
    ) -> None:
        self._space = workspace
        self._numbers = numbers
        self.records = CallRecords(workspace, account_sid)
        self.people = People()
        self.troubles = TelephonyTroubles()
        self.web = Web(Places(platform_url), Signer(auth_token))
        self.callbacks = Callbacks(self.web, workspace.clock, self.troubles)
        self.streaming = Streaming(
            self.web,
            self.callbacks,
            self.troubles,
            new_sid=lambda: workspace.identifiers.twilio("MZ"),
            now=workspace.clock.now,
        )
        self._dialling = Dialling(self, self.web)
        self.recordings = Recordings(lambda: workspace.identifiers.twilio("RE"))
        self.pace = Pace()
        self.legs: dict[str, Leg] = {}
        self._people_at: dict[str, Person] = {}
        self._limits_s: dict[str, float] = {}
        self._beside: dict[str, list[asyncio.Task[None] | asyncio.TimerHandle]] = {}
        self._next_slot_s = 0.0

    def live(self) -> list[Leg]:
        """Calls that are not over."""
        return [leg for leg in self.legs.values() if leg.status not in OVER]

    def incoming(self, *, called: str, caller: str, person: Person) -> Leg:
        """Somebody calls a number of the account. Raises LookupError, TooManyCalls."""
        number = self._numbers.find(called)
        if number is None:
            raise LookupError(called)
        record = self.records.create(
            **{"to": called, "from": caller},
            status="ringing",
            direction="inbound",
            phone_number_sid=number["sid"],
            trunk_sid=number["trunk_sid"] or None,
            start_at=self._space.clock.now(),
        )
        plan = CallbackPlan(
            url=number["status_callback"], method=number["status_callback_method"] or "POST"
        )
        leg = self._leg(record, Line((self.pace,)), plan, person)
        self._space.store.commit()
        leg.note("ringing")
        self.begin(leg, self._answering(leg, self._voice_of(number, leg)))
        return leg

    def _voice_of(self, number: Json, leg: Leg) -> Instructions | None:
        """Where the number's TwiML is: a trunk wins over an application, that over the URL."""
        if number["trunk_sid"]:
            leg.note("trunk", trunk=number["trunk_sid"])
            return None
        fallback = number["voice_fallback_url"]
        url, method = number["voice_url"], number["voice_method"] or "POST"
        application = self._space.applications.get(number["voice_application_sid"] or "")
        if application is not None:
            url, method, fallback = application["voice_url"], "POST", ""
        return Instructions(
            url=url,
            method=method,
            fallback_url=fallback,
            fallback_method=number["voice_fallback_method"] or "POST",
        )

    async def _answering(self, leg: Leg, first: Instructions | None) -> str:
        if first is None or not (first.url or first.fallback_url):
            return "failed"
        leg.fallback = first
        return await self.perform(leg, first)

    def outgoing(
        self,
        *,
        called: str,
        caller: str,
        first: Instructions,
        callbacks: CallbackPlan,
        ring_s: float = DEFAULT_RING_S,
        limit_s: float = LONGEST_CALL_S,
        digits: str = "",
        detection: Detection = NO_DETECTION,
    ) -> Leg:
        """The account calls somebody, when its turn has come; whoever asks commits.

        Raises TooManyCalls.
        """
        number = self._numbers.find(caller)
        now_s = asyncio.get_running_loop().time()
        at_s = max(now_s, self._next_slot_s)
        self._next_slot_s = at_s + 1 / self.troubles.settings.calls_per_second
        record = self.records.create(
            **{"to": called, "from": caller},
            direction="outbound-api",
            phone_number_sid=number["sid"] if number else None,
            queue_ms=round((at_s - now_s) * 1000),
        )
        person = self.people.at(called)
        leg = self._leg(record, Line((self.pace,)), callbacks, person)
        leg.fallback = first
        self._limits_s[leg.sid] = limit_s

        async def life() -> str:
            await asyncio.sleep(at_s - now_s)
            if self._is_own(called):
                self._rings(leg)
                return await crossed(self, leg, first, ring_s)
            outcome = await self.ring(leg, ring_s)
            if outcome != ANSWERED:
                return outcome
            if detection.is_first:
                record["answered_by"] = detection.answered_by(person)
            self.pick_up(leg)
            if detection.is_beside:
                detecting = self._detect(leg, detection, person)
                self._beside[leg.sid].append(asyncio.create_task(detecting))
            if digits:
                leg.note("sends_digits", digits=digits)
                await asyncio.sleep(DIAL_TONES_S)
            return await self.perform(leg, first)

        self.begin(leg, life())
        return leg

    async def _detect(self, leg: Leg, detection: Detection, person: Person) -> None:
        """Find out who answered while the call goes on, and tell whoever asked."""
        await asyncio.sleep(DETECTION_MS / 1000)
        answered_by = detection.answered_by(person)
        leg.record["answered_by"] = answered_by
        self.records.save(leg.record)
        self._space.store.commit()
        leg.note("detected", answered_by=answered_by)
        if detection.url:
            told = {"AnsweredBy": answered_by, "MachineDetectionDuration": str(DETECTION_MS)}
            self.callbacks.tell(leg, detection.url, detection.method, told)

    def _is_own(self, called: str) -> bool:
        """True for a number of the account that somebody answers, unless a person was put there."""
        number = self._numbers.find(called)
        if number is None or self.people.is_put(called):
            return False
        return bool(number["voice_url"] or number["voice_application_sid"])

    def reach(self, leg: Leg) -> Leg:
        """The called number rings, as for a call from outside. Raises TooManyCalls."""
        called, caller = str(leg.record["to"]), str(leg.record["from"])
        return self.incoming(called=called, caller=caller, person=Person(number=caller))

    def child(
        self, parent: Leg, *, called: str, caller: str, callbacks: CallbackPlan, line: Line | None
    ) -> Leg:
        """A call that belongs to another. Raises TooManyCalls."""
        record = self.records.create(
            **{"to": called, "from": caller},
            direction="outbound-dial",
            parent_call_sid=parent.sid,
        )
        own = Line((self.pace,)) if line is None else line
        leg = self._leg(record, own, callbacks, self.people.at(called))
        leg.shares_line = line is not None
        self._space.store.commit()
        return leg

    def may_show(self, parent: Leg, caller: str) -> bool:
        """True for the parent's own numbers and the account's."""
        known = (parent.record["from"], parent.record["to"])
        return caller in known or self._numbers.find(caller) is not None

    def _leg(self, record: Json, line: Line, callbacks: CallbackPlan, person: Person) -> Leg:
        if len(self.live()) >= MAX_LIVE_CALLS:
            self.records.drop(record["sid"])
            raise TooManyCalls
        leg = Leg(record, line, callbacks)
        self.legs[leg.sid] = leg
        self._people_at[leg.sid] = person
        self._forget_oldest()
        return leg

    def _forget_oldest(self) -> None:
        over = [leg.sid for leg in self.legs.values() if leg.status in OVER]
        for sid in over[: max(0, len(over) - MAX_KEPT_CALLS)]:
            del self.legs[sid]

    def begin(self, leg: Leg, life: Coroutine[Any, Any, str]) -> None:
        """Let a call live; it ends with the status its life returns."""

        async def lived() -> None:
            leg.ends_as = await life

        leg.task = asyncio.create_task(lived())
        leg.task.add_done_callback(lambda task: self._ended(leg, life, task))

    def _ended(self, leg: Leg, life: Coroutine[Any, Any, str], task: asyncio.Task[None]) -> None:
        life.close()
        if task.cancelled():
            unasked = COMPLETED if leg.record["answered_at"] else "failed"
            status = leg.end_as or unasked
        elif task.exception() is not None:
            logger.error("call %s broke", leg.sid, exc_info=task.exception())
            status = "failed"
        else:
            status = leg.ends_as
        for work in self._beside.pop(leg.sid, ()):
            work.cancel()
        for stream in list(leg.streams):
            stream.end()
        if not leg.shares_line:
            leg.line.end()
        for sid in leg.children:
            child = self.legs.get(sid)
            if child is not None:
                child.stop()
        self._close_record(leg, status)

    def _close_record(self, leg: Leg, status: str) -> None:
        self._people_at.pop(leg.sid, None)
        self._limits_s.pop(leg.sid, None)
        leg.record["end_at"] = self._space.clock.now()
        self._set_status(leg, status)
        seconds = duration_of(leg.record) or 0
        duration = {"CallDuration": str(seconds), "Duration": str(-(-seconds // 60))}
        self.callbacks.report(leg, COMPLETED, duration)
        for future in (leg.answered, leg.joinable, leg.over):
            if not future.done():
                future.set_result(status)

    def _set_status(self, leg: Leg, status: str) -> None:
        leg.record["status"] = status
        leg.note("status", status=status)
        self.records.save(leg.record)
        self._space.store.commit()

    async def ring(self, leg: Leg, timeout_s: float) -> str:
        """Let it ring; ``answered`` or the status it ends with."""
        person = self._people_at[leg.sid]
        self._rings(leg, is_heard=person.answers in (ANSWERED, "no-answer"))
        after_s = person.after_ms / 1000
        if person.answers == ANSWERED and after_s > timeout_s:
            await asyncio.sleep(timeout_s)
            return "no-answer"
        await asyncio.sleep(min(after_s, timeout_s))
        return person.answers

    def _rings(self, leg: Leg, *, is_heard: bool = True) -> None:
        leg.record["start_at"] = self._space.clock.now()
        self.callbacks.report(leg, INITIATED, {})
        if is_heard:
            self._set_status(leg, "ringing")
            self.callbacks.report(leg, "ringing", {})

    def pick_up(self, leg: Leg) -> None:
        """It is answered: the line is open, the person begins, time counts."""
        now = self._space.clock.now()
        leg.record["answered_at"] = now
        self._set_status(leg, LIVE)
        self.callbacks.report(leg, ANSWERED, {})
        if not leg.answered.done():
            leg.answered.set_result(ANSWERED)
        limit_s = self._limits_s.get(leg.sid, LONGEST_CALL_S)
        loop = asyncio.get_running_loop()
        self._beside.setdefault(leg.sid, []).append(loop.call_later(limit_s, leg.stop))
        if leg.shares_line:
            return
        leg.line.begin(now)
        person = self._people_at[leg.sid]
        acting = act(
            person.script,
            leg.line,
            press=leg.press,
            hang_up=leg.stop,
            drop=leg.cut,
            note=leg.note,
            teach=self.web.teach,
        )
        self._beside[leg.sid].append(asyncio.create_task(acting))

    async def perform(self, leg: Leg, first: Instructions) -> str:
        """Carry out documents on a call until its end."""
        return await self._performer(leg).run(first)

    async def whisper(self, leg: Leg, first: Instructions) -> str | None:
        """Carry out documents on a dialled call before it is connected; the status it ends with,
        None if it goes on.
        """
        return await self._performer(leg).follow(first)

    def _performer(self, leg: Leg) -> Performer:
        return Performer(
            leg,
            self.web,
            dialling=self._dialling,
            streaming=self.streaming,
            recordings=self.recordings,
            pick_up=self.pick_up,
        )

    def limit(self, leg: Leg, limit_s: float) -> None:
        """End the call so long from now at the latest."""
        handle = asyncio.get_running_loop().call_later(limit_s, leg.stop)
        self._beside.setdefault(leg.sid, []).append(handle)

    async def stop(self) -> None:
        """End every call; nothing more is sent."""
        live = self.live()
        for leg in live:
            leg.stop()
        tasks = [leg.task for leg in live if leg.task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)
        streams = [stream.gone() for leg in self.legs.values() for stream in leg.past_streams]
        await asyncio.gather(*streams)
        await self.callbacks.stop()
        await self.web.close()

    def forget(self) -> None:
        """As at the start: no calls, nobody anywhere, no troubles."""
        self.legs.clear()
        self.people.clear()
        self.recordings.clear()
        self.troubles.clear()
        self.measure_afresh()
        self.web.places.lay({})
        self.web.signer.shared_key = None
        self._next_slot_s = 0.0

    def measure_afresh(self) -> None:
        """Forget how late ticks were and how long frames took."""
        self.pace.clear()
        self.streaming.clear()

    def close_abandoned(self) -> None:
        """Calls that went on when an earlier process ended are over."""
        for record in list(self._space.calls):
            if record["status"] not in OVER:
                record["status"] = COMPLETED if record["answered_at"] else "failed"
                record["end_at"] = self._space.clock.now()
                self._space.calls.put(record["sid"], record)
