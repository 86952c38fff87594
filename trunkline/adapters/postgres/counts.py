"""Counting rows for those who watch a whole installation. One room of the store."""

from trunkline.adapters.postgres.tables import Tables
from trunkline.model.records import StatusCount

_COUNT_STATUSES = """
SELECT project, environment, kind, status->>'sync' AS sync, status->>'health' AS health,
    '' AS condition, '' AS reason, count(*) AS count
FROM statuses GROUP BY 1, 2, 3, 4, 5
UNION ALL
SELECT project, environment, kind, '', '', c->>'type', c->>'reason', count(*)
FROM statuses, jsonb_array_elements(status->'conditions') c
WHERE c->>'type' <> 'Ready' OR c->>'status' <> 'True'
GROUP BY 1, 2, 3, 6, 7
"""

_COUNT_WISHES = """
SELECT count(*) AS count FROM wishes
WHERE project = %s AND environment = %s AND kind = 'agent' AND NOT removed
"""


class CountTables(Tables):
    """Numbers of rows."""

    async def count_statuses(self) -> tuple[StatusCount, ...]:
        """How many statuses there are of each kind and state, and of each condition that is news:
        Ready is left out where it is true.
        """
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(_COUNT_STATUSES)).fetchall()
        return tuple(StatusCount.model_validate(row) for row in rows)

    async def count_agents(self, project: str, environment: str) -> int:
        """How many agents Git wants in an environment."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_COUNT_WISHES, (project, environment))
            row = await cursor.fetchone()
        return int(row["count"]) if row else 0
