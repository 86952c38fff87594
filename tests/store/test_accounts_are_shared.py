"""Processes that use one account know of each other, of its pauses and of its breaker."""

from __future__ import annotations

import psycopg
import pytest

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.budgets import AccountReport, SharedAccount

ONE = "elevenlabs-1"
OTHER = "elevenlabs-2"


def _all_were_heard_of(postgres_url: str) -> None:
    """However long ago it was: nobody counts as silent."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("UPDATE account_shares SET seen_at = now() + interval '1 hour'")


async def said(store: PostgresStore, process: str, report: AccountReport) -> SharedAccount:
    (heard,) = await store.exchange_accounts(process, [report])
    assert heard.account == report.account
    return heard


async def test_those_who_use_an_account_are_counted_and_ranked(
    store: PostgresStore, postgres_url: str
) -> None:
    report = AccountReport(account=ONE)
    assert (await said(store, "b", report)).processes == 1
    await said(store, "c", report)
    await said(store, "x", AccountReport(account=OTHER))
    found = []
    for process in ("a", "b", "c"):
        _all_were_heard_of(postgres_url)
        found.append(await said(store, process, report))
    assert [(each.processes, each.rank) for each in found] == [(3, 0), (3, 1), (3, 2)]


async def test_one_exchange_tells_of_every_account(store: PostgresStore) -> None:
    pause = AccountReport(account=OTHER, pause_s=30)
    heard = await store.exchange_accounts("a", [AccountReport(account=ONE), pause])
    found = {each.account: each.pause_s for each in heard}
    assert found == {ONE: 0, OTHER: pytest.approx(30, abs=1)}


async def test_who_left_or_fell_silent_has_no_share(
    store: PostgresStore, postgres_url: str
) -> None:
    report = AccountReport(account=ONE)
    for process in ("a", "b", "c"):
        await said(store, process, report)
    await store.leave_accounts("b")
    _all_were_heard_of(postgres_url)
    assert (await said(store, "a", report)).processes == 2
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE account_shares SET seen_at = now() - interval '4 seconds' WHERE process = 'c'"
        )
    assert (await said(store, "a", report)).processes == 1


async def test_a_pause_is_heard_and_a_shorter_one_does_not_cut_it(store: PostgresStore) -> None:
    await said(store, "a", AccountReport(account=ONE, pause_s=3_000))
    await said(store, "b", AccountReport(account=ONE, pause_s=5))
    heard = await said(store, "c", AccountReport(account=ONE))
    assert 2_000 < heard.pause_s <= 3_000
    assert not heard.is_open


async def test_an_open_breaker_keeps_its_words_until_it_is_closed(
    store: PostgresStore, postgres_url: str
) -> None:
    opened = AccountReport(
        account=ONE, breaker="opened", hold_s=5, reason="AccountUnavailable", failures=7
    )
    heard = await said(store, "a", opened)
    assert (heard.is_open, heard.failures, heard.reason) == (True, 7, "AccountUnavailable")
    again = opened.model_copy(update={"hold_s": 40, "reason": "RateLimited", "failures": 99})
    heard = await said(store, "b", again)
    assert (heard.failures, heard.reason) == (7, "AccountUnavailable")
    assert 35 < heard.hold_s <= 40
    _all_were_heard_of(postgres_url)
    heard = await said(store, "a", AccountReport(account=ONE))
    assert (heard.is_open, heard.processes) == (True, 2)
    closed = await said(store, "b", AccountReport(account=ONE, breaker="closed"))
    assert (closed.is_open, closed.hold_s) == (False, 0)
    assert not (await said(store, "a", AccountReport(account=ONE))).is_open


async def test_nothing_is_held_against_an_account_that_never_failed(store: PostgresStore) -> None:
    heard = await said(store, "a", AccountReport(account=ONE))
    assert (heard.is_open, heard.pause_s, heard.hold_s, heard.failures) == (False, 0, 0, 0)
