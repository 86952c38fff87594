"""A plan somebody asked for: observed and compared now, nothing written on any platform.

The plan itself goes to PostgreSQL; the operation that asked for it ends with the plan's id, or
with the reason why there is none.
"""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.names import CLOSE_OPERATIONS, PLAN_ENVIRONMENT, PLAN_WORKFLOW
    from activities.types import ClosingRequest, PlanInput, PlanReference
    from workflows.failures import failure_of
    from workflows.options import STORE, SWEEP, perform


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
            failure = failure_of(error)
            await perform(
                CLOSE_OPERATIONS,
                ClosingRequest(
                    operation_ids=(request.operation_id,),
                    message=f"{failure.reason}: {failure.message}",
                ),
                type(None),
                option=STORE,
                timing=request.timing,
                summary=f"no plan: {failure.reason}",
            )
            workflow.set_current_details(f"**{failure.reason}** {failure.message}")
            return None
        workflow.set_current_details(plan.message)
        return plan
