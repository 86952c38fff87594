"""What people found by calling agents. One room of the store."""

from datetime import datetime

from trunkline.adapters.postgres.rows import ordered_json, page_size
from trunkline.adapters.postgres.tables import Tables
from trunkline.model.manual_results import ManualResult

_PUT = """
INSERT INTO manual_results (id, project, agent, result, at)
VALUES (%(id)s, %(project)s, %(agent)s, %(result)s, %(at)s)
ON CONFLICT (id) DO NOTHING
"""
_PAGE = """
SELECT result FROM manual_results
WHERE project = %(project)s AND agent = %(agent)s
    AND (%(at)s::timestamptz IS NULL OR at < %(at)s OR (at = %(at)s AND id > %(id)s))
ORDER BY at DESC, id LIMIT %(limit)s
"""


class ManualResultTables(Tables):
    """The ManualResults port."""

    async def put_manual_result(self, result: ManualResult) -> None:
        """Insert; the same id again leaves what is there."""
        values = {
            "id": result.id,
            "project": result.project,
            "agent": result.agent,
            "result": ordered_json(result),
            "at": result.tested_at,
        }
        async with self._pool.connection() as connection:
            await connection.execute(_PUT, values)

    async def manual_results(
        self, project: str, agent: str, *, before: tuple[datetime, str] | None = None, limit: int
    ) -> tuple[ManualResult, ...]:
        """Results of an agent, newest first, those older than a time and id."""
        at, identifier = before or (None, "")
        values = {
            "project": project,
            "agent": agent,
            "at": at,
            "id": identifier,
            "limit": page_size(limit),
        }
        rows = await self._listed(_PAGE, values)
        return tuple(ManualResult.model_validate(row["result"]) for row in rows)
