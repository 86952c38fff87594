"""What every group of tables has: the pool they share, and reads that are one statement."""

from psycopg.abc import Params, QueryNoTemplate
from psycopg.rows import DictRow

from trunkline.adapters.postgres.pool import StorePool


class Tables:
    """A group of tables; it borrows connections and never keeps one."""

    def __init__(self, pool: StorePool) -> None:
        self._pool = pool

    async def _found(self, query: QueryNoTemplate, values: Params | None = None) -> DictRow | None:
        """The row there is, or None. Raises StoreUnavailable."""
        async with self._pool.connection() as connection:
            return await (await connection.execute(query, values)).fetchone()

    async def _listed(self, query: QueryNoTemplate, values: Params | None = None) -> list[DictRow]:
        """Every row there is. Raises StoreUnavailable."""
        async with self._pool.connection() as connection:
            return await (await connection.execute(query, values)).fetchall()
