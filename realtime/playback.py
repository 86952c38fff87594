"""How much of what the agent said the caller has heard, as the carrier's marks tell.

The carrier plays behind what it is sent, by as much as it was sent at once. So the end of a reply
is not when it was sent, and of an interrupted one only what was played before is known to the
caller. Pure: no clock, no socket.
"""

import re
from collections import deque
from typing import Final

from trunkline.model.calls.limits import MARK_EVERY_MS, MARKS_OPEN_MAX

MARK_NAME: Final = re.compile(r"[0-9]{1,9}")


class Playback:
    """Counts what was sent and what was played, in milliseconds, turn by turn."""

    def __init__(self) -> None:
        self._marks: deque[tuple[int, float]] = deque(maxlen=MARKS_OPEN_MAX)
        self._number = 0
        self._unmarked_ms = 0.0
        self.sent_ms = 0.0
        self.heard_ms = 0.0

    @property
    def waiting_ms(self) -> float:
        """What was sent and is not known to be played."""
        return self.sent_ms - self.heard_ms

    def sent(self, duration_ms: float) -> int | None:
        """So much went out; the number of a mark to be sent behind it, if one is due."""
        self.sent_ms += duration_ms
        self._unmarked_ms += duration_ms
        return self.mark() if self._unmarked_ms >= MARK_EVERY_MS else None

    def mark(self) -> int:
        """The number of a mark behind everything that was sent."""
        self._number += 1
        self._unmarked_ms = 0.0
        self._marks.append((self._number, self.sent_ms))
        return self._number

    def marked(self, name: str) -> None:
        """The carrier answered a mark. One that is not ours, or was cut off, says nothing."""
        if not MARK_NAME.fullmatch(name):
            return
        number = int(name)
        while self._marks and self._marks[0][0] <= number:
            self.heard_ms = self._marks.popleft()[1]

    def begin(self) -> None:
        """A new turn of the agent: what it says now is counted from nothing, behind what waits."""
        behind = self.waiting_ms
        self._marks = deque(
            ((number, at - self.sent_ms) for number, at in self._marks), maxlen=MARKS_OPEN_MAX
        )
        self.sent_ms = 0.0
        self.heard_ms = -behind

    def cut(self) -> int:
        """What waits was taken away; how much of the turn was heard, in whole milliseconds."""
        heard = max(0, round(self.heard_ms))
        self._marks.clear()
        self._unmarked_ms = 0.0
        self.sent_ms = self.heard_ms = 0.0
        return heard
