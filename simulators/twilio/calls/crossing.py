"""A call from a number of the account to another number of it: two calls that hear each other.

Both have records of their own, as at the vendor. What the caller's instructions play is what the
called number hears, and the other way round; keys travel as the tones they are. Whoever hangs up
takes the other one along.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from simulators.twilio.calls.bounds import FRAME_BYTES
from simulators.twilio.calls.dialling import ANSWERED
from simulators.twilio.calls.leg import OVER, Instructions, Leg
from simulators.twilio.calls.line import SILENT_FRAME, Line, Listener

SILENCE = b"\xff"
# Both ends tick by themselves: as much as one may be behind the other.
CUSHION_FRAMES = 3


class Numbers(Protocol):
    """What crossing needs of the exchange."""

    def reach(self, leg: Leg) -> Leg:
        """Let the called number ring as for a call from outside."""

    def pick_up(self, leg: Leg) -> None:
        """It is answered."""

    async def perform(self, leg: Leg, first: Instructions) -> str:
        """Carry out documents on a call."""


async def crossed(numbers: Numbers, leg: Leg, first: Instructions, ring_s: float) -> str:
    """The life of the caller's side from its ring on; the status it ends with."""
    other = numbers.reach(leg)
    leg.note("rings_at", call=other.sid)
    try:
        try:
            async with asyncio.timeout(ring_s):
                outcome = await asyncio.shield(other.answered)
        except TimeoutError:
            return "no-answer"
        if outcome != ANSWERED:
            return "failed"
        numbers.pick_up(leg)
        to_other, to_leg = _passing(other.line), _passing(leg.line)
        leg.line.listen(to_other)
        other.line.listen(to_leg)
        other.over.add_done_callback(lambda _: leg.stop())
        try:
            return await numbers.perform(leg, first)
        finally:
            leg.line.leave(to_other)
            other.line.leave(to_leg)
    finally:
        if other.status not in OVER:
            other.stop()


def _passing(line: Line) -> Listener:
    """What is played on one side is spoken on the other, silence included, so that a tick that is
    late tears no hole.
    """
    line.voice.put(SILENT_FRAME * CUSHION_FRAMES)

    def passed(spoken: bytes | None, played: bytes | None) -> None:
        del spoken
        line.voice.put((played or b"").ljust(FRAME_BYTES, SILENCE))

    return passed
