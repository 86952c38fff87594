"""Ending the workflows of an environment, so that nothing of it runs any more.

Temporal lists a workflow a moment after it changed, so the list is asked until it stays empty.
What an ended workflow had on its way is given up with its next heartbeat; whoever ends an
environment waits for that, or asks for nothing that could collide with it.
"""

import asyncio

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities.names import ENVIRONMENT_ATTRIBUTE, PROJECT_ATTRIBUTE
from trunkline.model.errors import EngineUnavailable
from trunkline.model.ids import prune_workflow_id, sweep_id

LOOKS_MAX = 60
PAUSE_S = 0.25
"""Half a minute of looking is far more than Temporal takes to list what changed."""


class Endings:
    """Ends what runs for an environment."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def end(self, project: str, environment: str, reason: str) -> int:
        """End its agents, numbers, promotions, sweeps and deletions; answers how many.

        Raises EngineUnavailable.
        """
        ended = 0
        try:
            for _ in range(LOOKS_MAX):
                listed = self._client.list_workflows(_running(project, environment))
                found = [run.id async for run in listed]
                if not found:
                    return ended
                for workflow_id in found:
                    ended += await self._end(workflow_id, reason)
                await asyncio.sleep(PAUSE_S)
        except RPCError as error:
            raise EngineUnavailable(f"Temporal did not end a workflow: {error}") from error
        raise EngineUnavailable(f"workflows of {project}/{environment} are still running")

    async def _end(self, workflow_id: str, reason: str) -> int:
        try:
            await self._client.get_workflow_handle(workflow_id).terminate(reason)
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise
            return 0
        return 1


def _running(project: str, environment: str) -> str:
    """A visibility query; names hold no quote. Numbers are known by their attributes alone."""
    ids = " OR ".join(
        (
            f"WorkflowId STARTS_WITH 'agent/{project}/{environment}/'",
            f"WorkflowId STARTS_WITH 'promotion/{project}/{environment}/'",
            f"WorkflowId = '{prune_workflow_id(project, environment)}'",
            f"WorkflowId STARTS_WITH '{sweep_id(project, environment)}'",
        )
    )
    named = (
        f"({PROJECT_ATTRIBUTE} = '{project}' AND {ENVIRONMENT_ATTRIBUTE} = '{environment}'"
        " AND WorkflowType = 'NumberWorkflow')"
    )
    return f"ExecutionStatus = 'Running' AND ({ids} OR {named})"
