"""What Git no longer names: why it stays, or the one write that takes it away.

Everything a verdict needs is read anew every time, by the plan and again by the step that writes:
the wish, the ledger, Git's last look, people's decisions, and the object itself by its id. What
was not read says keep. The deletion is written down, within the budget, before it is sent.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from activities.concurrency import each
from activities.errors import superseded
from activities.policies import Standings
from activities.types import StepResult, Timing
from trunkline.model.base import JsonObject
from trunkline.model.deletion_plans import budget_stop, deletion_plan
from trunkline.model.errors import Conflict, NotFound, OutcomeUnknown, RemoteMissing, Unavailable
from trunkline.model.ids import OWNER_PREFIX, PROTECTED_TAG, ExternalId, nonce_tag, owner_tag
from trunkline.model.interventions import Intervention
from trunkline.model.ledger import LedgerEntry
from trunkline.model.limits import PRUNE_WINDOW_S, SWEEP_READS_CONCURRENT
from trunkline.model.number_planner import AGENT, FALLBACK_URL, VOICE_URL
from trunkline.model.own_routing import CARRIER_PATHS, STATUS_URL, given_back
from trunkline.model.plans import Change, Plan, Step
from trunkline.model.pruning import (
    GONE,
    OVER_BUDGET,
    Decision,
    Deletion,
    Facts,
    Gone,
    Outlook,
    PruneRules,
    View,
    doubt_of,
    outlook,
    permits_of,
)
from trunkline.model.records import WishRecord
from trunkline.ports import (
    Accounts,
    Clock,
    Deletions,
    Interventions,
    Ledger,
    Operations,
    Projects,
    VoicePlatform,
    Wishes,
)

STORE_IS_NEW = "agents were recognised by their marks, so the store has lost what was decided"
NOT_THERE = "it is not on the platform any more"


@dataclass(frozen=True, slots=True)
class RemovalPorts:
    """Everything that is asked before something is deleted."""

    accounts: Accounts
    ledger: Ledger
    wishes: Wishes
    projects: Projects
    operations: Operations
    interventions: Interventions
    deletions: Deletions
    clock: Clock


@dataclass(frozen=True, slots=True)
class Removal:
    """What becomes of one removed wish. ``plan`` is None if nothing is to be written; then
    ``reason`` and ``message`` say why. ``forgotten``: nothing of ours is left.
    """

    reason: str = ""
    message: str = ""
    plan: Plan | None = None
    account: str = ""
    budget_stop: str = ""
    forgotten: bool = False


class Removals:
    """Verdicts about what Git no longer names, and their execution."""

    def __init__(self, ports: RemovalPorts) -> None:
        self._accounts = ports.accounts
        self._ledger = ports.ledger
        self._wishes = ports.wishes
        self._projects = ports.projects
        self._deletions = ports.deletions
        self._interventions = ports.interventions
        self._clock = ports.clock
        self._standings = Standings(
            ports.wishes,
            ports.interventions,
            ports.operations,
            ports.clock,
            live=ports.accounts.live,
        )

    async def view(self, project: str, environment: str) -> View:
        """Everything a verdict is made of but the objects themselves; sets and takes tombstones."""
        rules = PruneRules()
        permits: frozenset[tuple[str, str, str]] = frozenset()
        interventions: tuple[Intervention, ...] = ()
        try:
            standing = await self._standings.standing(project, environment)
        except NotFound:
            standing = None
        if standing is not None:
            rules, interventions = standing.policy.prune, standing.interventions
            if standing.approval is not None:
                permits = permits_of(standing.approval.plan, standing.approval.digest)
        doubt = doubt_of(await self._projects.source(project))
        await self._deletions.revive(project, environment)
        if rules.enabled and not doubt:
            await self._deletions.mark(project, environment, self._clock.now())
        gone = await self._deletions.gone(project, environment)
        now = self._clock.now()
        since = now - timedelta(seconds=PRUNE_WINDOW_S)
        return View(
            environment=environment,
            now=now,
            rules=rules,
            doubt=doubt,
            gone=gone,
            census=await self._deletions.census(project, environment),
            deletions=await self._deletions.deletions(project, environment, since=since),
            interventions=interventions,
            permits=permits,
        )

    async def pause(self, project: str, environment: str, reason: str) -> None:
        """Delete nothing until a person resumes it; empty ``environment`` means all of them."""
        decided = await self._interventions.interventions(project, environment or None)
        if any(one.verb == "prune-paused" and one.environment == environment for one in decided):
            return
        await self._interventions.put_intervention(
            Intervention(
                project=project,
                environment=environment,
                verb="prune-paused",
                reason=reason,
                by="trunkline",
                at=self._clock.now(),
            )
        )

    async def looked_at(self, project: str, view: View, gone: tuple[Gone, ...]) -> View:
        """The view with what the platform says about these objects, each read by its id."""

        async def read(one: Gone) -> Facts:
            return await self._facts(project, view.environment, one)

        found = await each(read, gone, concurrent=SWEEP_READS_CONCURRENT)
        facts = {one.key: said for one, said in zip(gone, found, strict=True)}
        return replace(view, facts={**view.facts, **facts})

    async def removal(self, record: WishRecord) -> Removal:
        """What to do about a removed wish now."""
        view = await self.view(record.project, record.environment)
        gone = _of(view, record)
        if gone is None:
            return Removal()
        decided = outlook(view)
        decision = _decision(decided, gone)
        if decision.verdict == "look" or decision.reason == OVER_BUDGET:
            view = await self.looked_at(record.project, view, (gone,))
            decided = outlook(view)
            decision = _decision(decided, gone)
        if decision.verdict == "forget":
            await self._forget(record, gone)
            return Removal(reason=GONE, message=decision.message, forgotten=True)
        facts = view.facts.get(gone.key)
        if facts is None or decision.verdict not in ("delete", "wait", "stop"):
            return Removal(reason=decision.reason, message=decision.message)
        return Removal(
            reason=decision.reason,
            message=decision.message,
            plan=deletion_plan(record.project, record.environment, decision, facts),
            account=gone.account,
            budget_stop=budget_stop(record.project, record.environment, decided, decision),
        )

    async def execute(
        self, record: WishRecord, plan: Plan, step: Step, timing: Timing
    ) -> StepResult:
        """Delete an agent, or take a number from our agent, if everything still says so.

        Raises a Superseded ApplicationError if it does not, and what the platform raises.
        """
        view = await self.view(record.project, record.environment)
        gone = _of(view, record)
        if gone is None:
            await self._finish(record, step.external_id)
            return StepResult(external_id=step.external_id, note="gone")
        view = await self.looked_at(record.project, view, (gone,))
        decided = outlook(view)
        decision = _decision(decided, gone)
        if decision.verdict == "forget":
            await self._forget(record, gone)
            return StepResult(external_id=gone.external_id, note=decision.message)
        if decision.verdict != "delete" or gone.external_id != step.external_id:
            raise superseded(f"{record.kind} {record.name}: {decision.message}")
        if view.facts[gone.key].version_id != plan.base_version_id:
            raise Conflict(f"{record.kind} {record.name} was changed since the plan was made")
        await self._intend(record, gone, decided, decision)
        await self._delete(record, gone, view.facts[gone.key], timing)
        await self._forget(record, gone)
        return StepResult(external_id=gone.external_id, note="deleted")

    async def _intend(
        self, record: WishRecord, gone: Gone, decided: Outlook, decision: Decision
    ) -> None:
        """Write the deletion down, then look at the wish once more."""
        intended = await self._deletions.intend(
            self._deletion(record, gone.account, gone.external_id, permitted=decision.permitted),
            at_most=decided.budget(gone.kind).allowed,
        )
        if not intended:
            raise superseded(f"{record.kind} {record.name}: the budget was used up meanwhile")
        current = await self._wishes.wish(
            record.project, record.environment, record.kind, record.name
        )
        if current is None or not current.removed or current.revision != record.revision:
            raise superseded(f"{record.kind} {record.name} has a newer wish")

    async def _give_back(
        self, record: WishRecord, gone: Gone, facts: Facts, timing: Timing
    ) -> None:
        """Let the carrier forget addresses of ours; done again it changes nothing."""
        if not facts.addresses:
            return
        telephony = await self._accounts.telephony(record.project, record.environment)
        carrier = await telephony.number(gone.number or "")
        if carrier is None:
            return
        told = {change.path: str(change.new or "") for change in facts.addresses}
        answer = await telephony.update_number(
            carrier.sid,
            voice_url=told.get(VOICE_URL),
            voice_fallback_url=told.get(FALLBACK_URL),
            status_callback=told.get(STATUS_URL),
            timeout_s=timing.request_timeout_s,
        )
        for path, wanted in told.items():
            if (getattr(answer, path) or "") != wanted:
                raise Unavailable(f"number {record.name}: the carrier still names our {path}")

    async def _delete(self, record: WishRecord, gone: Gone, facts: Facts, timing: Timing) -> None:
        """The write and its read-back; a lost answer is settled by the reading."""
        voice = await self._accounts.voice(record.project, record.environment)
        if gone.kind == "number":
            await self._give_back(record, gone, facts, timing)
            if not facts.rings:
                return
            answer = await voice.assign_number(
                gone.external_id, None, timeout_s=timing.request_timeout_s
            )
            if answer.assigned_agent_id is not None:
                raise Conflict(f"number {record.name} was given to somebody meanwhile")
            return
        try:
            await voice.delete_agent(gone.external_id, timeout_s=timing.request_timeout_s)
        except OutcomeUnknown:
            if await _is_there(voice, gone.external_id):
                raise
        if await _is_there(voice, gone.external_id):
            raise Unavailable(f"agent {record.name} was deleted and is still shown")

    async def _forget(self, record: WishRecord, gone: Gone) -> None:
        await self._finish(record, gone.external_id)
        await self._ledger.forget(
            LedgerEntry(
                project=record.project,
                environment=record.environment,
                kind=gone.kind,
                name=gone.name,
                account=gone.account,
                external_id=None if gone.external_id == gone.number else gone.external_id,
            )
        )

    async def _finish(self, record: WishRecord, external_id: ExternalId | None) -> None:
        """An intended deletion is done; one that nobody intended leaves no trace."""
        if external_id is not None:
            gone = self._deletion(record, "", external_id, permitted=False)
            await self._deletions.deleted(gone.model_copy(update={"deleted_at": self._clock.now()}))

    def _deletion(
        self, record: WishRecord, account: str, external_id: ExternalId, *, permitted: bool
    ) -> Deletion:
        return Deletion(
            account=account,
            project=record.project,
            environment=record.environment,
            kind=record.kind,
            name=record.name,
            external_id=external_id,
            revision=record.revision,
            permitted=permitted,
            intended_at=self._clock.now(),
        )

    async def _facts(self, project: str, environment: str, gone: Gone) -> Facts:
        voice = await self._accounts.voice(project, environment)
        if gone.kind == "number":
            entry = await self._ledger.entry(project, environment, "number", gone.name)
            applied = entry.applied if entry is not None else {}
            lost = await _not_ringing(voice, gone, applied)
            addresses = await self._addresses(project, environment, gone, applied)
            if lost and not addresses:
                return Facts(lost=lost)
            return Facts(rings=not lost, addresses=addresses)
        if gone.account != voice.account:
            return Facts(ours=False)
        owner = owner_tag(project, environment, gone.name)
        return await _agent_facts(voice, gone, owner, await self._uses(voice, gone))

    async def _addresses(
        self, project: str, environment: str, gone: Gone, applied: JsonObject
    ) -> tuple[Change, ...]:
        """What the carrier would be told of a number so that nothing of ours is left there."""
        if not gone.number or not any(applied.get(path) for path in CARRIER_PATHS):
            return ()
        telephony = await self._accounts.telephony(project, environment)
        if telephony.account != gone.account:
            return ()
        carrier = await telephony.number(gone.number)
        return given_back(carrier, applied) if carrier is not None else ()

    async def _uses(self, voice: VoicePlatform, gone: Gone) -> tuple[str, ...] | None:
        """None if the agent is not there."""
        try:
            return await voice.agent_uses(gone.external_id, self._clock.now())
        except RemoteMissing:
            return None


async def _agent_facts(
    voice: VoicePlatform, gone: Gone, owner: str, uses: tuple[str, ...] | None
) -> Facts:
    try:
        observed = await voice.agent(gone.external_id)
    except RemoteMissing:
        found = await voice.find_agents(owner)
        _require_unlisted(gone, listed=any(one.external_id == gone.external_id for one in found))
        return Facts(lost=NOT_THERE)
    if uses is None:
        raise Unavailable(f"agent {gone.name} is there and is not there")
    owners = {tag for tag in observed.tags if tag.startswith(OWNER_PREFIX)}
    carries_nonce = gone.nonce is not None and nonce_tag(gone.nonce) in observed.tags
    others = owners - {owner}
    return Facts(
        ours=owners == {owner} and carries_nonce,
        lost=f"it carries the mark {min(others)} by now" if others and owner not in owners else "",
        protected=PROTECTED_TAG in observed.tags,
        uses=uses,
        version_id=observed.version_id,
    )


def _require_unlisted(gone: Gone, *, listed: bool) -> None:
    """Raises Unavailable where one answer alone says that it is gone: it would be forgotten, and
    go on ringing with nobody to look after it.
    """
    if listed:
        raise Unavailable(f"{gone.kind} {gone.name} is listed, and a look at it finds nothing")


async def _not_ringing(voice: VoicePlatform, gone: Gone, applied: JsonObject) -> str:
    """Why there is nothing to take away on the platform; "" for a number that rings the agent we
    gave it to.
    """
    if gone.external_id == gone.number:
        return NOT_THERE
    try:
        number = await voice.number(gone.external_id)
    except RemoteMissing:
        held = await voice.numbers()
        _require_unlisted(gone, listed=any(one.external_id == gone.external_id for one in held))
        return NOT_THERE
    holder = number.assigned_agent_id
    rings = holder is not None and holder == applied.get(AGENT)
    return "" if rings else "it rings no agent we gave it to"


async def _is_there(voice: VoicePlatform, external_id: ExternalId) -> bool:
    try:
        await voice.agent(external_id)
    except RemoteMissing:
        return False
    return True


def _of(view: View, record: WishRecord) -> Gone | None:
    """The row of this very removal."""
    return next(
        (
            gone
            for gone in view.gone
            if gone.key == (record.kind, record.name) and gone.removed_at == record.revision
        ),
        None,
    )


def _decision(decided: Outlook, gone: Gone) -> Decision:
    decision = decided.of(gone.kind, gone.name)
    if decision is None:
        raise superseded(f"{gone.kind} {gone.name} has a newer wish")
    return decision
