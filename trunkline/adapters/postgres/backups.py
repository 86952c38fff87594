"""A whole database as one file that any later release can read, without PostgreSQL's own programs.

A ZIP archive: one part of CSV for each table, and ``manifest.json``, which names the version of
the tables and, for each part, its columns, rows, bytes and SHA-256. CSV and not a server's own
format, so that another major version of PostgreSQL reads it. Everything is of one moment; nothing
is held in memory but a piece. Knows the names of tables and nothing of what their rows mean.
"""

import hashlib
import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Literal

import psycopg
from psycopg import sql
from pydantic import ValidationError

from trunkline import __version__
from trunkline.adapters.postgres.pool import MIGRATE_HINT, checked_address, translated
from trunkline.adapters.postgres.schema import CONNECT_TIMEOUT_S, known_versions
from trunkline.model.base import Frozen
from trunkline.model.errors import InvalidInput, StoreUnavailable

TABLES = (
    "projects",
    "sources",
    "wishes",
    "contents",
    "ledger",
    "claims",
    "number_owners",
    "object_owners",
    "statuses",
    "events",
    "operations",
    "operation_items",
    "plans",
    "imports",
    "imported_manifests",
    "interventions",
    "deletions",
    "looks",
    "test_runs",
    "test_results",
    "test_spending",
    "test_holds",
    "judge_answers",
    "manual_results",
    "behaviour_baselines",
    "promotions",
    "releases",
    "release_standings",
    "rollouts",
    "promotion_rules",
    "pull_requests",
    "notification_cursors",
    "notifications",
    "calls",
    "call_events",
    "call_slots",
    "call_commands",
    "call_recordings",
    "call_orders",
    "do_not_call",
    "native_call_cursors",
    "accounts",
    "tokens",
    "audit",
)
"""Every table that is kept, each after those its rows refer to."""
TABLES_OF_THE_MOMENT = (
    "account_shares",
    "alembic_version",
    "test_parts",
    "desks",
    "desk_calls",
    "talk_places",
    "idempotent_requests",
    "seen_requests",
)
"""Who is running right now, what conversations that go on need, answers for whoever asks twice, and
the version, which the manifest says."""
FORMAT: Literal["trunkline-backup"] = "trunkline-backup"
FORMAT_VERSION = 1
MANIFEST = "manifest.json"
MANIFEST_MAX_BYTES = 1_048_576
"""A manifest has a few lines for each table."""
PIECE_BYTES = 1_048_576
SETTINGS = (
    "SET LOCAL datestyle = 'ISO, YMD'",
    "SET LOCAL intervalstyle = 'iso_8601'",
    "SET LOCAL timezone = 'UTC'",
    "SET LOCAL bytea_output = 'hex'",
    "SET LOCAL extra_float_digits = 1",
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL idle_in_transaction_session_timeout = 0",
)
"""How values are written, so that every server reads them as they were."""

Report = Callable[[str, int], None]
"""Told the table and how many bytes of it went by."""


class Part(Frozen):
    """One table: its columns in the order of the part, and what the part must come to.
    ``identity`` is the column that counts by itself, ``last`` the last number it gave.
    """

    table: str
    columns: tuple[str, ...]
    rows: int
    size: int
    sha256: str
    identity: str = ""
    last: int = 0

    @property
    def name(self) -> str:
        """Where the part is in the archive."""
        return f"{self.table}.csv"


class BackupManifest(Frozen):
    """What a backup holds."""

    format: Literal["trunkline-backup"]
    format_version: int
    schema_version: str
    release: str
    server: str
    created_at: datetime
    parts: tuple[Part, ...]

    @property
    def size(self) -> int:
        """Bytes of all parts together."""
        return sum(part.size for part in self.parts)

    @property
    def rows(self) -> int:
        """Rows of all parts together."""
        return sum(part.rows for part in self.parts)


def write_backup(database_url: str, target: Path, report: Report) -> BackupManifest:
    """Write one moment of the database; the file is there whole or not at all.

    Raises InvalidInput if something is there, StoreUnavailable.
    """
    if target.exists():
        raise InvalidInput(f"{target} is there already", hint="Give another --output.")
    with (
        _new_file(target) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        translated(),
        psycopg.connect(
            checked_address(database_url), connect_timeout=CONNECT_TIMEOUT_S
        ) as connection,
    ):
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        for setting in SETTINGS:
            connection.execute(sql.SQL(setting))
        manifest = BackupManifest(
            format=FORMAT,
            format_version=FORMAT_VERSION,
            schema_version=_version(connection),
            release=__version__,
            server=str(connection.info.server_version),
            created_at=datetime.now(UTC),
            parts=tuple(
                _write_part(connection, archive, table, report)
                for table in TABLES
                if _columns(connection, table)
            ),
        )
        archive.writestr(MANIFEST, manifest.model_dump_json(indent=2, by_alias=True))
    return manifest


def read_manifest(archive: zipfile.ZipFile) -> BackupManifest:
    """What the archive says it holds. Raises InvalidInput."""
    try:
        if archive.getinfo(MANIFEST).file_size > MANIFEST_MAX_BYTES:
            raise _no_backup("its manifest is too large")
        manifest = BackupManifest.model_validate_json(archive.read(MANIFEST))
    except (KeyError, ValidationError, zipfile.BadZipFile) as error:
        raise _no_backup("it has no manifest that can be read") from error
    if manifest.format_version > FORMAT_VERSION or manifest.schema_version not in known_versions():
        raise InvalidInput(
            f"this backup is of release {manifest.release}, with tables at version"
            f" {manifest.schema_version}, which this release does not know",
            hint="Restore it with that release or a newer one.",
        )
    unknown = [part.table for part in manifest.parts if part.table not in TABLES]
    if unknown:
        raise _no_backup(f"it holds tables of somebody else: {', '.join(unknown)}")
    return manifest


def check_parts(archive: zipfile.ZipFile, manifest: BackupManifest, report: Report) -> None:
    """Read every part once. Raises InvalidInput for one that is not as it was written."""
    for part in manifest.parts:
        digest = hashlib.sha256()
        for piece in pieces(archive, part, report):
            digest.update(piece)
        if digest.hexdigest() != part.sha256:
            raise _damaged(part)


def pieces(archive: zipfile.ZipFile, part: Part, report: Report) -> Iterator[bytes]:
    """A part piece by piece, never more of it than the manifest says. Raises InvalidInput."""
    size = 0
    try:
        with archive.open(part.name) as source:
            while piece := source.read(PIECE_BYTES):
                size += len(piece)
                if size > part.size:
                    raise _damaged(part)
                report(part.table, len(piece))
                yield piece
    except (KeyError, zipfile.BadZipFile, EOFError, zlib.error) as error:
        raise _damaged(part) from error
    if size != part.size:
        raise _damaged(part)


def _write_part(
    connection: psycopg.Connection, archive: zipfile.ZipFile, table: str, report: Report
) -> Part:
    columns = _columns(connection, table)
    digest = hashlib.sha256()
    size = 0
    query = sql.SQL("COPY (SELECT {columns} FROM {table}) TO STDOUT (FORMAT csv)").format(
        columns=sql.SQL(", ").join(map(sql.Identifier, columns)), table=sql.Identifier(table)
    )
    with connection.cursor() as cursor, archive.open(f"{table}.csv", "w", force_zip64=True) as out:
        with cursor.copy(query) as copy:
            for block in copy:
                piece = bytes(block)
                digest.update(piece)
                size += len(piece)
                out.write(piece)
                report(table, len(piece))
        rows = cursor.rowcount
    identity, last = _identity(connection, table)
    return Part(
        table=table,
        columns=columns,
        rows=rows,
        size=size,
        sha256=digest.hexdigest(),
        identity=identity,
        last=last,
    )


def _columns(connection: psycopg.Connection, table: str) -> tuple[str, ...]:
    """The table's columns in their order; none if an older release has no such table."""
    found = connection.execute(
        """
        SELECT attname FROM pg_attribute
        WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum
        """,
        (table,),
    )
    return tuple(row[0] for row in found.fetchall())


def _identity(connection: psycopg.Connection, table: str) -> tuple[str, int]:
    """The column that counts by itself and the last number it gave; empty if there is none."""
    found = connection.execute(
        """
        SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attidentity <> ''
        """,
        (table,),
    ).fetchone()
    if found is None:
        return "", 0
    query = sql.SQL("SELECT coalesce(max({column}), 0) FROM {table}").format(
        column=sql.Identifier(found[0]), table=sql.Identifier(table)
    )
    highest = connection.execute(query).fetchone()
    given = connection.execute(
        "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence(%s, %s)::regclass), 0)",
        (table, found[0]),
    ).fetchone()
    return str(found[0]), max(highest[0] if highest else 0, given[0] if given else 0)


def _version(connection: psycopg.Connection) -> str:
    """The version of the tables. Raises StoreUnavailable if there are none we know."""
    if not _columns(connection, "alembic_version"):
        raise StoreUnavailable("the database has no tables yet", hint=MIGRATE_HINT)
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    found = str(row[0]) if row else "none"
    if found not in known_versions():
        raise StoreUnavailable(
            f"the tables are at version {found}, which this release does not know",
            hint="The database was migrated by a newer release: run that one.",
        )
    return found


@contextmanager
def _new_file(target: Path) -> Iterator[IO[bytes]]:
    """A file only its owner may read, under its name once the block ends well."""
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        raise InvalidInput(f"{target} cannot be written: {error.strerror}") from error
    written = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        written.replace(target)
    finally:
        written.unlink(missing_ok=True)


def _no_backup(why: str) -> InvalidInput:
    return InvalidInput(f"this file is no backup of Trunkline: {why}")


def _damaged(part: Part) -> InvalidInput:
    return InvalidInput(
        f"the backup is damaged: table {part.table} is not as it was written",
        hint="Nothing was restored. Fetch the file again, or take another backup.",
    )
