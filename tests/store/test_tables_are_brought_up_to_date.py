"""Migrations run once however many ask for them; without them nothing starts quietly."""

import asyncio
import logging

import psycopg
import pytest

from trunkline.adapters.postgres import PostgresStore, migrate, require_current
from trunkline.adapters.postgres.schema import head_version
from trunkline.model.errors import InvalidSettings, StoreUnavailable


async def test_many_processes_may_migrate_at_once(empty_postgres_url: str) -> None:
    versions = await asyncio.gather(*(migrate(empty_postgres_url) for _ in range(4)))
    assert set(versions) == {head_version()}
    await require_current(empty_postgres_url)


async def test_migrating_is_quiet(
    empty_postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        await migrate(empty_postgres_url)
    assert caplog.records == []


async def test_a_database_without_tables_says_what_to_run(empty_postgres_url: str) -> None:
    with pytest.raises(StoreUnavailable, match="no tables") as raised:
        await require_current(empty_postgres_url)
    assert "trunkline migrate" in raised.value.hint
    async with PostgresStore(empty_postgres_url) as store:
        with pytest.raises(StoreUnavailable, match="no tables"):
            await store.check()


async def test_tables_of_a_newer_release_are_refused(postgres_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(postgres_url) as connection:
        await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    async with PostgresStore(postgres_url) as store:
        with pytest.raises(StoreUnavailable, match="9999") as raised:
            await store.check()
    assert "newer release" in raised.value.hint


async def test_current_tables_pass(postgres_url: str) -> None:
    await require_current(postgres_url)
    async with PostgresStore(postgres_url) as store:
        await store.check()


async def test_an_address_in_sqlalchemy_style_is_understood(postgres_url: str) -> None:
    await require_current(postgres_url.replace("postgresql://", "postgresql+psycopg://"))


async def test_an_address_that_is_none_is_refused_without_showing_it() -> None:
    with pytest.raises(InvalidSettings) as raised:
        await migrate("mysql secret-password")
    assert "secret-password" not in str(raised.value)


async def test_a_refused_migration_changes_nothing(empty_postgres_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(empty_postgres_url) as connection:
        await connection.execute("CREATE TABLE plans (somebody_elses text)")
    with pytest.raises(StoreUnavailable, match="changed nothing"):
        await migrate(empty_postgres_url)
    with pytest.raises(StoreUnavailable, match="no tables"):
        await require_current(empty_postgres_url)
