"""One round over a project's calls that nobody carries, started by a Temporal Schedule.

Three activities that know nothing of each other: a platform that does not answer keeps no call
from being closed, and neither of them keeps what is old from being forgotten.
"""

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.call_types import CallKeepingInput, CallsKept
    from activities.names import (
        CALL_KEEPING_WORKFLOW,
        FORGET_CALLS,
        PROJECT_ATTRIBUTE,
        READ_NATIVE_CALLS,
        TEND_CALLS,
    )
    from workflows.failures import failure_of
    from workflows.options import STORE, SWEEP, Option, perform
    from workflows.rounds import show


@workflow.defn(name=CALL_KEEPING_WORKFLOW)
class CallKeepingWorkflow:
    """Reads, closes, settles and forgets, once."""

    @workflow.run
    async def run(self, request: CallKeepingInput) -> CallsKept:
        """What was done; what could not be is left to the next round."""
        parts = [
            await self._part(READ_NATIVE_CALLS, request, SWEEP, "read what platforms carried"),
            await self._part(TEND_CALLS, request, SWEEP, "close and settle"),
            await self._part(FORGET_CALLS, request, STORE, "forget what is old"),
        ]
        kept = CallsKept(
            count=sum(part.count for part in parts),
            details="; ".join(part.details for part in parts if part.details),
        )
        show(kept.details, {PROJECT_ATTRIBUTE: request.project})
        return kept

    async def _part(
        self, activity: str, request: CallKeepingInput, option: Option, summary: str
    ) -> CallsKept:
        try:
            return await perform(
                activity,
                request,
                CallsKept,
                option=option,
                timing=request.timing,
                summary=summary,
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            failure = failure_of(error)
            return CallsKept(details=f"{summary}: {failure.message}")
