"""The deletions of a plan somebody asked for, decided at the tip of the branch.

The tip may not be applied yet, so what is gone is worked out from it and from the ledger, and
nothing is marked or written. Everything that would go is read by its id, as before a deletion.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from activities.policies import policy_of
from activities.released_objects import ReleasedObjects
from activities.removals import RemovalPorts, Removals
from activities.restraints import Restraints
from trunkline.model.deletion_plans import (
    budget_words,
    deletion_plan,
    kept_decision,
    object_plan,
)
from trunkline.model.durations import format_duration
from trunkline.model.ids import Digest, Revision
from trunkline.model.interventions import Intervention
from trunkline.model.kinds.project import Environment
from trunkline.model.ledger import LedgerEntry, LedgerKind, Tombstone
from trunkline.model.limits import PLAN_MAX_STEPS, PRUNE_WINDOW_S
from trunkline.model.loosening import rules_in_force
from trunkline.model.object_pruning import may_go
from trunkline.model.plans import Kept, Obstacle, Plan
from trunkline.model.pruning import (
    IN_USE,
    KINDS,
    OVER_BUDGET,
    Census,
    Facts,
    Gone,
    Outlook,
    View,
    outlook,
)
from trunkline.model.resolution import Wishlist
from trunkline.model.shared_objects import (
    KEPT_FOR_RETURN,
    claim_reference,
    needed_references,
    unreferenced,
)


@dataclass(frozen=True, slots=True)
class PlannedRemovals:
    """Parts of an environment's plan, what stays and why, and what is to be said of it all."""

    parts: tuple[Plan, ...] = ()
    kept: tuple[Kept, ...] = ()
    notes: tuple[str, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()


@dataclass(frozen=True, slots=True)
class Tip:
    """What is planned: an environment as the newest commit describes it."""

    project: str
    revision: Revision
    described: Environment
    wishlist: Wishlist
    plan_id: str

    def wished(self, kind: LedgerKind) -> frozenset[str]:
        """Names the environment's wishes have."""
        found = self.wishlist.agents if kind == "agent" else self.wishlist.numbers
        return frozenset(one.name for one in found if one.environment == self.described.name)


class RemovalPlanner:
    """Plans what Git no longer names."""

    def __init__(self, ports: RemovalPorts, released: ReleasedObjects) -> None:
        self._ports = ports
        self._released = released
        self._removals = Removals(ports)

    async def plan(self, tip: Tip, created: Iterable[str]) -> PlannedRemovals:
        """Everything a whole plan of the environment says about deletions."""
        view = await self._view(tip)
        first = outlook(view)
        near = {(d.kind, d.name) for d in (*first.all("look"), *first.over_budget)}
        looked_at = tuple(gone for gone in view.gone if gone.key in near)[:PLAN_MAX_STEPS]
        view = await self._removals.looked_at(tip.project, view, looked_at)
        decided = outlook(view)
        going = [
            d
            for d in decided.decisions
            if d.verdict in ("delete", "look") or d.reason in (OVER_BUDGET, IN_USE)
        ]
        named = {(d.kind, d.name) for d in going}
        parts = [
            deletion_plan(
                tip.project,
                view.environment,
                d.model_copy(update={"verdict": "delete"}),
                view.facts.get((d.kind, d.name), Facts()),
            )
            for d in going
        ]
        kept = [kept_decision(d) for d in decided.decisions if (d.kind, d.name) not in named]
        objects, staying = await self._objects(tip, view)
        return PlannedRemovals(
            parts=(*parts, *objects),
            kept=(*kept, *staying),
            notes=_notes(tip, decided, sorted(created), view.rules.note),
            obstacles=_obstacles(tip, decided),
        )

    async def _view(self, tip: Tip) -> View:
        ports, environment = self._ports, tip.described.name
        now = ports.clock.now()
        since = now - timedelta(seconds=PRUNE_WINDOW_S)
        gone, census = await self._gone(tip)
        decided: tuple[Intervention, ...] = await ports.interventions.interventions(
            tip.project, environment
        )
        stored = await ports.wishes.project_manifest(tip.project)
        coming = await Restraints(ports.interventions, ports.clock).coming(
            tip.project, tip.revision, stored, (tip.described,)
        )
        rules = rules_in_force(policy_of(tip.described).prune, coming or decided, environment)
        return View(
            environment=environment,
            now=now,
            rules=rules.model_copy(update={"delay_s": 0.0}),
            gone=gone,
            census=census,
            deletions=await ports.deletions.deletions(tip.project, environment, since=since),
            interventions=decided,
        )

    async def _gone(self, tip: Tip) -> tuple[tuple[Gone, ...], dict[str, Census]]:
        rows: list[Gone] = []
        census: dict[str, Census] = {}
        for kind in KINDS:
            entries = await self._ports.ledger.entries(tip.project, tip.described.name, kind)
            there = [entry for entry in entries if _is_there(entry)]
            wished = tip.wished(kind)
            census[kind] = Census(managed=len(there), wished=len(wished))
            rows.extend([await self._row(tip, one) for one in there if one.name not in wished])
        return tuple(rows), census

    async def _row(self, tip: Tip, entry: LedgerEntry) -> Gone:
        stone = Tombstone(since_at=self._ports.clock.now(), revision=tip.revision)
        number = await self._number(tip, entry) if entry.kind == "number" else None
        return Gone.model_validate(
            {
                "kind": entry.kind,
                "name": entry.name,
                "account": entry.account,
                "external_id": entry.external_id or number,
                "number": number,
                "nonce": entry.nonce,
                "removed_at": tip.revision,
                "wish_digest": entry.digest or Digest(""),
                "tombstone": stone,
                "moved_to": _moved_to(tip, entry, number),
            }
        )

    async def _number(self, tip: Tip, entry: LedgerEntry) -> str:
        """The digits of a number's last wish."""
        place = (tip.project, tip.described.name)
        known = await self._ports.wishes.wish(*place, "number", entry.name)
        return str(known.body.get("number", "")) if known is not None else ""

    async def _objects(self, tip: Tip, view: View) -> tuple[tuple[Plan, ...], tuple[Kept, ...]]:
        """Tools, documents and secrets no wish of the tip, and no release that may be gone back
        to, refers to.
        """
        agents = [a for a in tip.wishlist.agents if a.environment == view.environment]
        if not agents and not view.gone:
            return (), ()
        voice = await self._ports.accounts.voice(tip.project, view.environment)
        claims = await self._ports.ledger.claims(voice.account, tip.project, view.environment)
        if not may_go(view):
            return (), unreferenced(claims, agents)
        wanted = {needed for agent in agents for needed in needed_references(agent)}
        staying: tuple[Kept, ...] = ()
        if not view.rules.follows_head:
            leaving = [gone.name for gone in view.gone if gone.kind == "agent"]
            released = await self._released.of(tip.project, view.environment, leaving)
            staying = unreferenced(claims, agents, released.doubt or KEPT_FOR_RETURN)
            if released.doubt:
                return (), staying
            wanted |= released.references
        unused = [
            claim
            for claim in claims
            if claim.external_id is not None and claim_reference(claim) not in wanted
        ]
        return tuple(object_plan(tip.project, view.environment, one) for one in unused), staying


def _is_there(entry: LedgerEntry) -> bool:
    """There is something to take away: a number may be at its carrier alone."""
    return entry.external_id is not None or (entry.kind == "number" and bool(entry.applied))


def _moved_to(tip: Tip, entry: LedgerEntry, number: str | None) -> str | None:
    """The wish that goes on with the same object: a rename."""
    if entry.kind == "number":
        return min((one.name for one in tip.wishlist.numbers if one.number == number), default=None)
    found = [
        agent.name
        for agent in tip.wishlist.agents
        if agent.environment == tip.described.name and agent.renamed_from == entry.name
    ]
    return min(found, default=None)


def with_removals(joined: Plan, removals: PlannedRemovals) -> Plan:
    """The joined plan with what is said of its deletions; what goes is not called kept."""
    going = {(step.subject, step.key) for step in joined.steps if step.action == "delete"}
    return joined.model_copy(
        update={
            "kept": tuple(one for one in joined.kept if (one.subject, one.name) not in going),
            "notes": (*joined.notes, *removals.notes),
            "obstacles": (*joined.obstacles, *removals.obstacles),
        }
    )


def _obstacles(tip: Tip, decided: Outlook) -> tuple[Obstacle, ...]:
    words = budget_words(decided)
    if not words:
        return ()
    command = f"trunkline apply {tip.plan_id} -e {tip.described.name}"
    message = f"{words}. To let exactly this plan through: {command}"
    return (Obstacle(reason=OVER_BUDGET, message=message),)


def _notes(tip: Tip, decided: Outlook, created: list[str], rules_note: str) -> tuple[str, ...]:
    going = [d for d in decided.decisions if d.verdict not in ("keep", "forget")]
    notes: list[str] = []
    delay = tip.described.prune.delay
    if going and delay.total_seconds():
        notes.append(f"deletions wait {format_duration(delay)} after Git stopped naming them")
    if going and rules_note:
        notes.append(rules_note)
    agents = [decision.name for decision in going if decision.kind == "agent"]
    if agents and created:
        notes.append(
            f"created: {', '.join(created)}; destroyed: {', '.join(agents)}. If that is a rename,"
            " say `renamedFrom: <old name>` in the metadata of the new one: it keeps the agent"
        )
    notes.extend(f"{d.kind} {d.name} {d.message}" for d in decided.decisions if d.reason == IN_USE)
    return tuple(notes)
