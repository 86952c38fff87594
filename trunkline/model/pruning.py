"""What may be deleted, decided in one place from everything that speaks against it.

Deleting is the only thing that cannot be taken back, so every doubt is a reason to keep: a Git
that was not read well, a platform that was not asked about this very object, a budget that is used
up, a person who said no. An exceeded budget deletes nothing at all, never "the first five".
Nothing here reads a clock, a table or a platform.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from trunkline.model.base import Frozen
from trunkline.model.conditions import find
from trunkline.model.ids import Digest, ExternalId, Revision
from trunkline.model.interventions import Intervention, in_force
from trunkline.model.ledger import LedgerKind, SharedKind, Tombstone
from trunkline.model.limits import (
    BLAST_RADIUS_NAMES,
    PRUNE_DEFAULT_COUNT,
    PRUNE_DEFAULT_PERCENT,
    PRUNE_WINDOW_S,
)
from trunkline.model.plans import Change, Plan
from trunkline.model.records import SourceState

Verdict = Literal["delete", "look", "forget", "wait", "keep", "stop"]
"""``delete`` now. ``look``: as soon as the object itself was read. ``forget``: it is gone or
another's, so only our row goes. ``wait``: time alone brings it about. ``keep``: something speaks
against it. ``stop``: a person has to say yes.
"""
Key: TypeAlias = tuple[str, str]
"""Kind and name."""
KINDS: tuple[LedgerKind, ...] = ("number", "agent")
"""What is counted, each against the budget on its own; numbers are detached before agents go."""

NOT_ENABLED = "PruneNotEnabled"
OVER_BUDGET = "PruneBudgetExceeded"
PAUSED = "PrunePaused"
UNVERIFIED = "PruneUnverified"
PENDING = "PrunePending"
PROTECTED = "Protected"
IN_USE = "StillInUse"
MOVED = "Moved"
GONE = "Gone"
DUE = "Pruning"


class PruneRules(Frozen):
    """An environment's budget. ``follows_head`` is False where releases say what runs, so that a
    Release file is what has to go before its agent does; ``note`` says why the bounds are stricter
    than the manifest's, if they are.
    """

    enabled: bool = False
    max_count: int | None = None
    max_percent: int | None = None
    delay_s: float = 3600.0
    follows_head: bool = True
    note: str = ""

    def allowed(self, managed: int) -> int:
        """How many of so many may go within the window; a share is rounded up, so that it never
        forbids a single deletion. Without any bound the defaults hold, never none.
        """
        count, percent = self.max_count, self.max_percent
        if count is None and percent is None:
            count, percent = PRUNE_DEFAULT_COUNT, PRUNE_DEFAULT_PERCENT
        bounds = [count] if count is not None else []
        if percent is not None:
            bounds.append(math.ceil(managed * percent / 100))
        return min(bounds)


class Deletion(Frozen):
    """One deletion as it is remembered: written down before it is sent. ``permitted`` ones were
    named by a person and use up no budget. Times are UTC; ``deleted_at`` None: not known to be
    gone yet.
    """

    account: str
    project: str
    environment: str
    kind: LedgerKind | SharedKind
    name: str
    external_id: ExternalId
    revision: str = ""
    permitted: bool = False
    intended_at: datetime
    deleted_at: datetime | None = None


class Gone(Frozen):
    """A ledger row whose wish was removed. ``removed_at`` is the commit that removed it;
    ``moved_to`` the standing wish that took the object over (a rename). A number that the voice
    platform never had goes by its own digits (``number``) instead of an id.
    """

    kind: LedgerKind
    name: str
    account: str
    external_id: ExternalId
    nonce: str | None = None
    removed_at: Revision
    wish_digest: Digest
    tombstone: Tombstone | None = None
    moved_to: str | None = None
    number: str | None = None

    @property
    def key(self) -> Key:
        """Kind and name."""
        return self.kind, self.name

    @property
    def buried_at(self) -> datetime | None:
        """Since when Git does not name it; a tombstone of an earlier removal does not count."""
        stone = self.tombstone
        return stone.since_at if stone is not None and stone.revision == self.removed_at else None


class Facts(Frozen):
    """What a reading of the object by its id said just now.

    ``ours``: it carries our owner mark and this very nonce. ``lost`` says in words that there is
    nothing to delete: it is gone, or another owner's by now. ``uses`` says who still needs it.
    Of a number, ``rings``: it rings our agent; ``addresses`` are ours at the carrier, given back.
    """

    ours: bool = True
    lost: str = ""
    protected: bool = False
    uses: tuple[str, ...] = ()
    version_id: str | None = None
    rings: bool = True
    addresses: tuple[Change, ...] = ()


class Census(Frozen):
    """How many ledger rows with an object, and how many standing wishes, a kind has."""

    managed: int = 0
    wished: int = 0


@dataclass(frozen=True, slots=True)
class View:
    """Everything a verdict is made of. ``doubt`` says why Git is not to be trusted right now;
    ``permits`` are deletions (kind, name, external id) a person named.
    """

    environment: str
    now: datetime
    rules: PruneRules
    doubt: str = ""
    gone: tuple[Gone, ...] = ()
    census: Mapping[str, Census] = field(default_factory=dict)
    deletions: tuple[Deletion, ...] = ()
    interventions: tuple[Intervention, ...] = ()
    permits: frozenset[tuple[str, str, str]] = frozenset()
    facts: Mapping[Key, Facts] = field(default_factory=dict)


class Decision(Frozen):
    """What becomes of one object, with a condition reason and words for people."""

    kind: LedgerKind
    name: str
    external_id: ExternalId
    verdict: Verdict
    reason: str
    message: str
    due_at: datetime | None = None
    permitted: bool = False


class Budget(Frozen):
    """How much of a kind's budget the pending deletions need, with those of the last day."""

    kind: LedgerKind
    used: int
    allowed: int
    managed: int
    names: tuple[str, ...] = ()
    empties: bool = False
    note: str = ""

    @property
    def exceeded(self) -> bool:
        """True if nothing of this kind may be deleted without a person's word."""
        return bool(self.names) and (self.used > self.allowed or self.empties)

    def words(self) -> str:
        """The blast radius in a sentence: how many of how many, which, and what forbids it."""
        count = len(self.names)
        noun = self.kind if self.managed == 1 else f"{self.kind}s"
        what = f"destroy {count} of {self.managed} {noun}"
        if self.used > count:
            what += f" ({self.used} within a day)"
        note = f" ({self.note})" if self.note else ""
        bound = f"over the budget of {self.allowed}{note}"
        if self.empties and self.used <= self.allowed:
            bound = "no agent would be left"
        return f"{what}: {bound}: {listed(self.names)}"


@dataclass(frozen=True, slots=True)
class Outlook:
    """The verdict about an environment."""

    decisions: tuple[Decision, ...]
    budgets: tuple[Budget, ...]

    def of(self, kind: str, name: str) -> Decision | None:
        """What becomes of one object, None if Git still names it."""
        return next((d for d in self.decisions if (d.kind, d.name) == (kind, name)), None)

    def budget(self, kind: str) -> Budget:
        """The budget of a kind."""
        return next(budget for budget in self.budgets if budget.kind == kind)

    def all(self, *verdicts: Verdict) -> tuple[Decision, ...]:
        """Those with one of the verdicts."""
        return tuple(decision for decision in self.decisions if decision.verdict in verdicts)

    @property
    def over_budget(self) -> tuple[Decision, ...]:
        """What waits for a person to say that so much is meant."""
        return tuple(decision for decision in self.decisions if decision.reason == OVER_BUDGET)


def doubt_of(source: SourceState | None) -> str:
    """Why the last look at Git is no ground for deleting; empty if it is."""
    if source is None or source.applied_revision is None:
        return "nothing of Git is applied yet"
    ready = find(source.conditions, "Ready")
    if ready is None or ready.status != "True":
        return f"the last look at Git failed: {ready.message if ready else 'no answer'}"
    if source.seen_revision != source.applied_revision:
        return "the newest commit is not applied"
    return ""


def outlook(view: View) -> Outlook:
    """What becomes of everything Git no longer names, numbers before agents."""
    budgets = {kind: _budget(view, kind) for kind in KINDS}
    decided = [_decide(view, gone, budgets[gone.kind]) for gone in view.gone]
    decided.sort(key=lambda decision: (KINDS.index(decision.kind), decision.name))
    return Outlook(decisions=tuple(decided), budgets=tuple(budgets.values()))


def permits_of(plan: Plan | None, digest: object) -> frozenset[tuple[str, str, str]]:
    """The deletions a plan names, if it is the plan a person meant."""
    if plan is None or plan.digest != digest:
        return frozenset()
    return frozenset(
        (step.subject, step.name, step.external_id)
        for step in plan.steps
        if step.action == "delete" and step.external_id is not None
    )


def listed(names: Iterable[str]) -> str:
    """Names, the first of them by name and the rest by number."""
    every = tuple(names)
    more = len(every) - BLAST_RADIUS_NAMES
    shown = ", ".join(every[:BLAST_RADIUS_NAMES])
    return f"{shown} and {more} more" if more > 0 else shown


def next_look_at(view: View, decided: Outlook) -> datetime | None:
    """When time alone changes the verdict: a delay ends, or the day's budget comes back."""
    times = [decision.due_at for decision in decided.decisions if decision.due_at is not None]
    if any(budget.exceeded for budget in decided.budgets):
        window = timedelta(seconds=PRUNE_WINDOW_S)
        times.extend(deletion.intended_at + window for deletion in _in_window(view))
    later = [time for time in times if time > view.now]
    return min(later, default=None)


def _budget(view: View, kind: LedgerKind) -> Budget:
    """Everything Git no longer names counts from the first moment, whatever still delays it."""
    pending = {
        gone.external_id: gone.name
        for gone in view.gone
        if gone.kind == kind and _counts(view, gone) and not _is_permitted(view, gone)
    }
    past = {d.external_id for d in _in_window(view) if d.kind == kind}
    finished = {d.external_id for d in view.deletions if d.kind == kind and d.deleted_at}
    census = view.census.get(kind, Census())
    managed = census.managed + len(finished)
    return Budget(
        kind=kind,
        used=len(past | pending.keys()),
        allowed=view.rules.allowed(managed),
        managed=managed,
        names=tuple(sorted(pending.values())),
        empties=kind == "agent" and census.wished == 0 and bool(pending),
        note=view.rules.note,
    )


def _in_window(view: View) -> tuple[Deletion, ...]:
    since = view.now - timedelta(seconds=PRUNE_WINDOW_S)
    return tuple(d for d in view.deletions if not d.permitted and d.intended_at > since)


def _counts(view: View, gone: Gone) -> bool:
    facts = view.facts.get(gone.key)
    spared = facts is not None and (facts.lost or facts.protected)
    return gone.moved_to is None and not spared and _protection(view, gone) is None


def _protection(view: View, gone: Gone) -> Intervention | None:
    return in_force(view.interventions, "protect", view.environment, gone.kind, gone.name)


def _is_permitted(view: View, gone: Gone) -> bool:
    return (gone.kind, gone.name, gone.external_id) in view.permits


def _decide(view: View, gone: Gone, budget: Budget) -> Decision:
    verdict, reason, words = _ruling(view, gone, budget)
    permitted = _is_permitted(view, gone)
    due_at: datetime | None = None
    if verdict == "delete":
        verdict, reason, words, due_at = _when(view, gone, permitted=permitted)
    if verdict == "delete":
        verdict, reason, words = _verified(view, gone)
    return Decision(
        kind=gone.kind,
        name=gone.name,
        external_id=gone.external_id,
        verdict=verdict,
        reason=reason,
        message=f"removed from Git{words}",
        due_at=due_at,
        permitted=permitted,
    )


def _ruling(view: View, gone: Gone, budget: Budget) -> tuple[Verdict, str, str]:
    """What speaks against it, whenever and whatever the platform says."""
    if gone.moved_to is not None:
        return "keep", MOVED, f"; it goes on as {gone.moved_to}"
    if not view.rules.enabled:
        return "keep", NOT_ENABLED, "; kept, pruning is not enabled"
    shield = _shield(view, gone)
    if shield:
        return "keep", PROTECTED, shield
    if view.doubt:
        return "keep", UNVERIFIED, f"; kept, {view.doubt}"
    return _restraint(view, gone, budget)


def _shield(view: View, gone: Gone) -> str:
    """Row and tag protect, either alone."""
    protection = _protection(view, gone)
    if protection is not None:
        return f"; kept, {protection.by} protects it: {protection.reason}"
    facts = view.facts.get(gone.key)
    return "; kept, its tag on the platform protects it" if facts and facts.protected else ""


def _restraint(view: View, gone: Gone, budget: Budget) -> tuple[Verdict, str, str]:
    """What only a person can do something about."""
    paused = in_force(view.interventions, "prune-paused", view.environment)
    if paused is not None:
        resume = f"trunkline resume -e {view.environment} --prune"
        return "stop", PAUSED, f"; kept, pruning is paused: {paused.reason}. Go on with: {resume}"
    if budget.exceeded and not _is_permitted(view, gone):
        return "stop", OVER_BUDGET, f"; kept, {budget.words()}"
    return "delete", DUE, ""


def _when(view: View, gone: Gone, *, permitted: bool) -> tuple[Verdict, str, str, datetime | None]:
    """A person who named the deletion has waited already."""
    if permitted:
        return "delete", DUE, "", None
    if gone.buried_at is None:
        return "wait", PENDING, "; it is about to be marked", view.now
    due_at = gone.buried_at + timedelta(seconds=view.rules.delay_s)
    if due_at <= view.now:
        return "delete", DUE, "", None
    shown = due_at.isoformat(sep=" ", timespec="seconds")
    note = f" ({view.rules.note})" if view.rules.note else ""
    return "wait", PENDING, f"; deleted at {shown} unless it comes back{note}", due_at


def _verified(view: View, gone: Gone) -> tuple[Verdict, str, str]:
    """Only what was read by its id right now, and is ours beyond doubt, is deleted."""
    facts = view.facts.get(gone.key)
    if facts is None:
        return "look", DUE, f"; the {gone.kind} is looked at before it is deleted"
    if facts.lost:
        return "forget", GONE, f"; {facts.lost}"
    if not facts.ours:
        return "keep", UNVERIFIED, f"; kept, {gone.external_id} does not carry our mark any more"
    if facts.uses:
        return "wait", IN_USE, f"; it waits, {listed(facts.uses)}"
    return "delete", DUE, ""
