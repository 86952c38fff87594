"""A place in an account's concurrency, for as long as a conversation under test lasts.

Callers come first: what they use, and a reserve on top, is not ours, and nothing ever runs into the
platform's paid burst. A place is kept by asking for it again and again, so that a worker's death
gives it back. Those who wait stand in line: only the first one asks, and he is told at once when
somebody here leaves.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta

from activities.heartbeats import Progress
from activities.testing_types import TestBounds
from trunkline.model.errors import ConcurrencyExhausted, PlatformError, StoreUnavailable
from trunkline.model.testing.limits import TALK_LINE_MAX_S, TALK_PLACE_POLL_S, TALK_PLACES_DEFAULT
from trunkline.ports import Clock
from trunkline.ports.talking import Talks
from trunkline.ports.testing import Places

KEEPS_PER_PLACE = 3
"""How often a place is asked for again while it lasts; two may be late."""
LOOK_S = 2.0
"""How long what a platform said about its conversations counts for everybody who waits here."""


@dataclass(slots=True)
class _Look:
    """When an account was looked at, and how many of its conversations are not ours."""

    at_s: float
    others: int


@dataclass(slots=True)
class _Line:
    """Those who wait for a place of one account, and when it last went on."""

    first: asyncio.Lock = field(default_factory=asyncio.Lock)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    moved_at_s: float = 0.0
    look: _Look | None = None
    places: int = 1

    def move(self, now_s: float) -> None:
        """A place was taken or is free again."""
        self.moved_at_s = now_s
        self.left.set()


class TalkPlaces:
    """Places of all accounts, as far as this process uses them; lines go by ``clock_s``."""

    def __init__(
        self, places: Places, clock: Clock, *, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._places = places
        self._clock = clock
        self._clock_s = clock_s
        self._lines: defaultdict[str, _Line] = defaultdict(_Line)

    @asynccontextmanager
    async def place(
        self, account: str, talks: Talks, holder: str, bounds: TestBounds, progress: Progress
    ) -> AsyncIterator[None]:
        """Hold a place while the block runs.

        Raises ConcurrencyExhausted if nobody here got or left one for ``place_wait_s``.
        """
        await self._wait(account, talks, holder, bounds, progress)
        keeping = asyncio.create_task(self._keep(account, holder, bounds))
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            await self._places.leave_place(account, holder)
            self._lines[account].move(self._clock_s())

    async def _wait(
        self, account: str, talks: Talks, holder: str, bounds: TestBounds, progress: Progress
    ) -> None:
        line = self._lines[account]
        began_s = self._clock_s()
        progress.words = "waiting for a place"
        async with line.first:
            while not await self._got(account, talks, holder, bounds):
                since_s = max(began_s, line.moved_at_s)
                until_s = min(since_s + bounds.place_wait_s, began_s + TALK_LINE_MAX_S)
                left_s = until_s - self._clock_s()
                if left_s <= 0:
                    raise ConcurrencyExhausted(
                        f"no place for a conversation within {bounds.place_wait_s:.0f} s: the"
                        f" account leaves {max(line.places, 0)} for tests, and all of them are"
                        " taken",
                        hint="Try again when fewer calls are going on, or ask for fewer tests.",
                    )
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(TALK_PLACE_POLL_S, left_s)):
                        await line.left.wait()

    async def _got(self, account: str, talks: Talks, holder: str, bounds: TestBounds) -> bool:
        """Ask once; somebody who leaves from now on is worth asking again."""
        line = self._lines[account]
        line.left.clear()
        line.places = await self._number(account, talks, bounds)
        if line.places <= 0 or not await self._take(account, holder, line.places, bounds):
            return False
        line.move(self._clock_s())
        return True

    async def _take(self, account: str, holder: str, places: int, bounds: TestBounds) -> bool:
        until = self._clock.now() + timedelta(seconds=bounds.place_s)
        return await self._places.take_place(account, holder, places, until)

    async def _keep(self, account: str, holder: str, bounds: TestBounds) -> None:
        while True:
            await asyncio.sleep(bounds.place_s / KEEPS_PER_PLACE)
            places = max(self._lines[account].places, 1)
            with suppress(StoreUnavailable):
                await self._take(account, holder, places, bounds)

    async def _number(self, account: str, talks: Talks, bounds: TestBounds) -> int:
        """Places for tests: the account's, without a reserve and without what others use now.

        What the account allows is asked every time: it is known since the first conversation.
        """
        line = self._lines[account]
        allowed = await talks.concurrency() or TALK_PLACES_DEFAULT
        if line.look is None or self._clock_s() - line.look.at_s >= LOOK_S:
            ours = await self._places.places_taken(account)
            try:
                going_on = await talks.in_progress()
            except PlatformError as error:
                if not error.retryable:
                    raise
                return line.places if line.look is not None else 0
            ours = max(ours, await self._places.places_taken(account))
            line.look = _Look(self._clock_s(), max(going_on - ours, 0))
        return max(allowed - bounds.reserve, 1) - line.look.others
