"""A decision of a person on its way to those it concerns.

It is a workflow of its own, because the project's one looks at Git first, and what a person says in
an emergency must not wait for a repository that is down.
"""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.names import WAKE, WAKE_WORKFLOW
    from activities.types import FanoutReport, WakeRequest
    from workflows.options import FANOUT, perform


@workflow.defn(name=WAKE_WORKFLOW)
class WakeWorkflow:
    """Tells agents and numbers to look again."""

    @workflow.run
    async def run(self, request: WakeRequest) -> FanoutReport:
        """How many were told; tried until it succeeds."""
        what = request.name or request.environment or request.project
        return await perform(
            WAKE,
            request,
            FanoutReport,
            option=FANOUT,
            timing=request.timing,
            summary=f"tell {what} of a decision",
        )
