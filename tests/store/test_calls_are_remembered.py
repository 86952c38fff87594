"""Records, events, holders and signed requests, whoever writes them and however often."""

import asyncio
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from trunkline.adapters.postgres import PostgresStore
from trunkline.metrics import REGISTRY
from trunkline.model.calls.events import NewEvent
from trunkline.model.calls.records import CallFilter, CallRecord
from trunkline.model.errors import NotFound

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def call(name: str = "call_1_a", **more: object) -> CallRecord:
    """One call that is going on."""
    return CallRecord.model_validate(
        {
            "id": name,
            "project": "acme",
            "environment": "production",
            "agent": "front-desk",
            "state": "in-progress",
            "started_at": NOW,
            **more,
        }
    )


def said(text: str) -> NewEvent:
    """Something the caller said."""
    return NewEvent(name="user_transcript", at=NOW, data={"text": text})


async def test_a_carriers_call_is_opened_once(store: PostgresStore) -> None:
    place = {"carrier_account": "AC1", "carrier_call_id": "CA1"}
    first = call("call_1_a", **place)
    answers = await asyncio.gather(
        *(store.open_call(first.model_copy(update={"id": f"call_1_{n}"})) for n in range(8))
    )
    assert len({one.id for one in answers}) == 1
    assert await store.call_of_carrier("AC1", "CA1") == answers[0]
    assert await store.call_of_carrier("AC2", "CA1") is None
    assert await store.call_of_carrier("AC1", "") is None


async def test_calls_of_no_carrier_are_apart(store: PostgresStore) -> None:
    for name in ("call_1_a", "call_1_b"):
        assert (await store.open_call(call(name))).id == name
    assert await store.call_of_conversation("") is None


async def test_no_change_of_a_record_is_lost(store: PostgresStore) -> None:
    await store.open_call(call())

    def one_more(known: CallRecord) -> CallRecord:
        return known.model_copy(update={"lost_frames": known.lost_frames + 1})

    await asyncio.gather(*(store.change_call("acme", "call_1_a", one_more) for _ in range(20)))
    found = await store.call("acme", "call_1_a")
    assert found is not None
    assert found.lost_frames == 20
    with pytest.raises(NotFound, match="no call call_1_z"):
        await store.change_call("acme", "call_1_z", one_more)


async def test_calls_are_found_by_what_is_asked(store: PostgresStore) -> None:
    minute = timedelta(minutes=1)
    rows = [
        call("call_1_a", conversation_id="conv_1", version=7),
        call("call_1_b", started_at=NOW + minute, state="busy", direction="outbound"),
        call("call_1_c", started_at=NOW + minute, agent="sales", environment="testing"),
        call("call_1_d", project="beta"),
    ]
    for row in rows:
        await store.open_call(row)

    async def ids(**where: object) -> list[str]:
        found = await store.calls("acme", CallFilter.model_validate(where), limit=10)
        return [one.id for one in found]

    assert await ids() == ["call_1_b", "call_1_c", "call_1_a"]
    assert await ids(active=True) == ["call_1_c", "call_1_a"]
    assert await ids(active=False) == ["call_1_b"]
    assert await ids(state="busy", direction="outbound") == ["call_1_b"]
    assert await ids(agent="sales", environment="testing") == ["call_1_c"]
    assert await ids(version=7, since=NOW, until=NOW + minute) == ["call_1_a"]
    first = await store.calls("acme", CallFilter(), limit=2)
    rest = await store.calls(
        "acme", CallFilter(), before=(first[-1].started_at, first[-1].id), limit=2
    )
    assert [one.id for one in (*first, *rest)] == ["call_1_b", "call_1_c", "call_1_a"]
    assert await store.call_of_conversation("conv_1") == rows[0]


async def test_events_have_places_without_gaps(store: PostgresStore) -> None:
    await store.open_call(call())
    await asyncio.gather(
        *(
            store.add_call_events("acme", "call_1_a", [said(f"{n}.1"), said(f"{n}.2 \0")])
            for n in range(10)
        )
    )
    found = await store.events_of("acme", "call_1_a", limit=100)
    assert [one.seq for one in found] == list(range(1, 21))
    texts = [str(one.data["text"]) for one in found]
    assert all(a[:2] == b[:2] for a, b in zip(texts[::2], texts[1::2], strict=True))
    assert texts[1].endswith("\ufffd")
    assert await store.events_of("acme", "call_1_a", after=18, limit=1) == found[18:19]
    assert await store.add_call_events("acme", "call_1_a", []) == ()
    with pytest.raises(NotFound):
        await store.add_call_events("acme", "call_1_z", [said("nobody")])


async def test_listeners_are_told_of_events_in_order(
    store: PostgresStore, postgres_url: str
) -> None:
    await store.open_call(call())
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as listener:
        await listener.execute("LISTEN trunkline_calls")
        await store.add_call_events("acme", "call_1_a", [said("one"), said("two")])
        told = [one.payload async for one in listener.notifies(timeout=60, stop_after=2)]
    assert told == [
        '["acme", "call_1_a", 1, "user_transcript"]',
        '["acme", "call_1_a", 2, "user_transcript"]',
    ]


async def test_a_call_has_the_holder_that_was_heard_of_lately(
    store: PostgresStore, postgres_url: str
) -> None:
    await store.open_call(call())
    assert await store.holder_of("acme", "call_1_a") is None
    await store.hold_call("acme", "call_1_a", "bridge-1")
    assert await store.holder_of("acme", "call_1_a") == "bridge-1"
    assert await store.abandoned_calls(idle_s=60, limit=10) == ()
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as database:
        await database.execute(
            "UPDATE calls SET heard_of_at = now() - interval '5 minutes',"
            " updated_at = now() - interval '5 minutes'"
        )
    assert await store.holder_of("acme", "call_1_a") is None
    assert [one.id for one in await store.abandoned_calls(idle_s=60, limit=10)] == ["call_1_a"]
    await store.release_call("acme", "call_1_a", "another")
    await store.hold_call("acme", "call_1_a", "bridge-2")
    await store.release_call("acme", "call_1_a", "bridge-1")
    assert await store.holder_of("acme", "call_1_a") == "bridge-2"
    await store.release_call("acme", "call_1_a", "bridge-2")
    assert await store.holder_of("acme", "call_1_a") is None


async def test_a_signed_request_is_new_once(store: PostgresStore, postgres_url: str) -> None:
    answers = await asyncio.gather(*(store.was_seen("d1", keep_s=600) for _ in range(8)))
    assert sorted(answers) == [False] + [True] * 7
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as database:
        await database.execute("UPDATE seen_requests SET seen_at = now() - interval '2 days'")
        assert not await store.was_seen("d2", keep_s=600)
        cursor = await database.execute("SELECT digest FROM seen_requests")
        assert await cursor.fetchall() == [("d2",)]


async def test_calls_are_counted_once_when_they_end(store: PostgresStore) -> None:
    def ended() -> float:
        labels = {
            "project": "acme",
            "environment": "counted",
            "direction": "inbound",
            "routing": "bridge",
            "outcome": "busy",
        }
        return REGISTRY.get_sample_value("trunkline_calls_ended_total", labels) or 0.0

    before = ended()
    await store.open_call(call("call_1_a", environment="counted"))
    await store.open_call(call("call_1_b", environment="counted", state="busy"))
    active = [each for each in await store.tallies() if each.measure == "calls_active"]
    assert [(each.environment, each.word, each.value) for each in active] == [
        ("counted", "in-progress", 1)
    ]
    for _ in range(2):
        await store.change_call(
            "acme",
            "call_1_a",
            lambda known: known.model_copy(update={"state": "busy", "ended_at": NOW}),
        )
    assert ended() == before + 2


async def test_what_a_call_came_to_is_told_once_whoever_writes_it(store: PostgresStore) -> None:
    await store.open_call(call(state="ringing"))
    now = datetime.now(UTC)

    def over(known: CallRecord) -> CallRecord:
        return known.model_copy(update={"state": "completed", "ended_at": now})

    await asyncio.gather(*(store.change_call("acme", "call_1_a", over) for _ in range(8)))
    told = await store.events("acme", kind="call", limit=10)
    assert [(one.reason, one.name) for one in told] == [("CallFailed", "call_1_a")]
