"""Frames that say which they are and when they left, to measure what lies between two ends.

The first 12 bytes of a frame are its number (4 bytes) and the machine's monotonic clock in
nanoseconds (8 bytes), the highest byte first. The voice platform's look-alike speaks the same way
when it is told to, so each end can measure the other's frames, and its own when they are echoed.
"""

from __future__ import annotations

import struct
import time
from dataclasses import dataclass

from simulators.twilio.calls.bounds import FRAME_BYTES
from simulators.twilio.calls.pace import Pace
from simulators.wire import Json

HEADER = struct.Struct(">IQ")
REST = b"\x9f\x1f" * ((FRAME_BYTES - HEADER.size) // 2)
# A stamp older than this, or of the future, is sound that happens to be no stamp.
OLDEST_NS = 60_000_000_000


@dataclass(slots=True)
class Measured:
    """What frames with stamps told."""

    travel: Pace
    frames: int = 0
    missing: int = 0
    out_of_order: int = 0
    unstamped: int = 0

    def describe(self) -> Json:
        """Counts of frames, and how long they took."""
        return {
            "frames": self.frames,
            "missing": self.missing,
            "out_of_order": self.out_of_order,
            "unstamped": self.unstamped,
            "travel": self.travel.describe(),
        }


class Stamps:
    """Stamps the frames of one stream, and reads those that come back or from the other end."""

    def __init__(self, totals: Measured) -> None:
        self.measured = Measured(Pace())
        self._totals = totals
        self._next = 0
        self._expected = 0
        self._rest = b""

    def frame(self) -> bytes:
        """The next frame to send."""
        number = self._next
        self._next += 1
        return HEADER.pack(number, time.monotonic_ns()) + REST

    def take(self, sound: bytes) -> None:
        """Sound as it came, in pieces of any length."""
        if self._rest or len(sound) % FRAME_BYTES:
            sound = self._rest + sound
        now_ns = time.monotonic_ns()
        whole = len(sound) - len(sound) % FRAME_BYTES
        for start in range(0, whole, FRAME_BYTES):
            number, sent_ns = HEADER.unpack_from(sound, start)
            self._read(number, now_ns - sent_ns)
        self._rest = sound[whole:]

    def _read(self, number: int, age_ns: int) -> None:
        missing = number - self._expected
        for measured in (self.measured, self._totals):
            if not 0 <= age_ns < OLDEST_NS:
                measured.unstamped += 1
                continue
            measured.frames += 1
            measured.travel.note(age_ns / 1e9)
            if missing > 0:
                measured.missing += missing
            elif missing < 0:
                measured.out_of_order += 1
        if 0 <= age_ns < OLDEST_NS:
            self._expected = max(self._expected, number + 1)
