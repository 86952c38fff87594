"""How fast one account may be asked: a token bucket, a concurrency limit, pauses, and whose turn.

Vendors count per account, so everything that speaks to an account in this process shares one
``Pace``, and every process takes only its share of what the account allows. It must not know HTTP
or who the other processes are: it lets callers through by urgency and, within one urgency, in the
order they came, and refuses at once those who could not be served before their own deadline, so
that a caller never sends something nobody waits for any more.
"""

import asyncio
import math
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from trunkline import metrics
from trunkline.adapters.breakers import Breaker, BreakerRules, Opening, Outcome, Ticket
from trunkline.asking import Urgency, urgency
from trunkline.model.errors import AccountUnavailable, InvalidSettings, RateLimited
from trunkline.model.limits import QUEUE_WEIGHTS, RATE_RECOVERY, RETRY_AFTER_MAX_S

JITTER = 0.2
"""Share of a wait that is left to chance, so that a fleet does not come back in step."""
RATE_MIN = 1.0
"""Requests per second a rate is never cut below: slower would only look like an outage."""


@dataclass(frozen=True, slots=True)
class Rates:
    """What an account allows: requests per second on average, at once, and in flight."""

    requests_per_second: float = 20.0
    burst: int = 20
    concurrency: int = 20

    def __post_init__(self) -> None:
        if self.requests_per_second <= 0 or self.burst < 1 or self.concurrency < 1:
            raise InvalidSettings(
                "rates of an account must allow at least one request",
                hint="use a positive rate, and burst and concurrency of at least 1",
            )

    def narrowed(self, requests_per_second: float | None, concurrency: int | None) -> "Rates":
        """These with another rate or concurrency; a burst is never more than a second's worth."""
        rate = requests_per_second or self.requests_per_second
        return Rates(
            requests_per_second=rate,
            burst=max(1, min(self.burst, math.floor(rate))),
            concurrency=concurrency or self.concurrency,
        )

    def share(self, processes: int, rank: int) -> "Rates":
        """What one of so many processes may use; the first ones take what does not divide."""
        own = self.concurrency // processes + (rank < self.concurrency % processes)
        return Rates(
            requests_per_second=self.requests_per_second / processes,
            burst=max(1, self.burst // processes),
            concurrency=max(1, own),
        )


class Bucket:
    """A token bucket with pauses. Pure: the caller brings the time, in seconds of any clock."""

    def __init__(self, rates: Rates, *, now_s: float) -> None:
        self._rates = rates
        self._tokens = float(rates.burst)
        self._filled_at_s = now_s
        self._paused_until_s = now_s
        self._cut = 1.0

    @property
    def requests_per_second(self) -> float:
        """The rate in force, cut after refusals."""
        full = self._rates.requests_per_second
        return max(full * self._cut, min(full, RATE_MIN))

    def change(self, rates: Rates, *, now_s: float) -> None:
        """Go on with other rates; nothing is given that the new ones would not have given."""
        self._fill(now_s)
        self._rates = rates
        self._tokens = min(self._tokens, float(rates.burst))

    def drain(self, *, now_s: float) -> None:
        """Give up what was saved for a burst."""
        self._fill(now_s)
        self._tokens = min(self._tokens, 1.0)

    def wait_s(self, now_s: float) -> float:
        """Seconds until a token can be taken; 0 if one can be taken now."""
        self._fill(now_s)
        missing = max(0.0, 1.0 - self._tokens)
        return max(self.paused_s(now_s), missing / self.requests_per_second)

    def paused_s(self, now_s: float) -> float:
        """Seconds the pause still lasts."""
        return max(0.0, self._paused_until_s - now_s)

    def take(self, now_s: float) -> bool:
        """Take a token if that is possible now."""
        if self.wait_s(now_s) > 0:
            return False
        self._tokens -= 1.0
        return True

    def pause(self, duration_s: float, *, now_s: float) -> None:
        """Give nothing for a while; a shorter pause never cuts a longer one.

        The bucket is left with one token: after a refusal the account is asked again gently.
        """
        self._fill(now_s)
        self._paused_until_s = max(self._paused_until_s, now_s + max(0.0, duration_s))
        self._filled_at_s = self._paused_until_s
        self._tokens = min(self._tokens, 1.0)

    def cut(self) -> None:
        """The account refused what the rate allowed: halve it; it grows back by itself."""
        lowest = min(1.0, RATE_MIN / self._rates.requests_per_second)
        self._cut = max(self._cut / 2, lowest)

    def _fill(self, now_s: float) -> None:
        elapsed_s = now_s - self._filled_at_s
        if elapsed_s <= 0:
            return
        gained = elapsed_s * self.requests_per_second
        self._tokens = min(float(self._rates.burst), self._tokens + gained)
        if self._cut < 1.0:
            self._cut = min(1.0, self._cut * RATE_RECOVERY ** min(elapsed_s, 100.0))
        self._filled_at_s = now_s


Waiter = asyncio.Future[Ticket]


class Line:
    """Who waits for a turn. Urgencies take turns by weight, so that nobody starves."""

    def __init__(self) -> None:
        self._waiting: dict[Urgency, deque[Waiter]] = {each: deque() for each in Urgency}
        self._credit = dict.fromkeys(Urgency, 0)

    def __bool__(self) -> bool:
        return any(self._waiting.values())

    def add(self, waiter: Waiter, how: Urgency) -> None:
        """Take a place at the end."""
        self._waiting[how].append(waiter)

    def remove(self, waiter: Waiter, how: Urgency) -> None:
        """Leave the line, if still in it."""
        if waiter in self._waiting[how]:
            self._waiting[how].remove(waiter)

    def ahead(self, how: Urgency) -> int:
        """How many are served first, about: those as urgent or more."""
        return sum(len(self._waiting[each]) for each in Urgency if each <= how)

    def next(self) -> Waiter:
        """Whose turn it is; there must be somebody."""
        present = [each for each in Urgency if self._waiting[each]]
        for each in Urgency:
            self._credit[each] += QUEUE_WEIGHTS[each] if each in present else -self._credit[each]
        chosen = max(present, key=self._credit.__getitem__)
        self._credit[chosen] -= sum(QUEUE_WEIGHTS[each] for each in present)
        return self._waiting[chosen].popleft()

    def empty(self) -> list[Waiter]:
        """Everybody, sent away."""
        gone = [waiter for queue in self._waiting.values() for waiter in queue]
        for queue in self._waiting.values():
            queue.clear()
        return gone


class Slot:
    """A place in flight; whoever holds it says how the call ended."""

    def __init__(self, ticket: Ticket) -> None:
        self.ticket = ticket
        self.outcome: Outcome | None = None


class Pace:
    """The one gate every call to an account goes through. Belongs to one event loop."""

    def __init__(
        self, rates: Rates, *, vendor: str = "the account", breaker: BreakerRules | None = None
    ) -> None:
        self.vendor = vendor
        self.used_at_s = time.monotonic()
        self.news: Callable[[], None] = _nobody
        """Called when other processes must hear of a pause or of the breaker."""
        self._allowed = self._rates = rates
        self._share = (1, 0)
        self._joined = False
        self._bucket = Bucket(rates, now_s=self.used_at_s)
        self._breaker = Breaker(breaker or BreakerRules())
        self._line = Line()
        self._flying = 0
        self._told_until_s = 0.0
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def rates(self) -> Rates:
        """This process's share of what the account allows."""
        return self._rates

    @property
    def opening(self) -> Opening | None:
        """Why the account is not asked; None while it is."""
        return self._breaker.opening

    @property
    def hold_s(self) -> float:
        """How long the breaker was last opened for."""
        return self._breaker.hold_s

    @property
    def paused_s(self) -> float:
        """Seconds a pause still lasts that the vendor asked this process for."""
        return max(0.0, self._told_until_s - time.monotonic())

    def allow(self, rates: Rates) -> None:
        """What the account allows all processes together."""
        if rates != self._allowed:
            self._allowed = rates
            self._divide()

    def share(self, processes: int, rank: int) -> None:
        """Use the share of one of so many processes, the ``rank``-th from 0.

        Whoever joins others brings no burst of its own: theirs may just have been used.
        """
        joins, self._joined = not self._joined and processes > 1, True
        if joins:
            self._bucket.drain(now_s=time.monotonic())
        if (processes, rank) != self._share:
            self._share = (processes, rank)
            self._divide()

    @asynccontextmanager
    async def slot(self, *, timeout_s: float) -> AsyncIterator[Slot]:
        """Hold a place while a call is in flight.

        Raises RateLimited if none comes in time or the account is not to be asked, because it
        refused too much, and AccountUnavailable if it did not answer.
        """
        slot = Slot(await self._enter(timeout_s))
        try:
            yield slot
        finally:
            self._leave(slot)

    def pause(self, duration_s: float) -> None:
        """Send nothing more for a while: the vendor said when it may be asked again.

        An answer counts as use: others hear of the pause although the call was long under way.
        """
        now_s = self.used_at_s = time.monotonic()
        if self._bucket.paused_s(now_s) <= 0:
            self._bucket.cut()
        self._bucket.pause(duration_s, now_s=now_s)
        self._told_until_s = max(self._told_until_s, now_s + duration_s)
        self.news()

    def follow_pause(self, duration_s: float) -> None:
        """Another process was told to pause."""
        now_s = time.monotonic()
        if duration_s > self._bucket.paused_s(now_s):
            self._bucket.pause(duration_s, now_s=now_s)

    def follow_breaker(self, opening: Opening | None, *, hold_s: float) -> None:
        """Another process found the account down, or up again."""
        if opening is None:
            self._breaker.close()
        else:
            self._breaker.open(opening, hold_s=hold_s, now_s=time.monotonic())
        self._admit()

    async def _enter(self, timeout_s: float) -> Ticket:
        started_s = self.used_at_s = time.monotonic()
        how = urgency()
        self._refuse_vain(how, timeout_s, started_s)
        if not self._line and (ticket := self._take(started_s)) is not None:
            metrics.waited(self.vendor, how.name, 0.0)
            return ticket
        waiter: Waiter = asyncio.get_running_loop().create_future()
        self._line.add(waiter, how)
        self._admit()
        try:
            async with asyncio.timeout(timeout_s):
                ticket = await waiter
        except BaseException as error:
            self._line.remove(waiter, how)
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._leave(Slot(waiter.result()))
            if isinstance(error, TimeoutError):
                raise self._late(how, time.monotonic()) from error
            raise
        metrics.waited(self.vendor, how.name, time.monotonic() - started_s)
        return ticket

    def _refuse_vain(self, how: Urgency, timeout_s: float, now_s: float) -> None:
        closed_s = self._breaker.wait_s(now_s)
        if closed_s > 0:
            raise self._down(closed_s)
        if self._expected_s(how, now_s) > timeout_s:
            raise self._late(how, now_s)

    def _expected_s(self, how: Urgency, now_s: float) -> float:
        ahead = self._line.ahead(how)
        return self._bucket.wait_s(now_s) + ahead / self._bucket.requests_per_second

    def _take(self, now_s: float) -> Ticket | None:
        """A turn at once, if there is one."""
        free = self._flying < self._rates.concurrency
        if not free or self._breaker.wait_s(now_s) > 0 or self._bucket.wait_s(now_s) > 0:
            return None
        return self._launch(now_s)

    def _launch(self, now_s: float) -> Ticket:
        self._bucket.take(now_s)
        self._flying += 1
        return self._breaker.begin(now_s)

    def _admit(self) -> None:
        """Let in whoever may go now, and come back when the next one may."""
        now_s = time.monotonic()
        while self._line:
            closed_s = self._breaker.wait_s(now_s)
            if closed_s > 0:
                self._send_away(closed_s)
                return
            if self._flying >= self._rates.concurrency:
                return
            wait_s = self._bucket.wait_s(now_s)
            if wait_s > 0:
                self._wake_in(wait_s)
                return
            waiter = self._line.next()
            if not waiter.done():
                waiter.set_result(self._launch(now_s))

    def _send_away(self, closed_s: float) -> None:
        for waiter in self._line.empty():
            if not waiter.done():
                waiter.set_exception(self._down(closed_s))

    def _wake_in(self, wait_s: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = asyncio.get_running_loop().call_later(wait_s, self._admit)

    def _leave(self, slot: Slot) -> None:
        self._flying -= 1
        now_s = time.monotonic()
        was_open = self._breaker.opening is not None
        self._breaker.end(slot.ticket, slot.outcome, now_s)
        if slot.ticket.probe or was_open != (self._breaker.opening is not None):
            self.news()
        self._admit()

    def _divide(self) -> None:
        processes, rank = self._share
        self._rates = self._allowed.share(processes, rank)
        self._bucket.change(self._rates, now_s=time.monotonic())
        if self._line:
            self._admit()

    def _late(self, how: Urgency, now_s: float) -> RateLimited:
        metrics.refused(self.vendor, how.name)
        wait_s = min(max(self._expected_s(how, now_s), 0.1), RETRY_AFTER_MAX_S)
        return RateLimited(
            "not sent: the account's request rate leaves no room before the deadline",
            retry_after_s=wait_s,
            hint="wait; raise the account's rate limits if the vendor allows more",
        )

    def _down(self, wait_s: float) -> RateLimited | AccountUnavailable:
        opening = self._breaker.opening
        later_s = wait_s * (1.0 + random.uniform(0.0, JITTER))  # noqa: S311 - spreads load
        if opening is not None and opening.limited:
            return RateLimited(
                f"not sent: {self.vendor} refused most calls of the account as too many",
                retry_after_s=later_s,
                hint="it is tried again by itself; lower spec.rates of the Project manifest",
            )
        return AccountUnavailable(
            f"not sent: {self.vendor} did not serve most calls of the account",
            retry_after_s=later_s,
            hint="it is tried again by itself; look at the vendor's status page",
        )


def _nobody() -> None:
    """Nobody shares the account."""
