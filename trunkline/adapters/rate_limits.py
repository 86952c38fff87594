"""How fast one account may be asked: a token bucket, a concurrency limit, and pauses.

Vendors count per account, so everything that speaks to an account in this process shares one
``Pace``. It must not know HTTP: it only lets callers through in the order they came, and refuses
at once those who could not be served before their own deadline, so that a caller never sends
something nobody waits for any more.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from trunkline.model.errors import InvalidSettings, RateLimited


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


class Bucket:
    """A token bucket with pauses. Pure: the caller brings the time, in seconds of any clock."""

    def __init__(self, rates: Rates, *, now_s: float) -> None:
        self._rates = rates
        self._tokens = float(rates.burst)
        self._filled_at_s = now_s
        self._paused_until_s = now_s

    def wait_s(self, now_s: float) -> float:
        """Seconds until a token can be taken; 0 if one can be taken now."""
        self._fill(now_s)
        pause_s = max(0.0, self._paused_until_s - now_s)
        missing = max(0.0, 1.0 - self._tokens)
        return max(pause_s, missing / self._rates.requests_per_second)

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

    def _fill(self, now_s: float) -> None:
        elapsed_s = now_s - self._filled_at_s
        if elapsed_s <= 0:
            return
        gained = elapsed_s * self._rates.requests_per_second
        self._tokens = min(float(self._rates.burst), self._tokens + gained)
        self._filled_at_s = now_s


class Pace:
    """The one gate every call to an account goes through. Belongs to one event loop."""

    def __init__(self, rates: Rates) -> None:
        self._bucket = Bucket(rates, now_s=time.monotonic())
        self._places = asyncio.Semaphore(rates.concurrency)
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def slot(self, *, timeout_s: float) -> AsyncIterator[None]:
        """Hold a place while a call is in flight. Raises RateLimited if none comes in time."""
        deadline_s = time.monotonic() + timeout_s
        self._refuse_late(deadline_s)
        try:
            async with asyncio.timeout(timeout_s):
                await self._enter(deadline_s)
        except TimeoutError as error:
            raise self._refusal(self._bucket.wait_s(time.monotonic())) from error
        try:
            yield
        finally:
            self._places.release()

    def pause(self, duration_s: float) -> None:
        """Send nothing more for a while: the vendor said when it may be asked again."""
        self._bucket.pause(duration_s, now_s=time.monotonic())

    async def _enter(self, deadline_s: float) -> None:
        await self._places.acquire()
        try:
            async with self._turn:
                while not self._bucket.take(time.monotonic()):
                    wait_s = self._refuse_late(deadline_s)
                    await asyncio.sleep(wait_s)
        except BaseException:
            self._places.release()
            raise

    def _refuse_late(self, deadline_s: float) -> float:
        now_s = time.monotonic()
        wait_s = self._bucket.wait_s(now_s)
        if now_s + wait_s > deadline_s:
            raise self._refusal(wait_s)
        return wait_s

    @staticmethod
    def _refusal(wait_s: float) -> RateLimited:
        return RateLimited(
            "not sent: the account's request rate leaves no room before the deadline",
            retry_after_s=max(wait_s, 0.1),
            hint="wait; raise the account's rate limits if the vendor allows more",
        )
