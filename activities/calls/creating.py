"""One call as something that is created once: the row that decides, the carrier that is asked.

A call cannot be marked at the carrier as an agent can. What tells it is who is called from where,
since when, and that no other record of ours has it; a carrier that reports of it or asks what to do
names our record, and that settles it at once.
"""

from collections.abc import Callable
from datetime import timedelta

from trunkline.model.calls.carrier import CarrierCall, CarrierOrder
from trunkline.model.calls.limits import CALL_CLOCK_SKEW_S
from trunkline.model.calls.records import CallRecord
from trunkline.model.creation import Create, Decision, Found, LookUp, decide
from trunkline.model.ids import ExternalId
from trunkline.model.ledger import Attempt
from trunkline.ports.calls import Calls, Carrier


class CallCreation:
    """``creating.Creation`` of one call at a carrier."""

    def __init__(
        self, calls: Calls, carrier: Carrier, record: CallRecord, order: CarrierOrder
    ) -> None:
        self._calls = calls
        self._carrier = carrier
        self._record = record
        self._order = order
        self.what = f"call {record.id}"

    @property
    def attempt(self) -> Attempt | None:
        """The record's open attempt as last read."""
        return self._record.placing

    @property
    def settled_id(self) -> ExternalId | None:
        """The carrier's id, if it is known."""
        sid = self._record.carrier_call_id
        return ExternalId(sid) if sid else None

    def decide(self, look_up: LookUp, lag_bound_s: float) -> Decision:
        """Nothing was sent before the first attempt, so nothing is looked for before it."""
        if self.attempt is None:
            return Create(number=1)
        return decide(self.attempt, look_up, lag_bound_s=lag_bound_s)

    async def find(self) -> tuple[Found, ...]:
        """Calls between the two numbers since this one was meant that no other record has."""
        if self.attempt is None:
            return ()
        since = self._record.started_at - timedelta(seconds=CALL_CLOCK_SKEW_S)
        found = await self._carrier.find(
            to_number=self._order.to_number, from_number=self._order.from_number, since=since
        )
        return tuple([_found(call) for call in found if await self._is_free(call)])

    async def win(self, attempt: Attempt) -> bool:
        """Write the attempt down, unless the call was settled or called off meanwhile."""
        seen = self._record.placing

        def opened(known: CallRecord) -> CallRecord:
            if known.placing != seen or known.carrier_call_id or known.is_over:
                return known
            return known.model_copy(update={"placing": attempt})

        self._record = await self._change(opened)
        return self._record.placing == attempt and not self._record.is_over

    async def send(self, timeout_s: float) -> ExternalId:
        """Ask the carrier to place the call."""
        placed = await self._carrier.place(self._order, timeout_s=timeout_s)
        return ExternalId(placed.sid)

    async def void(self, attempt: Attempt) -> None:
        """Nothing was placed by this attempt for certain."""

        def closed(known: CallRecord) -> CallRecord:
            return known.model_copy(update={"placing": None}) if known.placing == attempt else known

        self._record = await self._change(closed)

    async def settle(self, sid: str) -> CallRecord:
        """The carrier has the call under this id."""
        account = self._carrier.account
        return await self._change(lambda known: settled(known, account, sid))

    async def _is_free(self, call: CarrierCall) -> bool:
        owner = await self._calls.call_of_carrier(self._carrier.account, call.sid)
        return owner is None or owner.id == self._record.id

    async def _change(self, change: Callable[[CallRecord], CallRecord]) -> CallRecord:
        return await self._calls.change_call(self._record.project, self._record.id, change)


def settled(known: CallRecord, account: str, sid: str) -> CallRecord:
    """The record with the carrier's id; one that has an id already keeps it."""
    if known.carrier_call_id:
        return known.model_copy(update={"placing": None})
    return known.model_copy(
        update={"carrier_account": account, "carrier_call_id": sid, "placing": None}
    )


def _found(call: CarrierCall) -> Found:
    at = call.started_at.timestamp() if call.started_at is not None else 0.0
    return Found(external_id=ExternalId(call.sid), created_at_s=int(at))
