"""Looking over an environment for what Git no longer names, and deleting what only it can.

A look decides and tells; agents and numbers carry their deletion out themselves. Tools, documents
and secrets belong to nobody, so they are deleted here, one activity each, and each is read by its
id right before. The tag that protects an agent is kept in step with what people decided.
"""

from datetime import datetime

from temporalio import activity

from activities.conclusions import backoff_s
from activities.errors import translated
from activities.gates import require_open
from activities.heartbeats import Progress, beating
from activities.names import GUARD_AGENT, LOOK_TO_PRUNE, PRUNE_OBJECT
from activities.policies import Standings
from activities.released_objects import ReleasedObjects
from activities.removals import RemovalPorts, Removals
from activities.telling import Dispatcher
from activities.types import (
    GuardRequest,
    ObjectReference,
    ObjectRequest,
    PruneReport,
    PruneRequest,
    StepResult,
)
from trunkline.model.deletion_plans import (
    environment_conditions,
    guard_plan,
    object_plan,
    permit_id,
    permit_plan,
)
from trunkline.model.errors import Conflict, OutcomeUnknown, RemoteMissing, Unavailable
from trunkline.model.gates import HOLD_REASONS, Question
from trunkline.model.ids import PROTECTED_TAG, content_mark, owner_tag, secret_title
from trunkline.model.interventions import in_force
from trunkline.model.ledger import Claim, Tombstone
from trunkline.model.limits import PLAN_MAX_STEPS
from trunkline.model.object_pruning import (
    ObjectOutlook,
    ReleasedReferences,
    may_go,
    object_outlook,
)
from trunkline.model.pruning import (
    IN_USE,
    OVER_BUDGET,
    Decision,
    Outlook,
    View,
    listed,
    next_look_at,
    outlook,
)
from trunkline.model.records import PlanRecord, StatusRecord
from trunkline.model.status import EVERYDAY_REASONS, details_markdown, transitions
from trunkline.ports import Statuses, VoicePlatform


class PruneActivities:
    """What the workflow of an environment's deletions asks for."""

    def __init__(
        self,
        ports: RemovalPorts,
        statuses: Statuses,
        dispatcher: Dispatcher,
        released: ReleasedObjects,
    ) -> None:
        self._accounts = ports.accounts
        self._ledger = ports.ledger
        self._wishes = ports.wishes
        self._projects = ports.projects
        self._operations = ports.operations
        self._interventions = ports.interventions
        self._deletions = ports.deletions
        self._statuses = statuses
        self._dispatcher = dispatcher
        self._released = released
        self._removals = Removals(ports)
        self._standings = Standings(
            ports.wishes,
            ports.interventions,
            ports.operations,
            ports.clock,
            live=ports.accounts.live,
        )

    @activity.defn(name=LOOK_TO_PRUNE)
    async def look_to_prune(self, request: PruneRequest) -> PruneReport:
        """Decide, tell whom it concerns, and say what is left to do and when."""
        with translated(request.timing):
            async with beating() as progress:
                view, decided = await self._decided(request)
                await self._offer_permit(request, view, decided)
                told = await self._tell(request, decided, progress)
                released = await self._released_references(request.project, view)
                objects = await self._objects(request, view, released)
                row = await self._say(request, view, decided, released)
                times = (next_look_at(view, decided), objects.next_look_at)
                return PruneReport(
                    objects=tuple(_reference(claim) for claim in objects.due),
                    unguarded=await self._unguarded(request, view),
                    told=told,
                    next_look_s=_next_look_s(request, view, times, on_its_way=bool(told)),
                    details=details_markdown(row, None),
                )

    @activity.defn(name=PRUNE_OBJECT)
    async def prune_object(self, request: ObjectRequest) -> StepResult:
        """Delete a tool, document or secret, unless something uses it after all."""
        with translated(request.timing):
            async with beating():
                place = (request.project, request.environment)
                voice = await self._accounts.voice(*place)
                claim = await self._due(request, voice)
                if claim is None or claim.external_id is None:
                    return StepResult(note="nothing to do")
                await self._require_open(request, voice, claim)
                await self._require_unused(request, voice, claim)
                try:
                    await voice.delete_object(
                        claim.kind, claim.external_id, timeout_s=request.timing.request_timeout_s
                    )
                except OutcomeUnknown:
                    if await _is_there(voice, claim):
                        raise
                await self._ledger.forget_claim(claim)
                return StepResult(external_id=claim.external_id, note="deleted")

    @activity.defn(name=GUARD_AGENT)
    async def guard_agent(self, request: GuardRequest) -> StepResult:
        """Give a protected agent its tag, or take it from one whose protection was lifted."""
        with translated(request.timing):
            async with beating():
                place = (request.project, request.environment)
                entry = await self._ledger.entry(*place, "agent", request.name)
                if entry is None or entry.external_id is None:
                    return StepResult(note="nothing to do")
                voice = await self._accounts.voice(*place)
                observed = await voice.agent(entry.external_id)
                decisions = await self._interventions.interventions(*place)
                wanted = in_force(decisions, "protect", place[1], "agent", request.name) is not None
                has = PROTECTED_TAG in observed.tags
                ours = owner_tag(*place, request.name) in observed.tags
                if wanted == has or not ours or not (wanted or request.released):
                    return StepResult(external_id=entry.external_id, note="as it should be")
                tags = [tag for tag in observed.tags if tag != PROTECTED_TAG]
                tags += [PROTECTED_TAG] if wanted else []
                await self._require_tag_open(request, voice.account)
                await voice.set_tags(
                    entry.external_id,
                    tags,
                    description=f"trunkline {'protect' if wanted else 'unprotect'}",
                    timeout_s=request.timing.request_timeout_s,
                )
                note = "protected" if wanted else "no longer protected"
                return StepResult(external_id=entry.external_id, note=note)

    async def _decided(self, request: PruneRequest) -> tuple[View, Outlook]:
        """The verdict, with a reading of everything that would go otherwise."""
        view = await self._removals.view(request.project, request.environment)
        first = outlook(view)
        near = {(d.kind, d.name) for d in (*first.all("look"), *first.over_budget)}
        looked_at = tuple(gone for gone in view.gone if gone.key in near)[:PLAN_MAX_STEPS]
        view = await self._removals.looked_at(request.project, view, looked_at)
        return view, outlook(view)

    async def _offer_permit(self, request: PruneRequest, view: View, decided: Outlook) -> None:
        """A stored plan of exactly the deletions over the budget, for a person to apply."""
        held = decided.over_budget
        if not held or len(held) > PLAN_MAX_STEPS:
            return
        plan = permit_plan(request.project, request.environment, held, view.facts)
        source = await self._projects.source(request.project)
        record = PlanRecord(
            id=permit_id(request.project, request.environment, held),
            project=request.project,
            environment=request.environment,
            revision=source.applied_revision if source is not None else None,
            plan=plan,
        )
        stored = await self._operations.plan(record.id)
        if stored is None or stored.plan != plan:
            await self._operations.put_plan(record)

    async def _tell(self, request: PruneRequest, decided: Outlook, progress: Progress) -> int:
        """Wake whatever may go, or may go as soon as nothing uses it; numbers come first."""
        going = [
            decision
            for decision in decided.decisions
            if decision.verdict in ("delete", "look", "forget") or decision.reason == IN_USE
        ]
        for told, decision in enumerate(going):
            progress.words = f"{told} of {len(going)} told"
            await self._wake(request, decision)
        for decision in decided.decisions:
            if decision not in going and await self._is_unsaid(request, decision):
                await self._wake(request, decision)
        return len(going)

    async def _wake(self, request: PruneRequest, decision: Decision) -> None:
        record = await self._wishes.wish(
            request.project, request.environment, decision.kind, decision.name
        )
        if record is not None and record.removed:
            await self._dispatcher.tell_or_say(record, "prune", request.timing)

    async def _is_unsaid(self, request: PruneRequest, decision: Decision) -> bool:
        """True if its own status gives another reason: what others do may change the verdict."""
        row = await self._statuses.status(
            request.project, request.environment, decision.kind, decision.name
        )
        said = {condition.reason for condition in row.conditions} if row is not None else set()
        if decision.reason == OVER_BUDGET and said & HOLD_REASONS:
            return False
        wanted = "Kept" if decision.reason in EVERYDAY_REASONS else decision.reason
        return bool(said) and wanted not in said

    async def _released_references(self, project: str, view: View) -> ReleasedReferences:
        """What may be gone back to; asked only where releases say what runs and something goes."""
        if view.rules.follows_head or not may_go(view):
            return ReleasedReferences()
        leaving = [gone.name for gone in view.gone if gone.kind == "agent"]
        return await self._released.of(project, view.environment, leaving)

    async def _objects(
        self, request: PruneRequest, view: View, released: ReleasedReferences
    ) -> ObjectOutlook:
        """What nothing refers to any more, with its tombstones brought up to date."""
        if not may_go(view):
            return ObjectOutlook()
        voice = await self._accounts.voice(request.project, request.environment)
        found = await self._object_outlook(request.project, view, voice, released)
        source = await self._projects.source(request.project)
        revision = source.applied_revision if source is not None else None
        for claim in found.bury:
            stone = Tombstone(since_at=view.now, revision=revision or "")
            await self._ledger.tombstone_claim(claim, stone)
        for claim in found.revive:
            await self._ledger.tombstone_claim(claim, None)
        return found

    async def _object_outlook(
        self, project: str, view: View, voice: VoicePlatform, released: ReleasedReferences
    ) -> ObjectOutlook:
        claims = await self._ledger.claims(voice.account, project, view.environment)
        referenced = await self._deletions.references(project, view.environment)
        return object_outlook(view, claims, referenced, released)

    async def _due(self, request: ObjectRequest, voice: VoicePlatform) -> Claim | None:
        """The claim, if it still may go by everything we know ourselves.

        Raises Unavailable while the releases of the past cannot be told.
        """
        view = await self._removals.view(request.project, request.environment)
        released = await self._released_references(request.project, view)
        if released.doubt:
            raise Unavailable(f"{request.object.kind} {request.object.name}: {released.doubt}")
        found = await self._object_outlook(request.project, view, voice, released)
        return next((claim for claim in found.due if _reference(claim) == request.object), None)

    async def _require_unused(
        self, request: ObjectRequest, voice: VoicePlatform, claim: Claim
    ) -> None:
        """Raises Conflict if it is not ours beyond doubt, or somebody uses it."""
        if claim.external_id is None:
            return
        try:
            usage = await voice.object_usage(claim.kind, claim.external_id)
        except RemoteMissing:
            return
        what = f"{claim.kind} {claim.name} ({claim.external_id})"
        if usage.mark != _mark(request, claim):
            raise Conflict(f"{what} does not carry our mark")
        if usage.users:
            raise Conflict(f"{what} is used by {listed(usage.users)}")

    async def _require_open(
        self, request: ObjectRequest, voice: VoicePlatform, claim: Claim
    ) -> None:
        plan = object_plan(request.project, request.environment, claim)
        standing = await self._standings.standing(request.project, request.environment)
        question = Question(
            kind=claim.kind,
            name=plan.steps[0].key,
            plan=plan,
            reason="prune",
            accounts=(voice.account,),
        )
        require_open(standing, question)

    async def _require_tag_open(self, request: GuardRequest, account: str) -> None:
        """Protecting waits for nobody, but an environment that only observes is not written to."""
        plan = guard_plan(request.project, request.environment, request.name)
        standing = await self._standings.standing(request.project, request.environment)
        question = Question(
            kind="agent", name=request.name, plan=plan, accounts=(account,), break_glass=True
        )
        require_open(standing, question)

    async def _unguarded(self, request: PruneRequest, view: View) -> tuple[str, ...]:
        """Protected agents whose tag somebody took away, or that have none yet."""
        names = sorted(
            {one.name for one in view.interventions if one.verb == "protect" and one.name}
        )
        if not names:
            return ()
        voice = await self._accounts.voice(request.project, request.environment)
        bare: list[str] = []
        for name in names:
            entry = await self._ledger.entry(request.project, request.environment, "agent", name)
            if entry is None or entry.external_id is None:
                continue
            try:
                observed = await voice.agent(entry.external_id)
            except RemoteMissing:
                continue
            if PROTECTED_TAG not in observed.tags:
                bare.append(name)
        return tuple(bare)

    async def _say(
        self, request: PruneRequest, view: View, decided: Outlook, released: ReleasedReferences
    ) -> StatusRecord:
        """The environment's status; nothing is written as long as there is nothing to say."""
        doubt = "" if released.partial else released.doubt
        conditions = environment_conditions(request.project, view, decided, doubt=doubt)
        words = next((c.message for c in (*conditions[1:], *conditions[:1]) if c.message), "")
        held = conditions[0].status != "True"
        status = StatusRecord(
            project=request.project,
            environment=request.environment,
            kind="environment",
            name=request.environment,
            sync="OutOfSync" if held else "Synced",
            health="Healthy",
            message=words,
            conditions=conditions,
        )
        previous = await self._statuses.status(
            request.project, request.environment, "environment", request.environment
        )
        if previous is not None or words:
            await self._statuses.put_status(status, transitions(previous, status))
        return status


def _reference(claim: Claim) -> ObjectReference:
    return ObjectReference(kind=claim.kind, name=claim.name, digest=claim.digest)


def _mark(request: ObjectRequest, claim: Claim) -> str:
    place = (request.project, request.environment)
    if claim.kind == "secret":
        return secret_title(*place, claim.name)
    return content_mark(*place, claim.name, claim.digest)


async def _is_there(voice: VoicePlatform, claim: Claim) -> bool:
    if claim.external_id is None:
        return False
    try:
        await voice.object_usage(claim.kind, claim.external_id)
    except RemoteMissing:
        return False
    return True


def _next_look_s(
    request: PruneRequest,
    view: View,
    times: tuple[datetime | None, ...],
    *,
    on_its_way: bool,
) -> float | None:
    """When a delay ends or the budget comes back; with growing pauses while something is going."""
    pauses = [max((time - view.now).total_seconds(), 0.0) for time in times if time is not None]
    if on_its_way:
        patient = request.timing.model_copy(
            update={"retry_max_s": request.timing.resync_interval_s}
        )
        pauses.append(backoff_s(patient, request.tries))
    return min(pauses, default=None)
