"""Whether calls go on that hold up a number's move, and for how much longer they may.

Calls we carry are counted in our own records, the platform's by its own word; of those it does not
say over which number they came, so each call of the agent counts. When the wait began is kept in
the number's ledger row, so that no restart begins it anew.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from activities.number_gathering import NumberCorners
from trunkline.model.base import JsonObject
from trunkline.model.calls.limits import DRAINED_CALLS_MAX, NUMBER_DRAIN_LOOK_S
from trunkline.model.calls.records import CallFilter
from trunkline.model.canonical import digest
from trunkline.model.durations import format_duration
from trunkline.model.number_planner import hands_over
from trunkline.model.own_routing import ROUTE, agents_of, table_of
from trunkline.model.plans import Plan
from trunkline.ports import Clock
from trunkline.ports.calls import Calls, NativePlatforms

WAIT = "draining"
"""Where a number's ledger row says since when which move waits."""


@dataclass(frozen=True, slots=True)
class Drain:
    """A move that waits: ``words`` for people, when to look again, and what to remember."""

    words: str
    look_in_s: float
    applied: JsonObject


class NumberDrains:
    """Counts running calls of numbers that are to move."""

    def __init__(self, calls: Calls, natives: NativePlatforms, clock: Clock) -> None:
        self._calls = calls
        self._natives = natives
        self._clock = clock

    async def of(self, corners: NumberCorners, plan: Plan) -> Drain | None:
        """Why the plan's move waits; None if it need not, or has waited as long as it may."""
        desired = corners.desired
        if not desired.drain_s or not any(map(hands_over, plan.steps)):
            return None
        former = self._former(corners)
        if not former and corners.platform is None:
            return None
        now = self._clock.now()
        since = self._since(corners, now)
        left_s = (since + timedelta(seconds=desired.drain_s) - now).total_seconds()
        if left_s <= 0 or not await self._goes_on(corners, former):
            return None
        most = format_duration(timedelta(seconds=desired.drain_s))
        applied = corners.entry.applied if corners.entry is not None else {}
        return Drain(
            words=f"moves when running calls have ended, after {most} at the latest",
            look_in_s=min(left_s, NUMBER_DRAIN_LOOK_S),
            applied={**applied, WAIT: {"to": _move(corners), "since": since.isoformat()}},
        )

    def _former(self, corners: NumberCorners) -> tuple[str, ...]:
        """Agents that our own table gave the calls, and that are to have them no more."""
        applied = corners.entry.applied if corners.entry is not None else {}
        kept = {*agents_of(table_of(corners.desired)), corners.desired.agent}
        return tuple(agent for agent in agents_of(applied.get(ROUTE)) if agent not in kept)

    def _since(self, corners: NumberCorners, now: datetime) -> datetime:
        known = corners.entry.applied.get(WAIT) if corners.entry is not None else None
        if isinstance(known, dict) and known.get("to") == _move(corners):
            return datetime.fromisoformat(str(known["since"]))
        return now

    async def _goes_on(self, corners: NumberCorners, former: tuple[str, ...]) -> bool:
        desired = corners.desired
        for agent in former:
            going_on = CallFilter(environment=desired.environment, agent=agent, active=True)
            for record in await self._calls.calls(
                desired.project, going_on, limit=DRAINED_CALLS_MAX
            ):
                if record.number == desired.name:
                    return True
        holder = corners.platform.assigned_agent_id if corners.platform is not None else None
        if holder is None or holder == corners.agent_external_id:
            return False
        natives = await self._natives.native_calls(desired.project, desired.environment)
        return bool(await natives.active_calls(holder))


def _move(corners: NumberCorners) -> str:
    """Which move it is: a newer wish for other agents waits anew."""
    desired = corners.desired
    wanted = [desired.routing, desired.agent or "", *agents_of(table_of(desired))]
    return digest({"to": list(wanted)})
