"""One promotion: look, make one move, look again, until it has ended.

It is level-triggered: what comes next is decided by an activity from the row, Git, the policy in
force and what people said, never from what a signal carries or a workflow remembers. So whatever
is killed, and wherever, is simply looked at again. Here are only the order, the timers, and the
tests as a child of their own.
"""

import asyncio
from contextlib import suppress
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import (
    ActivityError,
    ChildWorkflowError,
    WorkflowAlreadyStartedError,
)

with workflow.unsafe.imports_passed_through():
    from activities.names import (
        COMMIT_RELEASE,
        HOLD_RELEASE,
        LOOK_AT_PROMOTION,
        PROMOTION_WORKFLOW,
        PROPOSE_RELEASE,
        REASON_ATTRIBUTE,
        STATUS_QUERY,
        STEER_ROLLOUT,
        TAG_RELEASE,
        TAKE_CALLS_AWAY,
        TEND_PROMOTIONS,
        TEST_RUN_WORKFLOW,
        WAKE_SIGNAL,
        WITHDRAW_RELEASE,
    )
    from activities.promotion_types import (
        LostRun,
        PromotionInput,
        PromotionLook,
        PromotionLookRequest,
        PromotionMove,
        PromotionStep,
        PromotionStepRequest,
        PromotionWake,
        TendReport,
        TendRequest,
    )
    from activities.testing_types import TestRunInput, TestRunSummary
    from activities.types import Failure
    from trunkline.model.ids import test_run_workflow_id
    from workflows.failures import failure_of, failure_of_tests
    from workflows.options import (
        GIT_FETCH,
        STORE,
        Option,
        blind_pause_s,
        is_history_long,
        perform,
    )
    from workflows.rounds import show

STEPS: dict[str, tuple[tuple[str, Option], ...]] = {
    "release": ((COMMIT_RELEASE, GIT_FETCH),),
    "propose": ((PROPOSE_RELEASE, GIT_FETCH),),
    "tag": ((TAG_RELEASE, GIT_FETCH),),
    "withdraw": ((WITHDRAW_RELEASE, GIT_FETCH),),
    "roll_back": ((COMMIT_RELEASE, GIT_FETCH),),
    "check_step": ((STEER_ROLLOUT, STORE),),
    "abort_rollout": ((STEER_ROLLOUT, STORE),),
    "disable": ((HOLD_RELEASE, GIT_FETCH), (TAKE_CALLS_AWAY, STORE)),
}
"""The activities that carry out a move, in order, and how they are run."""


Tests = workflow.ChildWorkflowHandle[TestRunInput, TestRunSummary]


@workflow.defn(name=PROMOTION_WORKFLOW)
class PromotionWorkflow:
    """Brings one tested digest into an environment, or says why not."""

    @workflow.init
    def __init__(self, state: PromotionInput) -> None:
        self._state = state
        self._record = state.record
        self._timing = state.timing
        self._woken = False
        self._tests: Tests | None = None
        self._leaving: list[Tests] = []
        self._lost: tuple[LostRun, ...] = ()
        self._trouble: Failure | None = None
        self._troubles = state.troubles
        self._blind = 0

    @workflow.run
    async def run(self, state: PromotionInput) -> PromotionStep:
        """Serve until the promotion has ended."""
        while True:
            look = await self._look()
            if look is None:
                await self._wait(blind_pause_s(self._timing, self._blind))
                continue
            self._leave_other_tests(look.move)
            if look.move.kind == "end":
                await self._end()
                return PromotionStep(
                    note=f"{self._record.state}: {self._record.message}",
                    version=self._record.version,
                    commit=self._record.release_commit or "",
                )
            await self._make(look.move)
            if self._history_is_long():
                await workflow.wait_condition(workflow.all_handlers_finished)
                workflow.continue_as_new(
                    state.model_copy(update={"record": self._record, "troubles": self._troubles})
                )

    @workflow.signal(name=WAKE_SIGNAL, description="Look again; what it carries is not trusted")
    def wake(self, request: PromotionWake) -> None:
        """Look again soon."""
        workflow.logger.info("woken: %s", request.reason)
        self._woken = True

    @workflow.query(name=STATUS_QUERY, description="The promotion as the last look left it")
    def status(self) -> PromotionInput:
        """The record, with what it would be continued with."""
        return self._state.model_copy(update={"record": self._record})

    async def _look(self) -> PromotionLook | None:
        """What comes next; None if it could not be found out."""
        self._woken = False
        self._gather_tests()
        try:
            look = await perform(
                LOOK_AT_PROMOTION,
                PromotionLookRequest(
                    record=self._record,
                    lost_runs=self._lost,
                    trouble=self._trouble,
                    troubles=self._troubles,
                    timing=self._timing,
                ),
                PromotionLook,
                option=GIT_FETCH,
                timing=self._timing,
                summary=f"look: {self._record.phase}",
            )
        except ActivityError as error:
            failure = failure_of(error)
            show(f"**{failure.reason}** {failure.message}", {REASON_ATTRIBUTE: failure.reason})
            self._blind += 1
            return None
        self._record, self._lost, self._trouble, self._blind = look.record, (), None, 0
        show(look.details, look.attributes)
        return look

    async def _make(self, move: PromotionMove) -> None:
        """One move; what goes wrong with it is part of the next look."""
        if move.kind in STEPS:
            await self._step(move)
            return
        if move.run is not None and self._tests is None:
            await self._start_tests(move.run)
        await self._wait(move.wait_s)

    async def _step(self, move: PromotionMove) -> None:
        """Each part of the move, whatever became of the others: all of them may be repeated."""
        request = PromotionStepRequest(record=self._record, move=move, timing=self._timing)
        for activity, option in STEPS[move.kind]:
            try:
                await perform(
                    activity,
                    request,
                    PromotionStep,
                    option=option,
                    timing=self._timing,
                    summary=move.words or move.kind,
                )
            except ActivityError as error:
                self._trouble = failure_of(error)
        self._troubles = 0 if self._trouble is None else self._troubles + 1

    async def _wait(self, wait_s: float) -> None:
        """Until somebody says something, tests end, or the time is over."""
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self._woken or (self._tests is not None and self._tests.done()),
                timeout=timedelta(seconds=max(wait_s, 0.001)),
                timeout_summary=f"{self._record.phase}: next look",
            )

    async def _start_tests(self, run: TestRunInput) -> None:
        """Tests that somebody else runs under this id already are looked at until they end."""
        try:
            self._tests = await workflow.start_child_workflow(
                TEST_RUN_WORKFLOW,
                run,
                id=test_run_workflow_id(run.project, run.run_id),
                result_type=TestRunSummary,
                parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
                static_summary=f"Tests of {run.project}/{run.environment}",
            )
        except WorkflowAlreadyStartedError:
            workflow.logger.info("tests %s are running already", run.run_id)

    def _gather_tests(self) -> None:
        """Notice tests that have ended; those that failed as such wrote nothing down."""
        tests = self._tests
        if tests is None or not tests.done():
            return
        self._tests = None
        if tests.cancelled():
            return
        error = tests.exception()
        if error is not None:
            run_id = tests.id.rpartition("/")[2]
            self._lost = (*self._lost, LostRun(run_id=run_id, failure=failure_of_tests(error)))

    def _leave_other_tests(self, move: PromotionMove) -> None:
        """End tests that are not wanted any more; what they made is put away by themselves."""
        tests = self._tests
        if tests is None:
            return
        run = move.run
        if run is not None and tests.id == test_run_workflow_id(run.project, run.run_id):
            return
        tests.cancel()
        self._leaving.append(tests)
        self._tests = None

    async def _end(self) -> None:
        for tests in self._leaving:
            with suppress(ChildWorkflowError, asyncio.CancelledError):
                await tests
        record = self._record
        try:
            await perform(
                TEND_PROMOTIONS,
                TendRequest(
                    project=record.project,
                    environment=record.environment,
                    tell=False,
                    timing=self._timing,
                ),
                TendReport,
                option=GIT_FETCH,
                timing=self._timing,
                summary="what is promoted by itself",
            )
        except ActivityError as error:
            workflow.logger.warning("nothing opened: %s", failure_of(error).message)

    def _history_is_long(self) -> bool:
        """True if it may go on in a new history: never while tests run that would not follow."""
        if self._tests is not None or self._leaving or self._trouble is not None:
            return False
        return is_history_long(self._timing)
