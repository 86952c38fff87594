"""Reports of a call's changes, to whoever asked for them: in order, unless a fault says not.

A report is sent after the one before it was answered. What the receiver answers changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from simulators.clock import Clock
from simulators.twilio.calls.bounds import MAX_PENDING_CALLBACKS
from simulators.twilio.calls.leg import Leg
from simulators.twilio.calls.troubles import CallbackFaultKind, TelephonyTroubles
from simulators.twilio.calls.web import Unanswered, Web
from simulators.twilio.numbers import rfc2822

INITIATED = "initiated"


class Callbacks:
    """Sends the reports of all calls."""

    def __init__(self, web: Web, clock: Clock, troubles: TelephonyTroubles) -> None:
        self._web = web
        self._clock = clock
        self._troubles = troubles
        self._tasks: set[asyncio.Task[None]] = set()

    def report(self, leg: Leg, event: str, extra: dict[str, str]) -> None:
        """Report a change of a call, if somebody wants to know of it."""
        plan = leg.callbacks
        if not plan.url or event not in plan.events:
            return
        parameters = {
            **leg.parameters(),
            "CallStatus": INITIATED if event == INITIATED else leg.status,
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(leg.sequence),
            "Timestamp": rfc2822(self._clock.now()),
            **extra,
        }
        leg.sequence += 1
        fault = self._troubles.fault_of(parameters["CallStatus"])
        kind = fault.kind if fault else None
        if kind is CallbackFaultKind.LOST:
            leg.note("status_callback", status=parameters["CallStatus"], outcome="lost")
            return

        def send(delay_s: float = 0.0) -> None:
            self._spawn(self._deliver(leg, leg.callback_chain, parameters, delay_s), leg)

        last = event == "completed"
        if kind is CallbackFaultKind.OUT_OF_ORDER and not last:
            leg.held_callbacks.append(send)
            return
        if kind is CallbackFaultKind.DELAYED and fault is not None:
            waiting = self._deliver(leg, None, parameters, fault.seconds)
            self._spawn(waiting, None)
        else:
            send()
        if kind is CallbackFaultKind.TWICE:
            send()
        held, leg.held_callbacks = leg.held_callbacks, []
        for late in held:
            late()

    def tell(self, leg: Leg, url: str, method: str, parameters: dict[str, str]) -> None:
        """Send something else about a call, after what was sent about it."""
        whole = {**leg.parameters(), **parameters}
        self._spawn(self._ask(leg, leg.callback_chain, url, method, whole), leg)

    def _spawn(self, work: Coroutine[Any, Any, None], leg: Leg | None) -> None:
        if len(self._tasks) >= MAX_PENDING_CALLBACKS:
            work.close()
            return
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if leg is not None:
            leg.callback_chain = task

    async def _deliver(
        self,
        leg: Leg,
        before: asyncio.Task[None] | None,
        parameters: dict[str, str],
        delay_s: float,
    ) -> None:
        if delay_s:
            await self._clock.wait(delay_s)
        await self._ask(leg, before, leg.callbacks.url, leg.callbacks.method, parameters)

    async def _ask(
        self,
        leg: Leg,
        before: asyncio.Task[None] | None,
        url: str,
        method: str,
        parameters: dict[str, str],
    ) -> None:
        if before is not None:
            await asyncio.wait([before])
        outcome = "delivered"
        try:
            await self._web.ask(url, method, parameters)
        except Unanswered as error:
            outcome = str(error)
        facts = {"status": parameters["CallStatus"], "outcome": outcome}
        if "MachineDetectionDuration" in parameters:
            leg.note("machine_callback", **facts)
        elif "StreamEvent" in parameters:
            leg.note("stream_callback", stream_event=parameters["StreamEvent"], **facts)
        else:
            sequence = parameters.get("SequenceNumber", "")
            leg.note("status_callback", sequence=sequence, **facts)

    async def stop(self) -> None:
        """Send nothing more."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
