"""How a promotion ends before anything was released, and when a push is not tried yet.

People end it, or a newer commit does. But once a push was begun an ending is only decided when it
is known that the release is not in Git: what nobody answered may have arrived, or still arrive.
"""

from datetime import timedelta
from typing import Final, NamedTuple

from trunkline.model.promotions.approvals import abortion, rejection
from trunkline.model.promotions.facts import Facts
from trunkline.model.promotions.moving import Decision, Look, ended, waits
from trunkline.model.promotions.records import PromotionRecord, PromotionState
from trunkline.model.records import AuditRecord

PUSHING: Final = "pushing"
"""Member of a record's details: a push was begun."""
REPLACES: Final = "replaces"
"""Member of a record's details: the version whose place the release takes, in service or not."""
PUSHES_AT_ONCE: Final = 5
"""Pushes in a row that came to nothing before there is a pause; a refused one pauses at once."""


class Ending(NamedTuple):
    """Why there is nothing to be released any more."""

    state: PromotionState
    message: str
    row: AuditRecord | None = None


def ending(record: PromotionRecord, facts: Facts) -> Ending | None:
    """Why the promotion is over, or None. A rollback is ended by an abort alone."""
    abort = abortion(facts.audit, record.id)
    if abort is not None:
        return Ending("Aborted", _by("aborted", abort.actor, abort.reason), abort)
    if record.abort_requested_by:
        words = _by("aborted", record.abort_requested_by, record.abort_reason)
        return Ending("Aborted", words)
    if record.kind == "rollback":
        return None
    rejected = rejection(facts.audit, record.id)
    if rejected is not None:
        return Ending("Rejected", _by("rejected", rejected.actor, rejected.reason), rejected)
    newer = _superseded(record, facts)
    return Ending("Superseded", newer) if newer else None


def ends(record: PromotionRecord, look: Look, over: Ending) -> Decision:
    """It ends, unless a push may still arrive that would have released it."""
    push = look.facts.push
    if record.details.get(PUSHING):
        if not look.facts.release_known:
            return unreadable(record, look)
        if push is not None and push.reason == "PushUnanswered":
            until = push.at + timedelta(seconds=look.facts.pace.push_settle_s)
            if look.now < until:
                words = f"{over.message}; a push nobody answered may still arrive"
                return waits(record, look, push.reason, words, until=until)
    row = over.row
    if row is not None and over.state == "Rejected":
        record = record.model_copy(update={"rejected_by": row.actor})
    elif row is not None:
        blamed = {"abort_requested_by": row.actor, "abort_reason": row.reason}
        record = record.model_copy(update=blamed)
    return ended(record, look, over.state, "", over.message)


def push_pause(record: PromotionRecord, look: Look) -> Decision | None:
    """Why nothing is pushed right now, or None."""
    facts = look.facts
    if not facts.release_known:
        return unreadable(record, look)
    push = facts.push
    if push is None:
        return None
    if push.reason != "PushRefused" and push.attempts < PUSHES_AT_ONCE:
        return None
    until = push.at + timedelta(seconds=facts.pace.push_pause_s)
    if look.now >= until:
        return None
    stalled = push.reason == "PushRefused"
    return waits(record, look, push.reason, push.message, until=until, stalled=stalled)


def unreadable(record: PromotionRecord, look: Look) -> Decision:
    """Git could not be asked whether there is a release; nothing is decided without it."""
    words = f"whether the release was pushed is not known: {look.facts.source_problem}"
    return waits(record, look, "SourceUnknown", words)


def _by(done: str, who: str, why: str) -> str:
    return f"{done} by {who}: {why}" if why else f"{done} by {who}"


def _superseded(record: PromotionRecord, facts: Facts) -> str:
    """What a newer commit changes of what is promoted, in words; "" if nothing."""
    if facts.candidate_gone and record.phase != "Starting":
        return f"{record.agent} is gone from the branch"
    candidate = facts.candidate
    if candidate is None:
        return ""
    command = f"trunkline promote {record.agent} -e {record.environment}"
    at = candidate.revision[:10]
    if candidate.digest != record.digest:
        return f"{at} changes {record.agent}; to promote that: {command}"
    if candidate.suite_digest != record.suite_digest:
        return f"{at} changes the tests of {record.agent}; to begin again: {command}"
    return ""
