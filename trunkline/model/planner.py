"""Desired, observed and ledger → ordered steps for one agent, and plans joined to one.

Pure and deterministic: the same three corners give the same plan, whatever the order they were
read in. Steps come in the order they must be written: secrets, tools, documents, agent, number.
Ownership rules: only paths the wish names are compared and written; a path the ledger says we
wrote and the wish no longer names is reset once, to what the server had there before, else to
the platform's default, else, inside a map, deleted, else left and said so. Nothing is deleted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from trunkline.model.adoption import Adoption, differing, obstacle_of
from trunkline.model.base import Json, JsonObject
from trunkline.model.canonical import canonical, digest
from trunkline.model.desired import DesiredAgent
from trunkline.model.diffs import (
    Comparator,
    Difference,
    Patterns,
    count_leaves,
    is_empty,
    leaves,
    operation_of,
)
from trunkline.model.ids import Digest, reference
from trunkline.model.ledger import LedgerEntry
from trunkline.model.limits import PLAN_MAX_STEPS
from trunkline.model.observed import ObservedAgent
from trunkline.model.paths import MISSING, Keys, Missing, find, join, owning_leaf, split
from trunkline.model.plans import (
    Change,
    ChangeOrigin,
    Drifted,
    Kept,
    Obstacle,
    Plan,
    Step,
    Subject,
)
from trunkline.model.rendering import ComparisonRules, Rendering
from trunkline.model.shared_objects import (
    NOT_PRUNED,
    KnownObjects,
    object_key,
    shared_steps,
    superseded,
)
from trunkline.model.writes import TAGS, observed_tree, resolved_body, with_nonce

AGENT_CREATE_CALLS = 3
"""A look-up by identity, the create, the read-back."""
AGENT_UPDATE_CALLS = 4
"""The base, the patch, the new version's parent, the read-back."""

PHASES: Mapping[Subject, int] = {
    "secret": 0,
    "tool": 1,
    "document": 2,
    "test": 2,
    "agent": 3,
    "branch": 3,
    "traffic": 3,
    "number": 4,
}
ONE_AFTER_ANOTHER: frozenset[Subject] = frozenset({"number", "agent", "branch", "traffic"})
"""Subjects whose steps in a plan of their own stay in that plan's order."""
DELETIONS_LAST = 10
"""Deletions come after everything else, in the reversed order."""


def plan_agent(
    desired: DesiredAgent,
    rendering: Rendering,
    rules: ComparisonRules,
    *,
    entry: LedgerEntry | None,
    observed: ObservedAgent | None,
    shared: KnownObjects | None = None,
    previous: DesiredAgent | None = None,
    drift_ignored: Sequence[str] = (),
    adoption: Adoption | None = None,
    keep_drift: bool = False,
) -> Plan:
    """What to do about one agent.

    ``entry`` is its ledger row (a renamed agent's: ``renamed_entry``), ``observed`` the agent
    read by its id, None if there is none. ``previous`` is the wish applied before, for display
    only. ``drift_ignored`` are paths at which somebody else's edits are left alone. ``adoption``
    says that ``observed`` is not ours yet and is to be taken over. ``keep_drift`` leaves every
    edit of somebody else where it is, and says so.
    """
    known = shared or KnownObjects()
    label = f"agent {desired.name}"
    notes = [f"{label}: unsupported, not written: {said}" for said in rendering.unsupported]
    if desired.lifecycle == "draft":
        return _draft(desired, entry, [*notes, f"{label}: draft, deployed nowhere"])
    obstacles = (*_unsupported_sources(desired, known), *_conflicts(known, adoption))
    comparison = _Comparison(desired, rendering, rules, entry, known.expected, keep_drift)
    steps: list[Step] = []
    differs: tuple[str, ...] = ()
    hidden = 0
    if not obstacles:
        steps.extend(shared_steps(desired, known, observed, previous))
        if observed is None:
            steps.append(comparison.create_step())
        else:
            update = comparison.update_step(observed, Patterns(drift_ignored))
            if update is not None and adoption is not None:
                update = _adopting(update, desired)
                differs = differing(desired.name, update.changes, rules, known.adoptions.values())
                notes.extend(f"to be taken over and not as Git says: {each}" for each in differs)
            steps.extend([update] if update else [])
            hidden = comparison.hidden(observed)
        notes.extend(comparison.notes)
    if len(steps) > PLAN_MAX_STEPS:
        words = f"{label}: {len(steps)} steps are more than the {PLAN_MAX_STEPS} one plan may have"
        obstacles, steps = (Obstacle(reason="PlanTooLarge", message=words),), []
    base = observed.version_id if observed else None
    return Plan(
        project=desired.project,
        environment=desired.environment,
        digest=plan_digest(steps, base),
        steps=tuple(steps),
        kept=superseded(desired, known),
        obstacles=obstacles,
        notes=tuple(notes),
        base_version_id=base,
        parts={f"agent/{desired.name}": base or ""},
        unchanged=0 if steps or obstacles else 1,
        hidden=hidden,
        adopts=adoption.external_id if adoption is not None and steps else None,
        differs=differs,
        drift=tuple(comparison.kept),
    )


def renamed_entry(old: LedgerEntry, desired: DesiredAgent) -> LedgerEntry:
    """The ledger row of a renamed agent: everything known of the old one under the new name, so
    that the agent keeps its id, its nonce and its history on the platform.
    """
    return old.model_copy(update={"name": desired.name})


def drift_only(plan: Plan) -> bool:
    """True if the plan would only undo what somebody else did; Git wants nothing new."""
    return bool(plan.steps) and all(
        step.changes and all(change.origin == "drift" for change in step.changes)
        for step in plan.steps
    )


def keeps_drift(plan: Plan) -> bool:
    """True if something was changed outside of Git and is left like that for now."""
    return any(field.kept for field in plan.drift)


def drifted(subject: Subject, name: str, change: Change, *, kept: bool) -> Drifted:
    """A change that undoes somebody else's edit, told as that edit."""
    return Drifted(
        subject=subject,
        name=name,
        path=change.path,
        wished=change.new,
        live=change.old,
        kept=kept,
    )


def has_drift(plan: Plan) -> bool:
    """True if something was changed outside of Git."""
    return any(change.origin == "drift" for step in plan.steps for change in step.changes)


def plan_digest(steps: Iterable[Step], base_version_id: str | None) -> Digest:
    """What an approval names: exactly these steps on exactly that version."""
    written: list[Json] = [step.model_dump(mode="json") for step in steps]
    return digest({"base": base_version_id, "steps": written})


def join_plans(
    plans: Iterable[Plan], *, project: str, environment: str, kept: Iterable[Kept] = ()
) -> Plan:
    """One plan of an environment. A shared object several agents need is made once; ``kept``
    adds what no single agent's plan can know of (agents and objects gone from Git).
    """
    parts = sorted(plans, key=lambda plan: canonical(_subjects(plan)))
    steps: dict[tuple[int, str, int, str], Step] = {}
    for part in parts:
        for index, step in enumerate(part.steps):
            phase = PHASES[step.subject]
            if step.action == "delete":
                phase = DELETIONS_LAST - phase
            own = index if step.subject in ONE_AFTER_ANOTHER else 0
            key = _sorted_by(step)
            known = steps.setdefault((phase, key, own, step.action), step)
            if canonical(known.model_dump(mode="json")) > canonical(step.model_dump(mode="json")):
                steps[phase, key, own, step.action] = step
    ordered = tuple(steps[place] for place in sorted(steps))
    stays = {(item.subject, item.name): item for part in parts for item in part.kept}
    stays.update({(item.subject, item.name): item for item in kept})
    obstacles = {(o.message, o.reason): o for part in parts for o in part.obstacles}
    bases = {subject: base for part in parts for subject, base in part.parts.items()}
    return Plan(
        project=project,
        environment=environment,
        digest=plan_digest(ordered, digest(dict(bases)) if any(bases.values()) else None),
        parts=dict(sorted(bases.items())),
        steps=ordered,
        kept=tuple(stays[place] for place in sorted(stays)),
        obstacles=tuple(obstacles[place] for place in sorted(obstacles)),
        notes=tuple(sorted({note for part in parts for note in part.notes})),
        unchanged=sum(part.unchanged for part in parts),
        hidden=sum(part.hidden for part in parts),
        drift=tuple(
            sorted(
                (field for part in parts for field in part.drift),
                key=lambda field: (PHASES[field.subject], field.name, field.path),
            )
        ),
        patch="".join(part.patch for part in parts),
    )


def kept_agent(name: str, entry: LedgerEntry | None) -> tuple[Kept, ...]:
    """An agent gone from Git: it stays where it is."""
    if entry is None or entry.external_id is None:
        return ()
    kept = Kept(subject="agent", name=name, external_id=entry.external_id, reason=NOT_PRUNED)
    return (kept,)


@dataclass
class _Comparison:
    """One agent's three corners side by side."""

    desired: DesiredAgent
    rendering: Rendering
    rules: ComparisonRules
    entry: LedgerEntry | None
    bindings: Mapping[str, str]
    keep_drift: bool = False
    notes: list[str] = field(default_factory=list)
    kept: list[Drifted] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._comparator = Comparator(self.rules)
        self._applied = self.entry.applied if self.entry else {}
        nonce = self.entry.nonce if self.entry else None
        self._body = with_nonce(resolved_body(self.rendering, self.bindings), nonce)
        self._owned = {split(path): value for path, value in leaves(self._body).items()}

    def create_step(self) -> Step:
        origin: ChangeOrigin = "git"
        if self.entry is not None and self.entry.external_id is not None:
            self._note("deleted outside of Git; it is created again")
            if self.entry.rendered_digest == self.rendering.digest:
                origin = "drift"
        changes = tuple(
            Change(operation="+", path=path, new=value, origin=origin)
            for path, value in sorted(leaves(self._body).items())
            if not is_empty(value)
        )
        return Step(
            action="create",
            subject="agent",
            name=self.desired.name,
            key=self.desired.name,
            changes=changes,
            calls=AGENT_CREATE_CALLS,
            summary=f"create agent {self.desired.name}",
        )

    def update_step(self, observed: ObservedAgent, ignored: Patterns) -> Step | None:
        tree = observed_tree(observed)
        differences = self._comparator.differences(self._body, tree)
        changes = [self._change(difference, tree) for difference in differences]
        changes = [
            change
            for change in changes
            if change.origin != "drift" or split(owning_leaf(change.path)) not in ignored
        ]
        if self.keep_drift:
            self.kept.extend(
                drifted("agent", self.desired.name, change, kept=True)
                for change in changes
                if change.origin == "drift"
            )
            changes = [change for change in changes if change.origin != "drift"]
        changes.extend(self._resets(tree))
        if not changes:
            return None
        changes.sort(key=lambda change: change.path)
        touched = {owning_leaf(change.path) for change in changes if change.origin != "reset"}
        count = len(changes)
        return Step(
            action="update",
            subject="agent",
            name=self.desired.name,
            key=self.desired.name,
            external_id=observed.external_id,
            changes=tuple(changes),
            unchanged=len(self._owned) - len(touched),
            calls=AGENT_UPDATE_CALLS,
            summary=f"update agent {self.desired.name}: {count} "
            + ("attribute" if count == 1 else "attributes"),
        )

    def hidden(self, observed: ObservedAgent) -> int:
        """Leaves the platform filled in that nobody wished for."""
        tree = observed_tree(observed)
        owned = sum(
            1
            for keys in self._owned
            if (found := find(tree, keys)) is not MISSING
            and not (isinstance(found, dict) and found)
        )
        return max(0, count_leaves(tree) - owned)

    def _change(self, difference: Difference, tree: JsonObject) -> Change:
        keys = split(difference.leaf)
        wanted = self._owned[keys]
        origin: ChangeOrigin = "git"
        if difference.leaf in self._applied:
            written = self._applied[difference.leaf]
            if self._comparator.matches(keys, wanted, written):
                origin = "drift"
            elif not self._comparator.matches(keys, written, find(tree, keys)):
                self._note(f"overwrites a change made outside of Git: {difference.path}")
        return Change(
            operation=difference.operation,
            path=difference.path,
            old=difference.old,
            new=difference.new,
            origin=origin,
        )

    def _resets(self, tree: JsonObject) -> list[Change]:
        owned_above = {keys[:n] for keys in self._owned for n in range(1, len(keys) + 1)}
        found: dict[Keys, Change] = {}
        for path in sorted(self._applied):
            keys = split(path)
            above = (keys[:n] for n in range(1, len(keys)))
            if keys in owned_above or path == TAGS or any(k in self._owned for k in above):
                continue
            node, target = self._reset_target(path, keys, owned_above)
            present = find(tree, node)
            if isinstance(target, Missing):
                if not is_empty(present):
                    self._note(f"left as it is, no default is known: {path}")
            elif self._comparator.matches(node, target, present):
                if present is None and node[:-1] in self._comparator.maps:
                    self._note(f"cannot be removed, the platform keeps it empty: {join(node)}")
            elif not isinstance(present, Missing):
                found[node] = Change(
                    operation="-" if target is None else operation_of(present, target),
                    path=join(node),
                    old=present,
                    new=target,
                    origin="reset",
                )
        return list(found.values())

    def _reset_target(
        self, path: str, keys: Keys, owned_above: set[Keys]
    ) -> tuple[Keys, Json | Missing]:
        """Where and to what a path that left Git goes back; MISSING if nobody knows."""
        memory = self.entry.defaults if self.entry else {}
        if path in memory:
            return keys, memory[path]
        for n in range(1, len(keys) + 1):
            default = find(self.rules.defaults, keys[:n])
            if default is MISSING or keys[:n] in owned_above:
                continue
            if not isinstance(default, dict):
                return keys[:n], default
        within = self._comparator.maps.prefix_of(keys)
        if within is None:
            return keys, MISSING
        node = keys[: len(within) + 1]
        theirs = any(split(known)[: len(node)] == node for known in memory)
        return (keys if theirs or node in owned_above else node), None

    def _note(self, words: str) -> None:
        self.notes.append(f"agent {self.desired.name}: {words}")


def _draft(desired: DesiredAgent, entry: LedgerEntry | None, notes: list[str]) -> Plan:
    return Plan(
        project=desired.project,
        environment=desired.environment,
        digest=plan_digest((), None),
        kept=kept_agent(desired.name, entry),
        notes=tuple(notes),
        unchanged=1,
    )


def _adopting(update: Step, desired: DesiredAgent) -> Step:
    """The update that makes an agent of others ours."""
    return update.model_copy(
        update={"action": "adopt", "summary": f"take over agent {desired.name}"}
    )


def _conflicts(known: KnownObjects, adoption: Adoption | None) -> tuple[Obstacle, ...]:
    wanted = [*([adoption] if adoption else []), *known.adoptions.values()]
    return tuple(
        obstacle_of(each.conflict)
        for each in sorted(wanted, key=lambda each: (each.kind, each.name))
        if each.conflict is not None
    )


def _unsupported_sources(desired: DesiredAgent, known: KnownObjects) -> tuple[Obstacle, ...]:
    return tuple(
        Obstacle(
            reason="KnowledgeSourceNotEnabled",
            message=f"agent {desired.name}: document {document.name} is a whole website, and this"
            " version does not crawl; name its pages one by one, as documents with source.url",
        )
        for document in sorted(desired.documents, key=lambda document: document.name)
        if document.source == "website"
        and reference("document", object_key(document.name, document.digest)) not in known.expected
    )


def _sorted_by(step: Step) -> str:
    """What steps stay together by that come from one plan."""
    if step.subject == "number":
        return step.name
    return step.key.partition("/")[0] if step.subject in ("branch", "traffic") else step.key


def _subjects(plan: Plan) -> Json:
    return [
        plan.base_version_id,
        plan.digest,
        [f"{step.subject}/{step.key}" for step in plan.steps],
        list(plan.notes),
    ]
