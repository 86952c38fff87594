"""Calls that were left behind end as their carrier says; what they cost is found out; what is old
is forgotten.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import psycopg
import pytest

from tests.calls.kept_calls import AGENT, CALLER, ENVIRONMENT, NUMBER, PROJECT, Kept, kept_calls
from trunkline.model.calls.events import NewEvent
from trunkline.model.calls.records import CallRecord


@pytest.fixture
async def world(postgres_url: str) -> AsyncIterator[Kept]:
    """One agent, one number, both simulators."""
    async with kept_calls(postgres_url) as opened:
        yield opened


async def carried(world: Kept, name: str, **more: object) -> CallRecord:
    """A bridged call in progress whose process was heard of last five minutes ago."""
    begun = world.clock.now() - timedelta(minutes=6)
    record = CallRecord.model_validate(
        {
            "id": name,
            "project": PROJECT,
            "environment": ENVIRONMENT,
            "agent": AGENT,
            "state": "in-progress",
            "from_number": CALLER,
            "to_number": NUMBER,
            "carrier_account": world.account,
            "started_at": begun,
            "answered_at": begun,
            **more,
        }
    )
    await world.store.open_call(record)
    await world.store.hold_call(PROJECT, name, "bridge-1")
    return record


async def silence(database_url: str) -> None:
    """Nothing was heard of any process for five minutes."""
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as database:
        await database.execute(
            "UPDATE calls SET heard_of_at = now() - interval '5 minutes',"
            " updated_at = now() - interval '5 minutes'"
        )


async def at_carrier(world: Kept, sid: str, *states: str) -> None:
    """Wait until the carrier says one of these."""
    deadline = asyncio.get_running_loop().time() + 15
    while await world.carrier_says(sid) not in states:
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.02)


async def test_a_dead_process_leaves_a_record_that_says_so(world: Kept, postgres_url: str) -> None:
    sid = await world.place()
    await at_carrier(world, sid, "completed")
    await carried(world, "call_1_a", carrier_call_id=sid)
    assert (await world.tend()).details == "0 closed, 0 settled"
    await silence(postgres_url)
    assert (await world.tend()).details.startswith("1 closed")
    found = await world.call("call_1_a")
    assert (found.state, found.ended_by, found.outcome) == ("completed", "trunkline", "dropped")
    assert found.message.startswith("The process that carried the call was gone")
    assert found.cost is not None


async def test_a_call_that_goes_on_at_the_carrier_is_left_until_it_is_too_long(
    world: Kept, postgres_url: str
) -> None:
    sid = await world.place(stay_s=60)
    await at_carrier(world, sid, "in-progress")
    await carried(world, "call_1_a", carrier_call_id=sid)
    await silence(postgres_url)
    await world.tend()
    assert not (await world.call("call_1_a")).is_over
    world.clock.ahead = timedelta(hours=2)
    await silence(postgres_url)
    await world.tend()
    found = await world.call("call_1_a")
    assert (found.state, found.ended_by, found.outcome) == ("completed", "limit", "cut-short")
    await at_carrier(world, sid, "completed")


async def test_a_call_nobody_answered_ends_in_the_carriers_word(
    world: Kept, postgres_url: str
) -> None:
    sid = await world.place(answers="busy")
    await at_carrier(world, sid, "busy")
    await carried(world, "call_1_a", carrier_call_id=sid, state="ringing", answered_at=None)
    await silence(postgres_url)
    await world.tend()
    found = await world.call("call_1_a")
    assert (found.state, found.outcome, found.ended_by) == ("busy", "busy", None)


async def test_a_call_the_carrier_does_not_know_has_failed(world: Kept, postgres_url: str) -> None:
    await carried(world, "call_1_a", carrier_call_id="CA" + "9" * 32)
    await carried(world, "call_1_b")
    await silence(postgres_url)
    await world.tend()
    found = await world.call("call_1_a")
    assert (found.state, found.message[:30]) == ("failed", "The carrier knows nothing of t")
    assert not (await world.call("call_1_b")).is_over
    world.clock.ahead = timedelta(days=2)
    await world.tend()
    assert (await world.call("call_1_b")).state == "failed"


async def test_a_carrier_that_says_nothing_is_waited_for_a_day(
    world: Kept, postgres_url: str
) -> None:
    await carried(world, "call_1_a", carrier_call_id="CA" + "9" * 32)
    await silence(postgres_url)
    down = {"faults": [{"kind": "status-before", "route": None, "status": 500}]}
    assert (await world.twilio.post("/_sim/faults", json=down)).is_success
    assert (await world.tend()).details == "0 closed, 0 settled"
    assert not (await world.call("call_1_a")).is_over
    world.clock.ahead = timedelta(days=2)
    await world.tend()
    found = await world.call("call_1_a")
    assert (found.state, found.message) == ("failed", "Nothing was heard of this call for a day")


async def test_an_estimate_gives_way_to_the_carriers_price(world: Kept) -> None:
    await world.configure(prices={"carrierMinuteUsd": 0.5, "platformMinuteUsd": 1.2})
    sid = await world.place(stay_s=1)
    await at_carrier(world, sid, "completed")
    ended = world.clock.now()
    record = await carried(
        world,
        "call_1_a",
        carrier_call_id=sid,
        state="completed",
        answered_at=ended - timedelta(seconds=90),
        ended_at=ended,
        ended_by="caller",
    )
    cut_in = NewEvent(name="interruption", at=ended)
    await world.store.add_call_events(PROJECT, record.id, [cut_in, cut_in])
    await world.tend()
    first = await world.call(record.id)
    assert first.cost is not None
    assert (first.cost.carrier_usd, first.cost.platform_usd) == (1.0, 1.8)
    assert (first.interruptions, first.settled, first.outcome) == (2, False, "talked")
    world.clock.ahead = timedelta(minutes=10, seconds=5)
    await world.tend()
    second = await world.call(record.id)
    carrier = await world.accounts.carrier(PROJECT, ENVIRONMENT)
    price = (await carrier.call(sid)).price_usd
    assert price
    assert second.cost is not None
    assert (second.cost.carrier_usd, second.cost.platform_usd) == (price, 1.8)
    assert second.cost.source.startswith("the carrier's own price")
    assert second.settled


async def test_what_is_older_than_the_project_keeps_it_is_forgotten(world: Kept) -> None:
    await world.configure(retention={"transcripts": "24h", "recordings": "1h"})
    ended = {"state": "completed", "ended_at": world.clock.now() - timedelta(hours=2)}
    record = await carried(world, "call_1_a", **ended)
    place = (PROJECT, record.id)
    said = NewEvent(name="user_transcript", at=record.started_at, data={"text": "hello"})
    await world.store.add_call_events(*place, [said])
    await world.store.add_recording(*place, 0, b"a", b"b")
    assert (await world.forget()).details == "0 transcripts and 1 recordings forgotten"
    assert await world.store.recorded_samples(*place) == 0
    assert await world.store.events_of(*place, limit=5)
    world.clock.ahead = timedelta(days=1)
    assert (await world.forget()).details == "1 transcripts and 0 recordings forgotten"
    assert await world.store.events_of(*place, limit=5) == ()
    assert await world.store.call(*place) is not None
