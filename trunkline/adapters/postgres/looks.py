"""When each agent was last read whole and found as it was left. One room of the store.

Read and written for many agents at once: a sweep of a large fleet must not ask for one at a time.
Losing these rows costs one slow sweep and nothing else.
"""

from collections.abc import Sequence

from trunkline.adapters.postgres.rows import batches
from trunkline.adapters.postgres.tables import Tables
from trunkline.model.limits import STORE_BATCH_SIZE
from trunkline.model.looks import Look


class LookTables(Tables):
    """The Looks port."""

    async def looks(self, project: str, environment: str, names: Sequence[str]) -> tuple[Look, ...]:
        """The last whole readings of the named agents."""
        rows = await self._listed(
            """
            SELECT project, environment, name, mark, at FROM looks
            WHERE project = %s AND environment = %s AND name = ANY(%s)
            """,
            (project, environment, list(names)),
        )
        return tuple(Look.model_validate(row) for row in rows)

    async def put_looks(self, looks: Sequence[Look]) -> None:
        """Insert or replace; the later reading of an agent stays."""
        async with self._pool.transaction() as connection:
            for batch in batches(looks, STORE_BATCH_SIZE):
                await connection.execute(
                    """
                    INSERT INTO looks AS known (project, environment, name, mark, at)
                    SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[],
                        %s::timestamptz[])
                    ON CONFLICT (project, environment, name) DO UPDATE SET
                        mark = excluded.mark, at = excluded.at
                    WHERE known.at < excluded.at
                    """,
                    (
                        [look.project for look in batch],
                        [look.environment for look in batch],
                        [look.name for look in batch],
                        [look.mark for look in batch],
                        [look.at for look in batch],
                    ),
                )
