"""What a carrier's reports make of a record, whenever and however often they come.

A call only goes forward: a report that is late, comes twice or overtook another fills in what is
missing and takes nothing back. What the process that carried the call wrote down itself stays.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from trunkline.model.calls.carrier import CarrierCall, CarrierReport
from trunkline.model.calls.outcomes import outcome_of
from trunkline.model.calls.records import OVER, CallRecord, CallState

_STEPS: Final[Mapping[CallState, int]] = {
    "queued": 0,
    "ringing": 1,
    "in-progress": 2,
    **dict.fromkeys(OVER, 3),
}
_UNSAID: Final = -1
"""The place of what was asked for instead of being reported: behind nothing and before nothing."""


def report_of(call: CarrierCall) -> CarrierReport:
    """A call as the carrier shows it when asked, as if it had reported it."""
    is_over = call.state in OVER
    return CarrierReport(
        sid=call.sid,
        state=call.state,
        sequence=_UNSAID,
        at=call.ended_at if is_over else call.started_at,
        duration_s=call.duration_s,
        from_number=call.from_number,
        to_number=call.to_number,
    )


def advanced(record: CallRecord, report: CarrierReport, now: datetime) -> CallRecord:
    """The record with what the report adds; the same for one about another call.

    ``now`` stands for a time the report does not tell. The first end stays.
    """
    if record.carrier_call_id and report.sid != record.carrier_call_id:
        return record
    at = report.at or now
    changes: dict[str, Any] = {
        "carrier_call_id": report.sid,
        "carrier_sequence": max(record.carrier_sequence, report.sequence),
        "from_number": record.from_number or report.from_number,
        "to_number": record.to_number or report.to_number,
    }
    is_news = _STEPS[report.state] > _STEPS[record.state]
    if is_news:
        changes["state"] = report.state
    answered_at = record.answered_at or _answered_at(record, report, at)
    changes["answered_at"] = answered_at
    if report.state in OVER and (is_news or record.is_over):
        changes["ended_at"] = record.ended_at or at
    changed = record.model_copy(update=changes)
    if changed.is_over and not changed.outcome:
        changed = changed.model_copy(update={"outcome": outcome_of(changed)})
    return changed if changed != record else record


def _answered_at(record: CallRecord, report: CarrierReport, at: datetime) -> datetime | None:
    """When somebody answered, as far as the report lets know it."""
    if report.state == "in-progress":
        return at
    if report.state != "completed" or not report.duration_s:
        return None
    ended_at = record.ended_at or at
    return max(record.started_at, ended_at - timedelta(seconds=report.duration_s))
