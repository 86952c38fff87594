"""How late the ticks of calls come: measured, so that a benchmark knows what to believe.

A figure is the time between the moment a frame was due and the moment it was handled, in steps of
a quarter of a millisecond up to a second.
"""

from __future__ import annotations

from simulators.wire import Json

STEP_MS = 0.25
STEPS = 4_000


class Pace:
    """Counts how late ticks were."""

    __slots__ = ("_counts", "_sum_ms", "most_ms", "ticks")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Measure afresh."""
        self._counts: dict[int, int] = {}
        self._sum_ms = 0.0
        self.ticks = 0
        self.most_ms = 0.0

    def note(self, late_s: float) -> None:
        """One tick."""
        late_ms = late_s * 1000 if late_s > 0 else 0.0
        step = min(int(late_ms / STEP_MS), STEPS)
        self._counts[step] = self._counts.get(step, 0) + 1
        self._sum_ms += late_ms
        self.ticks += 1
        self.most_ms = max(self.most_ms, late_ms)

    def _quantile_ms(self, share: float) -> float:
        left = share * self.ticks
        for step in sorted(self._counts):
            left -= self._counts[step]
            if left <= 0:
                return min((step + 1) * STEP_MS, self.most_ms)
        return 0.0

    def describe(self) -> Json:
        """``ticks``, ``mean_ms``, ``p50_ms``, ``p99_ms``, ``most_ms``."""
        mean_ms = self._sum_ms / self.ticks if self.ticks else 0.0
        return {
            "ticks": self.ticks,
            "mean_ms": round(mean_ms, 3),
            "p50_ms": round(self._quantile_ms(0.5), 3),
            "p99_ms": round(self._quantile_ms(0.99), 3),
            "most_ms": round(self.most_ms, 3),
        }
