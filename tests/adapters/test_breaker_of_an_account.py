"""An account that does not serve is left alone, tried by one call at a time, and used again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from trunkline.adapters.breakers import Breaker, BreakerRules, Outcome
from trunkline.adapters.elevenlabs.answers import UserAnswer
from trunkline.adapters.rate_limits import Pace, Rates
from trunkline.model.errors import (
    AccountUnavailable,
    PlatformError,
    RateLimited,
    Unavailable,
)

if TYPE_CHECKING:
    from tests.adapters.conftest import Reply, ScriptedVendor, Vendors

RULES = BreakerRules(failures=3, window_s=30, spacing_s=1, hold_s=5, hold_max_s=12)
QUICK = BreakerRules(failures=3, window_s=30, spacing_s=0.0, hold_s=0.05, hold_max_s=0.1)
FAST = Rates(requests_per_second=10_000, burst=1_000, concurrency=50)


def call(breaker: Breaker, outcome: Outcome | None, at_s: float, *, took_s: float = 0.1) -> None:
    breaker.end(breaker.begin(at_s - took_s), outcome, at_s)


def opened(outcome: Outcome = "failed") -> Breaker:
    breaker = Breaker(RULES)
    for at_s in (1, 3, 5):
        call(breaker, outcome, at_s)
    return breaker


def test_failures_one_after_the_other_open_it() -> None:
    breaker = Breaker(RULES)
    for at_s in (1, 3):
        call(breaker, "failed", at_s)
        assert breaker.wait_s(at_s) == 0
    call(breaker, "failed", 5)
    assert breaker.wait_s(5) == 5
    assert breaker.opening is not None
    assert (breaker.opening.failures, breaker.opening.limited) == (3, False)


def test_what_was_in_flight_together_is_one_failure() -> None:
    breaker = Breaker(RULES)
    tickets = [breaker.begin(0) for _ in range(40)]
    for index, ticket in enumerate(tickets):
        breaker.end(ticket, "failed", 1 + index)
    assert breaker.opening is None


def test_a_vendor_that_serves_most_calls_is_asked_on() -> None:
    breaker = Breaker(RULES)
    for at_s in range(1, 60):
        for _ in range(3):
            call(breaker, "served", at_s)
        call(breaker, "failed", at_s)
        call(breaker, "failed", at_s + 0.5)
    assert breaker.opening is None


def test_failures_long_ago_do_not_count() -> None:
    breaker = Breaker(RULES)
    for at_s in (1, 3, 60):
        call(breaker, "failed", at_s)
    assert breaker.opening is None


def test_refusals_on_their_way_while_the_account_pauses_count_once() -> None:
    breaker = Breaker(RULES)
    for second in range(1, 8):
        tickets = [breaker.begin(second) for _ in range(30)]
        for ticket in tickets[:10]:
            breaker.end(ticket, "served", second + 0.1)
        for ticket in tickets[10:]:
            breaker.end(ticket, "limited", second + 0.2)
    assert breaker.opening is None


def test_one_call_at_a_time_finds_out_and_a_failure_doubles_the_pause() -> None:
    breaker = opened()
    assert breaker.wait_s(10) == 0
    probe = breaker.begin(10)
    assert breaker.wait_s(10) > 0
    breaker.end(probe, "failed", 10)
    assert breaker.wait_s(10) == 10
    probe = breaker.begin(20)
    breaker.end(probe, "failed", 20)
    assert breaker.wait_s(20) == RULES.hold_max_s


def test_a_served_probe_closes_it_and_the_next_pause_is_short_again() -> None:
    breaker = opened()
    breaker.end(breaker.begin(10), "failed", 10)
    breaker.end(breaker.begin(20), "served", 20)
    assert breaker.opening is None
    for at_s in (31, 33, 35):
        call(breaker, "failed", at_s)
    assert breaker.wait_s(35) == RULES.hold_s


def test_a_probe_that_says_nothing_lets_the_next_one_try() -> None:
    breaker = opened()
    breaker.end(breaker.begin(10), None, 10)
    assert breaker.wait_s(10) == 0
    assert breaker.opening is not None


def test_a_late_answer_of_before_does_not_close_it() -> None:
    breaker = Breaker(RULES)
    early = breaker.begin(0)
    for at_s in (1, 3, 5):
        call(breaker, "failed", at_s)
    breaker.end(early, "served", 6)
    assert breaker.opening is not None


def later_s(error: PlatformError) -> float:
    """When an error says to come back."""
    assert isinstance(error, RateLimited | AccountUnavailable)
    return error.retry_after_s


def is_open(pace: Pace) -> bool:
    return pace.opening is not None


@pytest.mark.parametrize(
    ("status", "leaf"), [(500, AccountUnavailable), (503, AccountUnavailable), (429, RateLimited)]
)
async def test_calls_fail_at_once_while_it_is_open_and_go_on_when_the_vendor_is_back(
    vendor: ScriptedVendor,
    vendors: Vendors,
    reply: type[Reply],
    status: int,
    leaf: type[PlatformError],
) -> None:
    vendor.script(reply(status=status, body={}, headers={"Retry-After": "0"}))
    pace = Pace(FAST, vendor="ElevenLabs", breaker=QUICK)
    client = vendors.client(vendor.url, pace=pace)

    async def read() -> str:
        return (await client.read(UserAnswer.model_validate, "/v1/user")).user_id

    while not is_open(pace):
        with pytest.raises((Unavailable, RateLimited)):
            await read()
    assert len(vendor.heard) == QUICK.failures
    unsent = None
    while unsent is None:
        heard = len(vendor.heard)
        with pytest.raises((leaf, Unavailable)) as raised:
            await read()
        if len(vendor.heard) == heard:
            unsent = raised.value
    assert isinstance(unsent, leaf)
    assert "not sent: ElevenLabs" in unsent.message
    assert 0 < later_s(unsent) < 1
    assert unsent.retryable
    vendor.script(reply(body={"user_id": "u"}))
    while is_open(pace):
        try:
            assert await read() == "u"
        except leaf as error:
            await asyncio.sleep(later_s(error))
    assert len(vendor.heard) == heard + 1


async def test_who_waits_in_line_is_sent_away_when_it_opens() -> None:
    rules = BreakerRules(failures=1, spacing_s=0.0, hold_s=60)
    pace = Pace(Rates(requests_per_second=1_000, burst=10, concurrency=1), breaker=rules)
    waits = asyncio.Event()

    async def wait() -> None:
        waits.set()
        async with pace.slot(timeout_s=30):
            pytest.fail("let through although the account is down")

    async with pace.slot(timeout_s=1) as slot:
        waiting = asyncio.create_task(wait())
        await waits.wait()
        await asyncio.sleep(0)
        slot.outcome = "failed"
    with pytest.raises(AccountUnavailable):
        await waiting
