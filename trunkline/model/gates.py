"""The one place that decides whether what was planned may be written now, and if not, why.

Everything that holds the reconciler back is asked here, in a fixed order, and the first reason
that holds is the one people are told; nothing else in the product may keep a plan from being
written. The order, from what a person said to what time alone will change:

1. ``Suspended``: a person suspended the project, environment, agent or number. Not one write.
2. ``ModeObserve``: the environment only observes.
3. ``ApprovalNeeded``, ``PlanStale``: the environment wants a person to apply a plan; none was
   applied, or what is to be written is no longer what was applied. Which agent a number of an
   environment of releases reaches wants that too, unless the agent's release says it.
4. ``EnforceNotConfirmed``: the account is real and nobody has confirmed yet that this environment
   may be enforced on it.
5. ``OutsideWindow``: the environment's windows are closed, or for a number that changes its agent
   those of its promotions, and nobody overrode them.
6. ``DriftReported``: there is only drift, and the policy is to report it.
7. ``AdoptionDiffers``: what Git wants taken over is not as Git says, and nobody agreed to that.
8. ``PruneBudgetExceeded``: what is left is to be deleted, and the budget does not allow it.

Break-glass (taking the calls away from a disabled agent) passes 1, 3, 5, 6 and 7. It does not pass
2 and 4: an environment that was never allowed to write does not begin with an emergency; nor does
it pass the suspension of an environment that was ejected.
Bringing callers away from a bad release (an abort, a rollback) passes 3, 5, 6 and 7: windows are
not there to put that off. It does not pass 1: a person said that nothing is written.
Taking over what a person said may be taken over (`trunkline adopt`) passes 2, 3, 4 and 6: it is
how an account that is only observed begins.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, TypeAlias

from pydantic import Field

from trunkline.model.approvals import Approval, stale_words, uncovered
from trunkline.model.base import Frozen
from trunkline.model.ejection import ejection_of
from trunkline.model.interventions import Intervention, InterventionVerb, in_force
from trunkline.model.kinds.project import Window
from trunkline.model.planner import drift_only
from trunkline.model.plans import Plan
from trunkline.model.policies import Policy
from trunkline.model.windows import closed_by, decide

SUSPENDED: Final = "Suspended"
MODE_OBSERVE: Final = "ModeObserve"
APPROVAL_NEEDED: Final = "ApprovalNeeded"
PLAN_STALE: Final = "PlanStale"
ENFORCE_NOT_CONFIRMED: Final = "EnforceNotConfirmed"
OUTSIDE_WINDOW: Final = "OutsideWindow"
DRIFT_REPORTED: Final = "DriftReported"
ADOPTION_DIFFERS: Final = "AdoptionDiffers"
PRUNE_BUDGET_EXCEEDED: Final = "PruneBudgetExceeded"

HOLD_REASONS: Final = frozenset(
    {
        SUSPENDED,
        MODE_OBSERVE,
        APPROVAL_NEEDED,
        PLAN_STALE,
        ENFORCE_NOT_CONFIRMED,
        OUTSIDE_WINDOW,
        DRIFT_REPORTED,
        ADOPTION_DIFFERS,
        PRUNE_BUDGET_EXCEEDED,
    }
)
"""Reasons that mean blocked: nothing failed, and somebody or time lets it go on."""

ACCOUNTS: Final = "accounts"
"""The member of an ``enforce`` intervention that names the accounts it was confirmed for."""


class Verdict(Frozen):
    """Empty ``reason``: write. Else why not, in words, and when that may change by itself."""

    reason: str = ""
    message: str = ""
    changes_at: datetime | None = None

    @property
    def held(self) -> bool:
        """True if nothing may be written."""
        return bool(self.reason)


class Standing(Frozen):
    """Everything that holds an environment's subjects back or lets them go, at one moment."""

    environment: str
    policy: Policy
    now: datetime
    interventions: tuple[Intervention, ...] = ()
    approval: Approval | None = None

    def find(self, verb: InterventionVerb, kind: str = "", name: str = "") -> Intervention | None:
        """The most particular decision of that verb about a subject."""
        return in_force(self.interventions, verb, self.environment, kind, name)

    def suspended_until(self, kind: str, name: str) -> datetime | None:
        """When the last suspension of a subject ends by itself; None if one does not."""
        fitting = [
            one.expires_at
            for one in self.interventions
            if one.verb == "suspend" and one.concerns(self.environment, kind, name)
        ]
        known = [moment for moment in fitting if moment is not None]
        return max(known) if known and len(known) == len(fitting) else None


class Assignment(Frozen):
    """What the rules of promotion ask of changing the agent that a number reaches: ``windows`` it
    happens in, and the ``roles`` one of which has to say yes, none if nobody has to. ``covered``:
    the agent's release said it already.
    """

    windows: tuple[Window, ...] = ()
    roles: tuple[str, ...] = ()
    covered: bool = False


class Question(Frozen):
    """What is to be written for one agent or number, and what the writer knows.

    ``accounts`` are the platform accounts it goes to; ``bindings`` maps placeholders to known ids;
    ``reason`` is who woke the subject. ``budget_stop``: why its deletion exceeds the budget.
    ``takes_back``: callers are brought away from a bad release. ``assignment``: what is asked of a
    number whose agent changes.
    ``undone`` says what is not done where counting steps would say too little.
    """

    kind: str
    name: str
    plan: Plan
    reason: str = "git"
    accounts: tuple[str, ...] = ()
    bindings: Mapping[str, str] = Field(default_factory=dict)
    break_glass: bool = False
    takes_back: bool = False
    assignment: Assignment | None = None
    budget_stop: str = ""
    undone: str = ""


OPEN: Final = Verdict()
Check: TypeAlias = Callable[[Standing, Question], Verdict | None]


def verdict(standing: Standing, question: Question) -> Verdict:
    """Whether the plan's steps may be written now. Pure; see the module for the order."""
    if not question.plan.steps:
        return OPEN
    for check in _checks(standing, question):
        found = check(standing, question)
        if found is not None:
            return found
    return OPEN


def _checks(standing: Standing, question: Question) -> tuple[Check, ...]:
    if question.break_glass:
        return _IN_AN_EMERGENCY
    if question.takes_back:
        return _WHEN_TAKEN_BACK
    return _WHEN_TAKEN_OVER if _is_agreed(standing, question) else _IN_ORDER


def refusal(standing: Standing, plan: Plan, accounts: tuple[str, ...]) -> Verdict:
    """Why not one step of a plan of the environment could be written now, if that is so."""
    question = Question(kind="", name="", plan=plan, reason="sync", accounts=accounts)
    for check in (_suspended, _observed, _unconfirmed, _outside):
        found = check(standing, question)
        if found is not None:
            return found
    return OPEN


def _suspended(standing: Standing, question: Question) -> Verdict | None:
    found = standing.find("suspend", question.kind, question.name)
    if found is None:
        return None
    return Verdict(
        reason=SUSPENDED,
        message=f"{suspension_words(found)}; {_planned(question)}",
        changes_at=standing.suspended_until(question.kind, question.name),
    )


def _left(standing: Standing, question: Question) -> Verdict | None:
    """An environment that was ejected is not ours to write to, whatever the emergency."""
    is_left = ejection_of(standing.interventions, standing.environment) is not None
    return _suspended(standing, question) if is_left else None


def suspension_words(found: Intervention) -> str:
    """Who suspended what, until when and why."""
    what = found.name or found.environment or found.project
    until = f" until {shown(found.expires_at)}" if found.expires_at else ""
    return f"{what} was suspended by {found.by}{until}: {found.reason}"


def disabled_words(found: Intervention | None) -> str:
    """Who took an agent's calls away and why; empty if nobody did."""
    return "" if found is None else f"{found.name} was disabled by {found.by}: {found.reason}"


def shown(moment: datetime) -> str:
    """A moment as people read it, to the second."""
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC").replace(":00 UTC", " UTC")


def _observed(standing: Standing, question: Question) -> Verdict | None:
    if standing.policy.mode != "observe":
        return None
    return Verdict(
        reason=MODE_OBSERVE,
        message=f"mode is observe: {_planned(question)}; set `mode: approve` or `mode: enforce`"
        f" for {standing.environment} in trunkline.yaml",
    )


def _unapproved(standing: Standing, question: Question) -> Verdict | None:
    approved = standing.approval
    asked = question.reason == "apply"
    if standing.policy.enforces and not asked:
        return None
    command = f"trunkline apply --environment {standing.environment}"
    if approved is None:
        if standing.policy.enforces:
            return None
        return Verdict(
            reason=APPROVAL_NEEDED,
            message=f"mode is approve: {_planned(question)}; to let it through: {command}",
        )
    differences = uncovered(
        approved, question.plan, question.kind, question.name, question.bindings
    )
    if not differences:
        return None
    if asked or approved.concerns(question.kind, question.name):
        return Verdict(
            reason=PLAN_STALE,
            message=f"the applied plan is out of date: {stale_words(differences)};"
            f" make a new one: {command}",
            changes_at=standing.now if standing.policy.enforces else None,
        )
    return Verdict(
        reason=APPROVAL_NEEDED,
        message=f"mode is approve: {_planned(question)}; to let it through: {command}",
    )


def _unassigned(standing: Standing, question: Question) -> Verdict | None:
    """Whoever gives a production number to an agent decides what callers get."""
    rules = question.assignment
    if rules is None or rules.covered or not rules.roles:
        return None
    command = f"trunkline apply --environment {standing.environment}"
    approved = standing.approval
    if approved is None or approved.role not in rules.roles:
        return Verdict(
            reason=APPROVAL_NEEDED,
            message=f"the number gets another agent, and no release of it says so:"
            f" {_planned(question)}; for somebody with the role {' or '.join(rules.roles)}:"
            f" {command}",
        )
    differences = uncovered(
        approved, question.plan, question.kind, question.name, question.bindings
    )
    if not differences:
        return None
    return Verdict(
        reason=PLAN_STALE,
        message=f"the applied plan is out of date: {stale_words(differences)};"
        f" make a new one: {command}",
    )


def _unconfirmed(standing: Standing, question: Question) -> Verdict | None:
    policy = standing.policy
    if not (policy.live and policy.enforces):
        return None
    confirmed = standing.find("enforce")
    known = confirmed.details.get(ACCOUNTS) if confirmed is not None else None
    if isinstance(known, list) and all(account in known for account in question.accounts):
        return None
    changed = " for this account" if confirmed is not None else ""
    return Verdict(
        reason=ENFORCE_NOT_CONFIRMED,
        message=f"the account is real and nobody has confirmed enforcing it yet{changed}:"
        f" {_planned(question)}; to see what would be written and confirm it:"
        f" trunkline apply --environment {standing.environment} --enforce",
    )


def _outside(standing: Standing, question: Question) -> Verdict | None:
    if standing.find("override-window", question.kind, question.name) is not None:
        return None
    is_open, changes_at = decide(standing.policy.windows, standing.now)
    if not is_open:
        return Verdict(
            reason=OUTSIDE_WINDOW,
            message=f"{window_words(standing, changes_at)}; {_planned(question)}",
            changes_at=changes_at,
        )
    windows = question.assignment.windows if question.assignment is not None else ()
    is_open, changes_at = decide(windows, standing.now)
    if is_open:
        return None
    opens = f"opens {shown(changes_at)}" if changes_at else "it never opens"
    return Verdict(
        reason=OUTSIDE_WINDOW,
        message=f"outside of the windows of promotion, in which a number gets another agent,"
        f" {opens}; {_planned(question)}",
        changes_at=changes_at,
    )


def window_words(standing: Standing, opens_at: datetime | None) -> str:
    """Why the windows of an environment are closed, and when they open."""
    denying = closed_by(standing.policy.windows, standing.now)
    why = (
        f"frozen by `deny: {denying.deny}` ({denying.timezone})"
        if denying is not None
        else "outside of the environment's windows"
    )
    return f"{why}, {f'opens {shown(opens_at)}' if opens_at else 'it never opens'}"


def _reported(standing: Standing, question: Question) -> Verdict | None:
    policy = standing.policy
    if policy.heals or question.reason in ("sync", "apply") or not drift_only(question.plan):
        return None
    return Verdict(
        reason=DRIFT_REPORTED,
        message=f"drift policy is {policy.drift_policy}: {_planned(question)}; to set it back:"
        f" trunkline sync {question.name} --environment {standing.environment}",
    )


def _is_agreed(standing: Standing, question: Question) -> bool:
    """True if the plan takes over exactly what a person said may be taken over."""
    adopts = question.plan.adopts
    said = standing.find("adopt", question.kind, question.name) if adopts else None
    return said is not None and bool(said.name) and said.details.get("externalId") == adopts


def _adopted(standing: Standing, question: Question) -> Verdict | None:
    if not question.plan.differs:
        return None
    said = standing.find("adopt", question.kind, question.name)
    if _is_agreed(standing, question) and said is not None and said.details.get("allowChanges"):
        return None
    return Verdict(
        reason=ADOPTION_DIFFERS,
        message=f"not as Git says: {'; '.join(question.plan.differs)}; {_planned(question)};"
        f" to take it over and make it so: trunkline adopt {question.name}"
        f" --environment {standing.environment} --allow-changes",
    )


def _pruned(_: Standing, question: Question) -> Verdict | None:
    if not question.budget_stop:
        return None
    return Verdict(reason=PRUNE_BUDGET_EXCEEDED, message=question.budget_stop)


def _planned(question: Question) -> str:
    if question.undone:
        return question.undone
    count = len(question.plan.steps)
    return f"{count} {'step' if count == 1 else 'steps'} planned, none written"


_IN_ORDER: Final[tuple[Check, ...]] = (
    _suspended,
    _observed,
    _unapproved,
    _unassigned,
    _unconfirmed,
    _outside,
    _reported,
    _adopted,
    _pruned,
)
_WHEN_TAKEN_BACK: Final[tuple[Check, ...]] = (_suspended, _observed, _unconfirmed)
_WHEN_TAKEN_OVER: Final[tuple[Check, ...]] = (_suspended, _outside, _adopted)
_IN_AN_EMERGENCY: Final[tuple[Check, ...]] = (_left, _observed, _unconfirmed)
