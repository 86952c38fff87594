"""Deletions as steps of a plan, and what is said of a whole environment.

A deletion is planned like any other write, so that people read it before, approve exactly it, and
find it in what was stored. Which objects may go is decided in ``pruning``.
"""

import hashlib
from collections.abc import Iterable, Mapping

from trunkline.model.conditions import Condition, Conditions
from trunkline.model.ids import PROTECTED_TAG, ExternalId
from trunkline.model.ledger import Claim
from trunkline.model.planner import join_plans, plan_digest
from trunkline.model.plans import Change, Kept, Obstacle, Plan, Step
from trunkline.model.pruning import (
    IN_USE,
    OVER_BUDGET,
    PAUSED,
    PENDING,
    UNVERIFIED,
    Decision,
    Facts,
    Key,
    Outlook,
    View,
    listed,
)
from trunkline.model.records import RecordKind
from trunkline.model.shared_objects import object_key

DELETE_CALLS = {"agent": 4, "number": 3}
"""An agent is read with its calls, deleted and looked for; a number is read before and after."""

ADDRESS_CALLS = 2
"""A number's addresses at the carrier are read before and written."""

OBJECT_CALLS = 3
"""The object, its users, the deletion."""


def deletion_step(
    kind: RecordKind, name: str, external_id: ExternalId, addresses: tuple[Change, ...] = ()
) -> Step:
    """What takes an agent away, or a number from the agent it rings and from us."""
    detail = "delete agent" if kind == "agent" else "detach and forget number"
    return Step(
        action="delete",
        subject=kind,
        name=name,
        key=name,
        external_id=external_id,
        changes=addresses,
        calls=DELETE_CALLS[kind] + (ADDRESS_CALLS if addresses else 0),
        summary=f"{detail} {name}",
    )


def deletion_plan(project: str, environment: str, decision: Decision, facts: Facts) -> Plan:
    """The plan of one subject that goes; what still needs it is an obstacle that passes."""
    step = deletion_step(decision.kind, decision.name, decision.external_id, facts.addresses)
    waits = decision.verdict == "wait" and decision.reason == IN_USE
    steps = () if waits else (step,)
    obstacle = Obstacle(reason=IN_USE, message=decision.message, waiting=True)
    notes = (number_note(decision.name),) if decision.kind == "number" else ()
    return Plan(
        project=project,
        environment=environment,
        digest=plan_digest(steps, facts.version_id),
        steps=steps,
        obstacles=(obstacle,) if waits else (),
        notes=notes,
        base_version_id=facts.version_id,
        parts={f"{decision.kind}/{decision.name}": facts.version_id or ""},
    )


def permit_plan(
    project: str, environment: str, decisions: Iterable[Decision], facts: Mapping[Key, Facts]
) -> Plan:
    """One plan of many deletions, each on the version it was read at."""
    named = sorted(decisions, key=lambda decision: (decision.kind != "number", decision.name))
    parts = [
        deletion_plan(project, environment, d, facts.get((d.kind, d.name), Facts())) for d in named
    ]
    return join_plans(parts, project=project, environment=environment)


def object_plan(project: str, environment: str, claim: Claim) -> Plan:
    """The plan of a shared object that goes."""
    key = claim.name if claim.kind == "secret" else object_key(claim.name, claim.digest)
    step = Step(
        action="delete",
        subject=claim.kind,
        name=claim.name,
        key=key,
        external_id=claim.external_id,
        calls=OBJECT_CALLS,
        summary=f"delete {claim.kind} {key}",
    )
    return Plan(
        project=project,
        environment=environment,
        digest=plan_digest((step,), None),
        steps=(step,),
        parts={f"{claim.kind}/{key}": ""},
    )


def guard_plan(project: str, environment: str, name: str) -> Plan:
    """The one write that keeps an agent's protecting tag in step with its protection."""
    changes = (Change(operation="~", path="tags", new=PROTECTED_TAG),)
    step = Step(action="update", subject="agent", name=name, key=name, changes=changes)
    return Plan(
        project=project,
        environment=environment,
        digest=plan_digest((step,), None),
        steps=(step,),
    )


def number_note(name: str) -> str:
    """What deleting a number does not do."""
    return (
        f"number {name}: it is taken from our agent and forgotten; the telephony account keeps it,"
        " and so does the voice platform's list of numbers"
    )


def permit_id(project: str, environment: str, decisions: Iterable[Decision]) -> str:
    """The id of the plan that names exactly these deletions: the same from wherever it is asked."""
    named = sorted(f"{d.kind}/{d.name}/{d.external_id}" for d in decisions)
    place = "\n".join(("prune", project, environment, *named))
    return hashlib.sha256(place.encode()).hexdigest()[:24]


def permit_command(project: str, environment: str, decided: Outlook) -> str:
    """What to type so that exactly the deletions over the budget go through."""
    plan_id = permit_id(project, environment, decided.over_budget)
    return f"trunkline apply {plan_id} -e {environment}"


def budget_stop(project: str, environment: str, decided: Outlook, decision: Decision) -> str:
    """Why one deletion is held, with the blast radius and the way out; empty if it is not."""
    if decision.reason != OVER_BUDGET:
        return ""
    command = permit_command(project, environment, decided)
    return f"{decision.message}. To let exactly these through: {command}"


def budget_words(decided: Outlook) -> str:
    """The blast radius of every kind that exceeds its budget; empty if none does."""
    return "; ".join(budget.words() for budget in decided.budgets if budget.exceeded)


def kept_decision(decision: Decision) -> Kept:
    """Something gone from Git that stays, as a plan shows it."""
    reason = decision.message.removeprefix("removed from Git; ").removeprefix("kept, ")
    return Kept(
        subject=decision.kind, name=decision.name, external_id=decision.external_id, reason=reason
    )


def environment_conditions(
    project: str, view: View, decided: Outlook, *, doubt: str = ""
) -> Conditions:
    """How an environment stands with what Git no longer names. ``doubt`` says why its last
    releases cannot be told, so that no tool or document of it goes.
    """
    if decided.over_budget:
        command = permit_command(project, view.environment, decided)
        words = f"{budget_words(decided)}. To let exactly these through: {command}"
        return _stalled(OVER_BUDGET, words)
    stopped = decided.all("stop")
    if stopped:
        return _stalled(PAUSED, f"{_names(stopped)}: {stopped[0].message}")
    doubted = tuple(d for d in decided.decisions if d.reason == UNVERIFIED)
    if doubted:
        words = f"{_names(doubted)}: {doubted[0].message}"
        return (
            Condition(type="Ready", status="Unknown", reason=UNVERIFIED, message=words),
            Condition(type="Reconciling", status="True", reason=UNVERIFIED, message=words),
        )
    pending = decided.all("wait", "look", "delete", "forget")
    words = f"to be deleted: {_names(pending)}" if pending else ""
    if doubt and not pending:
        words = f"no tool or document is deleted: {doubt}"
        return (Condition(type="Ready", status="True", reason=UNVERIFIED, message=words),)
    return (
        Condition(
            type="Ready",
            status="True",
            reason=PENDING if pending else "NothingToPrune",
            message=words,
        ),
    )


def _stalled(reason: str, words: str) -> Conditions:
    return (
        Condition(type="Ready", status="False", reason=reason, message=words),
        Condition(type="Stalled", status="True", reason=reason, message=words),
    )


def _names(decisions: Iterable[Decision]) -> str:
    return listed(f"{decision.kind} {decision.name}" for decision in decisions)
