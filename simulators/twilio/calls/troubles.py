"""How telephony behaves and goes wrong, as the control plane says: pace, frames, callbacks."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from simulators.faults import Armed, Selection, first_hit
from simulators.limits import MAX_HANG_S
from simulators.twilio.calls.bounds import (
    CALLS_PER_SECOND,
    FRAME_S,
    MAX_BURST_FRAMES,
    MAX_CALLBACK_FAULTS,
    MAX_JITTER_MS,
)
from simulators.wire import Json

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


class TelephonySettings(BaseModel):
    """Body of ``POST /_sim/telephony``; what is not given stays as it was.

    ``jitter_ms`` sends each frame up to so much late, in order; ``burst_frames`` holds so many
    back and sends them together. With ``stamps`` a caller who says nothing sends frames with
    stamps, and what comes is read for them, on streams that open from then on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    calls_per_second: Annotated[float, Field(gt=0, le=1_000)] = CALLS_PER_SECOND
    jitter_ms: Annotated[int, Field(ge=0, le=MAX_JITTER_MS)] = 0
    burst_frames: Annotated[int, Field(ge=1, le=MAX_BURST_FRAMES)] = 1
    stamps: bool = False
    seed: int = 0
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


class TelephonyTroubles:
    """The settings in force, with dice of their own."""

    def __init__(self) -> None:
        self.settings = TelephonySettings()
        self.clear()

    def clear(self) -> None:
        """As at the start."""
        self._take(TelephonySettings())

    def change(self, settings: TelephonySettings) -> None:
        """These from now on; faults and dice begin afresh if the body names them."""
        given = {name: getattr(settings, name) for name in settings.model_fields_set}
        merged = self.settings.model_copy(update=given)
        if {"callback_faults", "seed"} & set(given):
            self._take(merged)
        else:
            self.settings = merged

    def _take(self, settings: TelephonySettings) -> None:
        self.settings = settings
        self._dice = random.Random(settings.seed)  # noqa: S311 - repeatable dice
        self._armed = [Armed(fault) for fault in settings.callback_faults]

    def rhythm(self) -> Rhythm:
        """The rhythm of a stream that begins now."""
        return Rhythm(self.settings, random.Random(self._dice.random()))  # noqa: S311

    def fault_of(self, status: str) -> CallbackFault | None:
        """What happens to the next callback; every fault that looks at it counts it."""
        return first_hit(self._armed, self._dice, lambda fault: fault.status in (None, status))

    def describe(self) -> Json:
        """The settings, and how many callbacks each fault has seen and hit."""
        faults = [armed.describe() for armed in self._armed]
        return {**self.settings.model_dump(mode="json"), "callback_faults": faults}
