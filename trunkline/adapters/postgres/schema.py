"""The version of the tables: which one this release needs, and whether the database has it.

Every process checks before it works, so this must cost nothing: versions are read off the names of
the migrations, and what it takes to run one is imported only by whoever migrates.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg.errors import UndefinedTable
from psycopg.rows import dict_row

from trunkline.adapters.postgres.pool import MIGRATE_HINT, checked_address, translated
from trunkline.model.errors import StoreUnavailable, TablesUnfit

MIGRATIONS = Path(__file__).parent / "migrations"
CONNECT_TIMEOUT_S = 10

_MIGRATION_FILE = re.compile(r"v(\d{4})_.*\.py")


async def require_current(database_url: str) -> None:
    """Raises StoreUnavailable, or TablesUnfit unless the tables are of this release."""
    with translated():
        connection = await psycopg.AsyncConnection.connect(
            checked_address(database_url),
            connect_timeout=CONNECT_TIMEOUT_S,
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
        raise TablesUnfit("the database has no tables yet", hint=MIGRATE_HINT) from error
    found = row["version_num"] if row else "none"
    if found == wanted:
        return
    if found in known_versions():
        raise TablesUnfit(
            f"the tables are at version {found}, this release needs {wanted}", hint=MIGRATE_HINT
        )
    raise TablesUnfit(
        f"the tables are at version {found}, which this release does not know",
        hint="The database was migrated by a newer release: run that one.",
    )


def head_version() -> str:
    """The version of the tables this release works with."""
    known = known_versions()
    if not known:
        raise StoreUnavailable("this installation carries no migrations", hint="Reinstall it.")
    return known[-1]


@cache
def known_versions() -> tuple[str, ...]:
    """Every version of the tables this release knows, oldest first: ``v0001_….py`` is ``0001``."""
    found = (_MIGRATION_FILE.fullmatch(path.name) for path in (MIGRATIONS / "versions").iterdir())
    return tuple(sorted(match[1] for match in found if match))
