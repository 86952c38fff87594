"""Why an agent or number is not as Git wants it: the whole chain, from the commit to the vendor.

Each link is judged from collected facts alone, so that the answer can be printed, tested and asked
for while half of the system is down; a fact that could not be had makes its link unknown and never
a guess. What stands behind something that blocks is not reached, unless it would block as well.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, Literal

from pydantic import ConfigDict

from trunkline.model.base import Frozen
from trunkline.model.conditions import Condition, find
from trunkline.model.gates import (
    ADOPTION_DIFFERS,
    APPROVAL_NEEDED,
    DRIFT_REPORTED,
    ENFORCE_NOT_CONFIRMED,
    HOLD_REASONS,
    OUTSIDE_WINDOW,
    PLAN_STALE,
    PRUNE_BUDGET_EXCEEDED,
    Standing,
    disabled_words,
    shown,
    suspension_words,
    window_words,
)
from trunkline.model.interventions import Intervention
from trunkline.model.pruning import PAUSED, PENDING, PROTECTED, UNVERIFIED
from trunkline.model.records import RecordKind, SourceState, StatusRow, WishRecord
from trunkline.model.released import RELEASE_REASONS
from trunkline.model.windows import decide

LinkState = Literal["ok", "blocking", "unknown", "not-reached"]

SIGNATURE_REASONS: Final = frozenset(
    {"HeadUnsigned", "HeadSignatureInvalid", "SignerUnknown", "SignatureUncheckable"}
)
VALIDITY_REASONS: Final = frozenset({"InvalidManifests", "TreeEmpty"})
DEPENDENCY_REASONS: Final = frozenset(
    {
        "DependencyNotReady",
        "DrainingCalls",
        "ClaimPending",
        "WishUnknown",
        "NumberTaken",
        "NumberNotInAccount",
        "NumberOwnedElsewhere",
        "RouteShadowed",
        *RELEASE_REASONS,
    }
)
RATE_REASONS: Final = frozenset({"RateLimited", "AccountUnavailable"})
WORDS_OF_A_PERSON: Final = {
    APPROVAL_NEEDED: "trunkline apply --environment {environment}",
    PLAN_STALE: "trunkline apply --environment {environment}",
    ENFORCE_NOT_CONFIRMED: "trunkline apply --environment {environment} --enforce",
    DRIFT_REPORTED: "set it back: trunkline sync {name} --environment {environment};"
    " or make it the wish: trunkline drift {name} --environment {environment} -o patch",
    ADOPTION_DIFFERS: "change Git, or make it as Git says:"
    " trunkline adopt {name} --environment {environment} --allow-changes",
}
"""What an environment waits for a person to say, by the gate's reason."""
WORDS_OF_A_DELETION: Final = {
    PAUSED: ("look, then: trunkline resume --environment {environment} --prune", "not by itself"),
    PENDING: ("bring it back in Git to keep it", "when its delay has passed"),
    PROTECTED: ("trunkline unprotect {name} --environment {environment}", "not by itself"),
    UNVERIFIED: ("do what the message says; nothing is deleted in doubt", "at every sync"),
}
"""What to do, and when it is looked at next, where a deletion does not happen."""
SHORT_REVISION: Final = 10
PROBLEMS_SHOWN: Final = 3

MARKS: Final = {"ok": "ok", "blocking": "BLOCKING", "unknown": "unknown", "not-reached": "-"}


class Link(Frozen):
    """One link; ``remedy`` says what to do, ``next_look_at`` when it is looked at next by itself.

    ``next_look`` says the same in words, also where there is no moment to name.
    """

    model_config = ConfigDict(extra="ignore")

    name: str
    state: LinkState
    words: str = ""
    remedy: str = ""
    next_look: str = ""
    next_look_at: datetime | None = None


class Explanation(Frozen):
    """The chain of one agent or number; ``blocking`` names the links that hold it back."""

    model_config = ConfigDict(extra="ignore")

    project: str
    environment: str
    kind: RecordKind
    name: str
    sync: str
    health: str
    headline: str
    blocking: tuple[str, ...]
    links: tuple[Link, ...]


class Facts(Frozen):
    """Everything that could be found out; None means that it could not, or is not there.

    ``accounts`` are status rows of the environment's accounts. ``next_look_at`` is the subject's
    own; ``answers`` False: its workflow did not say. ``poll_interval_s``: how often Git is looked
    at. ``further`` links come after all others. ``rules_pending``: which weaker rules of promotion
    wait for an admin.
    """

    project: str
    environment: str
    kind: RecordKind
    name: str
    poll_interval_s: float
    source: SourceState | None = None
    wish: WishRecord | None = None
    standing: Standing | None = None
    status: StatusRow | None = None
    environment_row: StatusRow | None = None
    accounts: tuple[StatusRow, ...] = ()
    answers: bool = False
    next_look_at: datetime | None = None
    further: tuple[Link, ...] = ()
    rules_pending: str = ""


def explain(facts: Facts) -> Explanation:
    """The chain, link by link. Pure."""
    own = (
        _commit(facts),
        _signature(facts),
        _validity(facts),
        _mode(facts),
        _suspension(facts),
        _window(facts),
        _budget(facts),
        _dependency(facts),
        _rate_limit(facts),
        _vendor(facts),
        *facts.further,
    )
    links = tuple(_not_reached(own))
    blocking = tuple(link.name for link in links if link.state == "blocking")
    status = facts.status
    return Explanation(
        project=facts.project,
        environment=facts.environment,
        kind=facts.kind,
        name=facts.name,
        sync=status.sync if status else "Unknown",
        health=status.health if status else "Unknown",
        headline=_headline(facts, blocking),
        blocking=blocking,
        links=links,
    )


def why_text(found: Explanation) -> str:
    """The chain for a terminal."""
    width = max(len(link.name) for link in found.links)
    lines = [found.headline, ""]
    for link in found.links:
        head = f"  {MARKS[link.state]:<8}  {link.name:<{width}}"
        lines.append(f"{head}  {link.words}".rstrip())
        indent = " " * (len(head) + 2)
        if link.state != "not-reached":
            lines.extend(f"{indent}to do: {link.remedy}" for _ in [0] if link.remedy)
            lines.extend(f"{indent}next look: {link.next_look}" for _ in [0] if link.next_look)
    return "\n".join(lines) + "\n"


def _headline(facts: Facts, blocking: tuple[str, ...]) -> str:
    subject = f"{facts.kind} {facts.name} in {facts.environment}"
    status = facts.status
    known = "nothing is known of it yet"
    words = known if status is None else f"{status.sync}, {status.health}"
    if not blocking:
        return f"{subject}: {words}; nothing holds it back"
    what = "held back by"
    if _git_condition(facts) is not None:
        what = "the newest commit is held back by"
    elif facts.wish is not None and facts.wish.removed:
        what = "its deletion is held back by"
    elif status is not None and status.sync == "Synced":
        what = "the next change would be held back by"
    return f"{subject}: {words}; {what}: {', '.join(blocking)}"


def _not_reached(links: Iterable[Link]) -> Iterable[Link]:
    """What comes after something that blocks was not tried; what would block too is said."""
    blocked = False
    for link in links:
        tried = link.name in ("dependency", "rate limit", "vendor")
        if blocked and tried and link.state in ("ok", "unknown"):
            yield Link(name=link.name, state="not-reached")
        else:
            yield link
        blocked = blocked or link.state == "blocking"


def _poll_words(facts: Facts) -> str:
    return f"every {facts.poll_interval_s:g}s, at every push, and at every sync"


def _git_condition(facts: Facts) -> Condition | None:
    """What is wrong with Git, if anything is."""
    conditions = facts.source.conditions if facts.source is not None else ()
    ready = find(conditions, "Ready")
    return ready if ready is not None and ready.status != "True" else None


def _commit(facts: Facts) -> Link:
    source, wrong = facts.source, _git_condition(facts)
    if source is None:
        return Link(
            name="commit",
            state="unknown",
            words="Git was not looked at yet",
            next_look=_poll_words(facts),
        )
    other = SIGNATURE_REASONS | VALIDITY_REASONS
    if wrong is not None and wrong.reason not in other:
        return Link(
            name="commit",
            state="blocking",
            words=f"{wrong.reason}: {wrong.message}",
            remedy="mend the repository or its credential; `trunkline doctor` tests both",
            next_look=_poll_words(facts),
        )
    seen = (source.seen_revision or "")[:SHORT_REVISION]
    words = f"{seen} by {source.author or 'somebody'}: {source.subject}".rstrip(": ")
    if facts.wish is None:
        return Link(
            name="commit",
            state="blocking",
            words=f"{words}; no valid commit names {facts.kind} {facts.name}",
            remedy="commit its manifest",
            next_look=_poll_words(facts),
        )
    if facts.wish.removed:
        words = f"{words}; Git no longer names it"
    return Link(name="commit", state="ok", words=words)


def _signature(facts: Facts) -> Link:
    source, wrong = facts.source, _git_condition(facts)
    if wrong is not None and wrong.reason in SIGNATURE_REASONS:
        kept = (source.applied_revision or "") if source is not None else ""
        return Link(
            name="signature",
            state="blocking",
            words=f"{wrong.reason}: {wrong.message}; {_in_force(kept)}",
            remedy="sign the commit with a key of spec.signing.commits and push again",
            next_look=_poll_words(facts),
        )
    signature = source.signature if source is not None else ""
    if source is None or (wrong is not None and wrong.reason not in VALIDITY_REASONS):
        return Link(name="signature", state="unknown", words="no commit could be read")
    if not signature:
        return Link(name="signature", state="ok", words="the project asks for none")
    return Link(name="signature", state="ok", words=signature)


def _validity(facts: Facts) -> Link:
    source, wrong = facts.source, _git_condition(facts)
    if wrong is not None and wrong.reason in VALIDITY_REASONS and source is not None:
        problems = "; ".join(str(problem) for problem in source.problems[:PROBLEMS_SHOWN])
        more = len(source.problems) - PROBLEMS_SHOWN
        listed = f"{problems}; and {more} more" if more > 0 else problems or wrong.message
        return Link(
            name="validity",
            state="blocking",
            words=f"{wrong.reason}: {listed}; {_in_force(source.applied_revision or '')}",
            remedy="mend the manifests; `trunkline validate` says the same before a push",
            next_look=_poll_words(facts),
        )
    if source is None or wrong is not None:
        return Link(name="validity", state="unknown", words="the newest commit was not read")
    applied = (source.applied_revision or "")[:SHORT_REVISION]
    return Link(name="validity", state="ok", words=f"{applied} is valid and in force")


def _in_force(applied: str) -> str:
    short = applied[:SHORT_REVISION]
    return f"{short} stays in force" if short else "nothing is in force yet"


def _mode(facts: Facts) -> Link:
    standing = facts.standing
    if standing is None:
        return Link(
            name="mode", state="unknown", words=f"no valid commit describes {facts.environment}"
        )
    mode = standing.policy.mode
    if mode == "observe":
        return Link(
            name="mode",
            state="blocking",
            words="ModeObserve: the environment only observes",
            remedy="set `mode: approve` or `mode: enforce` for"
            f" {facts.environment} in trunkline.yaml",
            next_look="when Git changes it",
        )
    held = _held(facts)
    if held is not None and held.reason in WORDS_OF_A_PERSON:
        command = WORDS_OF_A_PERSON[held.reason]
        return Link(
            name="mode",
            state="blocking",
            words=f"{held.reason}: {held.message}",
            remedy=command.format(name=facts.name, environment=facts.environment),
            next_look="not by itself",
        )
    applied = standing.approval
    said = f", plan {applied.plan_id} was applied by {applied.by}" if applied else ""
    words = f"{mode}{said if mode == 'approve' else ''}"
    pending = f"; rules of promotion: {facts.rules_pending}" if facts.rules_pending else ""
    return Link(name="mode", state="ok", words=f"{words}{pending}")


def _held(facts: Facts) -> Condition | None:
    """The gate's reason of the last round."""
    ready = find(facts.status.conditions, "Ready") if facts.status is not None else None
    return ready if ready is not None and ready.reason in HOLD_REASONS else None


def _suspension(facts: Facts) -> Link:
    standing = facts.standing
    if standing is None:
        return Link(name="suspension", state="unknown")
    found = standing.find("suspend", facts.kind, facts.name)
    taken = standing.find("disable", facts.kind, facts.name)
    disabled = disabled_words(taken)
    if found is None:
        words = f"not suspended; {disabled}" if disabled else "not suspended"
        remedy = f"trunkline enable {facts.name} --environment {facts.environment}"
        return Link(name="suspension", state="ok", words=words, remedy=remedy if disabled else "")
    until = standing.suspended_until(facts.kind, facts.name)
    return Link(
        name="suspension",
        state="blocking",
        words=f"Suspended: {suspension_words(found)}",
        remedy=_resume_command(found),
        next_look=shown(until) if until else "not by itself",
        next_look_at=until,
    )


def _resume_command(found: Intervention) -> str:
    name = f" {found.name}" if found.name else ""
    environment = f" --environment {found.environment}" if found.environment else ""
    return f"trunkline resume{name}{environment}"


def _window(facts: Facts) -> Link:
    standing = facts.standing
    if standing is None:
        return Link(name="window", state="unknown")
    if not standing.policy.windows:
        return Link(name="window", state="ok", words="the environment has none")
    is_open, changes_at = decide(standing.policy.windows, standing.now)
    if is_open:
        until = f" until {shown(changes_at)}" if changes_at else ""
        return Link(name="window", state="ok", words=f"open{until}")
    override = standing.find("override-window", facts.kind, facts.name)
    if override is not None:
        return Link(
            name="window", state="ok", words=f"overridden by {override.by}: {override.reason}"
        )
    return Link(
        name="window",
        state="blocking",
        words=f"{OUTSIDE_WINDOW}: {window_words(standing, changes_at)}",
        remedy=f"wait, or: trunkline sync {facts.name} --environment {facts.environment}"
        " --override-window REASON",
        next_look=shown(changes_at) if changes_at else "never",
        next_look_at=changes_at,
    )


def _budget(facts: Facts) -> Link:
    row = facts.environment_row
    stopped = find(row.conditions, "Stalled") if row is not None else None
    held = _held(facts)
    if held is not None and held.reason == PRUNE_BUDGET_EXCEEDED:
        stopped = held
    if stopped is None or stopped.reason != PRUNE_BUDGET_EXCEEDED:
        return _deletion(facts)
    concerned = held is stopped or (facts.wish is not None and facts.wish.removed)
    if not concerned:
        words = f"deletions in {facts.environment} are stopped, and it is not to be deleted"
        return Link(name="budget", state="ok", words=words)
    return Link(
        name="budget",
        state="blocking",
        words=f"{PRUNE_BUDGET_EXCEEDED}: {stopped.message}",
        remedy=f"look at the plan and let exactly it through: trunkline apply --environment"
        f" {facts.environment}",
        next_look="not by itself",
    )


def _deletion(facts: Facts) -> Link:
    """What but the budget keeps an object that Git no longer names."""
    ready = find(facts.status.conditions, "Ready") if facts.status is not None else None
    removed = facts.wish is not None and facts.wish.removed
    if ready is None or not removed or ready.reason not in WORDS_OF_A_DELETION:
        return Link(name="budget", state="ok", words="no deletion waits for it")
    remedy, next_look = WORDS_OF_A_DELETION[ready.reason]
    return Link(
        name="budget",
        state="blocking",
        words=f"{ready.reason}: {ready.message}",
        remedy=remedy.format(name=facts.name, environment=facts.environment),
        next_look=next_look,
    )


def _stuck(facts: Facts) -> Condition | None:
    """What the last round failed at or waits for."""
    conditions = facts.status.conditions if facts.status is not None else ()
    found = find(conditions, "Stalled") or find(conditions, "Reconciling")
    held = HOLD_REASONS | {PAUSED}
    return found if found is not None and found.reason not in held else None


def _next_look(facts: Facts) -> str:
    if facts.next_look_at is not None:
        return shown(facts.next_look_at)
    return "when something wakes it" if facts.answers else "unknown: its workflow did not answer"


def _stuck_link(facts: Facts, name: str, stuck: Condition, remedy: str) -> Link:
    return Link(
        name=name,
        state="blocking",
        words=f"{stuck.reason}: {stuck.message}",
        remedy=remedy,
        next_look=_next_look(facts),
        next_look_at=facts.next_look_at,
    )


def _dependency(facts: Facts) -> Link:
    stuck = _stuck(facts)
    if stuck is not None and stuck.reason in DEPENDENCY_REASONS:
        remedy = "what it waits for wakes it; ask `why` about that one"
        if stuck.type == "Stalled":
            remedy = "do what the message says; the next sync looks again"
        return _stuck_link(facts, "dependency", stuck, remedy)
    if facts.status is None:
        return Link(name="dependency", state="unknown", words="it was not planned yet")
    return Link(name="dependency", state="ok", words="waits for nothing")


def _rate_limit(facts: Facts) -> Link:
    stuck = _stuck(facts)
    if stuck is not None and stuck.reason in RATE_REASONS:
        return _stuck_link(facts, "rate limit", stuck, "wait: it is tried again by itself")
    for row in facts.accounts:
        stopped = find(row.conditions, "Stalled")
        if stopped is not None:
            return _stuck_link(facts, "rate limit", stopped, "wait: it is tried again by itself")
    return Link(name="rate limit", state="ok", words="within the account's budget")


def _vendor(facts: Facts) -> Link:
    status, stuck = facts.status, _stuck(facts)
    if status is None:
        return Link(name="vendor", state="unknown", words="nothing was sent yet")
    if stuck is None or stuck.reason in DEPENDENCY_REASONS | RATE_REASONS:
        there = f"it is there as {status.external_id}" if status.external_id else "it is not there"
        settled = status.sync == "Synced"
        return Link(name="vendor", state="ok", words=there if settled or stuck is None else "")
    remedy = "mend the manifest at the line that is named, and push"
    if stuck.reason == "CredentialsRejected":
        remedy = "mend the account's credential; `trunkline doctor` tests it"
    elif stuck.type == "Reconciling":
        remedy = "wait: it is tried again by itself"
    return _stuck_link(facts, "vendor", stuck, remedy)
