"""PostgreSQL is killed while somebody speaks: the call goes on, and its rows follow."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.realtime.callers import frame, numbers
from tests.realtime.conftest import PROJECT, served
from tests.realtime.houses import until
from trunkline.adapters.postgres import PostgresStore
from trunkline.adapters.postgres.migrating import migrate
from trunkline.adapters.postgres.pool import StoreBounds
from trunkline.local import postgres
from trunkline.local.processes import Supervisor
from trunkline.model.errors import StoreUnavailable
from trunkline.model.records import ProjectRecord

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conversing.platform_side import Platform, Side
    from tests.realtime.conftest import Ends
    from trunkline.model.calls.records import CallRecord

HASTY = StoreBounds(wait_timeout_s=3.0)
"""Who asks while the server is gone is told so soon."""


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_call_outlives_its_database_and_is_written_down_once(
    home: Path, ends: Ends, platform: Platform
) -> None:
    sides: list[Side] = []
    begun = asyncio.Event()

    async def part(side: Side) -> None:
        await side.begin("ulaw_8000", "ulaw_8000")
        sides.append(side)
        begun.set()
        await side.hear("nothing that is ever said")

    platform.part = part
    with Supervisor(home / "logs") as supervisor:
        cluster = postgres.prepare(home / "postgres")
        child, url = postgres.start_server(supervisor, cluster)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ALTER DATABASE trunkline SET synchronous_commit = on")
        await migrate(url)
        async with PostgresStore(url, HASTY) as store, served(url, store, ends) as server:
            await store.register(
                ProjectRecord(name=PROJECT, repository="https://git.example.com/acme.git")
            )
            async with server.called() as caller:
                await asyncio.wait_for(begun.wait(), 60)
                await sides[0].say("before")
                await until(server.events, lambda events: len(events) >= 2)
                child.kill()
                for number in range(10):
                    await sides[0].say(f"meanwhile {number}")
                    await sides[0].sound(frame(number))
                    await caller.speak(frame(number))
                await caller.until(lambda line: len(line.heard()) == 10 * 160)
                while len(sides[0].chunks) < 10:
                    await sides[0].hear("user_audio_chunk")
                with pytest.raises(StoreUnavailable):
                    await store.call(PROJECT, server.records[-1].id)
                await caller.stop()
                await asyncio.wait_for(caller.closed.wait(), 60)
            postgres.start_server(supervisor, cluster)

            async def remembered() -> CallRecord | None:
                with suppress(StoreUnavailable):
                    return await server.record()
                return None

            record = await until(remembered, lambda found: found is not None and found.is_over)
            events = await server.events()
    assert record is not None
    assert numbers(b"".join(content for _, content in sides[0].chunks)) == list(range(10))
    assert (record.ended_by, record.outcome) == ("caller", "talked")
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    said = [event.data["text"] for event in events if event.name == "agent_response"]
    assert said == ["before", *(f"meanwhile {number}" for number in range(10))]
    assert events[-1].name == "connection_closed"
