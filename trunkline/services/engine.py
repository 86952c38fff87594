"""What services ask of Temporal: wake a project, start a plan, say whether it answers.

The one place outside workers that starts workflows, so that ids, queue, time-outs and the words
in Temporal's UI are the same whoever asks. Workflows are named by their registered type: their
code is not imported.
"""

from datetime import timedelta

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError

from activities.types import (
    PLAN_WORKFLOW,
    PROJECT_WORKFLOW,
    REFRESH_SIGNAL,
    PlanInput,
    ProjectInput,
    RefreshRequest,
    Timing,
)
from trunkline.model.errors import EngineUnavailable
from trunkline.model.ids import project_workflow_id

START_TIMEOUT = timedelta(seconds=10)
"""A start is one write of Temporal's store; longer means it is down, and the caller may retry."""
HEALTH_TIMEOUT = timedelta(seconds=2)
"""A probe must answer before the one who probes gives up."""
UNANSWERED = (RPCError, RuntimeError)
"""What the client raises: a lazy one reports a connection it cannot make as RuntimeError."""


def plan_workflow_id(operation_id: str) -> str:
    """Temporal id of the workflow that makes one plan."""
    return f"plan/{operation_id}"


class Engine:
    """Temporal, as far as services need it."""

    def __init__(self, client: Client, *, task_queue: str, timing: Timing) -> None:
        self._client = client
        self._task_queue = task_queue
        self._timing = timing

    async def refresh(
        self, project: str, request: RefreshRequest, *, poll_interval_s: float | None = None
    ) -> None:
        """Wake the project's workflow, starting it if need be. Raises EngineUnavailable."""
        timing = self._timing
        if poll_interval_s is not None:
            timing = timing.model_copy(update={"poll_interval_s": poll_interval_s})
        try:
            await self._client.start_workflow(
                PROJECT_WORKFLOW,
                ProjectInput(project=project, timing=timing),
                id=project_workflow_id(project),
                task_queue=self._task_queue,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                static_summary=f"Project {project}",
                start_signal=REFRESH_SIGNAL,
                start_signal_args=[request],
                rpc_timeout=START_TIMEOUT,
            )
        except UNANSWERED as error:
            raise _unavailable(error) from error

    async def plan(self, request: PlanInput) -> None:
        """Start making a plan; its operation says how far it is. Raises EngineUnavailable."""
        try:
            await self._client.start_workflow(
                PLAN_WORKFLOW,
                request.model_copy(update={"timing": self._timing}),
                id=plan_workflow_id(request.operation_id),
                task_queue=self._task_queue,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                static_summary=f"Plan of {request.project}/{request.environment}",
                rpc_timeout=START_TIMEOUT,
            )
        except UNANSWERED as error:
            raise _unavailable(error) from error

    async def check(self) -> None:
        """Raises EngineUnavailable if Temporal does not answer."""
        try:
            healthy = await self._client.service_client.check_health(timeout=HEALTH_TIMEOUT)
        except UNANSWERED as error:
            raise _unavailable(error) from error
        if not healthy:
            raise EngineUnavailable("Temporal answers, but says it is not serving")


def _unavailable(error: Exception) -> EngineUnavailable:
    return EngineUnavailable(
        f"Temporal does not answer: {error}",
        hint="Check that the Temporal server is up and TEMPORAL_ADDRESS points at it",
    )
