"""Calls that go on while Git or people take away what they are made of."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.calls.rows import REVISION
from tests.realtime.callers import FRAME_BYTES, frame
from tests.realtime.conftest import PROJECT
from trunkline.adapters.postgres.projects import PROJECT_TABLES
from trunkline.model.records import SourceState

if TYPE_CHECKING:
    from tests.conversing.platform_side import Platform, Side
    from tests.realtime.callers import Line
    from tests.realtime.conftest import Server

BURST = 20


class Echo:
    """An agent that says again what it hears, and writes down that it was called."""

    def __init__(self, platform: Platform) -> None:
        self.begun = asyncio.Event()
        self.side: Side | None = None
        platform.part = self.part

    async def part(self, side: Side) -> None:
        """Answer each frame with the same."""
        await side.begin("ulaw_8000", "ulaw_8000")
        self.side = side
        await side.say("Good morning")
        self.begun.set()
        while True:
            await side.hear("user_audio_chunk")
            await side.sound(side.chunks[-1][1])


async def talk(caller: Line, frames: int) -> None:
    """So many frames, each of which comes back before many more are sent."""
    for _ in range(0, frames, BURST):
        before = len(caller.heard())
        await caller.speak(*(frame(number) for number in range(BURST)))
        async with asyncio.timeout(60):
            while len(caller.heard()) < before + BURST * FRAME_BYTES:  # noqa: ASYNC110 - heard
                await asyncio.sleep(0.005)


async def is_left(server: Server) -> None:
    """Nothing of the call is carried any more."""
    async with asyncio.timeout(60):
        while server.board.calls:  # noqa: ASYNC110 - asks the outside
            await asyncio.sleep(0.01)


def rows(database_url: str) -> dict[str, int]:
    """How many rows of the project each table has, where there are any."""
    found: dict[str, int] = {}
    with psycopg.connect(database_url) as connection:
        for table in PROJECT_TABLES:
            query = f"SELECT count(*) FROM {table} WHERE project = %s"  # noqa: S608 - our tables
            row = connection.execute(query.encode(), (PROJECT,)).fetchone()
            assert row is not None
            if row[0]:
                found[table] = row[0]
    return found


@pytest.mark.parametrize("moment", ["in its middle", "while the agent is connected"])
async def test_a_call_of_a_removed_project_goes_on_and_leaves_nothing(
    server: Server, platform: Platform, postgres_url: str, moment: str
) -> None:
    agent = Echo(platform)
    await server.rule(record=True)
    begins, goes_on = asyncio.Event(), asyncio.Event()

    async def part(side: Side) -> None:
        begins.set()
        await goes_on.wait()
        await agent.part(side)

    platform.part = part
    async with server.called(context={"business_hours": "9-18"}) as caller:
        await asyncio.wait_for(begins.wait(), 60)
        if moment == "in its middle":
            goes_on.set()
            await asyncio.wait_for(agent.begun.wait(), 60)
            await talk(caller, 300)
        await server.store.remove(PROJECT)
        goes_on.set()
        await talk(caller, 100)
        await caller.stop()
        await asyncio.wait_for(caller.closed.wait(), 60)
    await is_left(server)
    assert agent.side is not None
    await asyncio.wait_for(agent.side.connection.wait_closed(), 60)
    assert rows(postgres_url) == {}


async def test_a_call_with_an_agent_that_leaves_git_is_recorded_to_its_end(
    server: Server, platform: Platform
) -> None:
    agent = Echo(platform)
    await server.rule(record=True)
    async with server.called() as caller:
        await asyncio.wait_for(agent.begun.wait(), 60)
        source = SourceState(project=PROJECT, seen_revision=REVISION, applied_revision=REVISION)
        await server.store.store_tree(source, [], {}, {})
        await talk(caller, 40)
        await caller.stop()
        record = await server.until(lambda record: record.is_over)
    await is_left(server)
    assert (record.ended_by, record.outcome, record.agent) == ("caller", "talked", "front-desk")
    assert [one.name for one in await server.events()][-1] == "connection_closed"
    assert await server.store.recorded_samples(PROJECT, record.id) > 0
