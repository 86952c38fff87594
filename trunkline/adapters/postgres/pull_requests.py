"""Pull requests and what their checks came to. One room of the store.

A row may be lost and is made again by looking; so nothing else refers to it, and writing the same
meaning twice is no news.
"""

from trunkline.adapters.postgres.rows import page_size, readable_json
from trunkline.adapters.postgres.tables import Tables
from trunkline.model.pull_requests import PullRequestRecord

_PUT = """
INSERT INTO pull_requests (project, number, open, record)
VALUES (%(project)s, %(number)s, %(open)s, %(record)s)
ON CONFLICT (project, number) DO UPDATE SET
    open = excluded.open, record = excluded.record, updated_at = now()
WHERE pull_requests.record::jsonb <> excluded.record::jsonb
RETURNING number
"""

_PAGE = """
SELECT record, updated_at FROM pull_requests
WHERE project = %(project)s AND (open OR NOT %(open_only)s)
    AND (%(before)s::integer IS NULL OR number < %(before)s)
ORDER BY number DESC LIMIT %(limit)s
"""


class PullRequestTables(Tables):
    """The PullRequests port."""

    async def pull_request_record(self, project: str, number: int) -> PullRequestRecord | None:
        """One, or None."""
        row = await self._found(
            "SELECT record, updated_at FROM pull_requests WHERE project = %s AND number = %s",
            (project, number),
        )
        return _record(row) if row is not None else None

    async def pull_request_records(
        self, project: str, *, open_only: bool = False, before: int | None = None, limit: int
    ) -> tuple[PullRequestRecord, ...]:
        """Newest first, below the number ``before``; those with objects left count as open."""
        values = {
            "project": project,
            "open_only": open_only,
            "before": before,
            "limit": page_size(limit),
        }
        rows = await self._listed(_PAGE, values)
        return tuple(_record(row) for row in rows)

    async def put_pull_request(self, record: PullRequestRecord) -> bool:
        """Insert or replace; True if its meaning changed."""
        kept = record.model_copy(update={"updated_at": None})
        values = {
            "project": record.project,
            "number": record.number,
            "open": record.state == "open" or not record.objects_gone,
            "record": readable_json(kept),
        }
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_PUT, values)
            return await cursor.fetchone() is not None


def _record(row: dict[str, object]) -> PullRequestRecord:
    found = PullRequestRecord.model_validate(row["record"])
    return found.model_copy(update={"updated_at": row["updated_at"]})
