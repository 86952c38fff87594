"""Conversation tests somebody asked for: prepared, had side by side, concluded, and tidied up.

Nothing of what is live is touched: every conversation is with a branch without traffic. How many
conversations a test still needs is decided in an activity after each wave, and whatever happens,
the branches and tools that were made are put away at the end.
"""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.names import (
        CONCLUDE_TEST,
        CONCLUDE_TEST_RUN,
        CONVERSATION_QUEUE,
        CONVERSE,
        ENSURE_TEST_BRANCH,
        ENSURE_TEST_OBJECT,
        ENVIRONMENT_ATTRIBUTE,
        LOOK_TO_TIDY,
        PHASE_ATTRIBUTE,
        PLATFORM_QUEUE,
        PREPARE_TEST_RUN,
        PROJECT_ATTRIBUTE,
        PUT_AWAY,
        REVISION_ATTRIBUTE,
        RUN_PLATFORM_TESTS,
        STATUS_QUERY,
        TEST_RUN_WORKFLOW,
    )
    from activities.testing_types import (
        ConversationEnd,
        ConverseRequest,
        LostConversation,
        PlatformTestsReport,
        PlatformTestsRequest,
        PreparedRendering,
        PreparedRun,
        PreparedTest,
        PutAwayRequest,
        RunEndRequest,
        TestBranch,
        TestBranchRequest,
        TestObjectRequest,
        TestRunInput,
        TestRunSummary,
        TestVerdict,
        TestVerdictRequest,
        TidyLook,
        TidyRequest,
    )
    from activities.types import Failure, StepResult
    from trunkline.model.testing.limits import (
        PLATFORM_LEFT_OUT_MAX,
        PLATFORM_TESTS_MAX_S,
        TALK_LINE_MAX_S,
        TEST_CONVERSATIONS_MAX,
        TESTS_CONCURRENT,
    )
    from workflows.failures import failure_of
    from workflows.options import APPLY, BACKOFF_COEFFICIENT, OBSERVE, STORE, SWEEP, perform
    from workflows.rounds import show

Result = TypeVar("Result")

CONVERSATION_MARGIN_S = 60.0
"""What a conversation takes besides itself: opening, judging, writing down."""
PLATFORM_MARGIN_S = 300.0
"""What tests on the platform take besides running: making those that are not there yet."""


@workflow.defn(name=TEST_RUN_WORKFLOW)
class TestRunWorkflow:
    """Runs the tests of one request; at most TEST_CONVERSATIONS_MAX conversations."""

    __test__ = False

    @workflow.init
    def __init__(self, request: TestRunInput) -> None:
        self._request = request
        self._timing = request.timing
        self._prepared = PreparedRun()
        self._unusable: dict[str, Failure] = {}
        self._conversations = 0
        self._decided: dict[str, str] = {}
        self._left_out: tuple[str, ...] = ()
        self._at_once = asyncio.Semaphore(TESTS_CONCURRENT)

    @workflow.run
    async def run(self, request: TestRunInput) -> TestRunSummary:
        """Everything, and then tidy up; cancelled runs end as such."""
        end = RunEndRequest(run_id=request.run_id, project=request.project, timing=self._timing)
        try:
            await self._prepare()
            blocked, message = self._prepared.blocked, self._prepared.message
            end = end.model_copy(update={"blocked": blocked, "message": message})
            if not blocked:
                await self._test()
        except (ActivityError, asyncio.CancelledError) as error:
            if is_cancelled_exception(error):
                end = end.model_copy(update={"cancelled": True})
            elif isinstance(error, ActivityError):
                end = end.model_copy(update={"failure": failure_of(error)})
        end = end.model_copy(update={"not_expressible": self._left_out[:PLATFORM_LEFT_OUT_MAX]})
        ending = asyncio.create_task(self._end(end))
        try:
            return await asyncio.shield(ending)
        except asyncio.CancelledError:
            return await ending

    async def _end(self, end: RunEndRequest) -> TestRunSummary:
        """Tidy up and write down how it ended; a run that is asked to end now does so anyway."""
        await self._tidy()
        summary = await perform(
            CONCLUDE_TEST_RUN,
            end,
            TestRunSummary,
            option=STORE,
            timing=self._timing,
            summary="conclude",
        )
        self._show(summary.details, phase=summary.outcome or summary.state)
        return summary

    @workflow.query(name=STATUS_QUERY, description="How far the tests are")
    def status(self) -> dict[str, str]:
        """Tests that are decided, with what they came to."""
        return dict(self._decided)

    async def _prepare(self) -> None:
        request = self._request
        self._show("preparing", phase="Preparing")
        self._prepared = await _to_its_end(
            perform(
                PREPARE_TEST_RUN,
                request,
                PreparedRun,
                option=SWEEP,
                timing=self._timing,
                summary=f"tests of {request.environment or 'the branch'}",
                cancellation=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            ),
            stops=True,
        )

    async def _test(self) -> None:
        prepared = self._prepared
        self._show(f"{len(prepared.tests)} tests", phase="Testing")
        if self._request.runner == "platform":
            await _all(self._on_platform(rendering) for rendering in prepared.renderings)
            await _all(self._conclude_platform(test) for test in prepared.tests)
            return
        await _all(self._ensure(rendering) for rendering in prepared.renderings)
        await _all(self._decide(test) for test in prepared.tests)

    async def _ensure(self, rendering: PreparedRendering) -> None:
        async with self._at_once:
            await self._made(rendering)

    async def _made(self, rendering: PreparedRendering) -> None:
        """Everything the configuration needs, then its branch; what fails excuses its tests."""
        request = self._request
        place = {
            "run_id": request.run_id,
            "project": request.project,
            "within": self._prepared.within,
            "rendering": rendering.key,
        }
        try:
            for needed in rendering.objects:
                await _to_its_end(
                    perform(
                        ENSURE_TEST_OBJECT,
                        TestObjectRequest(**place, object=needed, timing=self._timing),
                        StepResult,
                        option=APPLY,
                        timing=self._timing,
                        summary=f"{needed.kind} {needed.name}",
                    )
                )
            await _to_its_end(
                perform(
                    ENSURE_TEST_BRANCH,
                    TestBranchRequest(**place, timing=self._timing),
                    TestBranch,
                    option=APPLY,
                    timing=self._timing,
                    summary=f"branch of {rendering.agent}",
                )
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            self._unusable[rendering.key] = failure_of(error)

    async def _on_platform(self, rendering: PreparedRendering) -> None:
        """All runs of the tests of one configuration, by the platform; nothing is put anywhere.

        Tries are not counted: one that waits for a test somebody else is making comes back soon.
        """
        request, timing = self._request, self._timing
        tests = tuple(t for t in self._prepared.tests if t.rendering == rendering.key)
        try:
            report = await workflow.execute_activity(
                RUN_PLATFORM_TESTS,
                PlatformTestsRequest(
                    run_id=request.run_id,
                    project=request.project,
                    within=self._prepared.within,
                    rendering=rendering.key,
                    tests=tests,
                    timing=timing,
                ),
                result_type=PlatformTestsReport,
                summary=f"{len(tests)} tests of {rendering.agent}",
                task_queue=PLATFORM_QUEUE,
                schedule_to_close_timeout=timedelta(
                    seconds=PLATFORM_TESTS_MAX_S + PLATFORM_MARGIN_S
                ),
                heartbeat_timeout=timedelta(seconds=timing.heartbeat_timeout_s),
                retry_policy=RetryPolicy(
                    initial_interval=timedelta(seconds=timing.retry_initial_s),
                    backoff_coefficient=BACKOFF_COEFFICIENT,
                ),
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            self._unusable[rendering.key] = failure_of(error)
        else:
            self._left_out += report.left_out

    async def _conclude_platform(self, test: PreparedTest) -> None:
        await self._conclude(test, failure=self._unusable.get(test.rendering))

    async def _decide(self, test: PreparedTest) -> None:
        """Wave after wave of conversations, until the test is decided."""
        failure = self._unusable.get(test.rendering)
        if failure is not None:
            await self._conclude(test, failure=failure)
            return
        async with self._at_once:
            begun, more = 0, test.conversations
            while more:
                numbers = range(begun + 1, begun + more + 1)
                if self._conversations + more > TEST_CONVERSATIONS_MAX:
                    await self._conclude(test, failure=_too_many())
                    return
                self._conversations += more
                lost = await self._wave(test, numbers)
                begun += more
                more = (await self._conclude(test, lost=lost)).more

    async def _wave(self, test: PreparedTest, numbers: range) -> tuple[LostConversation, ...]:
        """Conversations side by side; those nothing is known of."""
        wanted = [(number, False) for number in numbers]
        if test.baseline and test.baseline not in self._unusable:
            wanted += [(number, True) for number in numbers]
        found = await _all(
            _to_its_end(self._converse(test, number, baseline=baseline), stops=True)
            for number, baseline in wanted
        )
        return tuple(one for one in found if one is not None)

    async def _converse(
        self, test: PreparedTest, number: int, *, baseline: bool
    ) -> LostConversation | None:
        request = self._request
        timing = self._timing
        bounds = request.bounds
        try:
            await workflow.execute_activity(
                CONVERSE,
                ConverseRequest(
                    run_id=request.run_id,
                    project=request.project,
                    within=self._prepared.within,
                    test=test,
                    number=number,
                    baseline=baseline,
                    bounds=bounds,
                    timing=timing,
                ),
                result_type=ConversationEnd,
                summary=f"{test.name} {number}{' (baseline)' if baseline else ''}",
                task_queue=CONVERSATION_QUEUE,
                start_to_close_timeout=timedelta(
                    seconds=test.seconds
                    + TALK_LINE_MAX_S
                    + bounds.place_wait_s
                    + CONVERSATION_MARGIN_S
                ),
                heartbeat_timeout=timedelta(seconds=timing.heartbeat_timeout_s),
                retry_policy=RetryPolicy(
                    initial_interval=timedelta(seconds=timing.retry_initial_s),
                    backoff_coefficient=BACKOFF_COEFFICIENT,
                    maximum_attempts=timing.activity_attempts,
                ),
                cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            return LostConversation(number=number, failure=failure_of(error), baseline=baseline)
        return None

    async def _conclude(
        self,
        test: PreparedTest,
        *,
        lost: tuple[LostConversation, ...] = (),
        failure: Failure | None = None,
    ) -> TestVerdict:
        verdict = await perform(
            CONCLUDE_TEST,
            TestVerdictRequest(
                run_id=self._request.run_id,
                project=self._request.project,
                test=test,
                lost=lost,
                failure=failure,
                timing=self._timing,
            ),
            TestVerdict,
            option=STORE,
            timing=self._timing,
            summary=test.name,
        )
        if verdict.outcome is not None:
            self._decided[test.name] = verdict.outcome
            done, all_of_them = len(self._decided), len(self._prepared.tests)
            self._show(f"{done} of {all_of_them} tests", phase="Testing")
        return verdict

    async def _tidy(self) -> None:
        """Put away what nobody uses any more; what cannot be now is left to the next run."""
        request = self._request
        look = TidyRequest(run_id=request.run_id, project=request.project, timing=self._timing)
        try:
            found = await perform(
                LOOK_TO_TIDY,
                look,
                TidyLook,
                option=STORE,
                timing=self._timing,
                summary="let go",
            )
        except ActivityError:
            return
        for holding in found.holdings:
            try:
                await perform(
                    PUT_AWAY,
                    PutAwayRequest(
                        run_id=request.run_id,
                        project=request.project,
                        holding=holding,
                        timing=self._timing,
                    ),
                    StepResult,
                    option=OBSERVE,
                    timing=self._timing,
                    summary=f"put away {holding.kind} {holding.name}",
                )
            except ActivityError as error:
                workflow.logger.warning("%s stays: %s", holding.name, failure_of(error).message)

    def _show(self, details: str, *, phase: str) -> None:
        attributes: Mapping[str, str] = {
            PROJECT_ATTRIBUTE: self._request.project,
            ENVIRONMENT_ATTRIBUTE: self._prepared.environment or self._request.environment,
            REVISION_ATTRIBUTE: self._prepared.revision,
            PHASE_ATTRIBUTE: phase,
        }
        show(details, {name: value for name, value in attributes.items() if value})


async def _all(work: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
    """The answers of everything, side by side; nothing is left running when one of them fails."""
    answers = await asyncio.gather(*work, return_exceptions=True)
    found: list[Result] = []
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
        found.append(answer)
    return found


async def _to_its_end(work: Coroutine[Any, Any, Result], *, stops: bool = False) -> Result:
    """The answer; whoever is cancelled waits for it, as what is half made cannot be put away.

    What ``stops`` is asked to, and its answer no longer counts if it comes all the same.
    """
    doing = asyncio.create_task(work)
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        if stops:
            doing.cancel()
        with suppress(ActivityError, asyncio.CancelledError):
            await doing
        raise


def _too_many() -> Failure:
    return Failure(
        reason="LimitExceeded",
        message=f"one request has at most {TEST_CONVERSATIONS_MAX} conversations",
        retryable=False,
    )
