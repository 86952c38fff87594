"""The GATE column of a status: how far the promotion of an agent is, in two or three words.

A promotion waits and ends while nobody writes the agent's row, and "3m left" is old a moment
later; so the words are made when a row is read, like decisions of people are laid over it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from trunkline.model.base import Frozen
from trunkline.model.promotions.records import (
    PromotionKind,
    PromotionPhase,
    PromotionRecord,
    PromotionState,
)
from trunkline.model.records import StatusRow

MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)


class PromotionGate(Frozen):
    """What the column needs of a promotion; ``origin`` is the environment it comes from."""

    environment: str
    origin: str = ""
    agent: str
    number: int
    kind: PromotionKind = "promote"
    phase: PromotionPhase = "Starting"
    state: PromotionState = "Open"
    stalled: bool = False
    approvals: int = 0
    approvals_needed: int = 0
    waits_until: datetime | None = None
    rollout_percent: float = 0.0
    pull_request: int = 0


_OF_A_RECORD = tuple(name for name in PromotionGate.model_fields if name != "approvals")


def gate_of(record: PromotionRecord) -> PromotionGate:
    """The same from a whole promotion."""
    said = {name: getattr(record, name) for name in _OF_A_RECORD}
    return PromotionGate(**said, approvals=len(record.approvals))


def gate_words(gate: PromotionGate, now: datetime) -> str:
    """``Soak 3m left``, ``Approval 0/1``, ``Release PR #12``, ``Rollout 10%``; what it came to
    once it has ended.
    """
    if gate.state != "Open":
        return "Passed" if gate.state == "Done" else gate.state
    if gate.stalled:
        return f"{gate.phase} stalled"
    left = time_left(gate.waits_until, now)
    words = {
        "Gate": "Testing",
        "Approval": f"Approval {gate.approvals}/{gate.approvals_needed}",
        "Releasing": f"Release PR #{gate.pull_request}" if gate.pull_request else "Releasing",
        "Rollout": f"Rollout {gate.rollout_percent:g}%",
        "Soak": f"Soak {left} left" if left else "Soak",
        "Window": f"Window in {left}" if left else "Window",
    }
    return words.get(gate.phase, gate.phase)


def time_left(until: datetime | None, now: datetime) -> str:
    """``45s``, ``3m``, ``5h``, ``2d``, rounded up; empty without a moment or once it is past."""
    if until is None or until <= now:
        return ""
    left = until - now
    for below, unit, letter in ((MINUTE, timedelta(seconds=1), "s"), (HOUR, MINUTE, "m")):
        if left <= below:
            return f"{-(-left // unit)}{letter}"
    return f"{-(-left // HOUR)}h" if left <= 2 * DAY else f"{-(-left // DAY)}d"


def gated_status(row: StatusRow, gates: Sequence[PromotionGate], now: datetime) -> StatusRow:
    """The row with the GATE of the newest promotion into its environment.

    Before anything was promoted out of an environment for the first time, the target has no row of
    its own: where there is none into it, a row shows the promotion that comes from it.
    """
    if row.kind != "agent":
        return row
    place, mine = row.environment, [gate for gate in gates if gate.agent == row.name]
    into = [gate for gate in mine if gate.environment == place]
    fitting = into or [gate for gate in mine if gate.origin == place and gate.state != "Done"]
    shown = max(fitting, key=lambda gate: (gate.state == "Open", gate.number), default=None)
    words = "" if shown is None else gate_words(shown, now)
    return row if words == row.gate else row.model_copy(update={"gate": words})
