"""Calls that were left behind end as their carrier says; what they cost is found out; what is old
is forgotten.
"""

import asyncio
from datetime import timedelta

import psycopg
import pytest

from tests.calls.kept_calls import AGENT, CALLER, ENVIRONMENT, NUMBER, PROJECT, Kept
from trunkline.model.calls.commands import CallCommand
from trunkline.model.calls.events import NewEvent
from trunkline.model.calls.records import CallRecord

COLLEAGUE = "+15005550001"


async def carried(kept: Kept, name: str, **more: object) -> CallRecord:
    """A bridged call in progress whose process was heard of last five minutes ago."""
    begun = kept.clock.now() - timedelta(minutes=6)
    record = CallRecord.model_validate(
        {
            "id": name,
            "project": PROJECT,
            "environment": ENVIRONMENT,
            "agent": AGENT,
            "state": "in-progress",
            "from_number": CALLER,
            "to_number": NUMBER,
            "carrier_account": kept.account,
            "started_at": begun,
            "answered_at": begun,
            **more,
        }
    )
    await kept.store.open_call(record)
    await kept.store.hold_call(PROJECT, name, "bridge-1")
    return record


async def silence(database_url: str) -> None:
    """Nothing was heard of any process for five minutes."""
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as database:
        await database.execute(
            "UPDATE calls SET heard_of_at = now() - interval '5 minutes',"
            " updated_at = now() - interval '5 minutes'"
        )


async def at_carrier(kept: Kept, sid: str, *states: str) -> None:
    """Wait until the carrier says one of these."""
    deadline = asyncio.get_running_loop().time() + 60
    while await kept.carrier_says(sid) not in states:
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.02)


async def test_a_dead_process_leaves_a_record_that_says_so(kept: Kept, postgres_url: str) -> None:
    sid = await kept.place()
    await at_carrier(kept, sid, "completed")
    await carried(kept, "call_1_a", carrier_call_id=sid)
    assert (await kept.tend()).details == "0 closed, 0 settled"
    await silence(postgres_url)
    assert (await kept.tend()).details.startswith("1 closed")
    found = await kept.call("call_1_a")
    assert (found.state, found.ended_by, found.outcome) == ("completed", "trunkline", "dropped")
    assert found.message.startswith("The process that carried the call was gone")
    assert found.cost is not None


async def test_nobody_is_blamed_for_the_end_of_a_call_that_was_passed_on(
    kept: Kept, postgres_url: str
) -> None:
    sid = await kept.place(stay_s=600)
    await at_carrier(kept, sid, "in-progress")
    words = f"ada@example.com passed the call on to {COLLEAGUE}"
    passed = {"transferred_to": COLLEAGUE, "message": words}
    record = await carried(kept, "call_1_a", carrier_call_id=sid, **passed)
    await silence(postgres_url)
    await kept.tend()
    goes_on = await kept.call(record.id)
    assert (goes_on.state, goes_on.ended_by) == ("in-progress", None)
    hung_up = await kept.twilio.post(f"/_sim/calls/{sid}", json={"do": "hangup"})
    assert hung_up.is_success
    await at_carrier(kept, sid, "completed")
    await silence(postgres_url)
    await kept.tend()
    found = await kept.call(record.id)
    assert (found.state, found.ended_by, found.outcome) == ("completed", None, "transferred")
    assert found.message == words


@pytest.mark.parametrize("reported", [True, False])
async def test_what_a_process_that_died_left_unsaid_is_said(
    kept: Kept, postgres_url: str, reported: bool
) -> None:
    sid = await kept.place()
    await at_carrier(kept, sid, "completed")
    record = await carried(kept, "call_1_a", carrier_call_id=sid, conversation_id="conv_1")
    place = (PROJECT, record.id)
    asked = CallCommand(
        project=PROJECT,
        call=record.id,
        kind="hangup",
        asked_by="ada@example.com",
        asked_at=kept.clock.now(),
    )
    asked = await kept.store.put_command(asked)
    if reported:
        over = {"state": "completed", "ended_at": kept.clock.now()}
        await kept.store.change_call(*place, lambda known: known.model_copy(update=over))
    await kept.tend()
    assert await kept.store.open_commands(*place) == (asked,), "its process was heard of lately"
    await silence(postgres_url)
    kept.clock.ahead = timedelta(seconds=90)
    for _ in range(2):
        await kept.tend()
    done = await kept.store.command(PROJECT, asked.id)
    assert done is not None
    assert (done.done_at is not None, done.failure) == (True, "the call ended first")
    story = await kept.store.events_of(*place, limit=10)
    found = await kept.call(record.id)
    assert [(one.name, one.data["by"]) for one in story] == [
        ("connection_closed", found.ended_by or "")
    ]


async def test_a_call_that_goes_on_at_the_carrier_is_left_until_it_is_too_long(
    kept: Kept, postgres_url: str
) -> None:
    sid = await kept.place(stay_s=600)
    await at_carrier(kept, sid, "in-progress")
    await carried(kept, "call_1_a", carrier_call_id=sid)
    await silence(postgres_url)
    await kept.tend()
    assert not (await kept.call("call_1_a")).is_over
    kept.clock.ahead = timedelta(hours=2)
    await silence(postgres_url)
    await kept.tend()
    found = await kept.call("call_1_a")
    assert (found.state, found.ended_by, found.outcome) == ("completed", "limit", "cut-short")
    await at_carrier(kept, sid, "completed")


async def test_a_call_nobody_answered_ends_in_the_carriers_word(
    kept: Kept, postgres_url: str
) -> None:
    sid = await kept.place(answers="busy")
    await at_carrier(kept, sid, "busy")
    await carried(kept, "call_1_a", carrier_call_id=sid, state="ringing", answered_at=None)
    await silence(postgres_url)
    await kept.tend()
    found = await kept.call("call_1_a")
    assert (found.state, found.outcome, found.ended_by) == ("busy", "busy", None)


async def test_a_call_the_carrier_does_not_know_has_failed(kept: Kept, postgres_url: str) -> None:
    await carried(kept, "call_1_a", carrier_call_id="CA" + "9" * 32)
    await carried(kept, "call_1_b")
    await silence(postgres_url)
    await kept.tend()
    found = await kept.call("call_1_a")
    assert (found.state, found.message[:30]) == ("failed", "The carrier knows nothing of t")
    assert not (await kept.call("call_1_b")).is_over
    kept.clock.ahead = timedelta(days=2)
    await kept.tend()
    assert (await kept.call("call_1_b")).state == "failed"


async def test_a_carrier_that_says_nothing_is_waited_for_a_day(
    kept: Kept, postgres_url: str
) -> None:
    await carried(kept, "call_1_a", carrier_call_id="CA" + "9" * 32)
    await silence(postgres_url)
    down = {"faults": [{"kind": "status-before", "route": None, "status": 500}]}
    assert (await kept.twilio.post("/_sim/faults", json=down)).is_success
    assert (await kept.tend()).details == "0 closed, 0 settled"
    assert not (await kept.call("call_1_a")).is_over
    kept.clock.ahead = timedelta(days=2)
    await kept.tend()
    found = await kept.call("call_1_a")
    assert (found.state, found.message) == ("failed", "Nothing was heard of this call for a day")


async def test_an_estimate_gives_way_to_the_carriers_price(kept: Kept) -> None:
    await kept.configure(prices={"carrierMinuteUsd": 0.5, "platformMinuteUsd": 1.2})
    sid = await kept.place(stay_s=1)
    await at_carrier(kept, sid, "completed")
    ended = kept.clock.now()
    record = await carried(
        kept,
        "call_1_a",
        carrier_call_id=sid,
        conversation_id="conv_1",
        state="completed",
        answered_at=ended - timedelta(seconds=90),
        ended_at=ended,
        ended_by="caller",
    )
    cut_in = NewEvent(name="interruption", at=ended)
    await kept.store.add_call_events(PROJECT, record.id, [cut_in, cut_in])
    await kept.tend()
    first = await kept.call(record.id)
    assert first.cost is not None
    assert (first.cost.carrier_usd, first.cost.platform_usd) == (1.0, 1.8)
    assert (first.interruptions, first.settled, first.outcome) == (2, False, "talked")
    kept.clock.ahead = timedelta(minutes=10, seconds=5)
    await kept.tend()
    second = await kept.call(record.id)
    carrier = await kept.accounts.carrier(PROJECT, ENVIRONMENT)
    price = (await carrier.call(sid)).price_usd
    assert price
    assert second.cost is not None
    assert (second.cost.carrier_usd, second.cost.platform_usd) == (price, 1.8)
    assert second.cost.source.startswith("the carrier's own price")
    assert second.settled


async def test_the_leg_to_a_person_is_in_what_a_call_cost(kept: Kept) -> None:
    await kept.configure(prices={"carrierMinuteUsd": 0.5, "platformMinuteUsd": 1.2})
    hangs_up = {"number": COLLEAGUE, "after_ms": 0, "script": [{"after_ms": 600, "hangup": True}]}
    assert (await kept.twilio.post("/_sim/people", json=hangs_up)).is_success
    twiml = f"<Response><Dial>{COLLEAGUE}</Dial></Response>"
    sid = await kept.place(twiml=twiml)
    await at_carrier(kept, sid, "completed")
    ended = kept.clock.now()
    record = await carried(
        kept,
        "call_1_a",
        carrier_call_id=sid,
        transferred_to=COLLEAGUE,
        state="completed",
        answered_at=ended - timedelta(seconds=90),
        ended_at=ended,
    )
    await kept.tend()
    cost = (await kept.call(record.id)).cost
    assert cost is not None
    carrier = await kept.accounts.carrier(PROJECT, ENVIRONMENT)
    (leg,) = await carrier.legs(sid)
    assert leg.to_number == COLLEAGUE
    assert cost.carrier_usd == pytest.approx(1.0 + (leg.price_usd or 0.0))
    assert cost.source.endswith(f"for the leg to {COLLEAGUE}")


async def test_what_is_older_than_the_project_keeps_it_is_forgotten(kept: Kept) -> None:
    await kept.configure(retention={"transcripts": "24h", "recordings": "1h"})
    ended = {"state": "completed", "ended_at": kept.clock.now() - timedelta(hours=2)}
    record = await carried(kept, "call_1_a", **ended)
    place = (PROJECT, record.id)
    said = NewEvent(name="user_transcript", at=record.started_at, data={"text": "hello"})
    await kept.store.add_call_events(*place, [said])
    await kept.store.add_recording(*place, 0, b"a", b"b")
    assert (await kept.forget()).details == "0 transcripts and 1 recordings forgotten"
    assert await kept.store.recorded_samples(*place) == 0
    assert await kept.store.events_of(*place, limit=5)
    kept.clock.ahead = timedelta(days=1)
    assert (await kept.forget()).details == "1 transcripts and 0 recordings forgotten"
    assert await kept.store.events_of(*place, limit=5) == ()
    assert await kept.store.call(*place) is not None
