"""Starts workflows of orders that are open and have none: Temporal may have lost everything."""

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError

from activities.call_types import CallOrderInput
from activities.names import CALL_WORKFLOW, WORKFLOW_QUEUE
from activities.types import Timing
from trunkline.model.calls.limits import CALL_ORDERS_WOKEN_MAX
from trunkline.model.errors import EngineUnavailable
from trunkline.model.ids import call_workflow_id
from trunkline.ports.calls import CallOrders


class OrderCalls:
    """Sees to it that every open order is followed."""

    def __init__(self, client: Client, orders: CallOrders) -> None:
        self._client = client
        self._orders = orders

    async def tend(self, project: str, timing: Timing) -> None:
        """One that is followed already is left alone. Raises EngineUnavailable."""
        open_orders = await self._orders.orders(
            project, open_only=True, limit=CALL_ORDERS_WOKEN_MAX
        )
        for order in open_orders:
            try:
                await self._client.start_workflow(
                    CALL_WORKFLOW,
                    CallOrderInput(project=project, order=order.id, timing=timing),
                    id=call_workflow_id(project, order.id),
                    task_queue=WORKFLOW_QUEUE,
                    id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                    static_summary=f"Call {order.id} of {project}",
                )
            except RPCError as error:
                raise EngineUnavailable(f"Temporal did not take a start: {error}") from error
