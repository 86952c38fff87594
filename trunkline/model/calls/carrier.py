"""What a carrier tells of calls, and what it is told: states, reports, orders, answers.

Nothing a carrier sends is believed before its signature was checked; what stands here was.
"""

from datetime import datetime
from typing import Literal

from pydantic import Field

from trunkline.model.base import Frozen
from trunkline.model.calls.records import CallState


class CarrierOrder(Frozen):
    """A call to be placed. ``answer_url`` is asked what to do once somebody answers,
    ``status_url`` is told how it goes.
    """

    to_number: str
    from_number: str
    answer_url: str
    status_url: str
    fallback_url: str = ""
    ring_timeout_s: int = Field(default=60, ge=5, le=600)
    longest_s: int | None = Field(default=None, ge=1, le=86_400)


class CarrierCall(Frozen):
    """A call as the carrier shows it. ``price_usd`` is None until it is known."""

    sid: str
    state: CallState
    direction: Literal["inbound", "outbound"]
    from_number: str
    to_number: str
    started_at: datetime | None = None
    ended_at: datetime | None = None
    duration_s: int | None = None
    price_usd: float | None = None


class CarrierReport(Frozen):
    """One status callback. ``sequence`` counts from 0 within a call; reports may come late, twice
    and out of order.
    """

    sid: str
    state: CallState
    sequence: int = 0
    at: datetime | None = None
    duration_s: int | None = None
    from_number: str = ""
    to_number: str = ""
