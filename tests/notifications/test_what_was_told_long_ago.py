"""What was told is kept for a while; what decides about the next message stays, however old."""

from datetime import UTC, datetime, timedelta

import psycopg

from tests.notifications.worlds import PROJECT, World
from trunkline.model.notifications.news import single
from trunkline.model.notifications.quiet import ChapterState
from trunkline.model.notifications.records import NotificationRecord

HOOK = "webhook-1"
MONTH = timedelta(days=31)


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=1)


async def told(world: World, topic: str, *states: ChapterState, recipient: str = HOOK) -> list[int]:
    """Events of a topic, and what became of each; their ids."""
    after = await world.store.notification_cursor(PROJECT)
    for state in states:
        await world.happen("GateFailed", message=f"{topic} {state}")
    events = await world.store.events(PROJECT, after=after, limit=50)
    ids = [event.id or 0 for event in events]
    rows = [
        NotificationRecord(
            project=PROJECT,
            event_id=event.id or 0,
            recipient=recipient,
            topic=topic,
            state=state,
            news=single(event) if state not in {"held", "covered", "repeated"} else None,
        )
        for event, state in zip(events, states, strict=True)
    ]
    assert await world.store.record_notifications(PROJECT, after=after, upto=ids[-1], rows=rows)
    return ids


async def left(world: World) -> set[int]:
    async with await psycopg.AsyncConnection.connect(world.database_url) as connection:
        rows = await (await connection.execute("SELECT event_id FROM notifications")).fetchall()
    return {row[0] for row in rows}


async def test_what_decides_about_nothing_goes(world: World) -> None:
    await world.configure()
    desk = await told(world, "//agent/desk/health", "delivered", "repeated", "covered", "repeated")
    other = await told(world, "//agent/other/health", "refused", "delivered")
    assert await world.store.forget_past(datetime.now(UTC) - MONTH, limit=500) == 0
    assert await world.store.forget_past(soon(), limit=500) == 3
    assert await left(world) == {desk[2], desk[3], other[1]}


async def test_what_waits_or_is_on_its_way_stays(world: World) -> None:
    await world.configure()
    desk = await told(world, "//agent/desk/health", "held", "sending", "delivered")
    await told(world, "//agent/other/health", "delivered", "delivered")
    await world.store.forget_past(soon(), limit=500)
    assert {desk[0], desk[1]} <= await left(world)


async def test_the_last_message_to_everybody_stays(world: World) -> None:
    await world.configure()
    calls = await told(world, "//call/call-1/calls", "delivered", "delivered", "refused")
    more = await told(world, "//call/call-2/calls", "delivered", recipient="slack-2")
    assert await world.store.forget_past(soon(), limit=500) == 2
    assert await left(world) == {calls[2], more[0]}


async def test_as_many_go_at_once_as_are_asked_for(world: World) -> None:
    await world.configure()
    many: tuple[ChapterState, ...] = ("delivered",) * 5
    calls = await told(world, "//call/call-1/calls", *many)
    assert await world.store.forget_past(soon(), limit=3) == 3
    assert await left(world) == set(calls[3:])
    assert await world.store.forget_past(soon(), limit=3) == 1
