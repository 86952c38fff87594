"""Looks at an order and decides what is next; ends the order once nothing is.

Level-triggered: rows, Git and the carrier are asked anew at every look, so whatever was lost or
came twice changes nothing. What is decided is pure and elsewhere.
"""

import logging

from temporalio import activity

from activities.call_types import CallOrderLook, CallOrderRequest
from activities.calls.facts import OrderWork
from activities.calls.rows import leave_places, newest_try
from activities.errors import translated
from activities.heartbeats import beating
from activities.names import LOOK_AT_CALL_ORDER
from trunkline.model.calls.ordering import Move, next_move
from trunkline.model.calls.orders import CallOrder
from trunkline.model.calls.records import CallRecord
from trunkline.model.calls.reports import advanced, report_of
from trunkline.model.errors import NotFound, RemoteMissing, TrunklineError

_log = logging.getLogger(__name__)


class CallOrderLooks(OrderWork):
    """The activity that looks."""

    @activity.defn(name=LOOK_AT_CALL_ORDER)
    async def look_at_call_order(self, request: CallOrderRequest) -> CallOrderLook:
        """What is next; an order that has ended is written down as such."""
        with translated(request.timing):
            async with beating():
                return await self._look(request)

    async def _look(self, request: CallOrderRequest) -> CallOrderLook:
        order = await self._rows.order(request.project, request.order)
        if order is None:
            raise NotFound(f"There is no order {request.order} in {request.project}")
        last = await newest_try(self._rows, order)
        if request.ask_carrier and last is not None:
            last = await self._asked(last)
        now = self._ports.clock.now()
        situation = await self._situations.of(order)
        move = next_move(order, last, situation.facts, now)
        if move.kind == "end" and last is not None and not last.carrier_call_id:
            if not await self._called_off(last, move):
                return CallOrderLook(move="wait", details="The call is being placed")
            move = Move("conclude", move.state, move.words)
        await self._say(order, move)
        if move.kind == "conclude" or (last is not None and last.is_over):
            await leave_places(self._rows, order)
        wait_s = request.pace.rest_interval_s
        if move.kind == "follow":
            wait_s = request.pace.look_interval_s
        elif move.until is not None:
            wait_s = min(max((move.until - now).total_seconds(), 0.0), wait_s)
        return CallOrderLook(
            move=move.kind,
            attempt=_attempt(order, last),
            wait_s=wait_s,
            details=move.words or move.state,
            environment=order.environment,
            agent=order.agent,
        )

    async def _say(self, order: CallOrder, move: Move) -> None:
        """Write down how it stands, if that is news."""
        ended_at = self._ports.clock.now() if move.kind == "conclude" else None

        def said(known: CallOrder) -> CallOrder:
            if known.is_over:
                return known
            changed = known.model_copy(
                update={"state": move.state, "message": move.words or known.message}
            )
            return changed.model_copy(update={"ended_at": ended_at}) if ended_at else changed

        await self._rows.change_order(order.project, order.id, said)

    async def _called_off(self, last: CallRecord, move: Move) -> bool:
        """Close a call nobody asked the carrier for; False if somebody does by now."""
        now = self._ports.clock.now()

        def closed(known: CallRecord) -> CallRecord:
            if known.is_over or known.placing is not None or known.carrier_call_id:
                return known
            state = "canceled" if move.state == "Canceled" else "failed"
            ended = {"state": state, "ended_at": now, "message": move.words}
            return known.model_copy(update={**ended, "ended_by": "trunkline"})

        return (await self._rows.change_call(last.project, last.id, closed)).is_over

    async def _asked(self, last: CallRecord) -> CallRecord:
        """The record as the carrier knows it; as it was, if the carrier does not answer."""
        if last.is_over or not last.carrier_call_id:
            return last
        try:
            carrier = await self._ports.carriers.carrier(last.project, last.environment)
            seen = await carrier.call(last.carrier_call_id)
        except RemoteMissing:
            return await self._lost(last)
        except TrunklineError as error:
            _log.info("call %s is not asked about: %s", last.id, error)
            return last
        now = self._ports.clock.now()
        return await self._rows.change_call(
            last.project, last.id, lambda known: advanced(known, report_of(seen), now)
        )

    async def _lost(self, last: CallRecord) -> CallRecord:
        now = self._ports.clock.now()

        def lost(known: CallRecord) -> CallRecord:
            if known.is_over:
                return known
            words = "The carrier knows nothing of this call any more"
            ended = {"state": "failed", "ended_at": now, "ended_by": "carrier", "message": words}
            return known.model_copy(update=ended)

        return await self._rows.change_call(last.project, last.id, lost)


def _attempt(order: CallOrder, last: CallRecord | None) -> int:
    """Which try is meant, from 1: the newest one as long as it is not over, else the next."""
    is_next = not order.calls or (last is not None and last.is_over)
    return len(order.calls) + is_next
