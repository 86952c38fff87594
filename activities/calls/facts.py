"""Reads what decides whether an agent may call a number: Git's wish, statuses, people's decisions.

Shared by whoever takes an order and whoever carries it out, so that both say the same.
"""

from dataclasses import dataclass

from pydantic import ValidationError

from activities.calls.ports import OutboundPorts
from activities.policies import project_of
from trunkline.model.calls.ordering import OutboundFacts
from trunkline.model.calls.orders import CallOrder
from trunkline.model.desired import DesiredAgent, DesiredNumber
from trunkline.model.errors import CallRefused
from trunkline.model.interventions import in_force
from trunkline.model.kinds.calls import Calls as CallRules
from trunkline.model.records import StatusRow
from trunkline.ports import Interventions, Statuses, Wishes
from trunkline.ports.calls import CallOrders


@dataclass(frozen=True, slots=True)
class CallSituation:
    """The facts, the agent's status as a call's record names it, and the project's rules."""

    facts: OutboundFacts
    row: StatusRow | None
    rules: CallRules


class CallSituations:
    """Looks at the rows an order depends on."""

    def __init__(
        self,
        wishes: Wishes,
        statuses: Statuses,
        interventions: Interventions,
        orders: CallOrders,
        *,
        public_url: str | None,
    ) -> None:
        self._wishes = wishes
        self._statuses = statuses
        self._interventions = interventions
        self._orders = orders
        self._public_url = public_url

    async def of(self, order: CallOrder) -> CallSituation:
        """How things are now. Raises StoreUnavailable, CallRefused."""
        place = (order.project, order.environment)
        row = await self._statuses.status(*place, "agent", order.agent)
        rules = await call_rules(self._wishes, order.project)
        facts = OutboundFacts(
            agent=await self.agent(order.project, order.environment, order.agent),
            external_id=row.external_id if row is not None else None,
            disabled=await self._disabled(order),
            number=await self._number(order),
            forbidden=await self._orders.do_not_call(order.project, order.to_number),
            has_address=bool(self._public_url),
            longest_s=int(rules.longest.total_seconds()),
        )
        return CallSituation(facts, row, rules)

    async def agent(self, project: str, environment: str, name: str) -> DesiredAgent | None:
        """The standing wish for an agent. Raises CallRefused for one that cannot be read."""
        record = await self._wishes.wish(project, environment, "agent", name)
        if record is None or record.removed:
            return None
        try:
            return DesiredAgent.model_validate(record.body)
        except ValidationError as error:
            raise _unreadable(name) from error

    async def _number(self, order: CallOrder) -> DesiredNumber | None:
        record = await self._wishes.wish(
            order.project, order.environment, "number", order.from_number
        )
        if record is None or record.removed:
            return None
        try:
            return DesiredNumber.model_validate(record.body)
        except ValidationError as error:
            raise _unreadable(order.from_number) from error

    async def _disabled(self, order: CallOrder) -> str:
        decided = await self._interventions.interventions(order.project, order.environment)
        found = in_force(decided, "disable", order.environment, "agent", order.agent)
        return (found.reason or f"by {found.by}") if found is not None else ""


def _unreadable(name: str) -> CallRefused:
    words = f"What Git wants of {name} was stored by another version of Trunkline"
    return CallRefused(words, hint="It is read again at the next look at Git")


class OrderWork:
    """What every activity about an order has at hand."""

    def __init__(self, ports: OutboundPorts, situations: CallSituations) -> None:
        self._ports = ports
        self._rows = ports.rows
        self._situations = situations


async def call_rules(wishes: Wishes, project: str) -> CallRules:
    """``spec.calls`` of the Project in force, or what holds without it."""
    manifest = await wishes.project_manifest(project)
    return project_of(manifest).spec.calls if manifest is not None else CallRules()
