"""What a call is estimated to have cost.

Carriers bill each minute that was begun, voice platforms each second; both only from the answer on.
The leg to whoever a call was transferred to is another call of the carrier's, on top of the
caller's own; the platform has no part in the call from then on.
"""

import math
from collections.abc import Sequence

from trunkline.model.calls.carrier import CarrierCall
from trunkline.model.calls.records import CallCost, CallRecord
from trunkline.model.kinds.calls import Prices

_MINUTE_S = 60.0
_DIGITS = 6
"""Vendors bill fractions of a cent."""
CARRIER_PRICE = "the carrier's own price"


def cost_of(
    record: CallRecord,
    prices: Prices,
    *,
    carrier_price_usd: float | None = None,
    legs: Sequence[CarrierCall] = (),
) -> CallCost:
    """The cost of a call; with the carrier's own price for its part, once that is known.

    ``legs`` are those to whom it was transferred, as the carrier shows them. A call nobody answered
    costs nothing here: where a carrier charges for it, its price says so.
    """
    talked_s = record.talked.total_seconds()
    platform_usd = _with_agent_s(record, legs) / _MINUTE_S * prices.platform_minute_usd
    platform = f"{prices.platform_minute_usd:g} USD a minute for the platform"
    if carrier_price_usd is not None:
        carrier_usd, carrier = carrier_price_usd, CARRIER_PRICE
    else:
        carrier_usd = math.ceil(talked_s / _MINUTE_S) * prices.carrier_minute_usd
        carrier = f"{prices.carrier_minute_usd:g} USD a begun minute for the carrier"
    carrier_usd += sum(_leg_usd(leg, prices) for leg in legs)
    return CallCost(
        carrier_usd=round(max(0.0, carrier_usd), _DIGITS),
        platform_usd=round(platform_usd, _DIGITS),
        source=f"{carrier}, {platform}{_leg_words(record, prices, legs)}",
    )


def _with_agent_s(record: CallRecord, legs: Sequence[CarrierCall]) -> float:
    """How long the agent was in the call: until somebody else was dialled. The caller's side of a
    conversation test is a call without one.
    """
    if record.test and record.direction == "outbound":
        return 0.0
    left_at = min((leg.started_at for leg in legs if leg.started_at is not None), default=None)
    talked_s = record.talked.total_seconds()
    if left_at is None or record.answered_at is None:
        return talked_s
    return min(max((left_at - record.answered_at).total_seconds(), 0.0), talked_s)


def _leg_usd(leg: CarrierCall, prices: Prices) -> float:
    if leg.price_usd is not None:
        return leg.price_usd
    return math.ceil((leg.duration_s or 0) / _MINUTE_S) * prices.carrier_minute_usd


def _leg_words(record: CallRecord, prices: Prices, legs: Sequence[CarrierCall]) -> str:
    if not legs:
        leg = f"; the leg to {record.transferred_to} is not estimated"
        return leg if record.transferred_to else ""
    if all(leg.price_usd is not None for leg in legs):
        return f", and {CARRIER_PRICE} for the leg to {legs[-1].to_number}"
    rate = f"{prices.carrier_minute_usd:g} USD a begun minute"
    return f", and {rate} for the leg to {legs[-1].to_number}"
