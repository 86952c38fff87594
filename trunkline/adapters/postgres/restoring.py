"""Filling an empty database from a backup: the tables as they were, then up to this release.

One transaction: either everything of the backup is there, at this release's version, or nothing
is. The file is read twice, the first time only to see that it is whole. What a platform holds may
have moved on since, so deletions stay paused until a person has looked.
"""

import json
import logging
import zipfile
from collections.abc import Iterable
from pathlib import Path

import psycopg
from alembic import command
from psycopg import sql
from sqlalchemy import Connection

from trunkline.adapters.postgres.backups import (
    SETTINGS,
    BackupManifest,
    Part,
    Report,
    check_parts,
    pieces,
    read_manifest,
)
from trunkline.adapters.postgres.migrating import alembic_config, migrating
from trunkline.model.errors import InvalidInput, StoreUnavailable

PAUSED_BY = "trunkline"
_PLACES = """
SELECT DISTINCT project, environment FROM (
    SELECT project, environment FROM wishes
    UNION ALL SELECT project, environment FROM ledger
    UNION ALL SELECT project, environment FROM claims
) AS known
"""
_PAUSE = """
INSERT INTO interventions (
    project, environment, kind, name, verb, reason, by, at, expires_at, details
) VALUES (%s, %s, '', '', 'prune-paused', %s, %s, now(), NULL, '{}')
ON CONFLICT (project, environment, kind, name, verb) DO UPDATE SET
    reason = excluded.reason, by = excluded.by, at = excluded.at, expires_at = NULL
"""
_AUDIT = """
INSERT INTO audit (actor, role, action, project, subject, request_id, reason, details)
VALUES (%s, 'admin', 'backup.restore', %s, %s, '', '', %s)
"""


def restore_backup(database_url: str, source: Path, report: Report) -> BackupManifest:
    """Restore into an empty database; it is at this release's version afterwards.

    Raises InvalidInput for a file that is none of ours, damaged or of a newer release, and for a
    database that is not empty; StoreUnavailable.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            manifest = read_manifest(archive)
            check_parts(archive, manifest, report)
            with migrating(database_url) as connection:
                _fill(connection, archive, manifest, report)
    except (OSError, zipfile.BadZipFile) as error:
        raise InvalidInput(f"{source} cannot be read as a backup: {error}") from error
    return manifest


def _fill(
    connection: Connection, archive: zipfile.ZipFile, manifest: BackupManifest, report: Report
) -> None:
    database = connection.connection.driver_connection
    if not isinstance(database, psycopg.Connection):
        raise StoreUnavailable("the database is not reached by its own driver")
    _require_empty(database)
    config = alembic_config()
    config.attributes["connection"] = connection
    logging.getLogger("alembic").setLevel(logging.WARNING)
    command.upgrade(config, manifest.schema_version)
    for setting in SETTINGS:
        database.execute(sql.SQL(setting))
    for part in manifest.parts:
        _load(database, part, pieces(archive, part, report))
    command.upgrade(config, "head")
    _hold_deletions(database, manifest)


def _require_empty(database: psycopg.Connection) -> None:
    found = database.execute(
        """
        SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace
            AND relkind IN ('r', 'p', 'v', 'm') ORDER BY relname LIMIT 3
        """
    ).fetchall()
    if found:
        raise InvalidInput(
            f"the database is not empty: it has {', '.join(row[0] for row in found)}",
            hint="Make a new one (createdb NAME), point DATABASE_URL at it and restore there; do"
            " not run `trunkline migrate` before.",
        )


def _load(database: psycopg.Connection, part: Part, content: Iterable[bytes]) -> None:
    query = sql.SQL("COPY {table} ({columns}) FROM STDIN (FORMAT csv)").format(
        table=sql.Identifier(part.table),
        columns=sql.SQL(", ").join(map(sql.Identifier, part.columns)),
    )
    with database.cursor() as cursor:
        with cursor.copy(query) as copy:
            for piece in content:
                copy.write(piece)
        if cursor.rowcount != part.rows:
            raise InvalidInput(
                f"table {part.table} has {cursor.rowcount} rows instead of {part.rows}"
            )
        if part.identity and part.last:
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence(%s, %s), %s)",
                (part.table, part.identity, part.last),
            )


def _hold_deletions(database: psycopg.Connection, manifest: BackupManifest) -> None:
    """What was deleted or made since the backup is not in it: a person looks first."""
    taken = manifest.created_at.isoformat(sep=" ", timespec="seconds")
    reason = f"restored from a backup of {taken}: what happened since is not in it"
    places = {(str(row[0]), str(row[1])) for row in database.execute(_PLACES).fetchall()}
    described = database.execute("SELECT project, manifest FROM sources").fetchall()
    for project, stored in described:
        places |= {(str(project), name) for name in _environments(stored)}
    for project, environment in sorted(places):
        database.execute(_PAUSE, (project, environment, reason, PAUSED_BY))
    details = json.dumps(
        {
            "takenAt": manifest.created_at.isoformat(),
            "release": manifest.release,
            "schemaVersion": manifest.schema_version,
            "rows": manifest.rows,
        }
    )
    for project in sorted({place[0] for place in places}):
        database.execute(_AUDIT, (PAUSED_BY, project, project, details))


def _environments(manifest: object) -> list[str]:
    """Names of a stored Project manifest's environments, whichever release stored it."""
    spec = manifest.get("spec", manifest) if isinstance(manifest, dict) else None
    listed = spec.get("environments") if isinstance(spec, dict) else None
    entries = listed if isinstance(listed, list) else []
    return [str(entry["name"]) for entry in entries if isinstance(entry, dict) and "name" in entry]
