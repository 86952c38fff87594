"""One call somebody asked for: look, make one move, look again, until it has ended.

It is level-triggered: what comes next is decided by an activity from the order's rows, Git, what
people said and what the carrier knows, never from what a signal carries or a workflow remembers. So
whatever is killed, and wherever, is simply looked at again. Here are only the order and the timers.
"""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.call_types import (
        CallOrderInput,
        CallOrderLook,
        CallOrderRequest,
        CallOrderWake,
        CallStep,
    )
    from activities.names import (
        AGENT_ATTRIBUTE,
        CALL_WORKFLOW,
        END_CALL,
        ENVIRONMENT_ATTRIBUTE,
        LOOK_AT_CALL_ORDER,
        PLACE_CALL,
        PROJECT_ATTRIBUTE,
        REASON_ATTRIBUTE,
        STATUS_QUERY,
        WAKE_SIGNAL,
    )
    from activities.types import Failure
    from trunkline.model.errors import NotFound
    from workflows.failures import failure_of
    from workflows.options import APPLY, BACKOFF_COEFFICIENT, OBSERVE, is_history_long, perform
    from workflows.rounds import show

STEPS = {"place": PLACE_CALL, "end": END_CALL}
"""The activity that makes a move."""
PAUSES_MAX = 20
"""Doublings of a pause; by then it is as long as it may be."""
SHORTEST_WAIT_S = 0.001
"""A time that is over is waited for as well, so that signals are taken in between."""


@workflow.defn(name=CALL_WORKFLOW)
class CallWorkflow:
    """Follows one order to its end."""

    @workflow.init
    def __init__(self, state: CallOrderInput) -> None:
        self._state = state
        self._timing = state.timing
        self._woken = False
        self._ask_carrier = False
        self._blind = 0
        self._said = ""

    @workflow.run
    async def run(self, state: CallOrderInput) -> str:
        """Serve until the order has ended; in words how."""
        while True:
            look = await self._look()
            if isinstance(look, Failure):
                if look.reason == NotFound.reason:
                    return look.message
                await self._wait(self._pause_s())
            elif look.move == "conclude":
                return look.details
            else:
                await self._wait(await self._make(look))
            if is_history_long(self._timing):
                await workflow.wait_condition(workflow.all_handlers_finished)
                workflow.continue_as_new(state)

    @workflow.signal(name=WAKE_SIGNAL, description="Look again; what it carries is not trusted")
    def wake(self, request: CallOrderWake) -> None:
        """Look again soon."""
        workflow.logger.info("woken: %s", request.reason)
        self._woken = True

    @workflow.query(name=STATUS_QUERY, description="How the order stood at the last look")
    def status(self) -> str:
        """In words."""
        return self._said

    async def _look(self) -> CallOrderLook | Failure:
        """What is next, or why that could not be found out."""
        self._woken = False
        try:
            look = await perform(
                LOOK_AT_CALL_ORDER,
                self._request(),
                CallOrderLook,
                option=OBSERVE,
                timing=self._timing,
                summary=f"look at {self._state.order}",
            )
        except ActivityError as error:
            return self._troubled(error)
        if look.move not in STEPS:
            self._blind = 0
        self._show(look)
        return look

    async def _make(self, look: CallOrderLook) -> float:
        """Make the move; how long to wait then, in seconds."""
        activity = STEPS.get(look.move)
        if activity is None:
            return look.wait_s
        try:
            step = await perform(
                activity,
                self._request(look.attempt),
                CallStep,
                option=APPLY,
                timing=self._timing,
                summary=f"{look.move} {self._state.order}",
            )
        except ActivityError as error:
            self._troubled(error)
            return self._pause_s()
        self._blind, self._said = 0, step.details
        return step.wait_s

    async def _wait(self, wait_s: float) -> None:
        """Until somebody says something or the time is over; nobody saying anything is a reason to
        ask the carrier.
        """
        self._ask_carrier = False
        try:
            await workflow.wait_condition(
                lambda: self._woken,
                timeout=timedelta(seconds=max(wait_s, SHORTEST_WAIT_S)),
                timeout_summary="next look",
            )
        except TimeoutError:
            self._ask_carrier = True

    def _request(self, attempt: int = 0) -> CallOrderRequest:
        return CallOrderRequest(
            project=self._state.project,
            order=self._state.order,
            ask_carrier=self._ask_carrier,
            attempt=attempt,
            timing=self._timing,
            pace=self._state.pace,
        )

    def _troubled(self, error: ActivityError) -> Failure:
        if is_cancelled_exception(error):
            raise error
        failure = failure_of(error)
        self._blind += 1
        show(f"**{failure.reason}** {failure.message}", {REASON_ATTRIBUTE: failure.reason})
        return failure

    def _show(self, look: CallOrderLook) -> None:
        self._said = look.details
        places = {PROJECT_ATTRIBUTE: self._state.project, AGENT_ATTRIBUTE: look.agent}
        show(look.details, {**places, ENVIRONMENT_ATTRIBUTE: look.environment})

    def _pause_s(self) -> float:
        """How long to wait after what went wrong, longer each time."""
        timing = self._timing
        pause_s = timing.retry_initial_s * BACKOFF_COEFFICIENT ** min(self._blind, PAUSES_MAX)
        return min(pause_s, timing.retry_max_s)
