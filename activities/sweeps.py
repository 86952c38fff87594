"""Look over an environment for drift, and keep the schedules that start such looks.

A sweep writes nothing on any platform: what is not as it was left is told to its own workflow,
which plans and heals or reports. At most one reading per agent, pages for the rest. From what was
not read nothing is ever concluded.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta

from temporalio import activity
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities.call_keeping.schedules import CallSchedules
from activities.calls.telling import OrderCalls
from activities.errors import translated
from activities.experiments import RolloutPorts
from activities.fleet_looks import FleetLooks, status_rows, wish_batches
from activities.heartbeats import Progress, beating
from activities.names import ENSURE_SWEEPS, SWEEP_ENVIRONMENT, SWEEP_WORKFLOW
from activities.number_gathering import NumberGatherer
from activities.policies import environments, policy_of
from activities.pull_requests.schedules import PullRequestSchedules
from activities.released_numbers import NumberReleases
from activities.retest_schedules import RetestSchedules
from activities.schedules import Recurring, drop_schedule, put_schedule, schedule_refused
from activities.sweep_intervals import SweepIntervals
from activities.telling import Dispatcher
from activities.types import SweepInput, SweepReport, SweepsRequest
from trunkline.model.conditions import Conditions, find
from trunkline.model.desired import DesiredNumber
from trunkline.model.ejection import ejection_of
from trunkline.model.ids import sweep_id
from trunkline.model.kinds.project import Environment
from trunkline.model.limits import (
    PLANS_KEPT_S,
    RETENTION_BATCH_SIZE,
)
from trunkline.model.plans import Plan
from trunkline.ports import (
    Accounts,
    Clock,
    Deletions,
    Interventions,
    Ledger,
    Looks,
    Statuses,
    Wishes,
)


class SweepSchedules:
    """One Temporal Schedule per environment that follows the branch."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def ensure(
        self, request: SweepInput, interval_s: float, *, note: str = "", paused: bool = False
    ) -> None:
        """Create the schedule, or give the existing one this interval and input."""
        await put_schedule(
            self._client,
            Recurring(
                place=sweep_id(request.project, request.environment),
                workflow=SWEEP_WORKFLOW,
                order=request,
                every=timedelta(seconds=interval_s),
                summary=f"Look over {request.environment} for drift",
                note=note,
                paused=paused,
            ),
        )

    async def pause(self, project: str, environment: str, *, note: str) -> None:
        """Start no look until the schedule is given anew or let go on; nothing if there is none."""
        try:
            await self._client.get_schedule_handle(sweep_id(project, environment)).pause(note=note)
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise schedule_refused(error) from error

    async def drop(self, project: str, environment: str) -> None:
        """Remove the schedule of an environment that is gone; nothing if there is none."""
        await drop_schedule(self._client, sweep_id(project, environment))


class SweepActivities:
    """Schedules of sweeps, and the sweep itself."""

    def __init__(
        self,
        accounts: Accounts,
        ledger: Ledger,
        wishes: Wishes,
        statuses: Statuses,
        dispatcher: Dispatcher,
        schedules: SweepSchedules,
        deletions: Deletions | None = None,
        *,
        looks: Looks,
        clock: Clock,
        interventions: Interventions,
        public_url: str | None = None,
        numbers: NumberReleases | None = None,
        retests: RetestSchedules | None = None,
        pulls: PullRequestSchedules | None = None,
        orders: OrderCalls | None = None,
        calls: CallSchedules | None = None,
        rollouts: RolloutPorts | None = None,
    ) -> None:
        self._deletions = deletions
        self._retests = retests
        self._pulls = pulls
        self._orders = orders
        self._calls = calls
        self._accounts = accounts
        self._wishes = wishes
        self._statuses = statuses
        self._dispatcher = dispatcher
        self._schedules = schedules
        self._interventions = interventions
        self._intervals = SweepIntervals(accounts, wishes, statuses)
        self._agents = FleetLooks(
            accounts, ledger, wishes, statuses, dispatcher, looks, clock, rollouts
        )
        self._numbers = NumberGatherer(
            accounts, ledger, wishes, interventions, public_url=public_url, releases=numbers
        )

    @activity.defn(name=ENSURE_SWEEPS)
    async def ensure_sweeps(self, request: SweepsRequest) -> None:
        """A schedule for every environment that agents run in."""
        with translated(request.timing, patient=True):
            manifest = await self._wishes.project_manifest(request.project)
            described = environments(manifest) if manifest is not None else ()
            looked_at = {
                environment.name
                for environment in described
                if environment.source == "head"
                or await self._wishes.count_agents(request.project, environment.name)
            }
            if self._pulls is not None and manifest is not None:
                await self._pulls.ensure(request.project, request.timing)
            if self._orders is not None:
                await self._orders.tend(request.project, request.timing)
            if self._calls is not None:
                await self._calls.ensure(request.project, request.timing)
            for environment in described:
                if self._retests is not None:
                    await self._retests.ensure(request.project, environment, request.timing)
                if environment.name not in looked_at:
                    await self._schedules.drop(request.project, environment.name)
                    continue
                sweep = SweepInput(
                    project=request.project, environment=environment.name, timing=request.timing
                )
                wished_s = policy_of(environment).sweep_interval_s
                interval = await self._intervals.interval(
                    request.project, environment.name, wished_s, swept=len(looked_at)
                )
                decided = await self._interventions.interventions(request.project, environment.name)
                await self._schedules.ensure(
                    sweep,
                    interval.interval_s,
                    note=interval.words,
                    paused=ejection_of(decided, environment.name) is not None,
                )

    @activity.defn(name=SWEEP_ENVIRONMENT)
    async def sweep_environment(self, request: SweepInput) -> SweepReport:
        """Compare the environment with what was left there, and wake what differs."""
        with translated(request.timing):
            async with beating() as progress:
                manifest = await self._wishes.project_manifest(request.project)
                named = environments(manifest) if manifest is not None else ()
                described = next((e for e in named if e.name == request.environment), None)
                if described is None:
                    if manifest is not None:
                        await self._schedules.drop(request.project, request.environment)
                    return SweepReport(details=f"{request.environment} is no environment any more")
                tally: Counter[str] = Counter()
                await self._agents.look(request, policy_of(described), tally, progress)
                await self._sweep_numbers(request, tally, progress)
                await self._clear_up(request, described)
                return _report(request, tally)

    async def _clear_up(self, request: SweepInput, described: Environment) -> None:
        """What is left over is looked at by its own workflow; old plans and contents go."""
        if described.prune.enabled:
            await self._dispatcher.prune(request.project, described.name, request.timing)
        if self._deletions is not None:
            await self._deletions.forget_past(
                datetime.now(UTC) - timedelta(seconds=PLANS_KEPT_S), limit=RETENTION_BATCH_SIZE
            )

    async def _sweep_numbers(
        self, request: SweepInput, tally: Counter[str], progress: Progress
    ) -> None:
        told = await self._told_of_numbers(request)
        async for batch in wish_batches(self._wishes, request, "number"):
            voice = await self._accounts.voice(request.project, request.environment)
            telephony = await self._accounts.telephony(request.project, request.environment)
            platform_numbers = await voice.numbers()
            carrier_numbers = await telephony.numbers()
            for record in (one for one in batch if not one.removed):
                corners = await self._numbers.number(
                    DesiredNumber.model_validate(record.body),
                    platform_numbers=platform_numbers,
                    carrier_numbers=carrier_numbers,
                )
                tally["observed"] += 1
                if says_something_new(corners.plan(), told.get(record.name, ())):
                    tally["drifted"] += 1
                    await self._dispatcher.tell(record, "drift", request.timing)
                progress.words = f"{tally['observed']} looked at, {tally['drifted']} drifted"

    async def _told_of_numbers(self, request: SweepInput) -> dict[str, Conditions]:
        """What the statuses of the environment's numbers say."""
        rows = status_rows(self._statuses, request, "number")
        return {row.name: row.conditions async for row in rows}


def says_something_new(plan: Plan, told: Conditions) -> bool:
    """True if a number's plan has a step, an obstacle nobody was told of, or none any more."""
    if plan.steps:
        return True
    stalled = find(told, "Stalled")
    said = stalled.reason if stalled is not None else ""
    obstacles = [obstacle.reason for obstacle in plan.obstacles if not obstacle.waiting]
    if plan.obstacles:
        return bool(obstacles) and said not in obstacles
    return stalled is not None or find(told, "Drifted") is not None


def _report(request: SweepInput, tally: Counter[str]) -> SweepReport:
    worries = {
        "unread": "could not be read, nothing is concluded about them",
        "doubles": "carry a mark twice",
        "orphans": "carry a mark nobody knows",
    }
    said = "".join(f"; **{tally[key]} {words}**" for key, words in worries.items() if tally[key])
    return SweepReport(
        observed=tally["observed"],
        drifted=tally["drifted"],
        doubles=tally["doubles"],
        skipped=tally["skipped"],
        unread=tally["unread"],
        orphans=tally["orphans"],
        details=(
            f"{request.environment}: {tally['observed']} looked at, "
            f"{tally['skipped']} of them in the list only, "
            f"{tally['drifted']} told to look again{said}"
        ),
    )
