"""What released agents did when they were as released. One room of the store."""

from trunkline.adapters.postgres.rows import readable_json
from trunkline.adapters.postgres.tables import Tables
from trunkline.model.testing.baselines import Baseline

_PUT = """
INSERT INTO behaviour_baselines (project, environment, agent, digest, baseline)
VALUES (%(project)s, %(environment)s, %(agent)s, %(digest)s, %(baseline)s)
ON CONFLICT (project, environment, agent) DO UPDATE SET
    digest = excluded.digest, baseline = excluded.baseline
"""
_ONE = """
SELECT baseline FROM behaviour_baselines
WHERE project = %s AND environment = %s AND agent = %s
"""


class BaselineTables(Tables):
    """The Baselines port."""

    async def put_baseline(self, baseline: Baseline) -> None:
        """Insert, or replace that of what was released before."""
        values = {
            "project": baseline.project,
            "environment": baseline.environment,
            "agent": baseline.agent,
            "digest": baseline.digest,
            "baseline": readable_json(baseline),
        }
        async with self._pool.connection() as connection:
            await connection.execute(_PUT, values)

    async def baseline(self, project: str, environment: str, agent: str) -> Baseline | None:
        """That of an agent, or None."""
        row = await self._found(_ONE, (project, environment, agent))
        return Baseline.model_validate(row["baseline"]) if row is not None else None
