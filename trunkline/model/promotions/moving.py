"""What a decision about a promotion consists of: the record carried on, and the next move.

The small steps every phase makes (enter, wait, end) are here, so that a timeline, a message and a
deadline always come together and the same step made twice leaves the same record.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from trunkline.model.base import Frozen, Json
from trunkline.model.ids import Revision
from trunkline.model.limits import PROMOTION_TIMELINE_MAX
from trunkline.model.promotions.facts import Facts, Purpose
from trunkline.model.promotions.records import (
    PhaseEntry,
    PromotionPhase,
    PromotionRecord,
    PromotionState,
)

MoveKind = Literal[
    "run_tests",
    "wait",
    "release",
    "propose",
    "tag",
    "withdraw",
    "check_step",
    "abort_rollout",
    "roll_back",
    "disable",
    "end",
]


class TestsRequest(Frozen):
    """A run of tests the promotion needs. The same ``run_id`` is asked for until it has an outcome:
    start it if it is not there, else go on waiting for it. ``tags`` empty: all of the agent's.
    """

    __test__ = False

    purpose: Purpose
    run_id: str
    agent: str
    environment: str
    within: str
    revision: Revision
    tags: tuple[str, ...] = ()
    step: int = -1


class Move(Frozen):
    """What to do next; the record's ``message`` says it to people.

    ``run_tests`` carries ``tests``; whatever other run is still going on for this promotion is no
    longer wanted. ``wait``: until ``until`` at the latest, or a signal. ``release``: build, sign
    and push the release commit (also a rollback's own), after looking for its trailer. ``propose``:
    push it to a branch of its own and open its pull request, or bring both up to date. ``tag``: it
    was merged, push the tag that makes it count. ``withdraw``: close its pull request, with
    ``reason``, and delete the branch.
    ``check_step``: tell the rollout that ``step`` is good. ``abort_rollout``: take the traffic
    back, with ``reason``. ``roll_back``: commit the release of version ``restores`` again, with
    ``reason`` as its hold. ``disable``: no predecessor to go back to: hold the release with
    ``reason``, then disable the agent. ``end``: it has ended, conclude it. After every move but
    ``end`` look again.
    """

    kind: MoveKind
    tests: TestsRequest | None = None
    until: datetime | None = None
    step: int = -1
    restores: int = 0
    reason: str = ""


Decision: TypeAlias = tuple[PromotionRecord, Move]


@dataclass(frozen=True, slots=True)
class Look:
    """What was found out, and when."""

    facts: Facts
    now: datetime


def opened(record: PromotionRecord, now: datetime) -> PromotionRecord:
    """The record with the beginning of its story."""
    if record.timeline:
        return record
    began_at = min(record.created_at or now, now)
    first = PhaseEntry(phase=record.phase, began_at=began_at)
    return record.model_copy(update={"timeline": (first,)})


def entered(
    record: PromotionRecord, phase: PromotionPhase, look: Look, *, left: str = ""
) -> PromotionRecord:
    """The record in a phase; ``left`` is what the phase before it came to, in words."""
    if record.phase == phase:
        return record
    entry = PhaseEntry(phase=phase, began_at=look.now)
    timeline = (*_closed(record, look.now, left), entry)[-PROMOTION_TIMELINE_MAX:]
    return record.model_copy(
        update={
            "phase": phase,
            "timeline": timeline,
            "stalled": False,
            "waits_until": None,
            "reason": "",
            "message": "",
        }
    )


def said(
    record: PromotionRecord,
    reason: str,
    message: str,
    *,
    until: datetime | None = None,
    stalled: bool = False,
) -> PromotionRecord:
    """The record with what it waits for."""
    return record.model_copy(
        update={"reason": reason, "message": message, "waits_until": until, "stalled": stalled}
    )


def waits(
    record: PromotionRecord,
    look: Look,
    reason: str,
    message: str,
    *,
    until: datetime | None = None,
    stalled: bool = False,
) -> Decision:
    """Wait for a moment, or for something that a later look will find."""
    poll = look.now + timedelta(seconds=look.facts.pace.poll_s)
    move = Move(kind="wait", until=min(until, poll) if until is not None else poll)
    return said(record, reason, message, until=until, stalled=stalled), move


def ended(
    record: PromotionRecord,
    look: Look,
    state: PromotionState,
    reason: str,
    message: str,
    *,
    left: str = "",
) -> Decision:
    """The promotion has come to an end; ``left`` is what its last phase came to, in words, where
    that is less than ``message``.
    """
    last = PhaseEntry(phase="Ended", began_at=look.now, ended_at=look.now, message=message)
    update = {
        "phase": "Ended",
        "state": state,
        "reason": reason,
        "message": message,
        "stalled": False,
        "waits_until": None,
        "finished_at": look.now,
        "timeline": (*_closed(record, look.now, left or message), last)[-PROMOTION_TIMELINE_MAX:],
    }
    return record.model_copy(update=update), Move(kind="end")


def noted(record: PromotionRecord, key: str, value: Json) -> PromotionRecord:
    """The record with something to remember until a later look."""
    return record.model_copy(update={"details": {**record.details, key: value}})


def moment(record: PromotionRecord, key: str) -> datetime | None:
    """A moment that was remembered with ``noted``, or None."""
    text = record.details.get(key)
    return datetime.fromisoformat(text) if isinstance(text, str) else None


def _closed(record: PromotionRecord, now: datetime, message: str) -> tuple[PhaseEntry, ...]:
    if not record.timeline or record.timeline[-1].ended_at is not None:
        return record.timeline
    last = record.timeline[-1].model_copy(update={"ended_at": now, "message": message})
    return (*record.timeline[:-1], last)
