"""Simulated time: real seconds plus whatever the control plane added.

Time stamps, list lag and late effects read this clock, so a test can move an hour in no time.
Nothing here knows who asks.
"""

from __future__ import annotations

import asyncio
import time


class Clock:
    """Unix time that runs at the real pace and can be moved."""

    def __init__(self) -> None:
        self._offset_s = 0.0
        self._moved = asyncio.Event()

    def now(self) -> float:
        """Unix seconds."""
        return time.time() + self._offset_s

    def advance(self, seconds: float) -> None:
        """Move forward (or, with a negative figure, back) and wake whoever waits."""
        self._offset_s += seconds
        self._moved.set()
        self._moved = asyncio.Event()

    def set(self, unix_s: float) -> None:
        """Make it this moment now."""
        self.advance(unix_s - self.now())

    def reset(self) -> None:
        """Back to real time."""
        self.advance(-self._offset_s)

    async def wait(self, seconds: float) -> None:
        """Return when that much simulated time has passed."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self._offset_s + seconds
        while (remaining := due - loop.time() - self._offset_s) > 0:
            try:
                await asyncio.wait_for(self._moved.wait(), remaining)
            except TimeoutError:
                continue
