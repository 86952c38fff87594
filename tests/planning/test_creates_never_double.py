"""Simulated worlds: lost answers, lagging lists, crashes and zombies never make two objects.

A world is a clock, a platform whose lists lag by at most the bound, and a row with compare-and-
swap. Workers run the protocol of ``creation`` and die or freeze at any step; a frozen one goes on
later with what it knew.
"""

import os
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.model.creation import (
    Adopt,
    Create,
    Found,
    LookUp,
    decide,
    open_attempt,
    remaining_s,
)
from trunkline.model.ids import ExternalId
from trunkline.model.ledger import Attempt

SHARE = float(os.environ.get("TRUNKLINE_TEST_SHARE", "0.1"))
START = datetime(2030, 1, 1, tzinfo=UTC)
BOUND_S = 30.0
TIMEOUT_S = 10.0
Steps = Generator[float, None, None]


@dataclass
class World:
    """Time passes only when a worker says so; every wait is drawn from the example."""

    now: datetime = START
    objects: list[tuple[datetime, datetime, ExternalId]] = field(default_factory=list)
    attempt: Attempt | None = None
    settled: ExternalId | None = None

    def take_effect(self, after_s: float, lag_s: float) -> ExternalId:
        """A request now on its way: it takes effect later and shows in lists later still."""
        external_id = ExternalId(f"agent_{len(self.objects)}")
        made = self.now + timedelta(seconds=after_s)
        self.objects.append((made, made + timedelta(seconds=lag_s), external_id))
        return external_id

    def listed(self) -> tuple[Found, ...]:
        return tuple(
            Found(external_id, int(made.timestamp()))
            for made, visible, external_id in self.objects
            if visible <= self.now
        )


@dataclass(frozen=True)
class Fate:
    """What goes wrong in one run of the protocol."""

    before_send_s: float
    flight_share: float
    lag_s: float
    answer_lost: bool
    refused: bool
    dies_after_row: bool
    look_up_complete: bool


FATES = st.builds(
    Fate,
    before_send_s=st.sampled_from([0.0, 1.0, 9.0, 60.0]),
    flight_share=st.sampled_from([0.0, 0.5, 0.99]),
    lag_s=st.sampled_from([0.0, 15.0, BOUND_S]),
    answer_lost=st.booleans(),
    refused=st.booleans(),
    dies_after_row=st.booleans(),
    look_up_complete=st.booleans(),
)


def worker(world: World, fate: Fate) -> Steps:
    """One activity run; yields how long it takes until its next step."""
    if world.settled is not None:
        return
    known, began_at = world.attempt, world.now
    yield 0.0
    found = world.listed() if fate.look_up_complete else ()
    look_up = LookUp(found, fate.look_up_complete, began_at)
    decision = decide(known, look_up, lag_bound_s=BOUND_S)
    if isinstance(decision, Adopt):
        world.settled = decision.external_id
    elif isinstance(decision, Create) and world.attempt == known and world.settled is None:
        mine = open_attempt(known, world.now, TIMEOUT_S)
        assert mine.number == decision.number
        world.attempt = mine
        if not fate.dies_after_row:
            yield fate.before_send_s
            yield from send(world, fate, mine)


def send(world: World, fate: Fate, mine: Attempt) -> Steps:
    """The request itself, unless its deadline has passed."""
    left_s = remaining_s(mine, world.now)
    if left_s <= 0:
        return
    if fate.refused:
        world.attempt = None if world.attempt == mine else world.attempt
        return
    flight_s = fate.flight_share * left_s
    made = world.take_effect(flight_s, fate.lag_s)
    yield flight_s
    if not fate.answer_lost:
        world.settled = made


def advance(world: World, seconds: float) -> None:
    world.now += timedelta(seconds=seconds)


@settings(max_examples=round(5000 * SHARE), deadline=None)
@given(
    fates=st.lists(FATES, min_size=1, max_size=8),
    gaps=st.lists(st.sampled_from([0.0, 1.0, 5.0, 29.0, 39.0, 45.0]), min_size=8, max_size=8),
)
def test_runs_one_after_another_make_one_object(fates: list[Fate], gaps: list[float]) -> None:
    world = World()
    for fate, gap in zip(fates, gaps, strict=False):
        for pause in worker(world, fate):
            advance(world, pause)
        advance(world, gap)
        assert len(world.objects) <= 1


@settings(max_examples=round(5000 * SHARE), deadline=None)
@given(
    fates=st.lists(FATES, min_size=2, max_size=6),
    order=st.lists(st.integers(0, 5), min_size=1, max_size=60),
    ticks=st.lists(st.sampled_from([0.0, 1.0, 10.0, 29.0, 31.0]), min_size=60, max_size=60),
)
def test_zombies_beside_fresh_runs_make_one_object(
    fates: list[Fate], order: list[int], ticks: list[float]
) -> None:
    """Runs are interleaved in any order, and each may stay frozen for as long as it likes."""
    world = World()
    running: dict[int, tuple[Steps, datetime]] = {}
    for index, tick in zip(order, ticks, strict=False):
        advance(world, tick)
        place = index % len(fates)
        step, ready_at = running.pop(place, (worker(world, fates[place]), world.now))
        if ready_at > world.now:
            running[place] = (step, ready_at)
            continue
        pause = next(step, None)
        if pause is not None:
            running[place] = (step, world.now + timedelta(seconds=pause))
        assert len(world.objects) <= 1


@pytest.mark.parametrize("flight_share", [0.0, 0.5, 0.99])
@pytest.mark.parametrize("lag_s", [0.0, 15.0, BOUND_S])
def test_no_moment_of_a_second_look_makes_a_second_object(
    flight_share: float, lag_s: float
) -> None:
    lost = Fate(0.0, flight_share, lag_s, True, False, False, True)
    fine = Fate(0.0, 0.0, 0.0, False, False, False, True)
    for half_seconds in range(120):
        world = World()
        for _ in worker(world, lost):
            pass
        advance(world, half_seconds / 2)
        for _ in worker(world, fine):
            pass
        assert len(world.objects) == 1


def test_a_lost_answer_is_found_and_adopted() -> None:
    world = World()
    for pause in worker(world, Fate(0.0, 0.5, BOUND_S, True, False, False, True)):
        advance(world, pause)
    for _ in range(20):
        advance(world, 3.0)
        for pause in worker(world, Fate(0.0, 0.5, 0.0, False, False, False, True)):
            advance(world, pause)
    assert world.settled == "agent_0"
    assert len(world.objects) == 1
