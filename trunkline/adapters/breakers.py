"""When an account is not worth asking any more, and when it is asked again.

A vendor that is down answers nobody faster because a thousand agents knock. A breaker opens when
most calls fail for a while, lets one call through when its time is over, and closes when that one
is served. Pure: the caller brings the time, in seconds of any clock. It knows no HTTP, no store.
"""

from collections import deque
from dataclasses import dataclass
from typing import Literal

from trunkline.model.limits import (
    BREAKER_FAILURES,
    BREAKER_HOLD_MAX_S,
    BREAKER_HOLD_S,
    BREAKER_SPACING_S,
    BREAKER_WINDOW_S,
)

Outcome = Literal["served", "limited", "failed"]
"""How a call that was sent ended: any answer of substance, a 429, or a 5xx or no answer."""


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """When to open and how long to stay open; times in seconds."""

    failures: int = BREAKER_FAILURES
    window_s: float = BREAKER_WINDOW_S
    spacing_s: float = BREAKER_SPACING_S
    hold_s: float = BREAKER_HOLD_S
    hold_max_s: float = BREAKER_HOLD_MAX_S


@dataclass(frozen=True, slots=True)
class Opening:
    """Why a breaker is open: how many failures were counted, and of which kind the last was."""

    failures: int
    limited: bool


@dataclass(frozen=True, slots=True)
class Ticket:
    """A call that was let through; a ``probe`` alone decides about an open breaker."""

    begun_s: float
    probe: bool = False


@dataclass(slots=True)
class _Second:
    second: int
    served: int = 0
    failed: int = 0


class Breaker:
    """One account's breaker.

    Failures close to each other are one failure: what was in flight together failed together. So
    it opens after ``failures`` of them, each ``spacing_s`` after the one before, if more calls of
    the window failed than were served. A 429 makes the account pause, so those that were on their
    way with it say nothing new and count as nothing.
    """

    def __init__(self, rules: BreakerRules) -> None:
        self._rules = rules
        self._calls: deque[_Second] = deque()
        self._counted_s: deque[float] = deque()
        self._limited_s = -float("inf")
        self._opening: Opening | None = None
        self._open_until_s = 0.0
        self._hold_s = rules.hold_s
        self._probing = False

    @property
    def opening(self) -> Opening | None:
        """Why it is open, half open included; None while closed."""
        return self._opening

    @property
    def hold_s(self) -> float:
        """How long it was last opened for."""
        return self._hold_s

    def wait_s(self, now_s: float) -> float:
        """Seconds until a call may be tried; 0 if one may go now."""
        if self._opening is None:
            return 0.0
        if self._probing:
            return max(self._open_until_s - now_s, self._rules.spacing_s)
        return max(0.0, self._open_until_s - now_s)

    def begin(self, now_s: float) -> Ticket:
        """A call goes out; ask ``wait_s`` before."""
        probe = self._opening is not None
        self._probing = self._probing or probe
        return Ticket(begun_s=now_s, probe=probe)

    def end(self, ticket: Ticket, outcome: Outcome | None, now_s: float) -> None:
        """How a call ended; None if that says nothing about the vendor."""
        if ticket.probe:
            self._probing = False
            if outcome == "served":
                self.close()
            elif outcome is not None and self._opening is not None:
                self._hold_s = min(self._hold_s * 2, self._rules.hold_max_s)
                self._open_until_s = now_s + self._hold_s
        elif self._opening is None and outcome is not None:
            self._count(ticket, outcome, now_s)

    def open(self, opening: Opening, *, hold_s: float, now_s: float) -> None:
        """Open, or stay open: somebody else found out, or goes on finding out."""
        if self._opening is None:
            self._opening = opening
            self._calls.clear()
            self._counted_s.clear()
            self._probing = False
        self._open_until_s = max(self._open_until_s, now_s + hold_s)

    def close(self) -> None:
        """The account serves again."""
        self._opening = None
        self._open_until_s = 0.0
        self._hold_s = self._rules.hold_s
        self._probing = False

    def _count(self, ticket: Ticket, outcome: Outcome, now_s: float) -> None:
        second = self._second(now_s)
        if outcome == "served":
            second.served += 1
            return
        if outcome == "limited":
            if ticket.begun_s < self._limited_s:
                return
            self._limited_s = now_s
        second.failed += 1
        last_s = self._counted_s[-1] if self._counted_s else -float("inf")
        if ticket.begun_s < last_s or now_s - last_s < self._rules.spacing_s:
            return
        self._counted_s.append(now_s)
        while self._counted_s[0] < now_s - self._rules.window_s:
            self._counted_s.popleft()
        served = sum(each.served for each in self._calls)
        failed = sum(each.failed for each in self._calls)
        if len(self._counted_s) >= self._rules.failures and failed > served:
            self._hold_s = self._rules.hold_s
            found = Opening(failures=failed, limited=outcome == "limited")
            self.open(found, hold_s=self._hold_s, now_s=now_s)

    def _second(self, now_s: float) -> _Second:
        current = int(now_s)
        while self._calls and self._calls[0].second < current - self._rules.window_s:
            self._calls.popleft()
        if not self._calls or self._calls[-1].second != current:
            self._calls.append(_Second(current))
        return self._calls[-1]
