"""Counting rows for those who watch a whole installation. One room of the store."""

from datetime import datetime

from trunkline.adapters.postgres.tables import Tables
from trunkline.model.census import Tally
from trunkline.model.delivery import Released
from trunkline.model.limits import DELIVERY_ROWS_MAX
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

_TALLIES = """
SELECT 'promotions_open' AS measure, project, environment, record->>'phase' AS word,
    count(*)::double precision AS value
FROM promotions WHERE open GROUP BY 2, 3, 4
UNION ALL
SELECT 'promotion_age_seconds', project, environment, '',
    extract(epoch FROM max(now() - created_at))::double precision
FROM promotions WHERE open GROUP BY 2, 3
UNION ALL
SELECT 'evidence_age_seconds', project, environment, '',
    extract(epoch FROM max(now() - (record->>'gatePassedAt')::timestamptz))::double precision
FROM promotions WHERE open AND record->>'gatePassedAt' IS NOT NULL GROUP BY 2, 3
UNION ALL
SELECT 'promotions_ended', project, environment, record->>'state', count(*)
FROM promotions WHERE NOT open GROUP BY 2, 3, 4
UNION ALL
SELECT 'promotion_seconds', project, environment, record->>'state',
    sum(extract(epoch FROM (record->>'finishedAt')::timestamptz - created_at))::double precision
FROM promotions WHERE NOT open AND record->>'finishedAt' IS NOT NULL GROUP BY 2, 3, 4
UNION ALL
SELECT 'drift_age_seconds', s.project, s.environment, '',
    extract(epoch FROM max(now() - coalesce(
        (SELECT max(e.at) FROM events e WHERE e.project = s.project AND e.name = s.name
            AND e.environment = s.environment AND e.kind = s.kind
            AND e.reason = 'ChangedOutsideGit'),
        s.changed_at)))::double precision
FROM statuses s WHERE s.status->'conditions' @> '[{"type": "Drifted"}]' GROUP BY 2, 3
UNION ALL
SELECT 'pull_requests', project, '', record->>'plan', count(*)
FROM pull_requests WHERE open GROUP BY 2, 4
UNION ALL
SELECT 'notifications', project, '', state, count(*) FROM notifications GROUP BY 2, 4
UNION ALL
SELECT 'calls_active', project, environment, state, count(*)
FROM calls WHERE ended_at IS NULL GROUP BY 2, 3, 4
"""
_RELEASED = """
SELECT project, environment, agent, kind, state, version, replaced, released_at, committed_at,
    finished_at
FROM (
    SELECT project, environment, agent, record->>'kind' AS kind,
        record->>'state' AS state, (record->>'version')::integer AS version,
        (record->>'settledVersion')::integer AS replaced,
        (record->>'finishedAt')::timestamptz AS finished_at,
        (SELECT min((entry->>'endedAt')::timestamptz)
            FROM json_array_elements(record->'timeline') entry
            WHERE entry->>'phase' = 'Releasing') AS released_at,
        (SELECT max((author->>'at')::timestamptz)
            FROM json_array_elements(record->'authors') author) AS committed_at
    FROM promotions
    WHERE updated_at >= %(since)s AND record->>'releaseCommit' IS NOT NULL
        AND (%(project)s = '' OR project = %(project)s)
        AND (%(environment)s = '' OR environment = %(environment)s)
) released
WHERE released_at >= %(since)s
ORDER BY released_at DESC LIMIT %(limit)s
"""
_RELEASING = "SELECT DISTINCT project, environment FROM promotions ORDER BY 1, 2"

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

    async def tallies(self) -> tuple[Tally, ...]:
        """Promotions, evidence, drift, pull requests, notifications and calls in numbers."""
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(_TALLIES)).fetchall()
        return tuple(Tally.model_validate(row) for row in rows)

    async def released(
        self, *, since: datetime, project: str = "", environment: str = ""
    ) -> tuple[Released, ...]:
        """Promotions that wrote a release since then, newest first, up to a bound; "" for every
        project or environment.
        """
        values = {
            "since": since,
            "project": project,
            "environment": environment,
            "limit": DELIVERY_ROWS_MAX,
        }
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(_RELEASED, values)).fetchall()
        return tuple(Released.model_validate(row) for row in rows)

    async def releasing_environments(self) -> tuple[tuple[str, str], ...]:
        """Projects and environments that promotions ever went to."""
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(_RELEASING)).fetchall()
        return tuple((row["project"], row["environment"]) for row in rows)

    async def count_agents(self, project: str, environment: str) -> int:
        """How many agents Git wants in an environment."""
        row = await self._found(_COUNT_WISHES, (project, environment))
        return int(row["count"]) if row else 0
