"""How far releases are rolled out, one row per agent and environment. One room of the store.

Two write it: the agent's rounds say how the platform is, a promotion says that a step is good or
that the traffic is to come back. Each has columns of its own, so neither undoes the other's word.
A row only ever goes on to a newer version.
"""

from typing import Any

from trunkline.adapters.postgres.rows import readable, readable_json
from trunkline.adapters.postgres.tables import Tables
from trunkline.model.releases import RolloutState

_PUT = """
INSERT INTO rollouts (project, environment, agent, version, state)
VALUES (%(project)s, %(environment)s, %(agent)s, %(version)s, %(state)s)
ON CONFLICT (project, environment, agent) DO UPDATE SET
    version = excluded.version,
    state = excluded.state,
    checked_step = CASE WHEN rollouts.version = excluded.version
        THEN rollouts.checked_step ELSE -1 END,
    abort_reason = CASE WHEN rollouts.version = excluded.version
        THEN rollouts.abort_reason ELSE '' END
WHERE rollouts.version <= excluded.version
"""
_ABORT = """
INSERT INTO rollouts (project, environment, agent, version, state, abort_reason)
VALUES (%(project)s, %(environment)s, %(agent)s, %(version)s, %(state)s, %(reason)s)
ON CONFLICT (project, environment, agent) DO UPDATE SET
    version = excluded.version,
    state = CASE WHEN rollouts.version = excluded.version
        THEN rollouts.state ELSE excluded.state END,
    checked_step = CASE WHEN rollouts.version = excluded.version
        THEN rollouts.checked_step ELSE -1 END,
    abort_reason = CASE WHEN rollouts.version = excluded.version AND rollouts.abort_reason <> ''
        THEN rollouts.abort_reason ELSE excluded.abort_reason END
WHERE rollouts.version <= excluded.version
"""
_CHECK = """
UPDATE rollouts SET checked_step = greatest(checked_step, %(step)s)
WHERE project = %(project)s AND environment = %(environment)s AND agent = %(agent)s
    AND version = %(version)s
"""
_ONE = """
SELECT state, checked_step, abort_reason FROM rollouts
WHERE project = %(project)s AND environment = %(environment)s AND agent = %(agent)s
"""


class RolloutTables(Tables):
    """The rollouts of the ReleaseRecords port."""

    async def put_rollout(self, state: RolloutState) -> None:
        """Insert or replace what the agent's rounds know; what promotions said stays.

        A row of a newer version stays as it is.
        """
        async with self._pool.connection() as connection:
            await connection.execute(_PUT, _values(state))

    async def rollout(self, project: str, environment: str, agent: str) -> RolloutState | None:
        """The rollout of the newest release, or None."""
        values = {"project": project, "environment": environment, "agent": agent}
        row = await self._found(_ONE, values)
        if row is None:
            return None
        said = {"checked_step": row["checked_step"], "abort_reason": row["abort_reason"]}
        return RolloutState.model_validate(row["state"]).model_copy(update=said)

    async def check_rollout(
        self, project: str, environment: str, agent: str, version: int, step: int
    ) -> None:
        """A promotion found the step good; nothing happens for another version."""
        values = {
            "project": project,
            "environment": environment,
            "agent": agent,
            "version": version,
            "step": step,
        }
        async with self._pool.connection() as connection:
            await connection.execute(_CHECK, values)

    async def abort_rollout(
        self, project: str, environment: str, agent: str, version: int, reason: str
    ) -> None:
        """A promotion wants the traffic back; inserted even if the rounds wrote nothing yet.

        The first reason stays; nothing happens for a version that is not the newest any more.
        """
        state = RolloutState(project=project, environment=environment, agent=agent, version=version)
        async with self._pool.connection() as connection:
            await connection.execute(_ABORT, {**_values(state), "reason": readable(reason)})


def _values(state: RolloutState) -> dict[str, Any]:
    return {
        "project": state.project,
        "environment": state.environment,
        "agent": state.agent,
        "version": state.version,
        "state": readable_json(state.model_copy(update={"checked_step": -1, "abort_reason": ""})),
    }
