"""A plan somebody asked for: observed and compared now, nothing written on any platform.

The plan itself goes to PostgreSQL; the operation that asked for it ends with the plan's id, or
with the reason why there is none.
"""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.names import PLAN_ENVIRONMENT, PLAN_WORKFLOW
    from activities.types import PlanInput, PlanReference
    from workflows.closing import close_operation
    from workflows.failures import failure_of
    from workflows.options import SWEEP, perform


@workflow.defn(name=PLAN_WORKFLOW)
class PlanWorkflow:
    """Plans an environment, or some names in it, at the tip of the branch."""

    @workflow.run
    async def run(self, request: PlanInput) -> PlanReference | None:
        """The stored plan, or None if there is none; the operation says why."""
        try:
            plan = await perform(
                PLAN_ENVIRONMENT,
                request,
                PlanReference,
                option=SWEEP,
                timing=request.timing,
                summary=f"plan {request.environment}",
            )
        except ActivityError as error:
            await close_operation(
                request.operation_id, failure_of(error), timing=request.timing, summary="no plan"
            )
            return None
        workflow.set_current_details(plan.message)
        return plan
