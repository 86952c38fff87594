"""One look over an environment for drift, started by a Temporal Schedule.

The looking is one activity that pages through the platform, so that the history of an idle sweep
is a handful of events however large the fleet is. What drifted is told to its own workflow.
"""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.names import SWEEP_ENVIRONMENT, SWEEP_WORKFLOW
    from activities.types import SweepInput, SweepReport
    from workflows.options import SWEEP, perform


@workflow.defn(name=SWEEP_WORKFLOW)
class SweepWorkflow:
    """Observes an environment and wakes what is not as it was left."""

    @workflow.run
    async def run(self, request: SweepInput) -> SweepReport:
        """Raises what the activity raised: a sweep that could not look concludes nothing."""
        report = await perform(
            SWEEP_ENVIRONMENT,
            request,
            SweepReport,
            option=SWEEP,
            timing=request.timing,
            summary=f"look over {request.environment}",
        )
        workflow.set_current_details(report.details)
        return report
