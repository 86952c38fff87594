"""An import somebody asked for: an account read and turned into manifests, nothing written.

The manifests go to PostgreSQL; the operation that asked for them ends when they are there, or with
the reason why they are not.
"""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.names import IMPORT_ACCOUNT, IMPORT_WORKFLOW
    from activities.types import ImportCount, ImportInput
    from workflows.closing import close_operation
    from workflows.failures import failure_of
    from workflows.options import SWEEP, perform


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
            await close_operation(
                request.operation_id,
                failure,
                definite=not failure.retryable,
                timing=request.timing,
                summary="no import",
            )
            return None
        workflow.set_current_details(count.message)
        return count
