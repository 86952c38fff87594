"""A plan without an installation: a folder's wishes against what the platforms say right now.

There is no ledger to ask, so what is ours is known by the marks on the platforms alone; the same
gatherers and the same planner as in a worker do the rest. Nothing is written anywhere.
"""

from collections.abc import Iterable, Sequence

from activities.concurrency import each
from activities.gathering import Gatherer
from activities.number_gathering import NumberGatherer
from activities.policies import policy_of
from trunkline.model.desired import DesiredAgent, DesiredNumber
from trunkline.model.kinds.project import Environment
from trunkline.model.ledger import Claim
from trunkline.model.limits import SWEEP_READS_CONCURRENT
from trunkline.model.planner import join_plans
from trunkline.model.plans import Plan
from trunkline.model.resolution import Wishlist
from trunkline.ports import Accounts
from trunkline.services.passing_ledger import PassingLedger


class IdentityGatherer(Gatherer):
    """Gathers by marks; cannot tell whether a secret's value is the one that was written."""

    async def stale_secrets(
        self,
        desired: DesiredAgent,  # noqa: ARG002 - the signature is the gatherer's
        claims: Iterable[Claim],  # noqa: ARG002
    ) -> frozenset[str]:
        """None: the hash to compare with is in the installation's ledger."""
        return frozenset()


async def plan_locally(
    accounts: Accounts, wishlist: Wishlist, environment: Environment, names: Sequence[str]
) -> Plan:
    """The plan of an environment, or of the agents and numbers named.

    Raises what the platforms raise.
    """
    ledger = PassingLedger()
    gatherer = IdentityGatherer(accounts, ledger)
    in_force = policy_of(environment)
    here = [wish for wish in wishlist.agents if wish.environment == environment.name]
    numbers = [
        wish
        for wish in wishlist.numbers
        if wish.environment == environment.name and (not names or wish.name in names)
    ]
    needed = {*names, *(number.agent for number in numbers)}

    async def of_agent(desired: DesiredAgent) -> Plan:
        corners = await gatherer.agent(desired, remember=True)
        return corners.plan(in_force.ignored_paths(desired.name))

    looked_at = [agent for agent in here if not names or agent.name in needed]
    plans = await each(of_agent, looked_at, concurrent=SWEEP_READS_CONCURRENT)
    asked = [
        plan
        for agent, plan in zip(looked_at, plans, strict=True)
        if not names or agent.name in names
    ]
    number_plans = await _plan_numbers(accounts, ledger, numbers, _created(plans))
    joined = join_plans(
        [*asked, *number_plans], project=wishlist.project, environment=environment.name
    )
    return joined.model_copy(
        update={"notes": (*joined.notes, *_waiting(wishlist, environment.name))}
    )


def _created(plans: Iterable[Plan]) -> frozenset[str]:
    """Agents that the plans would create."""
    steps = [step for plan in plans for step in plan.steps]
    return frozenset(s.name for s in steps if s.subject == "agent" and s.action == "create")


async def _plan_numbers(
    accounts: Accounts,
    ledger: PassingLedger,
    numbers: Sequence[DesiredNumber],
    created: frozenset[str],
) -> list[Plan]:
    if not numbers:
        return []
    place = (numbers[0].project, numbers[0].environment)
    platform_numbers = await (await accounts.voice(*place)).numbers()
    carrier_numbers = await (await accounts.telephony(*place)).numbers()
    gatherer = NumberGatherer(accounts, ledger)

    async def of_number(desired: DesiredNumber) -> Plan:
        corners = await gatherer.number(
            desired, platform_numbers=platform_numbers, carrier_numbers=carrier_numbers
        )
        return corners.plan(agent_planned=desired.agent in created)

    return await each(of_number, numbers, concurrent=SWEEP_READS_CONCURRENT)


def _waiting(wishlist: Wishlist, environment: str) -> tuple[str, ...]:
    names = sorted(w.name for w in wishlist.waiting if w.environment == environment)
    return (f"{environment}: waiting for a first release: {', '.join(names)}",) if names else ()
