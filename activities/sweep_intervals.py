"""How often an environment is looked over, given what its account can carry; said when it changes.

The pure rule is ``model.budgets.sweep_interval``; here it is given the size of the fleet and what
the account allows. An environment that is looked over less often than its manifest wishes gets one
event about it, and another one when that is over.
"""

from trunkline.model.budgets import SweepInterval, sweep_interval
from trunkline.model.records import EventRecord
from trunkline.ports import Accounts, Statuses, Wishes

STRETCHED = "SweepStretched"
EVENTS_LOOKED_BACK = 50
"""Events of an environment read to see what was said last; it has few."""


class SweepIntervals:
    """Intervals of the environments of projects."""

    def __init__(self, accounts: Accounts, wishes: Wishes, statuses: Statuses) -> None:
        self._accounts = accounts
        self._wishes = wishes
        self._statuses = statuses

    async def interval(
        self, project: str, environment: str, wished_s: float, *, swept: int
    ) -> SweepInterval:
        """The interval for one of ``swept`` environments that are looked over."""
        found = sweep_interval(
            wished_s,
            agents=await self._wishes.count_agents(project, environment),
            environments=swept,
            allowance=await self._accounts.allowance(project),
        )
        await self._say(project, environment, wished_s, found)
        return found

    async def _say(
        self, project: str, environment: str, wished_s: float, found: SweepInterval
    ) -> None:
        events = await self._statuses.events(
            project,
            environment=environment,
            kind="environment",
            name=environment,
            limit=EVENTS_LOOKED_BACK,
        )
        said = next((each for each in events if each.reason == STRETCHED), None)
        words = found.words or f"looked over every {wished_s:g} s as wished"
        if words == (said.message if said is not None else "") or not (found.words or said):
            return
        event = EventRecord(
            project=project,
            environment=environment,
            kind="environment",
            name=environment,
            type="Warning" if found.words else "Normal",
            reason=STRETCHED,
            message=words,
            details={"intervalS": found.interval_s, "wishedS": wished_s},
        )
        await self._statuses.add_events([event])
