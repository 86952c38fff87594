"""Small questions about the rows of an order that several activities ask."""

from activities.calls.ports import CallRows
from trunkline.model.calls.orders import CallOrder
from trunkline.model.calls.records import CallRecord


async def newest_try(rows: CallRows, order: CallOrder) -> CallRecord | None:
    """The record of the newest try; None if there is none, or it was not written any more."""
    return await rows.call(order.project, order.calls[-1]) if order.calls else None


def place_names(order: CallOrder) -> tuple[str, str]:
    """What an order's call takes a place of: calls of the agent, and the person who is called."""
    agent = f"call/{order.project}/{order.environment}/{order.agent}"
    return agent, f"callee/{order.project}/{order.to_number}"


async def leave_places(rows: CallRows, order: CallOrder) -> None:
    """Let others call."""
    for place in place_names(order):
        await rows.leave_place(place, order.id)
