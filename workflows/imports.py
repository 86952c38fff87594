"""An import somebody asked for: an account read and turned into manifests, nothing written.

The manifests go to PostgreSQL; the operation that asked for them ends when they are there, or with
the reason why they are not.
"""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.names import CLOSE_OPERATIONS, IMPORT_ACCOUNT, IMPORT_WORKFLOW
    from activities.types import ClosingRequest, ImportCount, ImportInput
    from workflows.failures import failure_of
    from workflows.options import STORE, SWEEP, perform


@workflow.defn(name=IMPORT_WORKFLOW)
class ImportWorkflow:
    """Imports an account, or some agents of it."""

    @workflow.run
    async def run(self, request: ImportInput) -> ImportCount | None:
        """How much was imported, or None if nothing was; the operation says why."""
        try:
            count = await perform(
                IMPORT_ACCOUNT,
                request,
                ImportCount,
                option=SWEEP,
                timing=request.timing,
                summary=f"import {request.environment}",
            )
        except ActivityError as error:
            failure = failure_of(error)
            await perform(
                CLOSE_OPERATIONS,
                ClosingRequest(
                    operation_ids=(request.operation_id,),
                    message=f"{failure.reason}: {failure.message}",
                    definite=not failure.retryable,
                ),
                type(None),
                option=STORE,
                timing=request.timing,
                summary=f"no import: {failure.reason}",
            )
            workflow.set_current_details(f"**{failure.reason}** {failure.message}")
            return None
        workflow.set_current_details(count.message)
        return count
