"""What people are told of a call, and when: of its answer, its transfer and its end, once each.

Pure: two states of one record in, events out. Whoever stores a record stores these with it, so that
however many processes report of a call, it is told of once.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from trunkline.model.base import JsonObject
from trunkline.model.calls.limits import CALL_NEWS_AGE_MAX_S
from trunkline.model.calls.outcomes import UNHAPPY, outcome_of
from trunkline.model.calls.records import CallRecord
from trunkline.model.records import EventRecord

STARTED: Final = "CallStarted"
TRANSFERRED: Final = "CallTransferred"
COMPLETED: Final = "CallCompleted"
FAILED: Final = "CallFailed"
CALL_REASONS: Final = (STARTED, TRANSFERRED, COMPLETED, FAILED)
_ENDED_WELL: Final = frozenset({"talked", "transferred", "cut-short"})


def call_news(
    before: CallRecord | None, after: CallRecord, now: datetime
) -> tuple[EventRecord, ...]:
    """The events of a change; ``before`` None is a call nobody knew of.

    A call that ended long ago, and was only read late, is no news.
    """
    ended_at = after.ended_at or now
    if after.is_over and now - ended_at > timedelta(seconds=CALL_NEWS_AGE_MAX_S):
        return ()
    return tuple(_event(after, reason) for reason in _reasons(before, after))


def _reasons(before: CallRecord | None, after: CallRecord) -> Iterator[str]:
    was_over = before is not None and before.is_over
    if after.state == "in-progress" and (before is None or before.state != "in-progress"):
        yield STARTED
    if after.transferred_to and (before is None or not before.transferred_to):
        yield TRANSFERRED
    if after.is_over and not was_over:
        yield COMPLETED if outcome_of(after) in _ENDED_WELL else FAILED


def _event(record: CallRecord, reason: str) -> EventRecord:
    is_bad = reason == FAILED and outcome_of(record) in UNHAPPY
    return EventRecord(
        project=record.project,
        environment=record.environment,
        kind="call",
        name=record.id,
        type="Warning" if is_bad else "Normal",
        reason=reason,
        message=_words(record, reason),
        revision=record.revision,
        details=details_of(record),
    )


def details_of(record: CallRecord) -> JsonObject:
    """What programs are told of a call: names, numbers, times and outcome, and nothing of what
    was said.
    """
    return {
        "call": record.id,
        "agent": record.agent,
        "version": record.version,
        "direction": record.direction,
        "routing": record.routing,
        "state": record.state,
        "number": record.number,
        "from": record.from_number,
        "to": record.to_number,
        "startedAt": record.started_at.isoformat(),
        "answeredAt": record.answered_at.isoformat() if record.answered_at else None,
        "endedAt": record.ended_at.isoformat() if record.ended_at else None,
        "durationS": record.talked.total_seconds(),
        "endedBy": record.ended_by,
        "outcome": outcome_of(record),
        "transferredTo": record.transferred_to,
        "order": record.order,
    }


def _words(record: CallRecord, reason: str) -> str:
    way = "with" if record.direction == "inbound" else "by"
    call = f"{record.direction} call {way} {record.agent}"
    if reason == STARTED:
        return f"{call} was answered"
    if reason == TRANSFERRED:
        return f"{call} was transferred to {record.transferred_to}"
    why = f": {record.message}" if record.message else ""
    return f"{call} ended after {record.talked.total_seconds():.0f} s, {outcome_of(record)}{why}"
