"""Processes that use one account divide it, pause together and find it down together."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from trunkline.adapters.breakers import BreakerRules
from trunkline.adapters.budgets import AccountBudgets
from trunkline.adapters.postgres import PostgresStore, StoreBounds
from trunkline.adapters.rate_limits import Pace, Rates
from trunkline.model.budgets import AccountPlace, AccountReport
from trunkline.model.conditions import find
from trunkline.model.errors import AccountUnavailable, RateLimited
from trunkline.model.limits import ACCOUNT_IDLE_S

ACCOUNT = "elevenlabs-shared"
PATIENCE_S = 60
RATES = Rates(requests_per_second=100, burst=10, concurrency=5)
QUICK = BreakerRules(failures=2, spacing_s=0.0, hold_s=0.2, hold_max_s=0.4)
COUNT = itertools.count()
TESTING = AccountPlace(project="acme", environment="testing", vendor="elevenlabs")
OTHER = AccountPlace(project="other", environment="testing", vendor="elevenlabs")

Join = Callable[[], AccountBudgets]


@pytest.fixture
async def join(store: PostgresStore) -> AsyncIterator[Join]:
    """Makes the budgets of another process."""
    made: list[AccountBudgets] = []

    def another() -> AccountBudgets:
        made.append(AccountBudgets(shared=store, statuses=store, breaker=QUICK))
        return made[-1]

    yield another
    for budgets in made:
        await budgets.close()


async def used(budgets: AccountBudgets, place: AccountPlace = TESTING) -> Pace:
    await budgets.use(ACCOUNT, place, RATES)
    return budgets.pace(ACCOUNT, "elevenlabs", RATES)


async def eventually(look: Callable[[], Awaitable[bool]]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not await look():
        assert time.monotonic() < deadline_s
        await asyncio.sleep(0.02)


async def test_two_processes_have_half_each_and_the_last_one_has_all_again(join: Join) -> None:
    one = join()
    assert (await used(one)).rates == RATES
    other = join()
    assert (await used(other)).rates.requests_per_second == 50

    async def shared() -> bool:
        rates = [(await used(each)).rates for each in (one, other)]
        halves = [(each.requests_per_second, each.burst) for each in rates]
        return halves == [(50, 5)] * 2 and {each.concurrency for each in rates} == {2, 3}

    async def alone() -> bool:
        return (await used(one)).rates == RATES

    await eventually(shared)
    await other.close()
    await eventually(alone)


@pytest.mark.parametrize("asked_s_ago", [0, 2 * ACCOUNT_IDLE_S])
async def test_a_pause_one_was_asked_for_is_kept_by_the_other(
    join: Join, asked_s_ago: float
) -> None:
    one, other = await used(join()), join()
    await used(other)
    one.used_at_s -= asked_s_ago
    one.pause(600)

    async def refused() -> bool:
        try:
            async with (await used(other)).slot(timeout_s=PATIENCE_S):
                return False
        except RateLimited as error:
            return error.retry_after_s > 400

    await eventually(refused)


async def _fail(pace: Pace) -> None:
    while pace.opening is None:
        async with pace.slot(timeout_s=PATIENCE_S) as slot:
            slot.outcome = "failed"


async def _serve(pace: Pace) -> None:
    while pace.opening is not None:
        try:
            async with pace.slot(timeout_s=PATIENCE_S) as slot:
                slot.outcome = "served"
        except AccountUnavailable as error:
            await asyncio.sleep(error.retry_after_s)


async def test_what_one_finds_down_the_other_does_not_ask_and_both_hear_it_is_back(
    join: Join, store: PostgresStore
) -> None:
    one, other = join(), join()
    there = await used(other, OTHER)
    await _fail(await used(one))

    async def is_known() -> bool:
        return (await used(other, OTHER)).opening is not None

    async def is_back() -> bool:
        return (await used(one)).opening is None

    await eventually(is_known)
    (state,) = await store.exchange_accounts("a third", [AccountReport(account=ACCOUNT)])
    await store.leave_accounts("a third")
    assert (state.is_open, state.reason) == (True, AccountUnavailable.reason)
    await _serve(there)
    await eventually(is_back)


async def _said_all(budgets: AccountBudgets) -> None:
    """An account that is new to a process is exchanged at once, after what was begun before."""
    place = AccountPlace(project="acme", environment="another", vendor="elevenlabs")
    await budgets.use(f"new-{next(COUNT)}", place, RATES)


async def test_every_place_that_uses_the_account_has_a_row_and_one_event_each_way(
    join: Join, store: PostgresStore
) -> None:
    budgets = join()
    pace = await used(budgets)
    await used(budgets, OTHER)
    beside = join()
    await used(beside)
    await _fail(pace)

    async def stalled(project: str) -> bool:
        row = await store.status(project, "testing", "account", "elevenlabs")
        return row is not None and find(row.conditions, "Stalled") is not None

    async def is_down() -> bool:
        found = [(await used(each)).opening is not None for each in (budgets, beside)]
        return all(found) and await stalled("acme") and await stalled("other")

    async def is_up() -> bool:
        found = [(await used(each)).opening is None for each in (budgets, beside)]
        return all(found) and not (await stalled("acme") or await stalled("other"))

    await eventually(is_down)
    await _said_all(beside)
    await _serve(pace)
    await eventually(is_up)
    await _said_all(beside)
    await _said_all(budgets)
    for project in ("acme", "other"):
        events = await store.events(project, kind="account", limit=10)
        assert [event.reason for event in events] == ["AccountServing", "AccountUnavailable"]


async def test_what_a_process_found_before_it_died_counts_for_the_next_one(
    join: Join, store: PostgresStore
) -> None:
    opened = AccountReport(account=ACCOUNT, breaker="opened", hold_s=0.1, failures=2)
    await store.exchange_accounts("dead", [opened])
    await store.leave_accounts("dead")
    pace = await used(join())
    assert pace.opening is not None
    row = await store.status("acme", "testing", "account", "elevenlabs")
    assert row is not None
    assert row.external_id == ACCOUNT


async def test_the_strictest_of_the_projects_that_share_an_account_counts() -> None:
    budgets = AccountBudgets()
    await budgets.use(ACCOUNT, TESTING, Rates(requests_per_second=10, burst=9, concurrency=7))
    await budgets.use(ACCOUNT, OTHER, Rates(requests_per_second=50, burst=3, concurrency=2))
    pace = budgets.pace(ACCOUNT, "elevenlabs", RATES)
    assert pace.rates == Rates(requests_per_second=10, burst=3, concurrency=2)


async def test_without_the_store_an_account_is_used_with_the_share_it_had() -> None:
    bounds = StoreBounds(wait_timeout_s=0.2)
    async with PostgresStore("postgresql://nobody@127.0.0.1:1/none", bounds) as away:
        budgets = AccountBudgets(shared=away, statuses=away)
        pace = await used(budgets)
        async with pace.slot(timeout_s=PATIENCE_S):
            assert pace.rates == RATES
        await budgets.close()
