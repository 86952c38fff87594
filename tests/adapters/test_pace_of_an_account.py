"""An account is asked no faster than it allows, and not at all while it asked for silence."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.adapters.elevenlabs.answers import UserAnswer
from trunkline.adapters.rate_limits import Bucket, Pace, Rates
from trunkline.model.errors import RateLimited

if TYPE_CHECKING:
    from tests.adapters.conftest import Reply, ScriptedVendor, Vendors


def test_a_burst_is_served_at_once_and_then_the_rate_holds() -> None:
    bucket = Bucket(Rates(requests_per_second=10, burst=3), now_s=100)
    assert [bucket.take(100) for _ in range(4)] == [True, True, True, False]
    assert bucket.wait_s(100) == pytest.approx(0.1)
    assert bucket.take(100.11)


def test_a_pause_gives_nothing_and_then_one() -> None:
    bucket = Bucket(Rates(requests_per_second=10, burst=5), now_s=0)
    bucket.pause(3, now_s=0)
    assert bucket.wait_s(1) == pytest.approx(2)
    assert [bucket.take(3), bucket.take(3)] == [True, False]


def test_a_shorter_pause_does_not_cut_a_longer_one() -> None:
    bucket = Bucket(Rates(), now_s=0)
    bucket.pause(10, now_s=0)
    bucket.pause(1, now_s=0)
    assert bucket.wait_s(5) == pytest.approx(5)


@given(st.lists(st.floats(0, 2), max_size=80), st.floats(0.5, 50), st.integers(1, 10))
def test_no_window_holds_more_than_burst_and_rate(
    gaps_s: list[float], rate: float, burst: int
) -> None:
    bucket = Bucket(Rates(requests_per_second=rate, burst=burst), now_s=0)
    now_s = 0.0
    taken: list[float] = []
    for gap_s in gaps_s:
        now_s += gap_s
        while bucket.take(now_s):
            taken.append(now_s)
    for first, start_s in enumerate(taken):
        for last in range(first, len(taken)):
            allowed = burst + rate * (taken[last] - start_s)
            assert last - first + 1 <= allowed + 1e-6


async def test_the_rate_holds_over_many_callers() -> None:
    pace = Pace(Rates(requests_per_second=200, burst=1, concurrency=50))

    async def call() -> None:
        async with pace.slot(timeout_s=60):
            pass

    started_s = time.monotonic()
    await asyncio.gather(*(call() for _ in range(41)))
    assert time.monotonic() - started_s >= 0.199


async def test_no_more_are_in_flight_than_allowed() -> None:
    pace = Pace(Rates(requests_per_second=10_000, burst=1_000, concurrency=3))
    flying = 0
    most = 0

    async def call() -> None:
        nonlocal flying, most
        async with pace.slot(timeout_s=60):
            flying += 1
            most = max(most, flying)
            for _ in range(5):
                await asyncio.sleep(0)
            flying -= 1

    await asyncio.gather(*(call() for _ in range(40)))
    assert most == 3


async def test_who_cannot_be_served_in_time_is_refused_at_once() -> None:
    pace = Pace(Rates())
    pace.pause(600)
    with pytest.raises(RateLimited) as raised:
        async with pace.slot(timeout_s=10):
            pytest.fail("let through during a pause")
    assert 500 < raised.value.retry_after_s <= 600


async def test_a_place_is_given_back_by_who_was_refused_or_cancelled() -> None:
    pace = Pace(Rates(requests_per_second=10_000, burst=1_000, concurrency=1))
    holds = asyncio.Event()
    leave = asyncio.Event()

    async def hold() -> None:
        async with pace.slot(timeout_s=60):
            holds.set()
            await leave.wait()

    holder = asyncio.create_task(hold())
    await holds.wait()
    with pytest.raises(RateLimited):
        async with pace.slot(timeout_s=0.05):
            pytest.fail("two in flight where one is allowed")
    waiting = asyncio.create_task(hold())
    await asyncio.sleep(0)
    waiting.cancel()
    leave.set()
    await holder
    async with pace.slot(timeout_s=60):
        assert waiting.cancelled()


async def test_a_place_is_given_back_by_who_left_while_waiting_for_a_token() -> None:
    pace = Pace(Rates(requests_per_second=0.001, burst=1, concurrency=1))

    async def call() -> None:
        async with pace.slot(timeout_s=6_000):
            pass

    await call()
    waiting = asyncio.create_task(call())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    pace.allow(Rates(requests_per_second=20, burst=1, concurrency=1))
    async with asyncio.timeout(60):
        await call()


async def test_a_429_silences_the_whole_account(
    vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    body = {"detail": {"status": "rate_limit_exceeded", "message": "slow down"}}
    vendor.script(reply(status=429, headers={"Retry-After": "300"}, body=body))
    pace = Pace(Rates())
    one, other = (vendors.client(vendor.url, key=key, pace=pace) for key in ("k1", "k2"))
    with pytest.raises(RateLimited):
        await one.read(UserAnswer.model_validate, "/v1/user")
    with pytest.raises(RateLimited) as raised:
        await other.read(UserAnswer.model_validate, "/v1/user")
    assert raised.value.retry_after_s > 200
    assert len(vendor.heard) == 1


async def test_a_used_up_quota_does_not_silence_reads(
    vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    quota = {"detail": {"status": "quota_exceeded", "message": "no credits"}}
    vendor.script(reply(status=401, body=quota), reply(body={"user_id": "u"}))
    client = vendors.client(vendor.url)
    with pytest.raises(RateLimited):
        await client.read(UserAnswer.model_validate, "/v1/user")
    assert (await client.read(UserAnswer.model_validate, "/v1/user")).user_id == "u"
