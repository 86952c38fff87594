"""One pull request: look, begin what is left to do, say how it stands, look again.

It is level-triggered: what is to be planned and tested is decided by an activity from the forge,
Git and what is stored, never from what a signal carries or a workflow remembers. A newer head asks
for other work, so the older one's is cancelled. Here are only the order, the timers and the runs of
tests as children.
"""

import asyncio
from contextlib import suppress
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import (
    ActivityError,
    ChildWorkflowError,
    WorkflowAlreadyStartedError,
    is_cancelled_exception,
)

with workflow.unsafe.imports_passed_through():
    from activities.names import (
        LOOK_AT_PULL_REQUEST,
        LOOK_FOR_PULL_REQUESTS,
        LOOK_TO_TIDY,
        PLAN_PROPOSAL,
        PROJECT_ATTRIBUTE,
        PULL_REQUEST_WORKFLOW,
        PULL_REQUESTS_WORKFLOW,
        PUT_AWAY,
        REASON_ATTRIBUTE,
        STATUS_QUERY,
        TELL_PULL_REQUEST,
        TEST_RUN_WORKFLOW,
        WAKE_SIGNAL,
    )
    from activities.pull_request_types import (
        ProposalPlanInput,
        PullRequestInput,
        PullRequestLook,
        PullRequestLookRequest,
        PullRequestsInput,
        PullRequestsReport,
        PullRequestTold,
        PullRequestWake,
        WorkTrouble,
    )
    from activities.testing_types import (
        PutAwayRequest,
        TestRunInput,
        TestRunSummary,
        TidyLook,
        TidyRequest,
    )
    from activities.types import Failure, PlanReference, StepResult, Timing
    from trunkline.model.ids import test_run_workflow_id
    from workflows.failures import failure_of, failure_of_tests
    from workflows.options import (
        GIT_FETCH,
        OBSERVE,
        STORE,
        SWEEP,
        blind_pause_s,
        is_history_long,
        perform,
    )
    from workflows.rounds import show

TROUBLES_MAX = 200
"""What went wrong lately; older troubles are of heads nobody asks about any more."""
SHORTEST_WAIT_S = 0.001
"""A time that is over is waited for as well, so that signals are taken in between."""

Tests = workflow.ChildWorkflowHandle[TestRunInput, TestRunSummary]


@workflow.defn(name=PULL_REQUEST_WORKFLOW)
class PullRequestWorkflow:
    """Checks one pull request until it is closed and nothing of its checks is left."""

    @workflow.init
    def __init__(self, state: PullRequestInput) -> None:
        self._state = state
        self._timing = state.timing
        self._pace = state.pace
        self._woken = False
        self._plans: dict[str, asyncio.Task[None]] = {}
        self._runs: dict[str, Tests] = {}
        self._leaving: list[Tests] = []
        self._troubles = {one.key: one for one in state.troubles}
        self._told_at_s = state.told_at_s
        self._blind = 0
        self._said = ""

    @workflow.run
    async def run(self, state: PullRequestInput) -> str:
        """Serve until it is over; in words how it ended. What somebody says during the last look is
        looked at once more: nobody else would, of one that is closed.
        """
        while True:
            look = await self._look()
            if look is None:
                await self._wait(blind_pause_s(self._timing, self._blind))
            elif look.ended and not self._woken and not self._is_busy():
                return look.details
            else:
                await self._follow(look)
            if is_history_long(self._timing) and not self._is_busy():
                await workflow.wait_condition(workflow.all_handlers_finished)
                workflow.continue_as_new(
                    state.model_copy(
                        update={
                            "troubles": tuple(self._troubles.values()),
                            "told_at_s": self._told_at_s,
                        }
                    )
                )

    @workflow.signal(name=WAKE_SIGNAL, description="Look again; what it carries is not trusted")
    def wake(self, request: PullRequestWake) -> None:
        """Look again soon."""
        workflow.logger.info("woken: %s", request.reason)
        self._woken = True

    @workflow.query(name=STATUS_QUERY, description="How the checks stood at the last look")
    def status(self) -> str:
        """In words."""
        return self._said

    async def _look(self) -> PullRequestLook | None:
        """What is left to do; None if it could not be found out."""
        self._woken = False
        self._gather()
        try:
            look = await perform(
                LOOK_AT_PULL_REQUEST,
                self._request(),
                PullRequestLook,
                option=GIT_FETCH,
                timing=self._timing,
                summary=f"look at {self._state.number}",
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            failure = failure_of(error)
            show(f"**{failure.reason}** {failure.message}", {REASON_ATTRIBUTE: failure.reason})
            self._blind += 1
            return None
        self._blind, self._said = 0, look.details
        show(look.details, {PROJECT_ATTRIBUTE: self._state.project})
        return look

    async def _follow(self, look: PullRequestLook) -> None:
        """Begin what is asked for and end what is not, say what there is to say, and wait."""
        await self._leave_others(look)
        for plan in look.plans:
            if plan.operation_id not in self._plans:
                self._plans[plan.operation_id] = asyncio.create_task(self._plan(plan))
        for run in look.runs:
            if run.run_id not in self._runs and len(self._runs) < self._pace.runs:
                await self._start(run)
        for run_id in look.tidy:
            await put_away(self._state.project, run_id, self._timing)
        due_s = self._due_s()
        if look.news and due_s <= 0:
            await self._tell()
            due_s = self._due_s()
        elif not look.news:
            due_s = self._pace.comment_interval_s
        if look.tidy or look.ended:
            return
        busy = bool(look.news or look.plans or look.runs)
        await self._wait(max(due_s, SHORTEST_WAIT_S) if busy else self._pace.look_interval_s)

    def _request(self) -> PullRequestLookRequest:
        return PullRequestLookRequest(
            project=self._state.project,
            number=self._state.number,
            troubles=tuple(self._troubles.values()),
            timing=self._timing,
        )

    async def _plan(self, plan: ProposalPlanInput) -> None:
        """One plan; why there is none is part of the next look."""
        try:
            await perform(
                PLAN_PROPOSAL,
                plan,
                PlanReference,
                option=SWEEP,
                timing=self._timing,
                summary=f"plan {plan.environment}",
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            self._note(plan.operation_id, failure_of(error))

    async def _start(self, run: TestRunInput) -> None:
        """Tests that somebody else runs under this id already are looked at until they end."""
        try:
            self._runs[run.run_id] = await workflow.start_child_workflow(
                TEST_RUN_WORKFLOW,
                run,
                id=test_run_workflow_id(run.project, run.run_id),
                result_type=TestRunSummary,
                parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
                static_summary=f"Tests of {run.agents[0]}, {'now' if run.current else 'proposed'}",
            )
        except WorkflowAlreadyStartedError:
            workflow.logger.info("tests %s are running already", run.run_id)

    async def _leave_others(self, look: PullRequestLook) -> None:
        """End what is not asked for any more, and wait for what the tests put away by themselves:
        newer ones may need the same things.
        """
        planned = {plan.operation_id for plan in look.plans}
        for key in [key for key in self._plans if key not in planned]:
            self._plans.pop(key).cancel()
        asked = {run.run_id for run in look.runs}
        for run_id in [run_id for run_id in self._runs if run_id not in asked]:
            tests = self._runs.pop(run_id)
            tests.cancel()
            self._leaving.append(tests)
        for tests in self._leaving:
            with suppress(ChildWorkflowError, asyncio.CancelledError):
                await tests
        self._leaving.clear()

    async def _tell(self) -> None:
        """Bring comment and statuses up to date; what cannot be told now is told later."""
        self._told_at_s = workflow.time()
        try:
            await perform(
                TELL_PULL_REQUEST,
                self._request(),
                PullRequestTold,
                option=GIT_FETCH,
                timing=self._timing,
                summary="comment and statuses",
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            workflow.logger.warning("nothing told: %s", failure_of(error).message)

    async def _wait(self, wait_s: float) -> None:
        """Until somebody says something, work ends, or the time is over."""
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self._woken or self._has_ended(),
                timeout=timedelta(seconds=max(wait_s, SHORTEST_WAIT_S)),
                timeout_summary="next look",
            )

    def _gather(self) -> None:
        """Notice what has ended; tests that failed as such wrote nothing down."""
        for key in [key for key, task in self._plans.items() if task.done()]:
            del self._plans[key]
        for run_id in [run_id for run_id, tests in self._runs.items() if tests.done()]:
            tests = self._runs.pop(run_id)
            error = None if tests.cancelled() else tests.exception()
            if error is not None:
                self._note(run_id, failure_of_tests(error))

    def _note(self, key: str, failure: Failure) -> None:
        self._troubles[key] = WorkTrouble(key=key, failure=failure)
        while len(self._troubles) > TROUBLES_MAX:
            del self._troubles[next(iter(self._troubles))]

    def _has_ended(self) -> bool:
        work = (*self._plans.values(), *self._runs.values())
        return any(one.done() for one in work)

    def _is_busy(self) -> bool:
        return bool(self._plans or self._runs or self._leaving)

    def _due_s(self) -> float:
        """How long the comment stays as it is, in seconds; 0 if it may be edited now."""
        if self._told_at_s is None:
            return 0.0
        since_s = workflow.time() - self._told_at_s
        return max(self._pace.comment_interval_s - since_s, 0.0)


@workflow.defn(name=PULL_REQUESTS_WORKFLOW)
class PullRequestsWorkflow:
    """Looks for pull requests nobody announced, and puts away what earlier checks left behind."""

    @workflow.run
    async def run(self, request: PullRequestsInput) -> PullRequestsReport:
        """One round."""
        report = await perform(
            LOOK_FOR_PULL_REQUESTS,
            request,
            PullRequestsReport,
            option=GIT_FETCH,
            timing=request.timing,
            summary="open pull requests",
        )
        await put_away(request.project, "pull-requests", request.timing)
        show(report.details, {PROJECT_ATTRIBUTE: request.project})
        return report


async def put_away(project: str, run_id: str, timing: Timing) -> None:
    """Put away what a run that is over holds, and what nobody holds any more; what cannot be now
    is tried again at the next look.
    """
    try:
        found = await perform(
            LOOK_TO_TIDY,
            TidyRequest(run_id=run_id, project=project, timing=timing),
            TidyLook,
            option=STORE,
            timing=timing,
            summary="let go",
        )
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        return
    for holding in found.holdings:
        try:
            await perform(
                PUT_AWAY,
                PutAwayRequest(run_id=run_id, project=project, holding=holding, timing=timing),
                StepResult,
                option=OBSERVE,
                timing=timing,
                summary=f"put away {holding.kind} {holding.name}",
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            workflow.logger.warning("%s stays: %s", holding.name, failure_of(error).message)
