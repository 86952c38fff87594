"""What people decided about carrying wishes out. One room of the store."""

from psycopg import sql

from trunkline.adapters.postgres.rows import comparable_json, readable
from trunkline.adapters.postgres.tables import Tables
from trunkline.model.interventions import Intervention, InterventionVerb

_COLUMNS = sql.SQL("project, environment, kind, name, verb, reason, by, at, expires_at, details")

_PUT = sql.SQL(
    """
INSERT INTO interventions ({columns}) VALUES (%(project)s, %(environment)s, %(kind)s, %(name)s,
    %(verb)s, %(reason)s, %(by)s, %(at)s, %(expires_at)s, %(details)s)
ON CONFLICT (project, environment, kind, name, verb) DO UPDATE SET
    reason = excluded.reason, by = excluded.by, at = excluded.at,
    expires_at = excluded.expires_at, details = excluded.details
"""
).format(columns=_COLUMNS)

_LIFT = sql.SQL(
    """
DELETE FROM interventions
WHERE project = %s AND environment = %s AND kind = %s AND name = %s AND verb = %s
RETURNING {columns}
"""
).format(columns=_COLUMNS)

_IN_FORCE = sql.SQL(
    """
SELECT {columns} FROM interventions
WHERE project = %(project)s
    AND (%(environment)s::text IS NULL OR environment IN ('', %(environment)s))
    AND (expires_at IS NULL OR expires_at > now())
ORDER BY environment, kind, name, verb
"""
).format(columns=_COLUMNS)


class InterventionTables(Tables):
    """The Interventions port."""

    async def put_intervention(self, intervention: Intervention) -> None:
        """Insert, or replace the one with the same place and verb."""
        values = {
            **intervention.model_dump(by_alias=False, exclude={"details", "reason"}),
            "reason": readable(intervention.reason),
            "details": comparable_json(intervention.details),
        }
        async with self._pool.connection() as connection:
            await connection.execute(_PUT, values)

    async def lift_intervention(
        self, project: str, environment: str, kind: str, name: str, verb: InterventionVerb
    ) -> Intervention | None:
        """Take it away; answers what was in force, or None."""
        row = await self._found(_LIFT, (project, environment, kind, name, verb))
        return Intervention.model_validate(row) if row else None

    async def interventions(
        self, project: str, environment: str | None = None
    ) -> tuple[Intervention, ...]:
        """All in force for the project, or for one environment (project-wide ones included)."""
        values = {"project": project, "environment": environment}
        rows = await self._listed(_IN_FORCE, values)
        return tuple(Intervention.model_validate(row) for row in rows)
