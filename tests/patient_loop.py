"""A loop whose clock stands still while there is something to do, for tests of one process.

Where everybody who talks shares a loop, how late the machine is says nothing about them: a process
that is stopped for a second, or shares its processor with others, takes no time here, and whatever
is measured by the loop's clock is what the parts do. Knows nothing of what runs on it.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import pytest

LoopFactory: TypeAlias = Callable[[], asyncio.AbstractEventLoop]
LOOK_S: Final = 0.02
"""So much of a wait counts at most before it is looked again: the rest of it was a stop."""
BLINK_S: Final = 1e-5
"""What each look costs, so that even who never waits comes to an end."""


class PatientSelector(selectors.DefaultSelector):
    """Counts the time in which nothing was ready."""

    def __init__(self) -> None:
        super().__init__()
        self.passed_s = time.monotonic()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait as the loop asks, looking again and again."""
        left_s = float("inf") if timeout is None else max(timeout, 0.0)
        while True:
            look_s = min(left_s, LOOK_S)
            began_s = time.monotonic()
            ready = super().select(look_s)
            self.passed_s += BLINK_S
            if ready:
                return ready
            self.passed_s += min(time.monotonic() - began_s, look_s)
            left_s -= look_s
            if left_s <= 0:
                return ready


class PatientLoop(asyncio.SelectorEventLoop):
    """Goes by the clock of its selector."""

    def __init__(self) -> None:
        self._waiting = PatientSelector()
        super().__init__(self._waiting)

    def time(self) -> float:
        """Seconds that went by while nobody had anything to do."""
        return self._waiting.passed_s


def loops_for(item: pytest.Item, *fixtures: str) -> Mapping[str, LoopFactory]:
    """The patient loop for tests of one of these fixtures, and the usual one for all others."""
    is_theirs = not {*fixtures}.isdisjoint(getattr(item, "fixturenames", ()))
    return {"loop": PatientLoop if is_theirs else asyncio.new_event_loop}
