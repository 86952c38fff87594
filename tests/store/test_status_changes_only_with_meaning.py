"""A status that says the same is not written again, and its events neither."""

import asyncio
from typing import Any

import psycopg
import pytest

from trunkline.adapters.postgres import PostgresStore
from trunkline.model.conditions import Condition
from trunkline.model.errors import InvalidInput
from trunkline.model.limits import EVENT_MESSAGE_MAX_CHARACTERS
from trunkline.model.records import EventRecord, StatusRecord


def status(name: str = "front-desk", environment: str = "testing", **more: Any) -> StatusRecord:
    return StatusRecord.model_validate(
        {"project": "acme", "environment": environment, "kind": "agent", "name": name, **more}
    )


def event(message: str, **more: Any) -> EventRecord:
    return EventRecord.model_validate(
        {
            "project": "acme",
            "environment": "testing",
            "name": "front-desk",
            "reason": "Applied",
            "message": message,
            **more,
        }
    )


async def messages(store: PostgresStore, **filters: Any) -> list[str]:
    return [one.message for one in await store.events("acme", limit=100, **filters)]


async def test_an_equal_status_is_not_written_and_has_no_event(store: PostgresStore) -> None:
    ready = Condition(type="Ready", status="True", reason="Applied", message="as Git wants")
    one = status(health="Healthy", conditions=(ready,), labels={"b": "1", "a": "2"})
    assert await store.put_status(one, [event("first")])
    before = await store.status("acme", "testing", "agent", "front-desk")
    same = status(health="Healthy", conditions=(ready,), labels={"a": "2", "b": "1"})
    assert not await store.put_status(same, [event("second")])
    after = await store.status("acme", "testing", "agent", "front-desk")
    assert after == before
    assert await messages(store) == ["first"]


async def test_a_changed_status_keeps_its_age_and_brings_its_event(store: PostgresStore) -> None:
    await store.put_status(status(), [])
    before = await store.status("acme", "testing", "agent", "front-desk")
    assert await store.put_status(status(health="Degraded"), [event("worse", type="Warning")])
    after = await store.status("acme", "testing", "agent", "front-desk")
    assert before is not None
    assert after is not None
    assert after.created_at == before.created_at
    assert after.changed_at > before.changed_at
    assert after.health == "Degraded"
    assert await messages(store) == ["worse"]


async def test_a_row_that_was_read_can_be_put_back_unchanged(store: PostgresStore) -> None:
    await store.put_status(status(version=3), [])
    row = await store.status("acme", "testing", "agent", "front-desk")
    assert row is not None
    assert not await store.put_status(row, [event("nothing")])


async def test_concurrent_equal_writes_bring_one_event(store: PostgresStore) -> None:
    changed = await asyncio.gather(
        *(store.put_status(status(health="Healthy"), [event("once")]) for _ in range(30))
    )
    assert sum(changed) == 1
    assert await messages(store) == ["once"]


async def test_statuses_are_paged_and_filtered(store: PostgresStore) -> None:
    for environment in ("testing", "production"):
        for name in ("b", "a-b", "a"):
            await store.put_status(status(name, environment), [])
    await store.put_status(
        status("main-line").model_copy(update={"kind": "number"}), [event("n", kind="number")]
    )
    seen: list[str] = []
    after = ""
    while page := await store.statuses("acme", after=after, limit=2):
        seen += [f"{one.kind}/{one.name}/{one.environment}" for one in page]
        after = seen[-1]
    assert seen == [
        *(f"agent/{n}/{e}" for n in ("a", "a-b", "b") for e in ("production", "testing")),
        "number/main-line/testing",
    ]
    testing = await store.statuses("acme", environment="testing", kind="agent", limit=10)
    assert [one.name for one in testing] == ["a", "a-b", "b"]
    assert await store.statuses("other", limit=10) == ()


async def test_events_read_newest_first_or_follow_oldest_first(store: PostgresStore) -> None:
    await store.add_events([event(str(n)) for n in range(5)])
    newest = await store.events("acme", limit=2)
    assert [one.message for one in newest] == ["4", "3"]
    assert await messages(store, before=newest[-1].id) == ["2", "1", "0"]
    assert await messages(store, after=newest[-1].id) == ["4"]
    assert await messages(store, after=0) == ["0", "1", "2", "3", "4"]
    assert all(one.at is not None for one in newest)


async def test_events_are_filtered_by_what_they_are_about(store: PostgresStore) -> None:
    await store.add_events(
        [
            event("agent"),
            event("elsewhere", environment="production"),
            event("other", name="night-desk"),
            event("git", kind="project", name="", environment=""),
        ]
    )
    assert await messages(store, name="front-desk", environment="testing") == ["agent"]
    assert await messages(store, kind="project") == ["git"]
    assert await messages(store, environment="production") == ["elsewhere"]


async def test_a_message_postgresql_cannot_hold_is_made_readable(store: PostgresStore) -> None:
    long = "a\0b\ud800" + "x" * 3_000
    await store.put_status(status(message="nul \0 here"), [event(long, details={"raw\0": ["\0"]})])
    row = await store.status("acme", "testing", "agent", "front-desk")
    assert row is not None
    assert row.message == "nul \ufffd here"
    (read,) = await store.events("acme", limit=1)
    assert read.message.startswith("a\ufffdb?x")
    assert len(read.message) == EVENT_MESSAGE_MAX_CHARACTERS
    assert read.details == {"raw\ufffd": ["\ufffd"]}


async def test_a_page_without_bound_is_refused(store: PostgresStore) -> None:
    with pytest.raises(InvalidInput):
        await store.events("acme", limit=0)


async def test_a_follower_waits_for_events_that_are_being_written(
    store: PostgresStore, postgres_url: str
) -> None:
    """An id handed out first and committed last must not be passed over."""
    async with await psycopg.AsyncConnection.connect(postgres_url) as slow:
        await slow.execute(
            "SELECT pg_advisory_xact_lock_shared(hashtextextended('events/acme', 0))"
        )
        await slow.execute(
            """
            INSERT INTO events (project, environment, kind, name, type, reason, message, details)
            VALUES ('acme', '', 'project', '', 'Normal', 'R', 'slow', '{}')
            """
        )
        await store.add_events([event("quick")])
        follower = asyncio.create_task(store.events("acme", after=0, limit=10))
        done, _ = await asyncio.wait([follower], timeout=0.3)
        assert not done
        await slow.commit()
        assert [one.message for one in await follower] == ["slow", "quick"]


async def test_a_writer_of_events_waits_for_a_follower(
    store: PostgresStore, postgres_url: str
) -> None:
    async with await psycopg.AsyncConnection.connect(postgres_url) as follower:
        await follower.execute("SELECT pg_advisory_xact_lock(hashtextextended('events/acme', 0))")
        writers = [
            asyncio.create_task(store.add_events([event("one")])),
            asyncio.create_task(store.put_status(status(), [event("two")])),
        ]
        done, _ = await asyncio.wait(writers, timeout=0.3)
        assert not done
        await follower.rollback()
        await asyncio.gather(*writers)
    assert sorted(await messages(store)) == ["one", "two"]
