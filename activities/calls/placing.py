"""Places the next try of an order, once, whatever is killed on the way; ends a call.

The order of the writes is the whole trick: the try is a line of its order, then a record, then an
open attempt in the record, and only then the carrier is asked. Whoever comes after a killed one
finds how far it got and goes on from there.
"""

from datetime import timedelta
from urllib.parse import urlencode

from temporalio import activity

from activities.call_types import CallOrderRequest, CallStep
from activities.calls.creating import CallCreation
from activities.calls.facts import CallSituation, OrderWork
from activities.calls.rows import place_names
from activities.creating import create_once
from activities.errors import translated
from activities.heartbeats import beating
from activities.names import END_CALL, PLACE_CALL
from trunkline.model.calls.addresses import (
    STATUS_ROUTE,
    VOICE_ROUTE,
    number_address,
    public_address,
)
from trunkline.model.calls.carrier import CarrierOrder
from trunkline.model.calls.limits import (
    CALL_OVERTIME_S,
    CALL_RING_TIMEOUT_S,
)
from trunkline.model.calls.orders import CallOrder
from trunkline.model.calls.records import CallFilter, CallRecord, RouteTaken
from trunkline.model.creation import Create, LookUp
from trunkline.model.errors import (
    CredentialsRejected,
    NotFound,
    PublicUrlMissing,
    Rejected,
)
from trunkline.model.ids import new_call_id
from trunkline.ports.calls import Carrier

REFUSED = (Rejected, CredentialsRejected, PublicUrlMissing)
"""What asking again changes nothing about: the try has failed."""


class CallPlacing(OrderWork):
    """The activities that write at a carrier."""

    @activity.defn(name=PLACE_CALL)
    async def place_call(self, request: CallOrderRequest) -> CallStep:
        """Have the carrier place the order's next try, or find that it did."""
        with translated(request.timing):
            async with beating():
                order = await self._order(request)
                situation = await self._situations.of(order)
                if len(order.calls) < request.attempt:
                    if not await self._has_place(order, situation):
                        words = "Waiting for a free place: too many calls at once"
                        return CallStep(wait_s=request.pace.place_interval_s, details=words)
                    order = await self._begin(order, request.attempt)
                if len(order.calls) < request.attempt:
                    return CallStep(details="The order has ended meanwhile")
                record = await self._record(order, request.attempt, situation)
                return await self._place(request, order, record, situation)

    @activity.defn(name=END_CALL)
    async def end_call(self, request: CallOrderRequest) -> CallStep:
        """Have the carrier end a try's call; one that is over already is no error."""
        with translated(request.timing):
            async with beating():
                order = await self._order(request)
                record = await self._rows.call(order.project, order.calls[request.attempt - 1])
                if record is not None and record.carrier_call_id and not record.is_over:
                    carrier = await self._ports.carriers.carrier(record.project, record.environment)
                    await carrier.end(
                        record.carrier_call_id, timeout_s=request.timing.request_timeout_s
                    )
                return CallStep(
                    wait_s=request.pace.place_interval_s, details="The carrier was told"
                )

    async def _order(self, request: CallOrderRequest) -> CallOrder:
        order = await self._rows.order(request.project, request.order)
        if order is None:
            raise NotFound(f"There is no order {request.order} in {request.project}")
        return order

    async def _has_place(self, order: CallOrder, situation: CallSituation) -> bool:
        """Take a place at the agent, and the only one at the person who is called."""
        facts = situation.facts
        longest_s = facts.call_longest_s + CALL_RING_TIMEOUT_S + CALL_OVERTIME_S
        until = self._ports.clock.now() + timedelta(seconds=longest_s)
        coming = CallFilter(
            environment=order.environment, agent=order.agent, direction="inbound", active=True
        )
        taken = len(await self._rows.calls(order.project, coming, limit=facts.at_once))
        agent, person = place_names(order)
        if not await self._rows.take_place(person, order.id, 1, until):
            return False
        if await self._rows.take_place(agent, order.id, facts.at_once - taken, until):
            return True
        await self._rows.leave_place(person, order.id)
        return False

    async def _begin(self, order: CallOrder, attempt: int) -> CallOrder:
        """The order with a line for this try, unless it has one or nobody wants it any more."""
        fresh = new_call_id(order.to_number)

        def added(known: CallOrder) -> CallOrder:
            unwanted = known.is_over or known.canceled_by
            if len(known.calls) != attempt - 1 or unwanted:
                return known
            return known.model_copy(update={"calls": (*known.calls, fresh), "state": "Calling"})

        return await self._rows.change_order(order.project, order.id, added)

    async def _record(self, order: CallOrder, attempt: int, situation: CallSituation) -> CallRecord:
        """The record of a try; one that a killed worker did not come to write is written now."""
        facts, row = situation.facts, situation.row
        number, agent = facts.number, facts.agent
        call_id = order.calls[attempt - 1]
        known = await self._rows.call(order.project, call_id)
        if known is not None:
            return known
        fresh = CallRecord(
            id=call_id,
            project=order.project,
            environment=order.environment,
            agent=order.agent,
            direction="outbound",
            routing="bridge",
            number=order.from_number,
            from_number=number.number if number else "",
            to_number=order.to_number,
            agent_id=facts.external_id,
            version=row.version if row else 0,
            revision=row.revision if row else None,
            digest=row.digest if row else None,
            route=RouteTaken(words=f"asked for by {order.asked_by}"),
            order=order.id,
            attempt=attempt,
            started_at=self._ports.clock.now(),
            context={**(agent.context if agent else {}), **order.context},
        )
        return await self._rows.open_call(fresh)

    async def _place(
        self,
        request: CallOrderRequest,
        order: CallOrder,
        record: CallRecord,
        situation: CallSituation,
    ) -> CallStep:
        if record.is_over:
            return CallStep(details=record.message)
        try:
            carrier = await self._ports.carriers.carrier(order.project, order.environment)
            asked = self._asked(record, situation, carrier)
            creation = CallCreation(self._rows, carrier, record, asked)
            if order.canceled_by and await self._is_void(creation, request):
                return await self._failed(record, "canceled", f"Canceled by {order.canceled_by}")
            created = await create_once(creation, self._ports.clock, request.timing)
        except REFUSED as error:
            return await self._failed(record, "failed", error.message)
        await creation.settle(created.external_id)
        return CallStep(placed=True, details=f"The carrier calls: {created.external_id}")

    def _asked(
        self, record: CallRecord, situation: CallSituation, carrier: Carrier
    ) -> CarrierOrder:
        """The call in the carrier's terms. Both addresses name our record, so that a carrier that
        asks or reports settles which of its calls is which. Raises PublicUrlMissing.
        """
        number = situation.facts.number
        if not self._ports.public_url or number is None:
            raise PublicUrlMissing(
                "Carriers cannot reach this server", hint="Set TRUNKLINE_PUBLIC_URL"
            )
        voice_url = number_address(self._ports.public_url, VOICE_ROUTE, number)
        status_url = public_address(self._ports.public_url, STATUS_ROUTE)
        named = urlencode({"order": record.order, "try": record.id})
        return CarrierOrder(
            to_number=record.to_number,
            from_number=record.from_number,
            answer_url=f"{voice_url}?{named}",
            status_url=f"{status_url}?{named}",
            fallback_url=carrier.hosted_fallback("", situation.rules.apology),
            ring_timeout_s=CALL_RING_TIMEOUT_S,
            longest_s=situation.facts.call_longest_s,
        )

    async def _is_void(self, creation: CallCreation, request: CallOrderRequest) -> bool:
        """True if certainly nothing was placed: nobody wants it any more."""
        if creation.settled_id is not None:
            return False
        began_at = self._ports.clock.now()
        look_up = LookUp(found=await creation.find(), complete=True, began_at=began_at)
        return isinstance(creation.decide(look_up, request.timing.list_lag_bound_s), Create)

    async def _failed(self, record: CallRecord, state: str, words: str) -> CallStep:
        now = self._ports.clock.now()

        def failed(known: CallRecord) -> CallRecord:
            if known.is_over or known.carrier_call_id:
                return known
            ended = {"state": state, "ended_at": now, "ended_by": "trunkline", "message": words}
            return known.model_copy(update={**ended, "placing": None})

        await self._rows.change_call(record.project, record.id, failed)
        return CallStep(details=words)
