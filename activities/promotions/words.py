"""What is told of a promotion: events on transitions, and the page Temporal's UI shows."""

from collections.abc import Iterator

from activities.names import (
    AGENT_ATTRIBUTE,
    ENVIRONMENT_ATTRIBUTE,
    PHASE_ATTRIBUTE,
    PROJECT_ATTRIBUTE,
    REASON_ATTRIBUTE,
    REVISION_ATTRIBUTE,
)
from trunkline.model.base import Json
from trunkline.model.promotions.records import Outcome, PromotionRecord, TestsRun
from trunkline.model.promotions.telling import failing_lines, headline, next_command
from trunkline.model.records import EventRecord

STARTED = "PromotionStarted"
GATE_WORDS: dict[Outcome, str] = {
    "passed": "GatePassed",
    "failed": "GateFailed",
    "inconclusive": "GateInconclusive",
}
CHECK_WORDS: dict[Outcome, str] = {
    "passed": "RolloutChecked",
    "failed": "RolloutCheckFailed",
    "inconclusive": "RolloutCheckInconclusive",
}
VERIFICATION_WORDS: dict[Outcome, str] = {
    "passed": "Verified",
    "failed": "VerificationFailed",
    "inconclusive": "VerificationInconclusive",
}


def transitions(
    before: PromotionRecord, after: PromotionRecord, *, first: bool
) -> tuple[EventRecord, ...]:
    """Events for what became different; ``first``: nobody had looked at it before."""
    events = list(_events(before, after))
    if first:
        to = f"to v{after.restores}" if after.kind == "rollback" else f"from {after.origin}"
        words = f"{after.agent} {to}, asked for by {after.requested_by}: {after.changes}"
        events.insert(0, _event(after, STARTED, words))
    return tuple(events)


def _events(before: PromotionRecord, after: PromotionRecord) -> Iterator[EventRecord]:
    yield from _of_run(after, before.gate, after.gate, GATE_WORDS)
    known = {given.audit_id for given in before.approvals}
    for given in after.approvals:
        if given.audit_id not in known:
            comment = f": {given.comment}" if given.comment else ""
            yield _event(after, "ApprovalGiven", f"{given.person} ({given.role}){comment}")
    if after.version and not before.version:
        words = f"v{after.version} of {after.agent}: {after.changes}"
        yield _event(after, "Released", words)
    checks = {run.run_id: run for run in before.checks}
    for run in after.checks:
        yield from _of_run(after, checks.get(run.run_id), run, CHECK_WORDS)
    yield from _of_run(after, before.verification, after.verification, VERIFICATION_WORDS)
    if after.rolled_back_to is not None and before.rolled_back_to is None:
        words = f"v{after.version} to v{after.rolled_back_to}: {after.message}"
        yield _event(after, "RolledBack", words, warning=True)
    if after.stalled and not before.stalled:
        yield _event(after, "PromotionStalled", f"{after.reason}: {after.message}", warning=True)
    if before.is_open and not after.is_open:
        yield _event(
            after, f"Promotion{after.state}", headline(after), warning=after.state != "Done"
        )


def _of_run(
    record: PromotionRecord,
    before: TestsRun | None,
    after: TestsRun | None,
    words: dict[Outcome, str],
) -> Iterator[EventRecord]:
    """An event if a run of tests has an outcome it did not have."""
    if after is None or after.outcome is None:
        return
    if before is not None and (before.run_id, before.outcome) == (after.run_id, after.outcome):
        return
    lines: list[Json] = [*after.lines]
    said = "; ".join(filter(None, (after.message, *after.lines[:1])))
    yield _event(
        record,
        words[after.outcome],
        said or after.reason,
        warning=after.outcome != "passed",
        details={"run": after.run_id, "lines": lines},
    )


def _event(
    record: PromotionRecord,
    reason: str,
    message: str,
    *,
    warning: bool = False,
    details: dict[str, Json] | None = None,
) -> EventRecord:
    return EventRecord(
        project=record.project,
        environment=record.environment,
        kind="agent",
        name=record.agent,
        type="Warning" if warning else "Normal",
        reason=reason,
        message=message,
        revision=record.revision,
        details={"promotion": record.id, **(details or {})},
    )


def details_markdown(record: PromotionRecord) -> str:
    """The page of a promotion: how it stands, what to type, every phase with its time."""
    lines = [f"**{record.phase if record.is_open else record.state}** {headline(record)}"]
    if record.is_open and record.waits_until is not None:
        lines.append(f"until {record.waits_until:%Y-%m-%d %H:%M:%S %Z}")
    command = next_command(record)
    if command:
        lines.append(f"`{command}`")
    failing = failing_lines(record)
    if failing:
        lines.append("\n".join(f"- `{line}`" for line in failing))
    if record.timeline:
        lines.append("\n".join(_phases(record)))
    return "\n\n".join(lines)


def _phases(record: PromotionRecord) -> Iterator[str]:
    yield "| phase | began | ended | |"
    yield "| --- | --- | --- | --- |"
    for entry in record.timeline:
        ended = f"{entry.ended_at:%H:%M:%S}" if entry.ended_at is not None else ""
        message = entry.message.replace("|", "\\|").replace("\n", " ")
        yield f"| {entry.phase} | {entry.began_at:%Y-%m-%d %H:%M:%S} | {ended} | {message} |"


def attributes(record: PromotionRecord) -> dict[str, str]:
    """What a list of workflows is searched by."""
    values = {
        PROJECT_ATTRIBUTE: record.project,
        ENVIRONMENT_ATTRIBUTE: record.environment,
        AGENT_ATTRIBUTE: record.agent,
        PHASE_ATTRIBUTE: record.phase if record.is_open else record.state,
        REVISION_ATTRIBUTE: record.revision or "",
        REASON_ATTRIBUTE: record.reason,
    }
    return {name: value for name, value in values.items() if value}
