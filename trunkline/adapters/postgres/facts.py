"""How PostgreSQL itself is, for whoever looks for what is wrong. One room of the store."""

import psycopg

from trunkline.adapters.postgres.pool import Connection
from trunkline.adapters.postgres.schema import head_version
from trunkline.adapters.postgres.tables import Tables
from trunkline.model.findings import StoreFacts

NO_TABLES = "none"

_FACTS = """
SELECT current_setting('server_version_num')::int AS version, clock_timestamp() AS now,
    to_regclass('alembic_version') IS NOT NULL AS migrated
"""
_ROW = """
INSERT INTO interventions (project, environment, kind, name, verb, reason, by, at, details)
VALUES ('', '', '', '', 'check', '', '', now(), '{}')
"""


class FactTables(Tables):
    """What ``services.doctor`` asks of a store."""

    async def facts(self) -> StoreFacts:
        """Look now; what is tried out is rolled back. Raises StoreUnavailable."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_FACTS)
            row = await cursor.fetchone() or {}
            tables = NO_TABLES
            if row["migrated"]:
                cursor = await connection.execute("SELECT version_num FROM alembic_version")
                found = await cursor.fetchone()
                tables = found["version_num"] if found else NO_TABLES
            wanted = head_version()
            refusal = await _refusal(connection) if tables == wanted else ""
        return StoreFacts(
            version=row["version"],
            tables=tables,
            wanted=wanted,
            write_refusal=refusal,
            now=row["now"],
        )


async def _refusal(connection: Connection) -> str:
    """Why a row cannot be written, in PostgreSQL's words; empty if it can."""
    try:
        async with connection.transaction(force_rollback=True):
            await connection.execute(_ROW)
    except (psycopg.OperationalError, psycopg.InternalError, psycopg.ProgrammingError) as error:
        if connection.broken:
            raise
        return str(error).partition("\n")[0]
    return ""
