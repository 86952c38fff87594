"""A place in an account's concurrency, for as long as a conversation under test lasts.

Callers come first: what they use, and a reserve on top, is not ours, and nothing ever runs into the
platform's paid burst. A place is kept by asking for it again and again, so that a worker's death
gives it back.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

from activities.heartbeats import Progress
from activities.testing_types import TestBounds
from trunkline.model.errors import ConcurrencyExhausted, PlatformError, StoreUnavailable
from trunkline.model.limits import TALK_PLACE_POLL_S, TALK_PLACES_DEFAULT
from trunkline.ports import Clock
from trunkline.ports.talking import Talks
from trunkline.ports.testing import Places

KEEPS_PER_PLACE = 3
"""How often a place is asked for again while it lasts; two may be late."""
LOOK_S = 2.0
"""How long what a platform said about its conversations counts for everybody who waits here."""


@dataclass(slots=True)
class _Look:
    """When an account was looked at, and how many places there are for us."""

    at_s: float
    places: int


class TalkPlaces:
    """Places of all accounts, as far as this process uses them."""

    def __init__(self, places: Places, clock: Clock) -> None:
        self._places = places
        self._clock = clock
        self._looks: dict[str, _Look] = {}
        self._looking = asyncio.Lock()

    @asynccontextmanager
    async def place(
        self, account: str, talks: Talks, holder: str, bounds: TestBounds, progress: Progress
    ) -> AsyncIterator[None]:
        """Hold a place while the block runs. Raises ConcurrencyExhausted after ``place_wait_s``."""
        await self._wait(account, talks, holder, bounds, progress)
        keeping = asyncio.create_task(self._keep(account, holder, bounds))
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            await self._places.leave_place(account, holder)

    async def _wait(
        self, account: str, talks: Talks, holder: str, bounds: TestBounds, progress: Progress
    ) -> None:
        deadline_s = time.monotonic() + bounds.place_wait_s
        while True:
            places = await self._number(account, talks, bounds)
            if places > 0 and await self._take(account, holder, places, bounds):
                return
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                raise ConcurrencyExhausted(
                    f"no place for a conversation within {bounds.place_wait_s:.0f} s: the account"
                    f" leaves {max(places, 0)} for tests, and all of them are taken",
                    hint="Try again when fewer calls are going on, or ask for fewer tests.",
                )
            progress.words = "waiting for a place"
            await asyncio.sleep(min(TALK_PLACE_POLL_S, left_s))

    async def _take(self, account: str, holder: str, places: int, bounds: TestBounds) -> bool:
        until = self._clock.now() + timedelta(seconds=bounds.place_s)
        return await self._places.take_place(account, holder, places, until)

    async def _keep(self, account: str, holder: str, bounds: TestBounds) -> None:
        while True:
            await asyncio.sleep(bounds.place_s / KEEPS_PER_PLACE)
            look = self._looks.get(account)
            with suppress(StoreUnavailable):
                await self._take(account, holder, max(look.places if look else 1, 1), bounds)

    async def _number(self, account: str, talks: Talks, bounds: TestBounds) -> int:
        """Places for tests: the account's, without a reserve and without what others use now."""
        async with self._looking:
            look = self._looks.get(account)
            if look is not None and time.monotonic() - look.at_s < LOOK_S:
                return look.places
            try:
                allowed = await talks.concurrency() or TALK_PLACES_DEFAULT
                going_on = await talks.in_progress()
            except PlatformError as error:
                if not error.retryable:
                    raise
                return look.places if look is not None else 0
            ours = await self._places.places_taken(account)
            places = max(allowed - bounds.reserve, 1) - max(going_on - ours, 0)
            self._looks[account] = _Look(time.monotonic(), places)
            return places
