"""Whether agents can take a call right now, and if not, why, in words a person can act on."""

from collections.abc import Iterable
from dataclasses import dataclass

from trunkline.model.calls.records import CallFilter
from trunkline.model.desired import DesiredAgent
from trunkline.model.interventions import Intervention, in_force
from trunkline.model.records import StatusRow
from trunkline.ports import Interventions, Statuses, Wishes
from trunkline.ports.calls import Calls


@dataclass(frozen=True, slots=True)
class Standing:
    """One agent of an environment; ``unfit`` says why it takes no calls, "" if it does."""

    unfit: str
    desired: DesiredAgent | None = None
    row: StatusRow | None = None


class CallStandings:
    """Looks agents up for calls."""

    def __init__(
        self, wishes: Wishes, statuses: Statuses, interventions: Interventions, calls: Calls
    ) -> None:
        self._wishes = wishes
        self._statuses = statuses
        self._interventions = interventions
        self._calls = calls

    async def of(
        self, project: str, environment: str, agents: Iterable[str]
    ) -> dict[str, Standing]:
        """How each of these agents stands. Raises StoreUnavailable."""
        decided = await self._interventions.interventions(project, environment)
        return {
            agent: await self._one(project, environment, agent, decided)
            for agent in dict.fromkeys(agents)
        }

    async def _one(
        self, project: str, environment: str, agent: str, decided: Iterable[Intervention]
    ) -> Standing:
        disabled = in_force(decided, "disable", environment, "agent", agent)
        if disabled is not None:
            return Standing(f"was disabled by {disabled.by}: {disabled.reason}")
        record = await self._wishes.wish(project, environment, "agent", agent)
        if record is None or record.removed:
            return Standing("is not in Git for this environment")
        desired = DesiredAgent.model_validate(record.body)
        if desired.lifecycle != "active":
            return Standing(f"is {desired.lifecycle}", desired)
        row = await self._statuses.status(project, environment, "agent", agent)
        if row is None or row.external_id is None:
            return Standing("is not on the platform yet", desired)
        limit = desired.concurrency
        if limit is not None:
            going_on = CallFilter(environment=environment, agent=agent, active=True)
            if len(await self._calls.calls(project, going_on, limit=limit)) >= limit:
                return Standing(f"is at its limit of {limit} calls", desired, row)
        return Standing("", desired, row)
