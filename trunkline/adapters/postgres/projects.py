"""Registered projects, and how the Git of each is. One room of the store."""

from typing import Any

from trunkline.adapters.postgres.pool import Connection
from trunkline.adapters.postgres.rows import comparable_json, readable
from trunkline.adapters.postgres.tables import Tables
from trunkline.model.records import ProjectRecord, SourceState

_PUT_SOURCE = """
INSERT INTO sources AS stored (
    project, seen_revision, applied_revision, author, subject, signature, conditions, problems
) VALUES (
    %(project)s, %(seen_revision)s, %(applied_revision)s, %(author)s, %(subject)s,
    %(signature)s, %(conditions)s, %(problems)s
)
ON CONFLICT (project) DO UPDATE SET
    seen_revision = excluded.seen_revision,
    applied_revision = coalesce(excluded.applied_revision, stored.applied_revision),
    author = excluded.author,
    subject = excluded.subject,
    signature = excluded.signature,
    conditions = excluded.conditions,
    problems = excluded.problems,
    changed_at = now()
WHERE (stored.seen_revision, stored.applied_revision, stored.author, stored.subject,
       stored.signature, stored.conditions, stored.problems)
    IS DISTINCT FROM
      (excluded.seen_revision, coalesce(excluded.applied_revision, stored.applied_revision),
       excluded.author, excluded.subject, excluded.signature, excluded.conditions,
       excluded.problems)
RETURNING project
"""


_REMOVE_SESSIONS = """
DELETE FROM tokens WHERE EXISTS (
    SELECT FROM json_array_elements(tokens.grants) AS one WHERE one->>'project' = %s
)
"""
"""Whoever had a role in it by signing in signs in again: a project of that name that is registered
later is another one."""

PROJECT_TABLES = (
    "calls",
    "sources",
    "wishes",
    "ledger",
    "claims",
    "number_owners",
    "statuses",
    "events",
    "operations",
    "plans",
    "interventions",
    "object_owners",
    "looks",
    "deletions",
    "imports",
    "test_runs",
    "test_spending",
    "test_holds",
    "desks",
    "manual_results",
    "behaviour_baselines",
    "promotions",
    "releases",
    "rollouts",
    "release_standings",
    "promotion_rules",
    "pull_requests",
    "notification_cursors",
    "notifications",
    "call_events",
    "call_slots",
    "call_commands",
    "call_recordings",
    "call_orders",
    "do_not_call",
    "native_call_cursors",
    "tokens",
)
"""Calls first: whoever writes down what happens in one holds its row, and finds none afterwards."""
"""Every table whose rows belong to one project, but the audit log, which outlives it."""
_OWNED = """
SELECT (SELECT count(*) FROM ledger WHERE project = %(project)s AND external_id IS NOT NULL)
    + (SELECT count(*) FROM claims WHERE project = %(project)s AND external_id IS NOT NULL) AS owned
"""
_REMOVE_ITEMS = """
DELETE FROM operation_items WHERE operation_id IN
    (SELECT id FROM operations WHERE project = %(project)s)
"""


async def write_source(connection: Connection, state: SourceState) -> bool:
    """Store a state; True if anything in it differs from what was there."""
    columns: dict[str, Any] = {
        "project": state.project,
        "seen_revision": state.seen_revision,
        "applied_revision": state.applied_revision,
        "author": readable(state.author),
        "subject": readable(state.subject),
        "signature": state.signature,
        "conditions": comparable_json(state.conditions),
        "problems": comparable_json(state.problems),
    }
    cursor = await connection.execute(_PUT_SOURCE, columns)
    return await cursor.fetchone() is not None


class ProjectTables(Tables):
    """The Projects port."""

    async def register(self, project: ProjectRecord) -> None:
        """Insert or update."""
        async with self._pool.connection() as connection:
            await connection.execute(
                """
                INSERT INTO projects (name, repository, branch, poll_interval_s)
                VALUES (%(name)s, %(repository)s, %(branch)s, %(poll_interval_s)s)
                ON CONFLICT (name) DO UPDATE SET
                    repository = excluded.repository,
                    branch = excluded.branch,
                    poll_interval_s = excluded.poll_interval_s
                """,
                project.model_dump(by_alias=False),
            )

    async def project(self, name: str) -> ProjectRecord | None:
        """One project, or None."""
        row = await self._found(
            "SELECT name, repository, branch, poll_interval_s FROM projects WHERE name = %s",
            (name,),
        )
        return ProjectRecord.model_validate(row) if row else None

    async def projects(self) -> tuple[ProjectRecord, ...]:
        """All projects by name."""
        rows = await self._listed(
            "SELECT name, repository, branch, poll_interval_s FROM projects ORDER BY name"
        )
        return tuple(ProjectRecord.model_validate(row) for row in rows)

    async def owned(self, project: str) -> int:
        """How many objects on the platforms the ledger says are the project's."""
        row = await self._found(_OWNED, {"project": project})
        return int(row["owned"]) if row else 0

    async def remove(self, project: str) -> None:
        """Forget the project and every row about it, but the audit log."""
        async with self._pool.transaction(bulk=True) as connection:
            await connection.execute(_REMOVE_ITEMS, {"project": project})
            for table in PROJECT_TABLES:
                await connection.execute(
                    f"DELETE FROM {table} WHERE project = %s",  # noqa: S608 - tables of ours
                    (project,),
                )
            await connection.execute(_REMOVE_SESSIONS, (project,))
            await connection.execute("DELETE FROM projects WHERE name = %s", (project,))

    async def source(self, project: str) -> SourceState | None:
        """How the project's Git is; None before the first look."""
        row = await self._found(
            """
            SELECT project, seen_revision, applied_revision, author, subject, signature,
                conditions, problems
            FROM sources WHERE project = %s
            """,
            (project,),
        )
        return SourceState.model_validate(row) if row else None

    async def put_source(self, state: SourceState) -> bool:
        """Record a look that brought no new valid tree; True if its meaning changed.

        A state without ``applied_revision`` leaves the one that is there.
        """
        async with self._pool.connection() as connection:
            return await write_source(connection, state)
