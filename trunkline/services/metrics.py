"""The fleet in numbers, for Prometheus: how many agents and numbers are how, and why.

Counted in the store at a scrape and kept for a moment, because the address is open to whoever can
reach the server and a fleet is counted row by row. Names of agents are no labels: a fleet of ten
thousand would be ten thousand series.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Protocol

from trunkline import metrics
from trunkline.model.errors import StoreUnavailable
from trunkline.model.records import StatusCount

KEPT_S = 5.0
"""Scrapes come every fifteen seconds or slower; whoever asks more often gets the same answer."""


class Countable(Protocol):
    """A store that can count statuses."""

    async def count_statuses(self) -> Sequence[StatusCount]:
        """How many there are of each kind and state, in every project."""


class MetricsService:
    """What ``/metrics`` of the API says."""

    def __init__(self, store: Countable) -> None:
        self._store = store
        self._counting = asyncio.Lock()
        self._fleet = b""
        self._counted_at_s = -float("inf")

    async def exposition(self) -> bytes:
        """Metrics of this process and the fleet; without the fleet if the store is away."""
        async with self._counting:
            if time.monotonic() - self._counted_at_s > KEPT_S:
                await self._count()
        return metrics.exposition() + self._fleet

    async def _count(self) -> None:
        try:
            self._fleet = metrics.fleet(await self._store.count_statuses())
        except StoreUnavailable:
            self._fleet = metrics.fleet(None)
        self._counted_at_s = time.monotonic()
