"""How long a command waits for the server, and how often it looks meanwhile.

What is waited for, and what is said when the time is up, each command knows itself.
"""

import time
from datetime import timedelta

SLOWER = 1.5
"""Each pause is so much longer than the one before: what ends soon is seen soon."""


class Patience:
    """Time that is waited in pieces of ``first_s`` up to ``longest_s`` seconds, each longer than
    the one before, or all the same. No ``timeout`` means that it never ends.
    """

    def __init__(
        self, timeout: timedelta | None, first_s: float, longest_s: float | None = None
    ) -> None:
        self._ends_s = None if timeout is None else time.monotonic() + timeout.total_seconds()
        self._first_s = first_s
        self._longest_s = first_s if longest_s is None else longest_s
        self._pause_s = first_s

    def lasts(self) -> bool:
        """Wait until the next look is due; False, at once, if the time is up."""
        left_s = self._pause_s if self._ends_s is None else self._ends_s - time.monotonic()
        if left_s <= 0:
            return False
        time.sleep(min(self._pause_s, left_s))
        self._pause_s = min(self._pause_s * SLOWER, self._longest_s)
        return True

    def look_closely(self) -> None:
        """Something begins that may be short: pauses are as at first."""
        self._pause_s = self._first_s
