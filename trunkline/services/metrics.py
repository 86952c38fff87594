"""The fleet in numbers, for Prometheus: how many agents and numbers are how, and why.

Counted in the store at a scrape and kept for a moment, because the address is open to whoever can
reach the server and a fleet is counted row by row. Names of agents are no labels: a fleet of ten
thousand would be ten thousand series.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from activities.clocks import SystemClock
from trunkline import metrics
from trunkline.fleet_metrics import Fleet
from trunkline.model.census import Census, Tally
from trunkline.model.delivery import Delivery, Released, delivery
from trunkline.model.errors import StoreUnavailable
from trunkline.model.limits import DELIVERY_DAYS
from trunkline.model.records import StatusCount
from trunkline.ports import Clock

KEPT_S = 5.0
"""Scrapes come every fifteen seconds or slower; whoever asks more often gets the same answer."""
HISTORY_KEPT_S = 30.0
"""What is counted over all promotions changes slowly and costs more than the fleet's state."""


class Countable(Protocol):
    """A store that can count statuses."""

    async def count_statuses(self) -> Sequence[StatusCount]:
        """How many there are of each kind and state, in every project."""

    async def tallies(self) -> Sequence[Tally]:
        """Promotions, evidence, drift, pull requests and notifications in numbers."""

    async def released(
        self, *, since: datetime, project: str = "", environment: str = ""
    ) -> Sequence[Released]:
        """Promotions that wrote a release since then, newest first, up to a bound."""

    async def releasing_environments(self) -> Sequence[tuple[str, str]]:
        """Projects and environments that promotions ever went to."""


class MetricsService:
    """What ``/metrics`` of the API says."""

    def __init__(self, store: Countable, clock: Clock | None = None) -> None:
        self._store = store
        self._clock = clock or SystemClock()
        self._counting = asyncio.Lock()
        self._census: Census | None = None
        self._counted_at_s = -float("inf")
        self._history_at_s = -float("inf")

    async def exposition(self, accepted: str = "") -> tuple[bytes, str]:
        """Metrics of this process and the fleet, with their content type; without the fleet if the
        store is away. ``accepted`` is what the caller's Accept header says.
        """
        async with self._counting:
            if time.monotonic() - self._counted_at_s > KEPT_S:
                await self._count()
        return metrics.exposition(accepted, Fleet(self._census))

    async def delivery(self, project: str, environment: str, *, days: int) -> Delivery:
        """DORA's four measures of an environment over the last days. Raises StoreUnavailable."""
        now = self._clock.now()
        released = await self._store.released(
            since=now - timedelta(days=days), project=project, environment=environment
        )
        return delivery(project, environment, released, days=days, now=now)

    async def _count(self) -> None:
        known = self._census
        try:
            statuses = await self._store.count_statuses()
            if known is None or time.monotonic() - self._history_at_s > HISTORY_KEPT_S:
                known = await self._history()
                self._history_at_s = time.monotonic()
            self._census = known.model_copy(update={"statuses": tuple(statuses)})
        except StoreUnavailable:
            self._census = None
        self._counted_at_s = time.monotonic()

    async def _history(self) -> Census:
        now = self._clock.now()
        released = await self._store.released(since=now - timedelta(days=DELIVERY_DAYS))
        places = await self._store.releasing_environments()
        return Census(
            tallies=tuple(await self._store.tallies()),
            deliveries=tuple(
                delivery(*place, released, days=DELIVERY_DAYS, now=now) for place in places
            ),
        )
