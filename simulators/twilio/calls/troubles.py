"""How telephony behaves and goes wrong, as the control plane says: pace, frames, callbacks."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from simulators.faults import Selection
from simulators.limits import MAX_HANG_S
from simulators.moods import Mood, MoodSettings
from simulators.twilio.calls.bounds import (
    CALLS_PER_SECOND,
    FRAME_S,
    MAX_BURST_FRAMES,
    MAX_CALLBACK_FAULTS,
    MAX_JITTER_MS,
)

Send = Callable[[bytes], None]


class CallbackFaultKind(StrEnum):
    """What happens to a status callback."""

    LOST = "lost"
    TWICE = "twice"
    DELAYED = "delayed"
    OUT_OF_ORDER = "out-of-order"


class CallbackFault(Selection):
    """One fault of status callbacks; ``status`` narrows it to callbacks with this status.

    One that is out of order comes right after the next of its call.
    """

    kind: CallbackFaultKind
    status: str | None = None
    seconds: Annotated[float, Field(ge=0, le=MAX_HANG_S)] = 1.0


class TelephonySettings(MoodSettings):
    """Body of ``POST /_sim/telephony``; what is not given stays as it was.

    ``jitter_ms`` sends each frame up to so much late, in order; ``burst_frames`` holds so many
    back and sends them together. With ``stamps`` a caller who says nothing sends frames with
    stamps, and what comes is read for them, on streams that open from then on.
    """

    calls_per_second: Annotated[float, Field(gt=0, le=1_000)] = CALLS_PER_SECOND
    jitter_ms: Annotated[int, Field(ge=0, le=MAX_JITTER_MS)] = 0
    burst_frames: Annotated[int, Field(ge=1, le=MAX_BURST_FRAMES)] = 1
    stamps: bool = False
    callback_faults: Annotated[
        tuple[CallbackFault, ...], Field(max_length=MAX_CALLBACK_FAULTS)
    ] = ()


class Rhythm:
    """When the frames of one stream leave: each in its time, or late and in bunches."""

    def __init__(self, settings: TelephonySettings, dice: random.Random) -> None:
        self._jitter_ticks = round(settings.jitter_ms / 1000 / FRAME_S)
        self._burst = settings.burst_frames
        self._dice = dice
        self._held: deque[tuple[int, bytes]] = deque()
        self._seen = 0
        self.is_even = not self._jitter_ticks and self._burst == 1

    def send(self, message: bytes, tick: int, send: Send) -> None:
        """One frame now, later, or with others; never before one that came before it."""
        due = tick
        if self._jitter_ticks:
            due += self._dice.randint(0, self._jitter_ticks)
        if self._burst > 1:
            due += self._burst - 1 - self._seen % self._burst
        self._seen += 1
        if self._held:
            due = max(due, self._held[-1][0])
        self._held.append((due, message))
        while self._held and self._held[0][0] <= tick:
            send(self._held.popleft()[1])

    def release(self, send: Send) -> None:
        """Everything that is held back, because something else has to come after it."""
        while self._held:
            send(self._held.popleft()[1])


class TelephonyTroubles(Mood[TelephonySettings, CallbackFault]):
    """The settings of telephony in force."""

    def __init__(self) -> None:
        super().__init__(TelephonySettings(), "callback_faults")

    def rhythm(self) -> Rhythm:
        """The rhythm of a stream that begins now."""
        return Rhythm(self.settings, random.Random(self._dice.random()))  # noqa: S311

    def fault_of(self, status: str) -> CallbackFault | None:
        """What happens to the next callback; every fault that looks at it counts it."""
        return self._hit(lambda fault: fault.status in (None, status))
