"""What came in: counters per route, a bounded log, and the pressure limits.

Read by tests and benchmarks through the control plane. The log holds methods, paths, outcomes and
the id a client gave its request, never other headers, queries or bodies, so no credential can be in
it.
"""

from __future__ import annotations

import math
import time
from collections import Counter, deque

from simulators.limits import MAX_LOGGED_REQUESTS
from simulators.wire import Json


class Traffic:
    """Counters and log of one simulator."""

    def __init__(self) -> None:
        self._requests: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()
        self._log: deque[Json] = deque(maxlen=MAX_LOGGED_REQUESTS)
        self._clearings = 0
        self.in_flight = 0
        self.max_in_flight = 0

    def begin(self, method: str, route: str) -> int:
        """A request came in; answers what its end is to be told with."""
        self._requests[f"{method} {route}"] += 1
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        return self._clearings

    def end(self, entry: Json, begun: int) -> None:
        """A request is over; ``entry`` has method, path, route, status or None, effect, fault.

        One that came in before the last clearing is not part of what is counted since.
        """
        self.in_flight -= 1
        if begun != self._clearings:
            return
        self._statuses[str(entry["status"] or "none")] += 1
        self._log.append(entry)

    def note(self, entry: Json) -> None:
        """An effect without a request of its own: a late one."""
        self._log.append(entry)

    def counters(self) -> Json:
        """Requests per ``METHOD route`` and per status since the last clearing."""
        reads = sum(n for key, n in self._requests.items() if key.startswith("GET "))
        total = sum(self._requests.values())
        return {
            "requests": dict(sorted(self._requests.items())),
            "statuses": dict(sorted(self._statuses.items())),
            "total": total,
            "reads": reads,
            "writes": total - reads,
            "max_in_flight": self.max_in_flight,
        }

    def entries(self) -> list[Json]:
        """The log, oldest first."""
        return list(self._log)

    def clear(self) -> None:
        """Start counting and logging afresh."""
        self._clearings += 1
        self._requests.clear()
        self._statuses.clear()
        self._log.clear()
        self.max_in_flight = self.in_flight


class RateLimit:
    """A token bucket that holds one second's worth of requests. It runs on real time."""

    def __init__(self, requests_per_second: float | None) -> None:
        self.set(requests_per_second)

    def set(self, requests_per_second: float | None) -> None:
        """Change the rate; None means no limit. The bucket starts full."""
        self.requests_per_second = requests_per_second
        self._tokens = max(requests_per_second or 0.0, 1.0)
        self._filled_s = time.monotonic()

    def refusal_s(self) -> int | None:
        """Take a token and return None, or the whole seconds after which to try again."""
        rate = self.requests_per_second
        if rate is None:
            return None
        now = time.monotonic()
        self._tokens = min(max(rate, 1.0), self._tokens + (now - self._filled_s) * rate)
        self._filled_s = now
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            return None
        return max(1, math.ceil((1.0 - self._tokens) / rate))
