"""Whoever is slow, or whose server lost PostgreSQL for a while, still sees everything once."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import pytest
from websockets.asyncio.client import ClientConnection

from tests.live.conftest import DEADLINE_S
from tests.live.happenings import said
from trunkline.adapters.postgres import PostgresStore
from trunkline.model.calls import limits
from trunkline.model.calls.records import CallRecord
from trunkline.model.errors import StoreUnavailable

NewCall = Callable[..., Awaitable[CallRecord]]


async def seqs(socket: ClientConnection, last: int) -> list[int]:
    """Places of the events of a call up to the last one."""
    found: list[int] = []
    async with asyncio.timeout(DEADLINE_S):
        while not found or found[-1] < last:
            message = json.loads(await socket.recv())
            found += [message["seq"]] if "seq" in message else []
    return found


@pytest.mark.slow
async def test_a_client_that_reads_late_misses_nothing_and_holds_nobody_up(
    server: Any, store: PostgresStore, new_call: NewCall
) -> None:
    call = await new_call()
    many = 2 * limits.NEWS_BACKLOG_MAX
    async with (
        server.stream("events", "viewer", max_queue=1) as slow,
        server.stream("events", "viewer") as quick,
    ):
        reading = asyncio.create_task(seqs(quick, many))
        for start in range(0, many, 100):
            await store.add_call_events(
                "acme", call.id, [said(f"{start} " + "word " * 1_500) for _ in range(100)]
            )
        assert await reading == list(range(1, many + 1))
        assert await seqs(slow, many) == list(range(1, many + 1))


@pytest.mark.slow
async def test_a_lost_database_leaves_no_gap(
    server: Any, store: PostgresStore, new_call: NewCall, postgres_url: str
) -> None:
    call = await new_call()

    async def written(text: str) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                try:
                    await store.add_call_events("acme", call.id, [said(text)])
                except StoreUnavailable:
                    await asyncio.sleep(0.05)
                else:
                    return

    async with server.stream(f"events?call={call.id}", "viewer") as socket:
        for number in range(1, 31):
            if number % 10 == 0:
                with psycopg.connect(postgres_url, autocommit=True) as connection:
                    connection.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    )
            await written(str(number))
        assert await seqs(socket, 30) == list(range(1, 31))
