"""How a call ended, in one word that people can count."""

from typing import Final, Literal

from trunkline.model.calls.records import CallRecord, EndedBy

Outcome = Literal[
    "talked",
    "transferred",
    "transfer-failed",
    "cut-short",
    "dropped",
    "unanswered",
    "busy",
    "no-answer",
    "failed",
    "canceled",
]
"""``talked``: it went on until one of both hung up. ``transferred``: it was passed on to somebody;
``transfer-failed``: they did not take it. ``cut-short``: it reached its longest duration.
``dropped``: something in between gave out. ``unanswered``: it came, and no agent spoke. The last
four are the carrier's.
"""
GAVE_OUT: Final[frozenset[EndedBy]] = frozenset({"carrier", "platform", "trunkline"})
"""Whoever ends a call without having been asked to."""
LEFT_EARLY: Final = "the caller hung up while the agent was being connected"
"""The message of a call in which nobody had spoken yet."""
UNHAPPY: Final[frozenset[Outcome]] = frozenset({"dropped", "unanswered", "failed"})
"""Ends that say that something of ours, or of a vendor, did not work."""


def outcome_of(record: CallRecord) -> str:
    """The word for how a call ended; "" for one that goes on."""
    if not record.is_over:
        return ""
    if record.state != "completed":
        return record.state
    if record.transferred_to:
        return "transferred" if record.transfer_failure is None else "transfer-failed"
    if record.ended_by == "limit":
        return "cut-short"
    if record.ended_by in GAVE_OUT:
        return "dropped"
    return "talked" if _has_spoken(record) else "unanswered"


def _has_spoken(record: CallRecord) -> bool:
    """Whether an agent was there: not in a call nobody could take, nor in one left before."""
    return record.answered_at is not None and bool(record.agent) and record.message != LEFT_EARLY
