"""What went wrong in an activity, read from the failure Temporal hands a workflow.

A workflow decides by the reason alone; the words travel on to the activity that writes the status.
"""

from temporalio.exceptions import ActivityError, ApplicationError, ChildWorkflowError

from activities.names import SUPERSEDED
from activities.types import Failure
from trunkline.model.errors import Conflict, RemoteMissing

PLAN_AGAIN = frozenset({SUPERSEDED, Conflict.reason, RemoteMissing.reason})
"""Reasons that mean the plan is out of date, not that anything is broken."""


def failure_of(error: ActivityError) -> Failure:
    """The reason and words of the error an activity ended with."""
    cause: BaseException | None = error.cause
    while cause is not None and not isinstance(cause, ApplicationError):
        cause = cause.__cause__
    if cause is None:
        return Failure(
            reason="Timeout", message=f"{error.activity_type} did not finish within its time."
        )
    if cause.details:
        return Failure.model_validate(cause.details[0])
    return Failure(reason=cause.type or "Error", message=cause.message)


def failure_of_tests(error: BaseException) -> Failure:
    """Why a run of tests, a child of its workflow, ended without an answer."""
    cause = error.__cause__ if isinstance(error, ChildWorkflowError) else error
    if isinstance(cause, ApplicationError):
        return Failure(reason=cause.type or "Error", message=cause.message)
    return Failure(reason="RunLost", message=f"the run of tests ended: {cause or error}")
