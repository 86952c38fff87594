"""The end of an operation that failed, written down for whoever asked and shown in Temporal's UI.

Activities end an operation that comes to its end; this is for what never got there.
"""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.names import CLOSE_OPERATIONS
    from activities.types import ClosingRequest, Failure, Timing
    from workflows.options import STORE, perform


async def close_operation(
    operation_id: str, failure: Failure, *, definite: bool = False, timing: Timing, summary: str
) -> None:
    """End it with the failure's words; ``definite`` for a bad answer rather than none."""
    await perform(
        CLOSE_OPERATIONS,
        ClosingRequest(
            operation_ids=(operation_id,),
            message=f"{failure.reason}: {failure.message}",
            definite=definite,
        ),
        type(None),
        option=STORE,
        timing=timing,
        summary=f"{summary}: {failure.reason}",
    )
    workflow.set_current_details(f"**{failure.reason}** {failure.message}")
