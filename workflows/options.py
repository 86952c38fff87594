"""Named activity options: which queue, which budget of time, how it is tried again.

Every budget comes from the workflow's input, so that a test can be short and an operator generous;
nothing here may read a clock, a setting or a file.
"""

from datetime import timedelta
from typing import Literal, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy

from activities.names import PLATFORM_QUEUE, SOURCE_QUEUE, WORKFLOW_QUEUE
from activities.types import Timing
from trunkline.model.base import Frozen

BACKOFF_COEFFICIENT = 2.0
RETRY_INTERVAL_MAX_S = 30.0
"""A try is never further away than this; longer waits belong to the workflow, which shows them."""

PAUSES_MAX = 20
"""Doublings of a pause; by then it is as long as it may be."""

Budget = Literal[
    "observe_timeout_s", "apply_timeout_s", "store_timeout_s", "git_timeout_s", "fanout_timeout_s"
]


Result = TypeVar("Result")


class Option(Frozen):
    """How one class of activities is run.

    ``budget`` names the field of Timing that bounds one try. ``beats`` says that it heartbeats.
    ``patient`` activities are tried until they succeed: there is nothing to do without them.
    """

    queue: str
    budget: Budget
    beats: bool = True
    patient: bool = False


OBSERVE = Option(queue=PLATFORM_QUEUE, budget="observe_timeout_s")
APPLY = Option(queue=PLATFORM_QUEUE, budget="apply_timeout_s")
SWEEP = Option(queue=PLATFORM_QUEUE, budget="fanout_timeout_s")
GIT_FETCH = Option(queue=SOURCE_QUEUE, budget="git_timeout_s")
STORE = Option(queue=WORKFLOW_QUEUE, budget="store_timeout_s", beats=False, patient=True)
FANOUT = Option(queue=WORKFLOW_QUEUE, budget="fanout_timeout_s", patient=True)


def blind_pause_s(timing: Timing, blind: int) -> float:
    """How long to wait after so many looks on end that could not look, longer each time."""
    pause_s = timing.retry_initial_s * BACKOFF_COEFFICIENT ** min(blind, PAUSES_MAX)
    return min(pause_s, timing.retry_max_s)


def is_history_long(timing: Timing) -> bool:
    """True once a workflow should go on in a new history."""
    info = workflow.info()
    length = info.get_current_history_length()
    return info.is_continue_as_new_suggested() or length >= timing.history_events_max


async def perform(
    activity: str,
    request: Frozen,
    result: type[Result],
    *,
    option: Option,
    timing: Timing,
    summary: str,
    cancellation: workflow.ActivityCancellationType = workflow.ActivityCancellationType.TRY_CANCEL,
) -> Result:
    """Run an activity by name within the budgets of this workflow.

    ``cancellation`` is what a cancelled workflow does about it: by default it does not wait for it.
    Raises temporalio's ActivityError once it ended for good; a patient activity only does so for
    an error that trying again cannot mend.
    """
    budget_s: float = getattr(timing, option.budget)
    answer: Result = await workflow.execute_activity(
        activity,
        request,
        result_type=result,
        summary=summary,
        task_queue=option.queue,
        start_to_close_timeout=timedelta(seconds=budget_s),
        schedule_to_close_timeout=(
            None if option.patient else timedelta(seconds=budget_s * timing.activity_attempts)
        ),
        heartbeat_timeout=timedelta(seconds=timing.heartbeat_timeout_s) if option.beats else None,
        cancellation_type=cancellation,
        retry_policy=RetryPolicy(
            initial_interval=timedelta(seconds=timing.retry_initial_s),
            backoff_coefficient=BACKOFF_COEFFICIENT,
            maximum_interval=timedelta(seconds=max(timing.retry_initial_s, RETRY_INTERVAL_MAX_S)),
        ),
    )
    return answer
