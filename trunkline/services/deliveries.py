"""Starting the workflows that deliver messages, one for each recipient's batch.

Apart from the engine of services because workers start them as well, as often as they like: one
that runs is left alone, and one that somebody ended is not begun again.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from activities.names import NOTIFICATION_WORKFLOW, WORKFLOW_QUEUE
from activities.notification_types import NotificationInput, Patience
from activities.types import Timing
from trunkline.model.errors import EngineUnavailable
from trunkline.model.ids import notification_workflow_id
from trunkline.model.notifications.records import OpenBatch
from trunkline.ports.notifying import Notifications

START_TIMEOUT: Final = timedelta(seconds=10)
TEST_PATIENCE: Final = Patience(interval_s=2.0, lifetime_s=60.0)
"""Of a message somebody waits for."""
STOPPED: Final = "its delivery was stopped before it arrived"

Words = Callable[[str], str]
"""How a recipient is called, by its id."""


class Deliveries:
    """Temporal, as far as telling needs it."""

    def __init__(
        self,
        client: Client,
        notifications: Notifications,
        *,
        task_queue: str = WORKFLOW_QUEUE,
        patience: Patience | None = None,
        timing: Timing | None = None,
    ) -> None:
        self._client = client
        self._notifications = notifications
        self._task_queue = task_queue
        self._patience = patience or Patience()
        self._timing = timing or Timing()

    async def start(
        self, batch: OpenBatch, words: str, *, patience: Patience | None = None
    ) -> None:
        """Start a delivery, or leave it to the one that runs. Raises EngineUnavailable."""
        try:
            await self._client.start_workflow(
                NOTIFICATION_WORKFLOW,
                NotificationInput(
                    project=batch.project,
                    recipient=batch.recipient,
                    event_ids=batch.event_ids,
                    words=words,
                    patience=patience or self._patience,
                    timing=self._timing,
                ),
                id=notification_workflow_id(batch.project, batch.batch, batch.recipient),
                task_queue=self._task_queue,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                static_summary=f"Tell {words}",
                rpc_timeout=START_TIMEOUT,
            )
        except WorkflowAlreadyStartedError:
            for event_id in batch.event_ids:
                await self._notifications.conclude_notification(
                    batch.project, event_id, batch.recipient, "unanswered", STOPPED
                )
        except (RPCError, RuntimeError) as error:
            raise EngineUnavailable(
                f"Temporal does not answer: {error}",
                hint="Check that the Temporal server is up and TEMPORAL_ADDRESS points at it",
            ) from error
