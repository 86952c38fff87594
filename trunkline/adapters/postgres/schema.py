"""The version of the tables: brought up to date on request, and checked before work begins.

Migrating is a step of its own and never a side effect of starting: several processes start at
once, and only one of them may change tables. Whoever comes second waits and finds nothing to do.
"""

import asyncio
import logging
import threading
from pathlib import Path
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg.errors import UndefinedTable
from psycopg.rows import dict_row
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from trunkline.adapters.postgres.pool import MIGRATE_HINT, checked_address, translated
from trunkline.model.errors import StoreUnavailable

MIGRATIONS = Path(__file__).parent / "migrations"

_LOCK_KEY = 7_239_145_002
"""Any number nobody else uses for an advisory lock in the same database."""
_LOCK_TIMEOUT_S = 120
_CONNECT_TIMEOUT_S = 10
_ALEMBIC = threading.Lock()
"""Alembic keeps the running migration in module globals: one at a time in a process."""


async def migrate(database_url: str) -> str:
    """Bring the tables to this release's version, which is the answer.

    One transaction under an advisory lock, so that any number of callers may race. Raises
    StoreUnavailable.
    """
    return await asyncio.to_thread(_migrate, checked_address(database_url))


async def require_current(database_url: str) -> None:
    """Raises StoreUnavailable, saying what to do, unless the tables are of this release."""
    with translated():
        connection = await psycopg.AsyncConnection.connect(
            checked_address(database_url),
            connect_timeout=_CONNECT_TIMEOUT_S,
            autocommit=True,
            row_factory=dict_row,
        )
        async with connection:
            await require_current_on(connection)


async def require_current_on(connection: psycopg.AsyncConnection[dict[str, Any]]) -> None:
    """The same on an open connection."""
    wanted = head_version()
    try:
        cursor = await connection.execute("SELECT version_num FROM alembic_version")
        row = await cursor.fetchone()
    except UndefinedTable as error:
        raise StoreUnavailable("the database has no tables yet", hint=MIGRATE_HINT) from error
    found = row["version_num"] if row else "none"
    if found == wanted:
        return
    if found in _known_versions():
        raise StoreUnavailable(
            f"the tables are at version {found}, this release needs {wanted}", hint=MIGRATE_HINT
        )
    raise StoreUnavailable(
        f"the tables are at version {found}, which this release does not know",
        hint="The database was migrated by a newer release: run that one.",
    )


def head_version() -> str:
    """The version of the tables this release works with."""
    head = _scripts().get_current_head()
    if head is None:
        raise StoreUnavailable("this installation carries no migrations", hint="Reinstall it.")
    return head


def _known_versions() -> set[str]:
    return {script.revision for script in _scripts().walk_revisions()}


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _migrate(address: str) -> str:
    logging.getLogger("alembic").setLevel(logging.WARNING)
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(address, connect_timeout=_CONNECT_TIMEOUT_S),
        poolclass=NullPool,
    )
    try:
        with translated(), engine.begin() as connection, _ALEMBIC:
            _upgrade(connection)
    except DBAPIError as error:
        raise StoreUnavailable(
            f"the migration did not finish and changed nothing: {error.orig}",
            hint="Check that PostgreSQL runs and that the role may create tables.",
        ) from error
    finally:
        engine.dispose()
    return head_version()


def _upgrade(connection: Connection) -> None:
    connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT_S}s'"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
