"""Sound waiting to be played, with marks between it.

Whoever plays it takes a frame at a time; a mark is reached when everything before it was taken.
Nothing here knows time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from simulators.twilio.calls.bounds import FRAME_BYTES

Mark = Callable[[], None]


class Playout:
    """A queue of μ-law bytes and marks."""

    def __init__(self) -> None:
        self._items: deque[bytes | Mark] = deque()
        self._offset = 0
        self.waiting_bytes = 0

    def put(self, sound: bytes) -> None:
        """Play this after what is waiting."""
        if sound:
            self._items.append(sound)
            self.waiting_bytes += len(sound)

    def mark(self, reached: Mark) -> None:
        """Call this once what waits now has been taken; at once if nothing waits."""
        if self._items:
            self._items.append(reached)
        else:
            reached()

    def take(self) -> bytes | None:
        """The next frame, shorter at the end of the sound, or None when nothing waits."""
        items = self._items
        if not items:
            return None
        first = items[0]
        if isinstance(first, bytes) and not self._offset and len(first) == FRAME_BYTES:
            items.popleft()
            self.waiting_bytes -= FRAME_BYTES
            self._reach()
            return first
        taken = bytearray()
        while items and len(taken) < FRAME_BYTES:
            item = items[0]
            if not isinstance(item, bytes):
                self._reach()
                continue
            piece = item[self._offset : self._offset + FRAME_BYTES - len(taken)]
            taken += piece
            self._offset += len(piece)
            if self._offset == len(item):
                items.popleft()
                self._offset = 0
        self.waiting_bytes -= len(taken)
        self._reach()
        return bytes(taken) or None

    def _reach(self) -> None:
        while self._items and not isinstance(self._items[0], bytes):
            mark = self._items.popleft()
            if not isinstance(mark, bytes):
                mark()

    def clear(self) -> int:
        """Drop all sound and reach all marks, in order; how many bytes were dropped."""
        dropped, items = self.waiting_bytes, list(self._items)
        self._items.clear()
        self._offset = 0
        self.waiting_bytes = 0
        for item in items:
            if not isinstance(item, bytes):
                item()
        return dropped
