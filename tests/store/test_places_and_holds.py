"""Conversations share an account's places, and runs share what was made for tests."""

import asyncio
from datetime import UTC, datetime, timedelta

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.ids import ExternalId
from trunkline.model.testing.runs import TestHolding


def later(seconds: float = 60.0) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def branch(name: str = "trunkline-test-1") -> TestHolding:
    return TestHolding(
        kind="branch",
        project="acme",
        environment="testing",
        account="one",
        name=name,
        agent_id=ExternalId("agent_1"),
    )


async def test_never_more_hold_places_than_there_are(store: PostgresStore) -> None:
    wanted = [f"holder-{number}" for number in range(12)]
    taken = await asyncio.gather(*(store.take_place("one", who, 3, later()) for who in wanted))
    assert sum(taken) == 3
    assert await store.places_taken("one") == 3
    assert await store.take_place("another", "holder-0", 1, later())


async def test_whoever_has_a_place_keeps_it_and_gives_it_back(store: PostgresStore) -> None:
    assert await store.take_place("one", "me", 1, later())
    assert not await store.take_place("one", "you", 1, later())
    assert await store.take_place("one", "me", 1, later())
    await store.leave_place("one", "me")
    await store.leave_place("one", "nobody")
    assert await store.take_place("one", "you", 1, later())


async def test_a_place_of_somebody_whose_time_is_over_is_free(store: PostgresStore) -> None:
    assert await store.take_place("one", "dead", 1, later(-1))
    assert await store.places_taken("one") == 0
    assert await store.take_place("one", "you", 1, later())


async def test_no_places_are_no_places(store: PostgresStore) -> None:
    assert not await store.take_place("one", "me", 0, later())


async def test_the_last_one_puts_it_away_and_nobody_takes_it_meanwhile(
    store: PostgresStore,
) -> None:
    assert await store.hold(branch(), "run-1", later())
    assert await store.hold(branch(), "run-2", later())
    assert await store.holdings("acme", "run-1") == (branch(),)
    assert not await store.stop_holding(branch(), "run-1", later())
    assert await store.stop_holding(branch(), "run-2", later())
    assert not await store.hold(branch(), "run-3", later())
    await store.was_put_away(branch())
    assert await store.hold(branch(), "run-3", later())


async def test_runs_that_let_go_at_once_leave_one_to_put_it_away(store: PostgresStore) -> None:
    runs = [f"run-{number}" for number in range(8)]
    for run in runs:
        assert await store.hold(branch(), run, later())
    last = await asyncio.gather(*(store.stop_holding(branch(), run, later()) for run in runs))
    assert sum(last) == 1


async def test_what_was_left_behind_is_found(store: PostgresStore) -> None:
    assert await store.hold(branch("old"), "dead", later(-1))
    assert await store.hold(branch("shared"), "dead", later(-1))
    assert await store.hold(branch("shared"), "alive", later())
    assert await store.hold(branch("half"), "run", later())
    assert await store.stop_holding(branch("half"), "run", later(-1))
    found = await store.abandoned("acme", limit=10)
    assert {one.name for one in found} == {"old", "half"}
    assert await store.abandoned("another", limit=10) == ()
    assert await store.hold(branch("half"), "next", later())


async def test_a_run_at_work_keeps_what_it_holds(store: PostgresStore) -> None:
    assert await store.hold(branch("mine"), "run-1", later(-1))
    assert await store.hold(branch("other"), "run-2", later(-1))
    await store.keep_holdings("acme", "run-1", later())
    await store.keep_holdings("acme", "run-1", later(-9))
    assert [one.name for one in await store.abandoned("acme", limit=10)] == ["other"]


async def test_what_could_not_be_put_away_may_be_held_and_is_tried_again(
    store: PostgresStore,
) -> None:
    assert await store.hold(branch(), "run-1", later())
    assert await store.stop_holding(branch(), "run-1", later())
    assert not await store.hold(branch(), "run-2", later())
    await store.stays(branch())
    assert await store.abandoned("acme", limit=10) == (branch(),)
    assert await store.closes(branch(), later())
    assert not await store.hold(branch(), "run-2", later())
    await store.stays(branch())
    assert await store.hold(branch(), "run-2", later())
    assert not await store.closes(branch(), later())
    assert await store.holdings("acme", "run-2") == (branch(),)
