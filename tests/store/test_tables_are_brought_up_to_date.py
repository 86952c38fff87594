"""Migrations run once however many ask for them; without them nothing starts quietly."""

import asyncio
import logging
import os
import signal

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory

from tests.warm_programs import Running, WarmPrograms
from trunkline.adapters.postgres import PostgresStore, require_current
from trunkline.adapters.postgres.migrating import alembic_config, migrate, migrating
from trunkline.adapters.postgres.schema import head_version, known_versions
from trunkline.model.errors import InvalidSettings, StoreUnavailable, TablesUnfit


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


def test_names_of_migrations_say_what_alembic_runs() -> None:
    """The version every process asks for is the one a migration leaves behind."""
    scripts = ScriptDirectory.from_config(alembic_config())
    assert head_version() == scripts.get_current_head()
    assert set(known_versions()) == {script.revision for script in scripts.walk_revisions()}


ANOTHER_RELEASE = (
    ("0002", "trunkline migrate"),
    ("9999", "newer release"),
    (None, "trunkline migrate"),
)


@pytest.mark.slow
@pytest.mark.parametrize(("version", "hint"), ANOTHER_RELEASE)
@pytest.mark.parametrize("verb", ["serve", "worker"])
async def test_no_process_works_on_tables_of_another_release(
    postgres_url: str,
    empty_postgres_url: str,
    programs: WarmPrograms,
    verb: str,
    version: str | None,
    hint: str,
) -> None:
    if version is not None:
        async with await psycopg.AsyncConnection.connect(postgres_url) as connection:
            await connection.execute("UPDATE alembic_version SET version_num = %s", (version,))
    url = empty_postgres_url if version is None else postgres_url
    code, err = await _run(programs, verb, url)
    assert (code, hint in err) == (3, True), err


@pytest.mark.slow
async def test_two_commands_at_once_both_end_well(
    empty_postgres_url: str, programs: WarmPrograms
) -> None:
    ended = await asyncio.gather(*(_run(programs, "migrate", empty_postgres_url) for _ in range(2)))
    assert [code for code, _ in ended] == [0, 0], ended
    await require_current(empty_postgres_url)


@pytest.mark.slow
async def test_a_migration_killed_in_the_middle_leaves_the_old_version(
    empty_postgres_url: str, programs: WarmPrograms
) -> None:
    """Its last step waits for a lock that somebody holds; there it is killed."""
    with migrating(empty_postgres_url) as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
    async with await psycopg.AsyncConnection.connect(empty_postgres_url) as holder:
        await holder.execute("LOCK TABLE operation_items IN ACCESS SHARE MODE")
        migrating_elsewhere = _start(programs, "migrate", empty_postgres_url)
        await _until_waiting(empty_postgres_url)
        migrating_elsewhere.kill()
        assert (await migrating_elsewhere.ended()).code == -signal.SIGKILL
    with pytest.raises(TablesUnfit, match="0002"):
        await require_current(empty_postgres_url)
    assert await migrate(empty_postgres_url) == head_version()


async def _until_waiting(url: str) -> None:
    """Until some statement of another process waits for a lock."""
    deadline = asyncio.get_running_loop().time() + 60
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as looking:
        while asyncio.get_running_loop().time() < deadline:
            rows = await looking.execute(
                "SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid)"
                " WHERE NOT granted AND datname = current_database()"
            )
            if await rows.fetchone():
                return
            await asyncio.sleep(0.05)
    pytest.fail("no statement waited for the lock")


def _start(programs: WarmPrograms, verb: str, url: str) -> Running:
    environment = {**os.environ, "DATABASE_URL": url, "TEMPORAL_ADDRESS": "127.0.0.1:9"}
    return programs.start(verb, env=environment)


async def _run(programs: WarmPrograms, verb: str, url: str) -> tuple[int, str]:
    ended = await _start(programs, verb, url).ended()
    return ended.code, ended.err
