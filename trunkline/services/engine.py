"""What services ask of Temporal: wake a project, start a plan, say whether it answers.

The one place outside workers that starts workflows, so that ids, queue, time-outs and the words
in Temporal's UI are the same whoever asks. Workflows are named by their registered type: their
code is not imported.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Sequence
from datetime import timedelta

from temporalio.client import (
    Client,
    ScheduleOverlapPolicy,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
)
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from activities.call_types import CallOrderInput, CallOrderWake, CallPace
from activities.names import (
    CALL_WORKFLOW,
    EJECT_WORKFLOW,
    IMPORT_WORKFLOW,
    PLAN_WORKFLOW,
    PROJECT_ATTRIBUTE,
    PROJECT_WORKFLOW,
    PROMOTION_WORKFLOW,
    PRUNE_SIGNAL,
    PRUNE_WORKFLOW,
    PULL_REQUEST_WORKFLOW,
    REFRESH_SIGNAL,
    RETEST_WORKFLOW,
    STATUS_QUERY,
    TEST_RUN_WORKFLOW,
    WAKE_SIGNAL,
    WAKE_WORKFLOW,
)
from activities.promotion_types import PromotionInput, PromotionWake
from activities.pull_request_types import PullRequestInput, PullRequestPace, PullRequestWake
from activities.testing_types import RetestInput, RetestReport, TestRunInput
from activities.types import (
    Conclusion,
    EjectInput,
    ImportInput,
    PlanInput,
    ProjectInput,
    PruneInput,
    PruneWake,
    RefreshRequest,
    Timing,
    WakeRequest,
)
from trunkline.model.base import Frozen
from trunkline.model.errors import EngineUnavailable
from trunkline.model.ids import (
    call_workflow_id,
    calls_schedule_id,
    project_workflow_id,
    promotion_workflow_id,
    prune_workflow_id,
    pull_request_sweep_id,
    pull_request_workflow_id,
    retest_id,
    sweep_id,
    test_run_workflow_id,
)
from trunkline.model.promotions.records import PromotionRecord
from trunkline.tracing import traceparent

START_TIMEOUT = timedelta(seconds=10)
"""A start is one write of Temporal's store; longer means it is down, and the caller may retry."""
HEALTH_TIMEOUT = timedelta(seconds=2)
"""A probe must answer before the one who probes gives up."""
END_LOOKS = 60
END_PAUSE_S = 0.5
"""Temporal lists a workflow a moment after it changed; half a minute is far more than that."""
QUERY_TIMEOUT = timedelta(seconds=2)
"""A question nobody waits longer for: without an answer the next look is said to be unknown."""
UNANSWERED = (RPCError, RuntimeError)
"""What the client raises: a lazy one reports a connection it cannot make as RuntimeError."""


def plan_workflow_id(operation_id: str) -> str:
    """Temporal id of the workflow that makes one plan."""
    return f"plan/{operation_id}"


def import_workflow_id(operation_id: str) -> str:
    """Temporal id of the workflow that makes one import."""
    return f"import/{operation_id}"


def eject_workflow_id(operation_id: str) -> str:
    """Temporal id of the workflow that leaves one environment."""
    return f"eject/{operation_id}"


def retest_workflow_id(project: str, environment: str, agent: str) -> str:
    """Temporal id of the workflow that tests one agent again because somebody asked."""
    return f"{retest_id(project, environment)}/{agent}"


class Engine:
    """Temporal, as far as services need it."""

    def __init__(
        self,
        client: Client,
        *,
        task_queue: str,
        timing: Timing,
        call_pace: CallPace | None = None,
        review_pace: PullRequestPace | None = None,
    ) -> None:
        self._client = client
        self._task_queue = task_queue
        self._timing = timing
        self._call_pace = call_pace or CallPace()
        self._review_pace = review_pace or PullRequestPace()

    async def refresh(
        self, project: str, request: RefreshRequest, *, poll_interval_s: float | None = None
    ) -> None:
        """Wake the project's workflow, starting it if need be. Raises EngineUnavailable.

        Whoever says who asks has the trace carried along: many of them may become one look.
        """
        timing = self._timing
        if request.request_id:
            request = request.model_copy(update={"traceparent": traceparent()})
        if poll_interval_s is not None:
            timing = timing.model_copy(update={"poll_interval_s": poll_interval_s})
        await self._start(
            PROJECT_WORKFLOW,
            ProjectInput(project=project, timing=timing),
            project_workflow_id(project),
            f"Project {project}",
            signal=(REFRESH_SIGNAL, request),
        )

    async def plan(self, request: PlanInput) -> None:
        """Start making a plan; its operation says how far it is. Raises EngineUnavailable."""
        place = plan_workflow_id(request.operation_id)
        await self._start_once(PLAN_WORKFLOW, request, place, "Plan of")

    async def import_account(self, request: ImportInput) -> None:
        """Start reading an account; its operation says how far it is. Raises EngineUnavailable."""
        place = import_workflow_id(request.operation_id)
        await self._start_once(IMPORT_WORKFLOW, request, place, "Import of")

    async def eject(self, request: EjectInput) -> None:
        """Start leaving an environment; its operation says how far it is.

        Raises EngineUnavailable.
        """
        place = eject_workflow_id(request.operation_id)
        await self._start_once(EJECT_WORKFLOW, request, place, "Leaving")

    async def test_run(self, request: TestRunInput) -> None:
        """Start a run of tests; its report says how far it is. Raises EngineUnavailable."""
        place = test_run_workflow_id(request.project, request.run_id)
        await self._start_once(TEST_RUN_WORKFLOW, request, place, "Tests of")

    async def retest(self, request: RetestInput) -> None:
        """Start testing one released agent again. Raises EngineUnavailable."""
        place = retest_workflow_id(request.project, request.environment, request.agents[0])
        await self._start_once(RETEST_WORKFLOW, request, place, "Retest of")

    async def retest_state(
        self, project: str, environment: str, agent: str
    ) -> tuple[bool | None, str]:
        """Whether a retest somebody asked for goes on, and what the last one said; None and
        nothing if nobody answers.
        """
        place = retest_workflow_id(project, environment, agent)
        handle = self._client.get_workflow_handle(place, result_type=RetestReport)
        try:
            described = await handle.describe(rpc_timeout=QUERY_TIMEOUT)
            if described.status == WorkflowExecutionStatus.RUNNING:
                return True, ""
            report: RetestReport = await handle.result(rpc_timeout=QUERY_TIMEOUT)
        except WorkflowFailureError:
            return False, ""
        except UNANSWERED as error:
            return (False if _is_not_found(error) else None), ""
        return False, report.details

    async def cancel_test_run(self, project: str, run_id: str) -> bool:
        """Ask a run of tests to end; False if it is not running. Raises EngineUnavailable."""
        handle = self._client.get_workflow_handle(test_run_workflow_id(project, run_id))
        return await _if_there(handle.cancel(rpc_timeout=START_TIMEOUT))

    async def promotion(self, record: PromotionRecord) -> None:
        """Have a promotion looked at; its workflow is started if it is not there.

        Raises EngineUnavailable.
        """
        await self._start(
            PROMOTION_WORKFLOW,
            PromotionInput(record=record, timing=self._timing),
            promotion_workflow_id(record.project, record.environment, record.agent, record.number),
            f"{record.agent} to {record.environment}",
            signal=(WAKE_SIGNAL, PromotionWake()),
        )

    async def look_at_pull_request(self, project: str, number: int, *, reason: str = "") -> None:
        """Have a pull request looked at; its workflow is started if it is not there.

        Raises EngineUnavailable.
        """
        await self._start(
            PULL_REQUEST_WORKFLOW,
            PullRequestInput(
                project=project, number=number, timing=self._timing, pace=self._review_pace
            ),
            pull_request_workflow_id(project, number),
            f"Pull request {number} of {project}",
            signal=(WAKE_SIGNAL, PullRequestWake(reason=reason)),
        )

    async def call_order(self, project: str, order: str, *, reason: str = "") -> None:
        """Have an order for a call looked at; its workflow is started if it is not there.

        Raises EngineUnavailable.
        """
        await self._start(
            CALL_WORKFLOW,
            CallOrderInput(project=project, order=order, timing=self._timing, pace=self._call_pace),
            call_workflow_id(project, order),
            f"Call {order} of {project}",
            signal=(WAKE_SIGNAL, CallOrderWake(reason=reason)),
        )

    async def keep_calls(self, project: str) -> None:
        """Have what a platform carried read now and not at the next look; nothing where calls are
        not looked after. Raises EngineUnavailable.
        """
        handle = self._client.get_schedule_handle(calls_schedule_id(project))
        await _if_there(
            handle.trigger(overlap=ScheduleOverlapPolicy.BUFFER_ONE, rpc_timeout=START_TIMEOUT)
        )

    async def _start_once(
        self,
        workflow: str,
        request: PlanInput | ImportInput | EjectInput | TestRunInput | RetestInput,
        place: str,
        words: str,
    ) -> None:
        """Start the workflow of one operation; asked again, it is the one that runs."""
        await self._start(
            workflow,
            request.model_copy(update={"timing": self._timing}),
            place,
            f"{words} {request.project}/{request.environment}",
            conflict=WorkflowIDConflictPolicy.USE_EXISTING,
        )

    async def _start(
        self,
        workflow: str,
        request: Frozen,
        place: str,
        summary: str,
        *,
        signal: tuple[str, Frozen] | None = None,
        conflict: WorkflowIDConflictPolicy = WorkflowIDConflictPolicy.UNSPECIFIED,
    ) -> None:
        """Start a workflow; with a signal, whether it runs or not. Raises EngineUnavailable."""
        name, told = signal or (None, None)
        try:
            await self._client.start_workflow(
                workflow,
                request,
                id=place,
                task_queue=self._task_queue,
                static_summary=summary,
                rpc_timeout=START_TIMEOUT,
                id_conflict_policy=conflict,
                start_signal=name,
                start_signal_args=[told] if signal else (),
            )
        except UNANSWERED as error:
            raise unavailable(error) from error

    async def look_over_again(self, project: str, environment: str) -> None:
        """Let the looks for drift go on that were stopped. Raises EngineUnavailable."""
        handle = self._client.get_schedule_handle(sweep_id(project, environment))
        await _if_there(handle.unpause(rpc_timeout=START_TIMEOUT))

    async def end_project(self, project: str, environments: Sequence[str]) -> int:
        """End every workflow and schedule of a project; answers how many workflows ran.

        The project's own workflow ends first, so that nothing is started behind our back. Raises
        EngineUnavailable, also if workflows are still listed after END_LOOKS looks.
        """
        try:
            ended = await self._end([project_workflow_id(project)])
            await self._drop_schedule(pull_request_sweep_id(project))
            await self._drop_schedule(calls_schedule_id(project))
            for environment in environments:
                await self._drop_schedule(sweep_id(project, environment))
                await self._drop_schedule(retest_id(project, environment))
            query = _running_of(project)
            for _ in range(END_LOOKS):
                found = [run.id async for run in self._client.list_workflows(query)]
                if not found:
                    return ended
                ended += await self._end(found)
                await asyncio.sleep(END_PAUSE_S)
        except UNANSWERED as error:
            raise unavailable(error) from error
        raise EngineUnavailable(
            f"workflows of {project} are still running",
            hint="Nothing was removed; try again in a minute",
        )

    async def _end(self, workflow_ids: Sequence[str]) -> int:
        ended = 0
        for workflow_id in workflow_ids:
            try:
                await self._client.get_workflow_handle(workflow_id).terminate(
                    "the project was removed", rpc_timeout=START_TIMEOUT
                )
            except RPCError as error:
                if error.status != RPCStatusCode.NOT_FOUND:
                    raise
            else:
                ended += 1
        return ended

    async def _drop_schedule(self, schedule_id: str) -> None:
        try:
            await self._client.get_schedule_handle(schedule_id).delete(rpc_timeout=START_TIMEOUT)
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise

    async def wake(self, request: WakeRequest) -> None:
        """Tell whom a decision concerns, whatever state Git is in. Raises EngineUnavailable."""
        what = request.name or request.environment or request.project
        await self._start(
            WAKE_WORKFLOW,
            request.model_copy(update={"timing": self._timing}),
            f"wake/{request.project}/{secrets.token_hex(8)}",
            f"Tell {what} of a decision",
        )

    async def prune(
        self, project: str, environment: str, *, released: tuple[str, ...] = ()
    ) -> None:
        """Have an environment's deletions looked at; agents ``released`` lose their protecting
        tag. Raises EngineUnavailable.
        """
        await self._start(
            PRUNE_WORKFLOW,
            PruneInput(project=project, environment=environment, timing=self._timing),
            prune_workflow_id(project, environment),
            f"Deletions in {environment}",
            signal=(PRUNE_SIGNAL, PruneWake(released=released)),
        )

    async def conclusion(self, workflow_id: str) -> Conclusion | None:
        """How a subject's workflow says it stands; None if there is none or nobody answers."""
        handle = self._client.get_workflow_handle(workflow_id)
        try:
            answer: Conclusion = await handle.query(
                STATUS_QUERY, result_type=Conclusion, rpc_timeout=QUERY_TIMEOUT
            )
        except (*UNANSWERED, WorkflowQueryFailedError, WorkflowQueryRejectedError):
            return None
        return answer

    async def check(self) -> None:
        """Raises EngineUnavailable if Temporal does not answer."""
        try:
            healthy = await self._client.service_client.check_health(timeout=HEALTH_TIMEOUT)
        except UNANSWERED as error:
            raise unavailable(error) from error
        if not healthy:
            raise EngineUnavailable("Temporal answers, but says it is not serving")


async def _if_there(asked: Awaitable[None]) -> bool:
    """False if what something is asked of is not there. Raises EngineUnavailable."""
    try:
        await asked
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise unavailable(error) from error
        return False
    except RuntimeError as error:
        raise unavailable(error) from error
    return True


def _is_not_found(error: Exception) -> bool:
    return isinstance(error, RPCError) and error.status == RPCStatusCode.NOT_FOUND


def _running_of(project: str) -> str:
    """A visibility query for what runs in a project's name; names hold no quote."""
    places = " OR ".join(
        f"WorkflowId STARTS_WITH '{kind}/{project}/'"
        for kind in ("agent", "prune", "sweep", "test-run", "retest", "pull-request", "call")
    )
    return (
        f"ExecutionStatus = 'Running' AND ({PROJECT_ATTRIBUTE} = '{project}'"
        f" OR WorkflowId = '{project_workflow_id(project)}' OR {places})"
    )


def unavailable(error: Exception) -> EngineUnavailable:
    return EngineUnavailable(
        f"Temporal does not answer: {error}",
        hint="Check that the Temporal server is up and TEMPORAL_ADDRESS points at it",
    )
