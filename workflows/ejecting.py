"""Leaving an environment: end what runs, take our marks away a batch at a time, forget the rows.

What is left to do is asked of the ledger and the platform at every turn, so that a workflow that
was killed, or begins a new history, goes on where it was. It stops as soon as somebody resumed.
"""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.names import (
        BEGIN_EJECTION,
        EJECT_WORKFLOW,
        ENVIRONMENT_ATTRIBUTE,
        FINISH_EJECTION,
        LOOK_TO_EJECT,
        PROJECT_ATTRIBUTE,
        TAKE_MARK_AWAY,
    )
    from activities.types import (
        EjectInput,
        EjectLook,
        EjectRequest,
        Failure,
        MarkReference,
        MarkRequest,
        StepResult,
    )
    from workflows.closing import close_operation
    from workflows.failures import failure_of
    from workflows.options import APPLY, FANOUT, OBSERVE, perform
    from workflows.rounds import show

UNREACHABLE_MAX = 20
"""Objects that may refuse before the account, and not the object, is what is wrong."""


@workflow.defn(name=EJECT_WORKFLOW)
class EjectWorkflow:
    """Leaves one environment to itself."""

    @workflow.init
    def __init__(self, state: EjectInput) -> None:
        self._state = state
        self._timing = state.timing
        self._taken = state.taken
        self._begun = state.begun
        self._unreachable: tuple[str, ...] = ()
        self._failure: Failure | None = None

    @workflow.run
    async def run(self, state: EjectInput) -> None:
        """Serve until no mark of the environment is left."""
        place = {PROJECT_ATTRIBUTE: state.project, ENVIRONMENT_ATTRIBUTE: state.environment}
        show(f"Leaving {state.environment}", place)
        try:
            if not self._begun:
                await self._begin()
            if not await self._leave():
                workflow.continue_as_new(
                    state.model_copy(update={"begun": True, "taken": self._taken})
                )
            if self._failure is None:
                await self._finish()
        except ActivityError as error:
            self._failure = failure_of(error)
        if self._failure is not None:
            await self._close(self._failure)
            return
        show(f"{self._taken} marks taken away from {state.environment}", place)

    async def _finish(self) -> None:
        await perform(
            FINISH_EJECTION,
            self._request(),
            type(None),
            option=FANOUT,
            timing=self._timing,
            summary="forget the ledger",
        )

    async def _begin(self) -> None:
        """End what runs, and wait until nothing it had sent can arrive any more."""
        await perform(
            BEGIN_EJECTION,
            self._request(),
            type(None),
            option=FANOUT,
            timing=self._timing,
            summary="end what runs",
        )
        await workflow.sleep(
            timedelta(seconds=self._timing.heartbeat_timeout_s + self._timing.request_timeout_s),
            summary="what was on its way ends",
        )
        self._begun = True

    async def _leave(self) -> bool:
        """True once nothing is left that can be done, False if the history is long enough."""
        while len(self._unreachable) < UNREACHABLE_MAX:
            look = await perform(
                LOOK_TO_EJECT,
                self._request(),
                EjectLook,
                option=OBSERVE,
                timing=self._timing,
                summary="what carries our marks",
            )
            if not look.marks:
                return True
            taken = await asyncio.gather(*(self._take(mark) for mark in look.marks))
            self._taken += sum(taken)
            if self._failure is not None:
                return True
            show(f"{self._taken} marks taken away", {})
            info = workflow.info()
            long = info.get_current_history_length() >= self._timing.history_events_max
            if (long or info.is_continue_as_new_suggested()) and not self._unreachable:
                return False
        return True

    async def _take(self, mark: MarkReference) -> bool:
        state = self._state
        try:
            await perform(
                TAKE_MARK_AWAY,
                MarkRequest(
                    operation_id=state.operation_id,
                    project=state.project,
                    environment=state.environment,
                    mark=mark,
                    timing=self._timing,
                ),
                StepResult,
                option=APPLY,
                timing=self._timing,
                summary=f"mark of {mark.kind} {mark.name}",
            )
        except ActivityError as error:
            failure = failure_of(error)
            if failure.reason == "Blocked":
                self._failure = failure
            self._unreachable = (*self._unreachable, mark.external_id)
            return False
        return True

    def _request(self) -> EjectRequest:
        state = self._state
        return EjectRequest(
            operation_id=state.operation_id,
            project=state.project,
            environment=state.environment,
            unreachable=self._unreachable,
            taken=self._taken,
            timing=self._timing,
        )

    async def _close(self, failure: Failure) -> None:
        await close_operation(
            self._state.operation_id,
            failure,
            definite=not failure.retryable,
            timing=self._timing,
            summary="stopped",
        )
