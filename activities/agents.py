"""Planning one agent, and executing one step of that plan.

A plan is made at the newest wish and stored; its steps are executed one by one, each by an
activity of its own that first makes sure the wish is still the newest. What the plan compared is
read again by the step that writes, so nothing is written on an old picture.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from temporalio import activity

from activities.adoptions import AdoptionWrites
from activities.agent_writes import AgentWrites, Writing
from activities.drifting import Patches, story_of
from activities.errors import superseded, translated
from activities.experiments import RolloutPorts
from activities.gates import question_of, require_open
from activities.gathering import AgentCorners, Gatherer
from activities.heartbeats import beating
from activities.names import EXECUTE_STEP, PLAN_AGENT
from activities.policies import Standings
from activities.released_agents import RELEASED_REASON, ReleasedAgents
from activities.removals import STORE_IS_NEW, Removals
from activities.rollouts import RolloutLook, Rollouts, said_of
from activities.shared import SharedWrites, claimant
from activities.types import (
    PlanReference,
    PlanRequest,
    StepReference,
    StepRequest,
    StepResult,
    Subject,
    Timing,
)
from trunkline.model.desired import DesiredAgent
from trunkline.model.drift import drift_words, with_policy
from trunkline.model.ejection import as_said
from trunkline.model.errors import InvalidInput
from trunkline.model.gates import OPEN, Standing, Verdict, verdict
from trunkline.model.ids import Digest
from trunkline.model.planner import drift_only, keeps_drift
from trunkline.model.plans import Drifted, Plan, Step
from trunkline.model.records import PlanRecord, WishRecord
from trunkline.model.writes import settled_entry
from trunkline.ports import (
    Accounts,
    Clock,
    Interventions,
    Ledger,
    Operations,
    Statuses,
    Wishes,
)
from trunkline.ports.releasing import ReleaseRecords


class AgentActivities:
    """What an agent's workflow asks for, between wish and conclusion. Without ``removals``
    nothing is ever deleted, without ``releases`` none is known not to count.
    """

    def __init__(
        self,
        accounts: Accounts,
        ledger: Ledger,
        wishes: Wishes,
        operations: Operations,
        statuses: Statuses,
        clock: Clock,
        interventions: Interventions,
        removals: Removals | None = None,
        *,
        patches: Patches,
        releases: ReleaseRecords | None = None,
        rollouts: RolloutPorts,
    ) -> None:
        self._patches = patches
        self._clock = clock
        self._released = ReleasedAgents(releases, statuses)
        self._removals = removals
        self._ledger = ledger
        self._wishes = wishes
        self._operations = operations
        self._gatherer = Gatherer(accounts, ledger)
        self._rollouts = Rollouts(rollouts, self._gatherer)
        self._accounts = accounts
        self._standings = Standings(wishes, interventions, operations, clock, live=accounts.live)
        self._interventions = interventions
        self._agents = AgentWrites(ledger, statuses, clock)
        self._shared = SharedWrites(accounts, ledger, wishes, clock)
        self._adoptions = AdoptionWrites(accounts, ledger)

    @activity.defn(name=PLAN_AGENT)
    async def plan_agent(self, request: PlanRequest) -> PlanReference:
        """Observe, compare and store what there is to do."""
        with translated(request.timing):
            async with beating():
                record = await self._record(request.subject)
                if record is None:
                    return wish_unknown()
                if record.removed:
                    return await removal_reference(
                        self._removals, self._operations, self._standings, record, request
                    )
                standing = await self._standings.standing(record.project, record.environment)
                release = await self._released.of(record, standing)
                if release.stalled is not None and not await self._rollouts.is_aborted(record):
                    return await store_plan(
                        self._operations, record, release.stalled, standing, OPEN
                    )
                wished = DesiredAgent.model_validate(record.body)
                desired = as_said(wished, standing.interventions)
                corners = await self._gatherer.agent(desired, remember=True)
                if corners.rebuilt and self._removals is not None:
                    await self._removals.pause(record.project, record.environment, STORE_IS_NEW)
                adopts = standing.policy.drift_policy == "adopt" and not release.is_new
                plan = corners.plan(standing.policy.ignored_paths(desired.name), keep_drift=adopts)
                story = with_policy(
                    await story_of(corners, plan), standing.policy, record.environment
                )
                if keeps_drift(plan):
                    patch, _ = await self._patches.prepare(corners, story)
                    plan = plan.model_copy(update={"patch": patch})
                plan = plan.model_copy(update={"drift": story})
                await self._remember_baseline(corners, plan)
                rollout = await self._rollout(record, corners, plan, reason=request.reason)
                if rollout is not None:
                    plan = rollout.planned(release.stalled)
                elif release.stalled is not None:
                    plan = release.stalled
                question = question_of(
                    request.subject,
                    plan,
                    accounts=(corners.voice.account,),
                    reason=RELEASED_REASON if release.is_new else request.reason,
                    bindings=dict(corners.known.bindings),
                    takes_back=rollout is not None and rollout.takes_back,
                )
                reference = await store_plan(
                    self._operations, record, plan, standing, verdict(standing, question)
                )
                return _with_drift(looking_again(reference, rollout), corners, story)

    @activity.defn(name=EXECUTE_STEP)
    async def execute_step(self, request: StepRequest) -> StepResult:
        """One external write of a stored plan."""
        with translated(request.timing):
            async with beating():
                record, plan, step = await load_step(self._wishes, self._operations, request)
                if step.action == "delete":
                    await self._require_open(request.subject, plan, step, {})
                    return await execute_removal(self._removals, record, plan, step, request.timing)
                place = (record.project, record.environment)
                standing = await self._standings.standing(*place)
                release = await self._released.of(record, standing)
                if release.stalled is not None and not await self._rollouts.is_aborted(record):
                    raise superseded(f"agent {record.name}: its newest release does not count")
                wished = DesiredAgent.model_validate(record.body)
                desired = as_said(wished, standing.interventions)
                if step.action == "adopt" and step.subject != "agent":
                    await self._require_open(request.subject, plan, step, {})
                    taken = await self._adoptions.take_over(
                        desired, step, request.timing, claimant=claimant()
                    )
                    await self._done_with(place, step)
                    return taken
                if step.subject in ("branch", "traffic"):
                    return await self._roll_out(record, desired, plan, step, request)
                if step.subject == "agent":
                    return await self._write_agent(record, desired, plan, step, request)
                await self._require_open(request.subject, plan, step, {})
                if step.action == "create":
                    return await self._create_shared(desired, step, request.timing)
                if step.subject == "secret" and step.action == "update":
                    return await self._shared.update_secret(desired, step, request.timing)
                raise InvalidInput(f"an agent's plan cannot {step.action} a {step.subject}")

    async def _write_agent(
        self,
        record: WishRecord,
        desired: DesiredAgent,
        plan: Plan,
        step: Step,
        request: StepRequest,
    ) -> StepResult:
        """Create the agent, take it over, or patch its live configuration."""
        place = (record.project, record.environment)
        creates = step.action == "create"
        gather = self._gatherer.unobserved if creates else self._gatherer.observed
        corners = await gather(desired)
        rollout = await self._rollout(record, corners)
        await self._require_open(
            request.subject,
            plan,
            step,
            corners.known.bindings,
            takes_back=rollout is not None and rollout.takes_back,
        )
        if rollout is not None:
            self._rollouts.require_main(rollout)
        writing = Writing(
            corners=corners,
            step=step,
            base_version_id=plan.base_version_id,
            revision=record.revision,
            timing=request.timing,
        )
        if step.action == "adopt":
            taken = await self._agents.adopt(writing)
            await self._done_with(place, step)
            return taken
        write = self._agents.create if creates else self._agents.update
        return await write(writing)

    async def _roll_out(
        self,
        record: WishRecord,
        desired: DesiredAgent,
        plan: Plan,
        step: Step,
        request: StepRequest,
    ) -> StepResult:
        """One write to the agent's branches or their shares, if it is still what comes next."""
        corners = await self._gatherer.observed(desired)
        rollout = await self._rollout(record, corners, reason=request.reason)
        if rollout is None:
            raise superseded(f"agent {desired.name} has no rollout to go on with")
        await self._require_open(
            request.subject, plan, step, corners.known.bindings, takes_back=rollout.takes_back
        )
        return await self._rollouts.execute(rollout, step, record, request.timing)

    async def _rollout(
        self,
        record: WishRecord,
        corners: AgentCorners,
        plan: Plan | None = None,
        *,
        reason: str = "",
    ) -> RolloutLook | None:
        """How far the agent's release is, with its row as it has to be from now on.

        Without a ``plan`` everything Main lacks counts, what is kept of drift included.
        """
        standing = await self._standings.standing(record.project, record.environment)
        if standing.policy.prune.follows_head:
            return None
        compared = plan or corners.plan(standing.policy.ignored_paths(record.name))
        said = said_of(standing.interventions, standing.policy, corners.desired)
        return await self._rollouts.look(corners, compared, replace(said, reason=reason))

    async def _create_shared(self, desired: DesiredAgent, step: Step, timing: Timing) -> StepResult:
        """Make an object of the wish, or of the version an experiment compares it with."""
        second = await self._rollouts.second_wish(desired, step)
        if second is None:
            return await self._shared.create(desired, step, timing)
        writes = SharedWrites(self._accounts, self._ledger, second, self._clock)
        return await writes.create(second.desired, step, timing)

    async def _done_with(self, place: tuple[str, str], step: Step) -> None:
        """The word that something may be taken over counts once: it is ours from now on."""
        name = step.name if step.subject == "agent" else step.key
        await self._interventions.lift_intervention(*place, step.subject, name, "adopt")

    async def _require_open(
        self,
        subject: Subject,
        plan: Plan,
        step: Step,
        bindings: Mapping[str, str],
        *,
        takes_back: bool = False,
    ) -> None:
        """Raises a Superseded ApplicationError if the step may not be written any more."""
        standing = await self._standings.standing(subject.project, subject.environment)
        voice = await self._accounts.voice(subject.project, subject.environment)
        require_open(
            standing,
            question_of(
                subject,
                plan,
                step=step,
                accounts=(voice.account,),
                bindings=dict(bindings),
                takes_back=takes_back,
            ),
        )

    async def _record(self, subject: Subject) -> WishRecord | None:
        return await self._wishes.wish(
            subject.project, subject.environment, subject.kind, subject.name
        )

    async def _remember_baseline(self, corners: AgentCorners, plan: Plan) -> None:
        """An agent that is as wished needs no write for the ledger to say so.

        What somebody else changed was as wished before, so it counts as such; only the version
        stays the one we left, because who changed what is told from there.
        """
        entry, observed = corners.entry, corners.observed
        if entry is None or observed is None or plan.obstacles:
            return
        writes = plan.model_copy(
            update={"steps": tuple(step for step in plan.steps if step.subject != "secret")}
        )
        if writes.steps and not drift_only(writes):
            return
        changed = bool(writes.steps) or keeps_drift(plan)
        version_id = entry.version_id if changed else observed.version_id
        settled = settled_entry(
            entry, corners.rendering, corners.known.bindings, corners.desired
        ).model_copy(update={"version_id": version_id, "attempt": None})
        if settled != entry:
            await self._ledger.put(settled)


async def store_plan(
    operations: Operations, record: WishRecord, plan: Plan, standing: Standing, gate: Verdict
) -> PlanReference:
    """Store a plan that says anything, and refer to it; its steps only if the gate is open."""
    stalled = next((o for o in plan.obstacles if not o.waiting), None)
    waiting = next((o for o in plan.obstacles if o.waiting), None)
    plan_id = ""
    if plan.steps or plan.obstacles or plan.drift or plan.rolling:
        plan_id = _plan_id()
        await operations.put_plan(
            PlanRecord(
                id=plan_id,
                project=record.project,
                environment=record.environment,
                revision=record.revision,
                plan=plan,
            )
        )
    blocked = stalled or waiting
    steps: tuple[StepReference, ...] = ()
    if not gate.held and stalled is None:
        steps = tuple(
            StepReference(index=index, summary=step.summary)
            for index, step in enumerate(plan.steps)
        )
    return PlanReference(
        plan_id=plan_id,
        steps=steps,
        stalled_reason=stalled.reason if stalled else "",
        waiting_reason=waiting.reason if waiting else "",
        held_reason=gate.reason,
        held_for_s=_held_for_s(standing, gate),
        message=blocked.message if blocked else gate.message,
        wish_digest=record.wish_digest,
        revision=record.revision,
        digest=Digest(str(record.body["digest"])),
    )


def _held_for_s(standing: Standing, gate: Verdict) -> float | None:
    if gate.changes_at is None:
        return None
    return max((gate.changes_at - standing.now).total_seconds(), 0.0)


def looking_again(reference: PlanReference, rollout: RolloutLook | None) -> PlanReference:
    """The reference, with when a rollout goes on by itself; what holds it back comes first."""
    if rollout is None or reference.held_reason or reference.stalled_reason:
        return reference
    return reference.model_copy(update={"held_for_s": rollout.look_again_s()})


def wish_unknown() -> PlanReference:
    """Git never named it, or the store was emptied: nothing to do until it is told again."""
    return PlanReference(
        plan_id="",
        waiting_reason="WishUnknown",
        message="the store has no wish for it; the next look at Git brings one",
    )


async def removal_reference(
    removals: Removals | None,
    operations: Operations,
    standings: Standings,
    record: WishRecord,
    request: PlanRequest,
) -> PlanReference:
    """The plan of an agent or number Git no longer names: its deletion, or why it stays."""
    if removals is None:
        return removed(record)
    removal = await removals.removal(record)
    if removal.plan is None:
        return removed(record).model_copy(
            update={
                "kept_reason": removal.reason,
                "forgotten": removal.forgotten,
                "message": removal.message,
            }
        )
    standing = await standings.standing(record.project, record.environment)
    question = question_of(
        request.subject, removal.plan, accounts=(removal.account,), reason=request.reason
    ).model_copy(update={"budget_stop": removal.budget_stop})
    stored = await store_plan(
        operations, record, removal.plan, standing, verdict(standing, question)
    )
    return stored.model_copy(update={"removed": True, "kept_reason": removal.reason})


async def execute_removal(
    removals: Removals | None, record: WishRecord, plan: Plan, step: Step, timing: Timing
) -> StepResult:
    """Carry a deletion out. Raises InvalidInput where nothing is ever deleted."""
    if removals is None:
        raise InvalidInput(f"{record.kind} {record.name} cannot be deleted here")
    return await removals.execute(record, plan, step, timing)


def removed(record: WishRecord) -> PlanReference:
    """Git no longer names it: it stays where it is."""
    return PlanReference(
        plan_id="",
        wish_digest=record.wish_digest,
        revision=record.revision,
        removed=True,
        digest=Digest(str(record.body["digest"])),
    )


def released(record: WishRecord) -> PlanReference:
    """The number follows another wish, or the wish names another number: nothing to do here."""
    return removed(record).model_copy(update={"removed": False, "released": True})


async def load_step(
    wishes: Wishes, operations: Operations, request: StepRequest
) -> tuple[WishRecord, Plan, Step]:
    """The step and the wish it was made for. Raises a Superseded ApplicationError."""
    subject = request.subject
    record = await wishes.wish(subject.project, subject.environment, subject.kind, subject.name)
    stored = await operations.plan(request.plan_id)
    if stored is None or request.index >= len(stored.plan.steps):
        raise superseded(f"the plan of {subject.kind} {subject.name} is gone")
    step = stored.plan.steps[request.index]
    deletes = step.action == "delete"
    if record is None or record.removed != deletes or record.wish_digest != request.wish_digest:
        raise superseded(f"{subject.kind} {subject.name} has a newer wish")
    return record, stored.plan, step


def _with_drift(
    reference: PlanReference, corners: AgentCorners, story: Sequence[Drifted]
) -> PlanReference:
    """The reference, with who changed which fields outside of Git, as far as can be known."""
    observed = corners.observed
    if observed is None or not story:
        return reference
    told = {"drift": drift_words(story), "drift_version_id": observed.version_id}
    if any(field.kept for field in story) and not reference.message:
        told["message"] = f"what was changed is kept; {story[0].next.removeprefix('stays; ')}"
    return reference.model_copy(update=told)


def _plan_id() -> str:
    """Another one for every try: one that was given up and goes on all the same must not change
    the plan of a later one, whose steps are being carried out by their places in it.
    """
    info = activity.info()
    place = f"{info.workflow_id}/{info.workflow_run_id}/{info.activity_id}/{info.attempt}"
    return hashlib.sha256(place.encode()).hexdigest()[:24]
