"""What happens in a call reaches every process, in order, and a slow listener holds nobody up."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime

import psycopg

from realtime.hub import Hub
from tests.live.conftest import DEADLINE_S
from tests.live.happenings import said
from trunkline.adapters.postgres import PostgresStore
from trunkline.model.calls import limits
from trunkline.model.calls.commands import CallCommand
from trunkline.model.calls.events import CallNews
from trunkline.model.calls.records import CallRecord

Hubs = Callable[[], AbstractAsyncContextManager[Hub]]
NewCall = Callable[..., Awaitable[CallRecord]]


async def test_news_come_in_the_order_of_their_places_to_every_process(
    store: PostgresStore, hubs: Hubs, new_call: NewCall
) -> None:
    call = await new_call()
    async with (
        hubs() as one,
        hubs() as other,
        one.news("acme") as first,
        other.news("acme") as second,
        asyncio.timeout(DEADLINE_S),
    ):
        assert await anext(first) is None, "whoever begins to listen looks"
        assert await anext(second) is None
        for group in range(10):
            await store.add_call_events(
                "acme", call.id, [said(f"{group}.{each}") for each in range(5)]
            )
        for listener in (first, second):
            found = [await anext(listener) for _ in range(50)]
            assert [news.seq for news in found if news is not None] == list(range(1, 51))


async def test_other_projects_hear_nothing(
    store: PostgresStore, hubs: Hubs, new_call: NewCall
) -> None:
    call = await new_call()
    async with hubs() as hub, hub.news("other") as foreign, hub.news("acme") as own:
        assert await anext(foreign) is None
        assert await anext(own) is None
        await store.add_call_events("acme", call.id, [said("hello")])
        assert await asyncio.wait_for(anext(own), DEADLINE_S) is not None
        waiting = asyncio.ensure_future(anext(foreign))
        done, _ = await asyncio.wait([waiting], timeout=0.1)
        assert not done
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


async def test_a_slow_listener_is_told_to_look_and_holds_nobody_up(
    store: PostgresStore, hubs: Hubs, new_call: NewCall
) -> None:
    call = await new_call()
    many = limits.NEWS_BACKLOG_MAX + 1
    async with hubs() as hub, hub.news("acme") as slow, hub.news("acme") as quick:
        assert await anext(slow) is None
        assert await anext(quick) is None

        for start in range(0, many, 91):
            count = min(91, many - start)
            await store.add_call_events("acme", call.id, [said("word")] * count)
            async with asyncio.timeout(DEADLINE_S):
                found = [await anext(quick) for _ in range(count)]
            assert [news.seq for news in found if news is not None] == [
                *range(start + 1, start + count + 1)
            ]
        assert await anext(slow) is None


async def test_a_lost_connection_is_made_again_and_something_may_have_been_missed(
    store: PostgresStore, hubs: Hubs, new_call: NewCall, postgres_url: str
) -> None:
    call = await new_call()
    async with hubs() as hub, hub.news("acme") as news, hub.commands("me") as commands:
        assert await anext(news) is None
        assert await anext(commands) is None
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'trunkline-calls' AND datname = current_database()"
            )
        assert await asyncio.wait_for(anext(news), DEADLINE_S) is None
        assert await asyncio.wait_for(anext(commands), DEADLINE_S) is None
        await store.add_call_events("acme", call.id, [said("again")])
        assert await asyncio.wait_for(anext(news), DEADLINE_S) == CallNews(
            project="acme", call=call.id, seq=1, name="agent_response"
        )


async def test_commands_reach_the_process_that_carries_the_call(
    store: PostgresStore, hubs: Hubs, new_call: NewCall
) -> None:
    call = await new_call()
    async with hubs() as hub, hub.commands("me") as commands:
        assert await anext(commands) is None
        asked = CallCommand(
            project="acme",
            call=call.id,
            kind="hangup",
            asked_by="ada@example.com",
            asked_at=datetime.now(UTC),
        )
        await store.put_command(asked)
        assert await asyncio.wait_for(anext(commands), DEADLINE_S) == f"acme/{call.id}"
