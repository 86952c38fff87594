"""Planning one agent, and executing one step of that plan.

A plan is made at the newest wish and stored; its steps are executed one by one, each by an
activity of its own that first makes sure the wish is still the newest. What the plan compared is
read again by the step that writes, so nothing is written on an old picture.
"""

import hashlib
from datetime import UTC, datetime

from temporalio import activity

from activities.agent_writes import AgentWrites, Writing
from activities.errors import superseded, translated
from activities.gathering import AgentCorners, Gatherer
from activities.heartbeats import beating
from activities.policies import Policy, policy
from activities.shared import SharedWrites
from activities.types import (
    EXECUTE_STEP,
    PLAN_AGENT,
    PlanReference,
    PlanRequest,
    StepReference,
    StepRequest,
    StepResult,
    Subject,
    WakeReason,
)
from trunkline.model.desired import DesiredAgent
from trunkline.model.errors import InvalidInput, PlatformError
from trunkline.model.ids import Digest
from trunkline.model.planner import drift_only, has_drift
from trunkline.model.plans import Plan, Step
from trunkline.model.records import PlanRecord, WishRecord
from trunkline.model.writes import settled_entry
from trunkline.ports import Accounts, Clock, Ledger, Operations, Statuses, Wishes

PATHS_SHOWN = 10
"""Drifted fields named in one line; the plan has them all."""


class AgentActivities:
    """What an agent's workflow asks for, between wish and conclusion."""

    def __init__(
        self,
        accounts: Accounts,
        ledger: Ledger,
        wishes: Wishes,
        operations: Operations,
        statuses: Statuses,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._wishes = wishes
        self._operations = operations
        self._gatherer = Gatherer(accounts, ledger)
        self._agents = AgentWrites(ledger, statuses, clock)
        self._shared = SharedWrites(accounts, ledger, wishes, clock)

    @activity.defn(name=PLAN_AGENT)
    async def plan_agent(self, request: PlanRequest) -> PlanReference:
        """Observe, compare and store what there is to do."""
        with translated(request.timing):
            async with beating():
                record = await self._record(request.subject)
                if record is None:
                    return wish_unknown()
                if record.removed:
                    return removed(record)
                in_force = await policy(self._wishes, record.project, record.environment)
                desired = DesiredAgent.model_validate(record.body)
                corners = await self._gatherer.agent(desired, remember=True)
                plan = corners.plan(in_force.ignored_paths(desired.name))
                await self._remember_baseline(corners, plan)
                reference = await store_plan(
                    self._operations, record, plan, hold(in_force, plan, request.reason)
                )
                return await _with_drift(reference, corners, plan)

    @activity.defn(name=EXECUTE_STEP)
    async def execute_step(self, request: StepRequest) -> StepResult:
        """One external write of a stored plan."""
        with translated(request.timing):
            async with beating():
                record, plan, step = await load_step(self._wishes, self._operations, request)
                desired = DesiredAgent.model_validate(record.body)
                if step.subject == "agent":
                    creates = step.action == "create"
                    gather = self._gatherer.unobserved if creates else self._gatherer.observed
                    writing = Writing(
                        corners=await gather(desired),
                        step=step,
                        base_version_id=plan.base_version_id,
                        revision=record.revision,
                        timing=request.timing,
                    )
                    write = self._agents.create if creates else self._agents.update
                    return await write(writing)
                if step.action == "create":
                    return await self._shared.create(desired, step, request.timing)
                if step.subject == "secret" and step.action == "update":
                    return await self._shared.update_secret(desired, step, request.timing)
                raise InvalidInput(f"an agent's plan cannot {step.action} a {step.subject}")

    async def _record(self, subject: Subject) -> WishRecord | None:
        return await self._wishes.wish(
            subject.project, subject.environment, subject.kind, subject.name
        )

    async def _remember_baseline(self, corners: AgentCorners, plan: Plan) -> None:
        """An agent that is as wished needs no write for the ledger to say so."""
        entry, observed = corners.entry, corners.observed
        if entry is None or observed is None or plan.obstacles:
            return
        if any(step.subject != "secret" for step in plan.steps):
            return
        settled = settled_entry(
            entry, corners.rendering, corners.known.bindings, corners.desired
        ).model_copy(update={"version_id": observed.version_id, "attempt": None})
        if settled != entry:
            await self._ledger.put(settled)


def hold(in_force: Policy, plan: Plan, reason: WakeReason) -> tuple[str, str]:
    """Why a plan's steps are not to be executed: a reason and words, or two empty strings.

    A person's sync answers a reported drift, so it heals; a mode that does not enforce never does.
    """
    if not plan.steps:
        return "", ""
    count = len(plan.steps)
    if not in_force.enforces:
        return "ModeNotEnforce", f"mode is {in_force.mode}: {count} steps planned, none written"
    if drift_only(plan) and not in_force.heals and reason != "sync":
        return "DriftReported", f"drift policy is {in_force.drift_policy}: nothing is written"
    return "", ""


async def store_plan(
    operations: Operations, record: WishRecord, plan: Plan, held: tuple[str, str]
) -> PlanReference:
    """Store a plan that says anything, and refer to it."""
    held_reason, held_words = held
    stalled = next((o for o in plan.obstacles if not o.waiting), None)
    waiting = next((o for o in plan.obstacles if o.waiting), None)
    plan_id = ""
    if plan.steps or plan.obstacles:
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
    if not held_reason and stalled is None:
        steps = tuple(
            StepReference(index=index, summary=step.summary)
            for index, step in enumerate(plan.steps)
        )
    return PlanReference(
        plan_id=plan_id,
        steps=steps,
        stalled_reason=stalled.reason if stalled else "",
        waiting_reason=waiting.reason if waiting else "",
        held_reason=held_reason,
        message=blocked.message if blocked else held_words,
        wish_digest=record.wish_digest,
        revision=record.revision,
        digest=Digest(str(record.body["digest"])),
    )


def wish_unknown() -> PlanReference:
    """Git never named it, or the store was emptied: nothing to do until it is told again."""
    return PlanReference(
        plan_id="",
        waiting_reason="WishUnknown",
        message="the store has no wish for it; the next look at Git brings one",
    )


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
    if record is None or record.removed or record.wish_digest != request.wish_digest:
        raise superseded(f"{subject.kind} {subject.name} has a newer wish")
    if stored is None or request.index >= len(stored.plan.steps):
        raise superseded(f"the plan of {subject.kind} {subject.name} is gone")
    return record, stored.plan, stored.plan.steps[request.index]


async def _with_drift(reference: PlanReference, corners: AgentCorners, plan: Plan) -> PlanReference:
    """The reference, with who changed which fields outside of Git, as far as can be known."""
    observed = corners.observed
    if observed is None or not has_drift(plan):
        return reference
    changes = [c for step in plan.steps for c in step.changes if c.origin == "drift"]
    fields = ", ".join(change.path for change in changes[:PATHS_SHOWN])
    if len(changes) > PATHS_SHOWN:
        fields = f"{fields} and {len(changes) - PATHS_SHOWN} more"
    try:
        version = await corners.voice.version(observed.external_id, observed.version_id)
    except PlatformError:
        words = f"somebody changed {fields}"
    else:
        at = datetime.fromtimestamp(version.committed_at_s, UTC).isoformat()
        words = f"{version.author or 'somebody'} changed {fields} at {at}"
    return reference.model_copy(update={"drift": words, "drift_version_id": observed.version_id})


def _plan_id() -> str:
    """Equal for every try of one activity, so that a retry replaces its plan."""
    info = activity.info()
    place = f"{info.workflow_id}/{info.workflow_run_id}/{info.activity_id}"
    return hashlib.sha256(place.encode()).hexdigest()[:24]
