"""A loop whose clock leaves out the time in which the whole process was stopped.

For servers of tests that have a loop and a thread of their own: a process that is stopped for a
second stops them and their clients alike, so nobody was silent for a second. Time that merely goes
by while there is much to do counts, so the pace is the real one. Knows nothing of what runs on it.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable
from typing import Final

LOOK_S: Final = 0.05
"""Somebody looks at the clock at least so often."""
STOP_S: Final = 0.25
"""So much of the time between two looks counts at most; the rest of it was a stop."""


class SteadyClock:
    """Seconds that went by while the process ran."""

    def __init__(self) -> None:
        self._looked_s = time.monotonic()
        self._stopped_s = 0.0

    def now_s(self) -> float:
        """Look at it."""
        now_s = time.monotonic()
        self._stopped_s += max(0.0, now_s - self._looked_s - STOP_S)
        self._looked_s = now_s
        return now_s - self._stopped_s


class _LookingSelector(selectors.DefaultSelector):
    """Looks at the clock while it waits."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        super().__init__()
        self._now_s = now_s

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait as the loop asks, in steps."""
        ends_s = float("inf") if timeout is None else self._now_s() + timeout
        while True:
            left_s = max(0.0, ends_s - self._now_s())
            ready = super().select(min(left_s, LOOK_S))
            if ready or self._now_s() >= ends_s:
                return ready


class SteadyLoop(asyncio.SelectorEventLoop):
    """Goes by such a clock."""

    def __init__(self) -> None:
        self._clock = SteadyClock()
        super().__init__(_LookingSelector(self._clock.now_s))

    def time(self) -> float:
        """Seconds that went by while the process ran."""
        return self._clock.now_s()
