"""A plan of an environment at the tip of the branch, for people: nothing is written anywhere but
the plan itself.

It reads the tip although it may not be applied yet, because that is what a person about to push, or
one who has just pushed, wants to see.
"""

import asyncio
from collections.abc import Sequence

from temporalio import activity

from activities.concurrency import each
from activities.drifting import Patches, drift_told
from activities.errors import translated
from activities.experiments import RolloutPorts
from activities.gathering import Gatherer
from activities.heartbeats import beating
from activities.names import PLAN_ENVIRONMENT, PLAN_PROPOSAL
from activities.number_gathering import NumberGatherer
from activities.planned_removals import PlannedRemovals, RemovalPlanner, Tip, with_removals
from activities.policies import environments, policy_of, project_of
from activities.promotion_rules import as_ruled
from activities.proposals import merged_revision, plan_id_of
from activities.pull_request_types import ProposalPlanInput
from activities.released_numbers import NumberReleases
from activities.released_wishes import with_released
from activities.releases import obstacle_plan
from activities.rollouts import Rollouts, said_of
from activities.types import PlanInput, PlanReference
from trunkline.model.desired import DesiredAgent, DesiredNumber
from trunkline.model.drift import drift_of, with_policy
from trunkline.model.ejection import as_said
from trunkline.model.errors import CredentialsRejected, NotFound
from trunkline.model.ids import Revision
from trunkline.model.interventions import in_force as stopped
from trunkline.model.kinds.project import Environment
from trunkline.model.limits import SWEEP_READS_CONCURRENT
from trunkline.model.looks import MARK_UNKNOWN, orphans
from trunkline.model.plan_text import summary_line
from trunkline.model.planner import join_plans
from trunkline.model.plans import Kept, Plan
from trunkline.model.records import PlanRecord
from trunkline.model.resolution import Wishlist
from trunkline.model.resolution import wishes as resolved
from trunkline.ports import (
    Accounts,
    Interventions,
    Ledger,
    ManifestSource,
    Operations,
    Projects,
    Sources,
    Wishes,
)


class PlanActivities:
    """Plans that somebody asked for."""

    def __init__(
        self,
        sources: Sources,
        projects: Projects,
        accounts: Accounts,
        ledger: Ledger,
        wishes: Wishes,
        operations: Operations,
        interventions: Interventions,
        removals: RemovalPlanner,
        *,
        patches: Patches,
        public_url: str | None = None,
        releases: NumberReleases | None = None,
        rollouts: RolloutPorts | None = None,
    ) -> None:
        self._removals = removals
        self._patches = patches
        self._interventions = interventions
        self._wishes = wishes
        self._releases = releases
        self._sources = sources
        self._projects = projects
        self._accounts = accounts
        self._ledger = ledger
        self._operations = operations
        self._agents = Gatherer(accounts, ledger)
        self._rollouts = Rollouts(rollouts, self._agents) if rollouts is not None else None
        self._numbers = NumberGatherer(
            accounts, ledger, wishes, interventions, public_url=public_url, releases=releases
        )

    @activity.defn(name=PLAN_ENVIRONMENT)
    async def plan_environment(self, request: PlanInput) -> PlanReference:
        """Observe and plan, store the plan, end the operation with it."""
        return await self._planned(request)

    @activity.defn(name=PLAN_PROPOSAL)
    async def plan_proposal(self, request: ProposalPlanInput) -> PlanReference:
        """The same for what merging a proposal would leave, which nobody has merged yet."""
        return await self._planned(request)

    async def _planned(self, request: PlanInput) -> PlanReference:
        with translated(request.timing):
            async with beating() as progress:
                progress.words = "reading the branch"
                revision, described, wishlist = await self._tip(request)
                progress.words = "looking at the platforms"
                plan_id = plan_id_of(request.operation_id)
                tip = Tip(request.project, revision, described, wishlist, plan_id)
                plan = await self._plan(request, tip)
                await self._operations.put_plan(
                    PlanRecord(
                        id=plan_id,
                        project=request.project,
                        environment=request.environment,
                        revision=revision,
                        plan=plan,
                    )
                )
                words = summary_line(plan)
                await self._operations.finish_operation(
                    request.operation_id, "Succeeded", words, plan_id
                )
                return PlanReference(plan_id=plan_id, revision=revision, message=words)

    async def _tip(self, request: PlanInput) -> tuple[Revision, Environment, Wishlist]:
        source = await self._sources.source(request.project)
        revision = await self._revision(request, source)
        manifests = await source.manifests(revision)
        if self._releases is not None:
            stored = await self._wishes.project_manifest(request.project)
            former = project_of(stored) if stored is not None else None
            manifests = await as_ruled(self._releases.releases, manifests, former)
        project = manifests.project.manifest
        for described in environments(project.model_dump(mode="json")):
            if described.name == request.environment:
                wishlist = await asyncio.to_thread(resolved, manifests)
                if described.source == "releases":
                    wishlist = await with_released(self._wishes, wishlist, described.name)
                return revision, described, wishlist
        raise NotFound(f"{request.project} has no environment {request.environment!r} at its tip")

    async def _revision(self, request: PlanInput, source: ManifestSource) -> Revision:
        """The commit to be planned: the branch's tip, or what a merge would leave."""
        if isinstance(request, ProposalPlanInput):
            return await merged_revision(source, request.proposal)
        known = await self._projects.source(request.project)
        head = await source.head(known=known.applied_revision if known is not None else None)
        return head.revision

    async def _plan(self, request: PlanInput, tip: Tip) -> Plan:
        environment, wishlist = request.environment, tip.wishlist
        agents = [
            agent
            for agent in wishlist.agents
            if agent.environment == environment and _asked(request, agent.name)
        ]
        numbers = [
            number
            for number in wishlist.numbers
            if number.environment == environment and _asked(request, number.name)
        ]
        in_force = policy_of(tip.described)
        decided = await self._interventions.interventions(request.project, environment)

        async def plan_agent(desired: DesiredAgent) -> Plan:
            stalled = await self._stalled(desired, tip.described)
            if stalled is not None:
                return stalled
            wished = as_said(desired, decided)
            corners = await self._agents.agent(wished, remember=False)
            suspended = stopped(decided, "suspend", environment, "agent", desired.name) is not None
            plan = await drift_told(corners, in_force, environment, suspended=suspended)
            if self._rollouts is not None and tip.described.source != "head":
                said = said_of(decided, in_force, wished)
                rollout = await self._rollouts.look(corners, plan, said, remember=False)
                plan = rollout.planned() if rollout is not None else plan
            if request.names or in_force.drift_policy == "adopt":
                return await self._patches.with_patch(corners, plan, tip.revision)
            return plan

        agent_plans = await each(plan_agent, agents, concurrent=SWEEP_READS_CONCURRENT)
        created = {
            step.name
            for plan in agent_plans
            for step in plan.steps
            if step.subject == "agent" and step.action == "create"
        }
        suspended = stopped(decided, "suspend", environment) is not None
        number_plans = [
            plan.model_copy(
                update={
                    "drift": with_policy(drift_of(plan), in_force, environment, suspended=suspended)
                }
            )
            for plan in await self._plan_numbers(numbers, created)
        ]
        removals = PlannedRemovals()
        orphaned: tuple[Kept, ...] = ()
        if not request.names:
            removals = await self._removals.plan(tip, created)
            orphaned = await self._orphans(request, wishlist)
        joined = join_plans(
            [*agent_plans, *number_plans, *removals.parts],
            project=request.project,
            environment=environment,
            kept=(*orphaned, *removals.kept),
        )
        joined = with_removals(joined, removals).model_copy(
            update={"accounts": await self._account_names(request), "partial": bool(request.names)}
        )
        waiting = [w.name for w in wishlist.waiting if w.environment == environment]
        if not waiting:
            return joined
        note = f"{environment}: waiting for a first release: {', '.join(sorted(waiting))}"
        return joined.model_copy(update={"notes": (*joined.notes, note)})

    async def _stalled(self, desired: DesiredAgent, described: Environment) -> Plan | None:
        """The plan of an agent whose newest release does not count: nothing."""
        if self._releases is None or described.source == "head":
            return None
        place = (desired.project, desired.environment)
        standing = await self._releases.releases.standing_of(*place, desired.name)
        return obstacle_plan(*place, standing)

    async def _orphans(self, request: PlanInput, wishlist: Wishlist) -> tuple[Kept, ...]:
        """Agents that carry a mark of the environment nobody knows: told, never touched."""
        place = (request.project, request.environment)
        entries = await self._ledger.entries(*place, "agent")
        wished = [agent for agent in wishlist.agents if agent.environment == place[1]]
        names: set[str] = {agent.name for agent in wished}
        names |= {agent.renamed_from for agent in wished if agent.renamed_from}
        names |= {entry.name for entry in entries}
        ids = {entry.external_id for entry in entries if entry.external_id is not None}
        voice = await self._accounts.voice(*place)
        found: list[Kept] = []
        async for page in voice.agents():
            found.extend(
                Kept(
                    subject="agent",
                    name=one.name,
                    external_id=one.external_id,
                    reason=MARK_UNKNOWN,
                )
                for one in orphans(
                    page, project=place[0], environment=place[1], names=names, known_ids=ids
                )
            )
        return tuple(found)

    async def _account_names(self, request: PlanInput) -> tuple[str, ...]:
        """The accounts the plan writes to, as an approval of them names them."""
        place = (request.project, request.environment)
        names: list[str] = []
        for find in (self._accounts.voice, self._accounts.telephony):
            try:
                names.append((await find(*place)).account)
            except CredentialsRejected:
                continue
        return tuple(names)

    async def _plan_numbers(
        self, numbers: Sequence[DesiredNumber], created: set[str]
    ) -> list[Plan]:
        if not numbers:
            return []
        place = (numbers[0].project, numbers[0].environment)
        platform_numbers = await (await self._accounts.voice(*place)).numbers()
        carrier_numbers = await (await self._accounts.telephony(*place)).numbers()
        wished = frozenset(desired.number for desired in numbers)

        async def plan_number(desired: DesiredNumber) -> Plan:
            corners = await self._numbers.number(
                desired,
                platform_numbers=platform_numbers,
                carrier_numbers=carrier_numbers,
                wished=wished,
            )
            return corners.plan(agent_planned=desired.agent in created)

        return await each(plan_number, numbers, concurrent=SWEEP_READS_CONCURRENT)


def _asked(request: PlanInput, name: str) -> bool:
    return not request.names or name in request.names
