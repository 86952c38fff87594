"""Released agents are tested again unchanged; whatever that shows is decided in activities.

Started by a Temporal Schedule, or by somebody who asks. Each agent's tests are a run of tests like
any other; one that looks worse is tested a second time at once, before anybody is told.
"""

import asyncio
from collections import Counter

from temporalio import workflow
from temporalio.exceptions import ChildWorkflowError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.names import (
        CHOOSE_RETESTS,
        ENVIRONMENT_ATTRIBUTE,
        JUDGE_RETEST,
        PHASE_ATTRIBUTE,
        PROJECT_ATTRIBUTE,
        RETEST_WORKFLOW,
        STATUS_QUERY,
        TEST_RUN_WORKFLOW,
    )
    from activities.testing_types import (
        RetestBatch,
        RetestInput,
        RetestJudgement,
        RetestJudgementRequest,
        RetestReport,
        RetestTally,
        RetestTarget,
        TestRunInput,
        TestRunSummary,
    )
    from trunkline.model.ids import test_run_workflow_id
    from trunkline.model.testing.limits import RETESTS_CONCURRENT
    from workflows.options import STORE, perform
    from workflows.rounds import show


@workflow.defn(name=RETEST_WORKFLOW)
class RetestWorkflow:
    """Tests a batch of agents again, then the next one in a history of its own."""

    @workflow.init
    def __init__(self, request: RetestInput) -> None:
        self._request = request
        self._tally = Counter(request.tally.model_dump(by_alias=False))
        self._said: dict[str, str] = {}
        self._at_once = asyncio.Semaphore(RETESTS_CONCURRENT)

    @workflow.run
    async def run(self, request: RetestInput) -> RetestReport:
        """How many agents came to what."""
        self._show("choosing", phase="Choosing")
        batch = await perform(
            CHOOSE_RETESTS,
            request,
            RetestBatch,
            option=STORE,
            timing=request.timing,
            summary=f"agents of {request.environment} to test again",
        )
        self._tally["skipped"] += batch.skipped
        self._show(f"testing {len(batch.targets)} agents again", phase="Testing")
        await asyncio.gather(*(self._agent(target) for target in batch.targets))
        tally = RetestTally.model_validate(dict(self._tally))
        if batch.after:
            workflow.continue_as_new(
                request.model_copy(update={"after": batch.after, "tally": tally})
            )
        details = "\n".join([_counted(self._tally), *self._lines(), batch.details]).rstrip()
        self._show(details, phase="Done")
        return RetestReport(tally=tally, details=details)

    @workflow.query(name=STATUS_QUERY, description="What agents came to so far")
    def status(self) -> dict[str, str]:
        """Agents of this batch with the word and what there is to say."""
        return dict(self._said)

    async def _agent(self, target: RetestTarget) -> None:
        async with self._at_once:
            first, second = target.run_ids
            await self._test(target, first)
            judged = await self._judge(target, (first,))
            if judged.again:
                await self._test(target, second)
                judged = await self._judge(target, (first, second))
            self._tally[judged.outcome] += 1
            self._said[target.agent] = f"{judged.outcome}: {judged.message}"
            self._show("\n".join(self._lines()), phase="Testing")

    async def _test(self, target: RetestTarget, run_id: str) -> None:
        """One run of tests; how it ended is read from its report, whatever happened to it."""
        request = self._request
        try:
            await workflow.execute_child_workflow(
                TEST_RUN_WORKFLOW,
                TestRunInput(
                    run_id=run_id,
                    project=request.project,
                    environment=request.environment,
                    within=request.environment,
                    revision=target.revision,
                    agents=(target.agent,),
                    tags=target.tags,
                    repeat=target.runs,
                    requested_by=request.requested_by,
                    request_id=request.request_id,
                    bounds=request.bounds,
                    timing=request.timing,
                ),
                id=test_run_workflow_id(request.project, run_id),
                result_type=TestRunSummary,
                parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
                static_summary=f"Test {target.agent} v{target.version} again",
            )
        except ChildWorkflowError as error:
            if is_cancelled_exception(error):
                raise
            workflow.logger.warning("tests of %s did not end: %s", target.agent, error)

    async def _judge(self, target: RetestTarget, run_ids: tuple[str, ...]) -> RetestJudgement:
        request = self._request
        return await perform(
            JUDGE_RETEST,
            RetestJudgementRequest(
                project=request.project,
                environment=request.environment,
                target=target,
                run_ids=run_ids,
                timing=request.timing,
            ),
            RetestJudgement,
            option=STORE,
            timing=request.timing,
            summary=f"{target.agent} against its baseline",
        )

    def _lines(self) -> list[str]:
        return [f"- {agent}: {words}" for agent, words in sorted(self._said.items())]

    def _show(self, details: str, *, phase: str) -> None:
        show(
            details,
            {
                PROJECT_ATTRIBUTE: self._request.project,
                ENVIRONMENT_ATTRIBUTE: self._request.environment,
                PHASE_ATTRIBUTE: phase,
            },
        )


def _counted(tally: Counter[str]) -> str:
    said = ", ".join(f"{count} {word}" for word, count in sorted(tally.items()) if count)
    return f"**{said or 'nobody was tested again'}**"
