"""A plan of an environment at the tip of the branch, for people: nothing is written anywhere but
the plan itself.

It reads the tip although it may not be applied yet, because that is what a person about to push, or
one who has just pushed, wants to see.
"""

import asyncio
import hashlib
from collections.abc import Sequence

from temporalio import activity

from activities.concurrency import each
from activities.errors import translated
from activities.gathering import Gatherer
from activities.heartbeats import beating
from activities.numbers import NumberGatherer
from activities.policies import environments, policy_of
from activities.types import PLAN_ENVIRONMENT, PlanInput, PlanReference
from trunkline.model.desired import DesiredAgent, DesiredNumber
from trunkline.model.errors import NotFound
from trunkline.model.ids import Revision
from trunkline.model.kinds.project import Environment
from trunkline.model.limits import SWEEP_READS_CONCURRENT
from trunkline.model.plan_text import summary_line
from trunkline.model.planner import join_plans, kept_agent
from trunkline.model.plans import Kept, Plan
from trunkline.model.records import PlanRecord
from trunkline.model.resolution import Wishlist
from trunkline.model.resolution import wishes as resolved
from trunkline.model.shared_objects import unreferenced
from trunkline.ports import Accounts, Ledger, Operations, Projects, Sources, Wishes


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
    ) -> None:
        self._sources = sources
        self._projects = projects
        self._accounts = accounts
        self._ledger = ledger
        self._operations = operations
        self._agents = Gatherer(accounts, ledger)
        self._numbers = NumberGatherer(accounts, ledger, wishes)

    @activity.defn(name=PLAN_ENVIRONMENT)
    async def plan_environment(self, request: PlanInput) -> PlanReference:
        """Observe and plan, store the plan, end the operation with it."""
        with translated(request.timing):
            async with beating() as progress:
                progress.words = "reading the branch"
                revision, described, wishlist = await self._tip(request)
                progress.words = "looking at the platforms"
                plan = await self._plan(request, described, wishlist)
                plan_id = hashlib.sha256(request.operation_id.encode()).hexdigest()[:24]
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
        known = await self._projects.source(request.project)
        head = await source.head(known=known.applied_revision if known is not None else None)
        manifests = await source.manifests(head.revision)
        project = manifests.project.manifest
        for described in environments(project.model_dump(mode="json")):
            if described.name == request.environment:
                return head.revision, described, await asyncio.to_thread(resolved, manifests)
        raise NotFound(f"{request.project} has no environment {request.environment!r} at its tip")

    async def _plan(self, request: PlanInput, described: Environment, wishlist: Wishlist) -> Plan:
        environment = request.environment
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
        in_force = policy_of(described)

        async def plan_agent(desired: DesiredAgent) -> Plan:
            corners = await self._agents.agent(desired, remember=False)
            return corners.plan(in_force.ignored_paths(desired.name))

        agent_plans = await each(plan_agent, agents, concurrent=SWEEP_READS_CONCURRENT)
        created = {
            step.name
            for plan in agent_plans
            for step in plan.steps
            if step.subject == "agent" and step.action == "create"
        }
        number_plans = await self._plan_numbers(numbers, created)
        joined = join_plans(
            [*agent_plans, *number_plans],
            project=request.project,
            environment=environment,
            kept=await self._kept(request, wishlist),
        )
        waiting = [w.name for w in wishlist.waiting if w.environment == environment]
        if not waiting:
            return joined
        note = f"{environment}: waiting for a first release: {', '.join(sorted(waiting))}"
        return joined.model_copy(update={"notes": (*joined.notes, note)})

    async def _plan_numbers(
        self, numbers: Sequence[DesiredNumber], created: set[str]
    ) -> list[Plan]:
        if not numbers:
            return []
        place = (numbers[0].project, numbers[0].environment)
        platform_numbers = await (await self._accounts.voice(*place)).numbers()
        carrier_numbers = await (await self._accounts.telephony(*place)).numbers()

        async def plan_number(desired: DesiredNumber) -> Plan:
            corners = await self._numbers.number(
                desired, platform_numbers=platform_numbers, carrier_numbers=carrier_numbers
            )
            return corners.plan(agent_planned=desired.agent in created)

        return await each(plan_number, numbers, concurrent=SWEEP_READS_CONCURRENT)

    async def _kept(self, request: PlanInput, wishlist: Wishlist) -> tuple[Kept, ...]:
        """Agents and objects of ours that Git no longer names; only a whole plan lists them."""
        if request.names:
            return ()
        place = (request.project, request.environment)
        wished = [agent for agent in wishlist.agents if agent.environment == request.environment]
        names = {agent.name for agent in wished}
        entries = await self._ledger.entries(*place, "agent")
        gone = [
            kept
            for entry in entries
            if entry.name not in names
            for kept in kept_agent(entry.name, entry)
        ]
        if not wished and not entries:
            return ()
        voice = await self._accounts.voice(*place)
        claims = await self._ledger.claims(voice.account, *place)
        return (*gone, *unreferenced(claims, wished))


def _asked(request: PlanInput, name: str) -> bool:
    return not request.names or name in request.names
