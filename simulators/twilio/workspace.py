"""What the parts of the Twilio look-alike share: one account's records, time, ids, noise."""

from __future__ import annotations

import random

from simulators.clock import Clock
from simulators.identifiers import Identifiers
from simulators.listing import ListIndex, ListLag
from simulators.store import Store


class Workspace:
    """State and surroundings of one account."""

    def __init__(self, store: Store, clock: Clock, *, seed: int) -> None:
        self.store = store
        self.clock = clock
        self.identifiers = Identifiers(store, seed)
        self.numbers = store.collection("numbers")
        self.applications = store.collection("applications")
        self.calls = store.collection("calls")
        self.lag = ListLag()
        self.number_index = ListIndex(clock, self.lag)
        self.call_index = ListIndex(clock, self.lag)
        self.noise = True
        self._seed = seed

    def dice(self, *facts: object) -> random.Random:
        """Dice that fall the same way for the same facts and seed."""
        return random.Random(f"{self._seed}/{facts}")  # noqa: S311 - repeatable noise
