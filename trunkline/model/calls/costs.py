"""What a call is estimated to have cost.

Carriers bill each minute that was begun, voice platforms each second; both only from the answer on.
The leg to whoever a call was transferred to is another call of the carrier's, and not in it.
"""

import math

from trunkline.model.calls.records import CallCost, CallRecord
from trunkline.model.kinds.calls import Prices

_MINUTE_S = 60.0
_DIGITS = 6
"""Vendors bill fractions of a cent."""
CARRIER_PRICE = "the carrier's own price"


def cost_of(
    record: CallRecord, prices: Prices, *, carrier_price_usd: float | None = None
) -> CallCost:
    """The cost of a call; with the carrier's own price for its part, once that is known.

    A call nobody answered costs nothing here: where a carrier charges for it, its price says so.
    """
    talked_s = record.talked.total_seconds()
    platform_usd = talked_s / _MINUTE_S * prices.platform_minute_usd
    platform = f"{prices.platform_minute_usd:g} USD a minute for the platform"
    if carrier_price_usd is not None:
        carrier_usd, carrier = carrier_price_usd, CARRIER_PRICE
    else:
        carrier_usd = math.ceil(talked_s / _MINUTE_S) * prices.carrier_minute_usd
        carrier = f"{prices.carrier_minute_usd:g} USD a begun minute for the carrier"
    return CallCost(
        carrier_usd=round(max(0.0, carrier_usd), _DIGITS),
        platform_usd=round(platform_usd, _DIGITS),
        source=f"{carrier}, {platform}",
    )
