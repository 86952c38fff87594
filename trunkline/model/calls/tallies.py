"""Calls of an agent, or of one version of it, in numbers. Pure: records in, counts out."""

from collections import Counter
from collections.abc import Iterable
from statistics import median

from pydantic import Field

from trunkline.model.base import Frozen
from trunkline.model.calls.outcomes import outcome_of
from trunkline.model.calls.records import CallRecord

_MINUTE_S = 60.0


class CallTally(Frozen):
    """Calls that are over. ``minutes`` are from answers to ends, ``duration_median_s`` is of
    answered calls. ``ended_by`` are shares of the calls of which it is known, from 0 to 1; "error"
    stands for whoever gave out. ``interruptions`` is how often callers cut in.
    """

    calls: int = 0
    answered: int = 0
    active: int = 0
    minutes: float = 0.0
    duration_median_s: float | None = None
    cost_usd: float = 0.0
    outcomes: dict[str, int] = Field(default_factory=dict)
    ended_by: dict[str, float] = Field(default_factory=dict)
    interruptions: int = 0
    lost_frames: int = 0


_ERRORS = frozenset({"carrier", "platform", "trunkline"})


def count_calls(records: Iterable[CallRecord]) -> CallTally:
    """Count them; those that go on are only counted as active."""
    found = list(records)
    over = [each for each in found if each.is_over]
    talked_s = [each.talked.total_seconds() for each in over if each.answered_at is not None]
    ends = Counter(
        "error" if each.ended_by in _ERRORS else each.ended_by for each in over if each.ended_by
    )
    known = sum(ends.values())
    return CallTally(
        calls=len(over),
        answered=len(talked_s),
        active=len(found) - len(over),
        minutes=round(sum(talked_s) / _MINUTE_S, 2),
        duration_median_s=round(median(talked_s), 3) if talked_s else None,
        cost_usd=round(sum(each.cost.total_usd for each in over if each.cost), 4),
        outcomes=dict(Counter(outcome_of(each) for each in over).most_common()),
        ended_by={word: round(count / known, 4) for word, count in ends.most_common()},
        interruptions=sum(each.interruptions for each in over),
        lost_frames=sum(each.lost_frames for each in over),
    )
