"""Messages on their way to one recipient: tried until they arrive, are refused, or are too old.

What they say and where they go is looked up by the activity at every try, so that a corrected
address or secret counts at once.
"""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.names import (
        CONCLUDE_NOTIFICATION,
        DELIVER_NOTIFICATION,
        NOTIFICATION_QUEUE,
        NOTIFICATION_WORKFLOW,
        PROJECT_ATTRIBUTE,
    )
    from activities.notification_types import (
        DeliveryConclusion,
        DeliveryRequest,
        DeliveryResult,
        NotificationInput,
        NotificationReport,
    )
    from workflows.failures import failure_of
    from workflows.options import BACKOFF_COEFFICIENT, STORE, perform
    from workflows.rounds import show


@workflow.defn(name=NOTIFICATION_WORKFLOW)
class NotificationWorkflow:
    """Delivers some messages to one recipient, one after the other."""

    @workflow.init
    def __init__(self, request: NotificationInput) -> None:
        self._request = request
        self._said: list[str] = []

    @workflow.run
    async def run(self, request: NotificationInput) -> NotificationReport:
        """How many arrived."""
        show(f"{len(request.event_ids)} to {request.words}", {PROJECT_ATTRIBUTE: request.project})
        delivered = 0
        for event_id in request.event_ids:
            result = await self._deliver(event_id)
            delivered += result.state == "delivered"
            self._said.append(f"- {event_id}: {result.state} {result.message}".rstrip())
            workflow.set_current_details("\n".join(self._said))
        return NotificationReport(delivered=delivered, failed=len(request.event_ids) - delivered)

    async def _deliver(self, event_id: int) -> DeliveryResult:
        request = self._request
        try:
            result: DeliveryResult = await workflow.execute_activity(
                DELIVER_NOTIFICATION,
                DeliveryRequest(
                    project=request.project,
                    event_id=event_id,
                    recipient=request.recipient,
                    timing=request.timing,
                ),
                result_type=DeliveryResult,
                summary=f"tell of event {event_id}",
                task_queue=NOTIFICATION_QUEUE,
                start_to_close_timeout=timedelta(seconds=request.patience.try_timeout_s),
                schedule_to_close_timeout=timedelta(seconds=self._left_s()),
                heartbeat_timeout=timedelta(seconds=request.patience.heartbeat_timeout_s),
                retry_policy=RetryPolicy(
                    initial_interval=timedelta(seconds=request.patience.interval_s),
                    backoff_coefficient=BACKOFF_COEFFICIENT,
                    maximum_interval=timedelta(seconds=request.patience.interval_max_s),
                ),
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            return await self._give_up(event_id, error)
        return result

    def _left_s(self) -> float:
        """What is left of the lifetime: a message behind one that waits is not tried for longer."""
        spent = workflow.now() - workflow.info().start_time
        patience = self._request.patience
        return max(patience.try_timeout_s, patience.lifetime_s - spent.total_seconds())

    async def _give_up(self, event_id: int, error: ActivityError) -> DeliveryResult:
        request = self._request
        return await perform(
            CONCLUDE_NOTIFICATION,
            DeliveryConclusion(
                project=request.project,
                event_id=event_id,
                recipient=request.recipient,
                failure=failure_of(error),
                timing=request.timing,
            ),
            DeliveryResult,
            option=STORE,
            timing=request.timing,
            summary=f"event {event_id} is not told",
        )
