"""A store that was lost: every row is gone, as after an empty database was put in its place.

A database that was put in another's place was never asked to delete anything, so what guards the
audit log against being emptied is not asked here either.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import psycopg
from psycopg.errors import DeadlockDetected
from psycopg.sql import SQL, Composed, Identifier

from trunkline.model.records import ProjectRecord

if TYPE_CHECKING:
    from tests.workflows.conftest import Stack


async def lose_every_row(postgres_url: str, *, but: tuple[str, ...] = ()) -> None:
    """Empty all tables, except those named in ``but``."""
    kept = ["alembic_version", *but]
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as database:
        rows = await database.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            " AND NOT tablename = ANY(%s)",
            [kept],
        )
        tables = [Identifier(str(row[0])) for row in await rows.fetchall()]
        await database.execute("SET session_replication_role = replica")
        await _truncate(database, SQL("TRUNCATE {}").format(SQL(", ").join(tables)))


async def _truncate(database: psycopg.AsyncConnection, statement: Composed) -> None:
    """Workers that write meanwhile lock tables in another order: whoever is refused asks again."""
    while True:
        with suppress(DeadlockDetected):
            await database.execute(statement)
            return


async def start_anew(stack: Stack, postgres_url: str) -> None:
    """Lose every row, then register the project again, as an administrator does first."""
    await lose_every_row(postgres_url)
    await stack.store.register(ProjectRecord(name="acme", repository=str(stack.repository)))
