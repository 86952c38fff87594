"""What a whole installation is counted by, for those who watch it: numbers, never names."""

from typing import Literal

from trunkline.model.base import Frozen
from trunkline.model.delivery import Delivery
from trunkline.model.records import StatusCount

Measure = Literal[
    "promotions_open",
    "promotion_age_seconds",
    "evidence_age_seconds",
    "promotions_ended",
    "promotion_seconds",
    "drift_age_seconds",
    "pull_requests",
    "notifications",
    "calls_active",
]
"""Ages are those of the oldest, in seconds; ``promotion_seconds`` is a sum."""


class Tally(Frozen):
    """One number of one environment or project; ``word`` is the state, phase or result counted."""

    measure: Measure
    project: str
    environment: str = ""
    word: str = ""
    value: float


class Census(Frozen):
    """Everything that is counted in the store at once."""

    statuses: tuple[StatusCount, ...] = ()
    tallies: tuple[Tally, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
