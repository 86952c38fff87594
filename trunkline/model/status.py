"""One round's outcome in words: conditions, the columns of ``status``, events on transitions.

A pure function of meaning: no time, no counter, no request id gets in, so an unchanged state is an
equal value and writes nothing. Every error becomes a condition by its class alone.
"""

from typing import Final

from pydantic import Field

from trunkline.model.base import Frozen
from trunkline.model.conditions import (
    Condition,
    Conditions,
    ConditionStatus,
    ConditionType,
    HealthWord,
    SyncWord,
    find,
)
from trunkline.model.desired import DesiredAgent, Lifecycle
from trunkline.model.errors import AccountUnavailable, RateLimited, Rejected, TrunklineError
from trunkline.model.ids import Digest, ExternalId, Revision
from trunkline.model.limits import EVENT_MESSAGE_MAX_CHARACTERS
from trunkline.model.number_planner import FALLBACK_URL
from trunkline.model.planner import drift_only, has_drift, keeps_drift
from trunkline.model.plans import Plan
from trunkline.model.pruning import MOVED, NOT_ENABLED, OVER_BUDGET, PAUSED
from trunkline.model.records import EventRecord, RecordKind, Stage, StatusRecord
from trunkline.model.rendering import Rendering

STALLED_REASONS: Final = frozenset({"CreateUnresolved"})
"""Retryable, and still a matter for a person: they are looked at again and shown as Stalled."""
OBSERVE_AGAIN_REASONS: Final = frozenset({"RemoteMissing", "Conflict"})
"""Not worth a retry of the same write, but gone after a fresh look."""

EVERYDAY_REASONS: Final = frozenset({"", NOT_ENABLED, MOVED})
"""Why something gone from Git stays without anybody having to know more about it."""

ROLLING_OUT: Final = "RollingOut"
"""A release is on its way: some callers get it, not all of them yet."""
REVISION_SHOWN: Final = 10
"""Characters of a revision people read."""
STEPS_SHOWN: Final = 3
"""Steps named in a message; the plan has them all."""


class Failure(Frozen):
    """An error as it crosses an activity's border: data, without a stack or a request id."""

    reason: str
    message: str
    hint: str = ""
    path: str = ""
    retryable: bool = False
    retry_after_s: float | None = None

    @property
    def stalled(self) -> bool:
        """True if time and a fresh look alone will not help."""
        if self.reason in STALLED_REASONS:
            return True
        return not self.retryable and self.reason not in OBSERVE_AGAIN_REASONS


class Round(Frozen):
    """What is known of one agent or number after a round.

    ``plan`` is the last plan made; ``executed`` says all its steps were written and read back.
    ``writes`` False means hands off, for the gate's ``held_reason`` and the words ``hands_off``.
    ``disabled`` says who took its calls away.
    ``position`` is the manifest line of a refused leaf. ``removed``: Git no longer names it;
    ``kept_reason`` and ``kept_message`` say why it is still there.
    """

    project: str
    environment: str
    kind: RecordKind
    name: str
    stage: Stage = "testing"
    lifecycle: Lifecycle = "active"
    revision: Revision | None = None
    digest: Digest | None = None
    external_id: ExternalId | None = None
    numbers: tuple[str, ...] = ()
    labels: dict[str, str] = Field(default_factory=dict)
    plan: Plan | None = None
    executed: bool = False
    writes: bool = True
    hands_off: str = ""
    held_reason: str = ""
    disabled: str = ""
    failure: Failure | None = None
    position: str = ""
    removed: bool = False
    kept_reason: str = ""
    kept_message: str = ""


def failure_of(error: TrunklineError) -> Failure:
    """An error of ours as data."""
    return Failure(
        reason=error.reason,
        message=error.message,
        hint=error.hint,
        path=error.path if isinstance(error, Rejected) else "",
        retryable=error.retryable,
        retry_after_s=(
            error.retry_after_s if isinstance(error, RateLimited | AccountUnavailable) else None
        ),
    )


def summarise(outcome: Round) -> StatusRecord:
    """The status row of a round."""
    conditions = _conditions(outcome)
    ready = find(conditions, "Ready")
    message = next((c.message for c in (*conditions[1:], *conditions[:1]) if c.message), "")
    return StatusRecord(
        project=outcome.project,
        environment=outcome.environment,
        kind=outcome.kind,
        name=outcome.name,
        stage=outcome.stage,
        sync=_sync(outcome),
        health=_health(outcome, ready),
        revision=outcome.revision,
        digest=outcome.digest,
        numbers=outcome.numbers,
        external_id=outcome.external_id,
        message=message,
        conditions=conditions,
        labels=outcome.labels,
    )


def transitions(previous: StatusRecord | None, current: StatusRecord) -> tuple[EventRecord, ...]:
    """An event for every condition that appeared, went or changed its status or reason."""
    before = {c.type: c for c in previous.conditions} if previous else {}
    events: list[EventRecord] = []
    for condition in current.conditions:
        old = before.pop(condition.type, None)
        if old and (old.status, old.reason) == (condition.status, condition.reason):
            continue
        if condition.type == "Ready" and condition.status != "True" and len(current.conditions) > 1:
            continue
        good = condition.type == "Ready" and condition.status == "True"
        normal = good or condition.type == "Reconciling"
        words = condition.message or condition.reason
        events.append(_event(current, condition.reason, words, warning=not normal))
    for gone in before.values():
        if gone.type == "Drifted":
            words = "as Git wants it again"
            events.append(_event(current, "DriftResolved", words, warning=False))
    return tuple(events)


def manifest_position(rendering: Rendering, desired: DesiredAgent, vendor_path: str) -> str:
    """``file:line:col`` of what a refused leaf came from: the longest known prefix of its path, or
    what lies below it, then the longest prefix of the manifest path; empty if nothing fits.
    """
    refused = vendor_path.removeprefix("body.")
    source = _longest_prefix(rendering.provenance, refused)
    if source is None:
        below = (p for p in rendering.provenance if p.startswith((f"{refused}.", f"{refused}[")))
        source = rendering.provenance.get(min(below, default=""))
    return (_longest_prefix(desired.positions, source) or "") if source else ""


def details_markdown(status: StatusRecord, plan: Plan | None) -> str:
    """A few lines of Markdown that read like a status page; for Temporal's current details."""
    heading = f"**{status.kind} {status.name}** in {status.environment}"
    lines = [heading, f"{status.sync} · {status.health}", ""]
    lines.extend(
        f"- **{c.type}** {c.status}, {c.reason}" + (f": {c.message}" if c.message else "")
        for c in status.conditions
    )
    if status.external_id:
        lines.append(f"- id `{status.external_id}`")
    if status.revision:
        lines.append(f"- revision `{status.revision[:REVISION_SHOWN]}`")
    if status.numbers:
        lines.append("- numbers " + ", ".join(status.numbers))
    if plan is not None and plan.steps:
        lines.append(f"- last plan, {plan.calls} provider calls:")
        lines.extend(f"  {n}. {step.summary}" for n, step in enumerate(plan.steps, start=1))
    return "\n".join(lines) + "\n"


def _conditions(outcome: Round) -> Conditions:
    if outcome.removed:
        return _removed(outcome)
    if outcome.failure is not None:
        return (*_failed(outcome, outcome.failure), *_drifted(outcome))
    if outcome.plan is None:
        return _progress("Pending", "waiting for the first look")
    return (*_by_plan(outcome, outcome.plan), *_drifted(outcome))


def _removed(outcome: Round) -> Conditions:
    """Gone from Git: on its way out, held, or kept for a reason."""
    plan, failure = _deletion(outcome), outcome.failure
    if plan is not None and failure is not None:
        return _failed(outcome, failure)
    if plan is not None and plan.obstacles:
        return _blocked(plan)
    if plan is not None and outcome.writes:
        return _progress("Pruning", _planned(plan))
    kept = "; kept, pruning is not enabled" if outcome.external_id else ""
    words = outcome.hands_off or outcome.kept_message or f"removed from Git{kept}"
    if failure is not None and outcome.external_id:
        words = f"removed from Git; not deleted: {failure.message}"
    reason = outcome.held_reason or outcome.kept_reason
    reason = "Kept" if reason in EVERYDAY_REASONS else reason
    ready = Condition(type="Ready", status="True", reason=reason, message=words)
    if reason in (OVER_BUDGET, PAUSED):
        return ready, Condition(type="Stalled", status="True", reason=reason, message=words)
    return (ready,)


def _deletion(outcome: Round) -> Plan | None:
    """The plan that takes it away, if there is one."""
    plan = outcome.plan
    deletes = plan is not None and any(step.action == "delete" for step in plan.steps)
    return plan if plan is not None and (deletes or plan.obstacles) else None


def _by_plan(outcome: Round, plan: Plan) -> Conditions:
    if plan.obstacles:
        return _blocked(plan)
    if plan.rolling and (plan.empty or outcome.executed):
        return _progress(ROLLING_OUT, plan.rolling)
    if plan.empty or outcome.executed:
        return (_disabled(outcome) if outcome.disabled else _ready(outcome),)
    if outcome.writes:
        return _progress("Applying", _planned(plan))
    words = outcome.hands_off or "changes are planned and not written"
    reason = outcome.held_reason or ("DriftReported" if drift_only(plan) else "ChangesPlanned")
    status: ConditionStatus = "True" if outcome.external_id else "False"
    return (Condition(type="Ready", status=status, reason=reason, message=words),)


def _disabled(outcome: Round) -> Condition:
    status: ConditionStatus = "True" if outcome.external_id else "False"
    return Condition(type="Ready", status=status, reason="Disabled", message=outcome.disabled)


def _failed(outcome: Round, failure: Failure) -> Conditions:
    message = _sentence(failure, outcome.position)
    if failure.stalled:
        return (
            Condition(type="Ready", status="False", reason=failure.reason, message=message),
            Condition(type="Stalled", status="True", reason=failure.reason, message=message),
        )
    return (
        Condition(type="Ready", status="Unknown", reason=failure.reason, message=message),
        Condition(type="Reconciling", status="True", reason=failure.reason, message=message),
    )


def _blocked(plan: Plan) -> Conditions:
    first = min(plan.obstacles, key=lambda obstacle: obstacle.waiting)
    message = "; ".join(o.message for o in plan.obstacles if o.waiting == first.waiting)
    kind: ConditionType = "Reconciling" if first.waiting else "Stalled"
    return (
        Condition(type="Ready", status="False", reason=first.reason, message=message),
        Condition(type=kind, status="True", reason=first.reason, message=message),
    )


def _drifted(outcome: Round) -> Conditions:
    plan = outcome.plan
    if plan is None:
        return ()
    paths = [field.path for field in plan.drift if field.kept]
    if not outcome.executed and has_drift(plan):
        paths += [c.path for s in plan.steps for c in s.changes if c.origin == "drift"]
    if not paths:
        return ()
    words = _bounded("changed outside of Git: " + ", ".join(paths))
    return (Condition(type="Drifted", status="True", reason="ChangedOutsideGit", message=words),)


def _progress(reason: str, message: str) -> Conditions:
    return (
        Condition(type="Ready", status="Unknown", reason=reason, message=message),
        Condition(type="Reconciling", status="True", reason=reason, message=message),
    )


def _ready(outcome: Round) -> Condition:
    if outcome.lifecycle == "inactive":
        words = "inactive: deployed, its numbers detached"
        return Condition(type="Ready", status="True", reason="Inactive", message=words)
    return Condition(type="Ready", status="True", reason="AsWished")


def _sync(outcome: Round) -> SyncWord:
    if outcome.removed:
        kept = _deletion(outcome) is None and outcome.kept_reason != PAUSED
        return "Synced" if kept else "OutOfSync"
    stalled = outcome.failure is not None and outcome.failure.stalled
    plan = outcome.plan
    if plan is None:
        return "OutOfSync" if stalled else "Unknown"
    if plan.obstacles or stalled or keeps_drift(plan) or plan.rolling:
        return "OutOfSync"
    if not (plan.empty or outcome.executed):
        return "OutOfSync"
    return "Synced" if outcome.failure is None else "Unknown"


def _health(outcome: Round, ready: Condition | None) -> HealthWord:
    present = outcome.external_id is not None
    held_back = outcome.held_reason == "Suspended" or bool(outcome.disabled)
    if outcome.lifecycle != "active" or (held_back and outcome.failure is None):
        return "Suspended" if present else "Missing"
    if _is_diverted(outcome):
        return "Degraded"
    if ready is not None and ready.status == "True":
        return "Healthy" if present or outcome.kind == "number" else "Missing"
    if outcome.failure is not None and outcome.failure.stalled:
        return "Degraded" if present else "Missing"
    if outcome.plan is not None and any(not o.waiting for o in outcome.plan.obstacles):
        return "Degraded" if present else "Missing"
    return "Unknown" if outcome.failure is not None and present else "Progressing"


def _is_diverted(outcome: Round) -> bool:
    """True for a number whose calls somebody sent elsewhere, and that is left like that for now."""
    plan = outcome.plan
    if outcome.kind != "number" or plan is None or outcome.executed or outcome.writes:
        return False
    changes = (change for step in plan.steps for change in step.changes)
    return any(change.origin == "drift" and change.path != FALLBACK_URL for change in changes)


def _planned(plan: Plan) -> str:
    more = len(plan.steps) - STEPS_SHOWN
    shown = "; ".join(step.summary for step in plan.steps[:STEPS_SHOWN])
    return f"{shown}; and {more} more" if more > 0 else shown


def _sentence(failure: Failure, position: str) -> str:
    where = f"{position}: " if position else ""
    refused = f" (at {failure.path})" if failure.path else ""
    hint = f"; {failure.hint}" if failure.hint else ""
    return _bounded(f"{where}{failure.message}{refused}{hint}")


def _bounded(text: str) -> str:
    if len(text) <= EVENT_MESSAGE_MAX_CHARACTERS:
        return text
    return text[: EVENT_MESSAGE_MAX_CHARACTERS - 1] + "…"


def _event(status: StatusRecord, reason: str, message: str, *, warning: bool) -> EventRecord:
    return EventRecord(
        project=status.project,
        environment=status.environment,
        kind=status.kind,
        name=status.name,
        type="Warning" if warning else "Normal",
        reason=reason,
        message=message,
        revision=status.revision,
    )


def _longest_prefix(known: dict[str, str], path: str) -> str | None:
    """The value under the longest key that is ``path`` or a whole-key prefix of it."""
    fitting = [key for key in known if path == key or path.startswith((f"{key}.", f"{key}["))]
    return known[max(fitting, key=len)] if fitting else None
