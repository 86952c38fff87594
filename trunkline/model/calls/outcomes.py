"""How a call ended, in one word that people can count."""

from typing import Final, Literal, get_args

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
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)
GAVE_OUT: Final[frozenset[EndedBy]] = frozenset({"carrier", "platform", "trunkline"})
"""Whoever ends a call without having been asked to."""
UNHAPPY: Final[frozenset[str]] = frozenset({"dropped", "unanswered", "failed"})
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
    return "unanswered" if record.answered_at is None else "talked"
