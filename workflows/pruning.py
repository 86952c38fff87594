"""One workflow per environment for what Git no longer names: look, delete what is nobody's, wait.

It is woken by commits that take something away, by sweeps and by people, waits out delays on a
durable timer, and ends when nothing is left to wait for. What may be deleted is decided in
activities at every look anew, so that nothing it remembers can ever delete anything.
"""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.names import (
        ENVIRONMENT_ATTRIBUTE,
        GUARD_AGENT,
        LOOK_TO_PRUNE,
        PROJECT_ATTRIBUTE,
        PRUNE_OBJECT,
        PRUNE_SIGNAL,
        PRUNE_WORKFLOW,
        STATUS_QUERY,
    )
    from activities.types import (
        GuardRequest,
        ObjectReference,
        ObjectRequest,
        PruneInput,
        PruneReport,
        PruneRequest,
        PruneWake,
        StepResult,
    )
    from workflows.failures import failure_of
    from workflows.options import APPLY, OBSERVE, is_history_long, perform
    from workflows.rounds import show


@workflow.defn(name=PRUNE_WORKFLOW)
class PruneWorkflow:
    """Decides about an environment's deletions until there are none left."""

    @workflow.init
    def __init__(self, state: PruneInput) -> None:
        self._state = state
        self._timing = state.timing
        self._woken = state.woken
        self._released = state.released
        self._tries = state.tries
        self._report = PruneReport()

    @workflow.run
    async def run(self, state: PruneInput) -> None:
        """Serve while something is to be deleted, now or later."""
        await workflow.wait_condition(lambda: self._woken)
        while self._woken:
            self._woken = False
            await self._look()
            if not await self._is_due_again():
                return
            if is_history_long(self._timing):
                break
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(
            state.model_copy(
                update={"woken": True, "released": self._released, "tries": self._tries}
            )
        )

    @workflow.signal(name=PRUNE_SIGNAL, description="Look at what Git no longer names")
    def look(self, wake: PruneWake) -> None:
        """Look now; whoever wakes it may know of something new, so pauses begin anew."""
        self._woken = True
        self._tries = 0
        self._released = tuple(dict.fromkeys((*self._released, *wake.released)))

    @workflow.query(name=STATUS_QUERY, description="What the last look decided")
    def status(self) -> PruneReport:
        """Objects due, agents and numbers told, and when it looks again."""
        return self._report

    async def _is_due_again(self) -> bool:
        """True once it has to look again; False if nothing is left to wait for."""
        if self._woken:
            return True
        if self._report.next_look_s is None:
            return False
        try:
            await workflow.wait_condition(
                lambda: self._woken,
                timeout=timedelta(seconds=max(self._report.next_look_s, 0.001)),
                timeout_summary="next look",
            )
        except TimeoutError:
            self._woken = True
        return True

    async def _look(self) -> None:
        released, self._released = self._released, ()
        report = await self._decide()
        for name in dict.fromkeys((*released, *report.unguarded)):
            await self._guard(name, released=name in released)
        gone = 0
        for reference in report.objects:
            gone += await self._delete(reference)
        if gone < len(report.objects) or self._released:
            report = self._again(report)
        self._report = report
        self._tries += 1
        show(
            report.details,
            {
                PROJECT_ATTRIBUTE: self._state.project,
                ENVIRONMENT_ATTRIBUTE: self._state.environment,
            },
        )

    async def _decide(self) -> PruneReport:
        state = self._state
        try:
            return await perform(
                LOOK_TO_PRUNE,
                PruneRequest(
                    project=state.project,
                    environment=state.environment,
                    tries=self._tries,
                    timing=self._timing,
                ),
                PruneReport,
                option=OBSERVE,
                timing=self._timing,
                summary="what may be deleted",
            )
        except ActivityError as error:
            failure = failure_of(error)
            return PruneReport(
                next_look_s=self._timing.retry_max_s,
                details=f"**{failure.reason}** {failure.message}",
            )

    def _again(self, report: PruneReport) -> PruneReport:
        """Something could not be deleted yet: look again, later and later."""
        pause_s = min(
            self._timing.retry_max_s * 2.0 ** min(self._tries, 30),
            max(self._timing.resync_interval_s, self._timing.retry_max_s),
        )
        planned_s = report.next_look_s
        earliest_s = pause_s if planned_s is None else min(pause_s, planned_s)
        return report.model_copy(update={"next_look_s": earliest_s})

    async def _delete(self, reference: ObjectReference) -> bool:
        """False if it is still needed or could not be reached; the next look asks again."""
        state = self._state
        try:
            await perform(
                PRUNE_OBJECT,
                ObjectRequest(
                    project=state.project,
                    environment=state.environment,
                    object=reference,
                    timing=self._timing,
                ),
                StepResult,
                option=APPLY,
                timing=self._timing,
                summary=f"delete {reference.kind} {reference.name}",
            )
        except ActivityError:
            return False
        return True

    async def _guard(self, name: str, *, released: bool) -> None:
        state = self._state
        try:
            await perform(
                GUARD_AGENT,
                GuardRequest(
                    project=state.project,
                    environment=state.environment,
                    name=name,
                    released=released,
                    timing=self._timing,
                ),
                StepResult,
                option=APPLY,
                timing=self._timing,
                summary=f"tag of agent {name}",
            )
        except ActivityError as error:
            workflow.logger.warning("tag of agent %s: %s", name, failure_of(error).reason)
            if released:
                self._released = (*self._released, name)
