"""Look over an environment for drift, and keep the schedules that start such looks.

A sweep writes nothing on any platform: what is not as it was left is told to its own workflow,
which plans and heals or reports. One reading per agent, pages for the rest. A reading that fails
ends the sweep; from what was not read nothing is ever concluded.
"""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta

from temporalio import activity
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from activities.concurrency import each
from activities.errors import translated
from activities.gathering import Gatherer
from activities.heartbeats import Progress, beating
from activities.numbers import NumberGatherer
from activities.policies import Policy, environments, policy_of
from activities.telling import Dispatcher
from activities.types import (
    ENSURE_SWEEPS,
    SWEEP_ENVIRONMENT,
    SWEEP_WORKFLOW,
    WORKFLOW_QUEUE,
    SweepInput,
    SweepReport,
    SweepsRequest,
)
from trunkline.model.conditions import find
from trunkline.model.desired import DesiredAgent, DesiredNumber
from trunkline.model.errors import EngineUnavailable, TrunklineError
from trunkline.model.ids import OWNER_PREFIX, sweep_id
from trunkline.model.limits import SIGNAL_BATCH_SIZE, SWEEP_READS_CONCURRENT
from trunkline.model.records import WishRecord
from trunkline.ports import Accounts, Ledger, Statuses, Wishes

CATCH_UP = timedelta(minutes=1)
"""Looks missed while Temporal was down are not made up for: the next one sees the same."""


class SweepSchedules:
    """One Temporal Schedule per environment that follows the branch."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def ensure(self, request: SweepInput, interval_s: float) -> None:
        """Create the schedule, or give the existing one this interval and input."""
        place = sweep_id(request.project, request.environment)
        schedule = Schedule(
            action=ScheduleActionStartWorkflow(
                SWEEP_WORKFLOW,
                request,
                id=place,
                task_queue=WORKFLOW_QUEUE,
                static_summary=f"Look over {request.environment} for drift",
            ),
            spec=ScheduleSpec(
                intervals=[ScheduleIntervalSpec(every=timedelta(seconds=interval_s))]
            ),
            policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP),
        )
        try:
            await self._client.create_schedule(place, schedule)
        except ScheduleAlreadyRunningError:
            await self._replace(place, schedule)
        except RPCError as error:
            raise _unavailable(error) from error

    async def drop(self, project: str, environment: str) -> None:
        """Remove the schedule of an environment that is gone; nothing if there is none."""
        try:
            await self._client.get_schedule_handle(sweep_id(project, environment)).delete()
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise _unavailable(error) from error

    async def _replace(self, place: str, schedule: Schedule) -> None:
        def updated(_: ScheduleUpdateInput) -> ScheduleUpdate:
            return ScheduleUpdate(schedule=schedule)

        try:
            await self._client.get_schedule_handle(place).update(updated)
        except RPCError as error:
            raise _unavailable(error) from error


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
    ) -> None:
        self._accounts = accounts
        self._wishes = wishes
        self._statuses = statuses
        self._dispatcher = dispatcher
        self._schedules = schedules
        self._agents = Gatherer(accounts, ledger)
        self._numbers = NumberGatherer(accounts, ledger, wishes)

    @activity.defn(name=ENSURE_SWEEPS)
    async def ensure_sweeps(self, request: SweepsRequest) -> None:
        """A schedule for every environment that follows the branch."""
        with translated(request.timing, patient=True):
            manifest = await self._wishes.project_manifest(request.project)
            for environment in environments(manifest) if manifest is not None else ():
                if environment.source != "head":
                    await self._schedules.drop(request.project, environment.name)
                    continue
                sweep = SweepInput(
                    project=request.project, environment=environment.name, timing=request.timing
                )
                await self._schedules.ensure(sweep, policy_of(environment).sweep_interval_s)

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
                await self._sweep_agents(request, policy_of(described), tally, progress)
                await self._sweep_numbers(request, tally, progress)
                return _report(request, tally)

    async def _sweep_agents(
        self, request: SweepInput, in_force: Policy, tally: Counter[str], progress: Progress
    ) -> None:
        showing = await self._showing_drift(request)

        async def look(record: WishRecord) -> None:
            if await self._agent_differs(record, in_force, showing):
                tally["drifted"] += 1
                await self._dispatcher.tell(record, "drift", request.timing)
            tally["observed"] += 1
            progress.words = f"{tally['observed']} looked at, {tally['drifted']} drifted"

        async for batch in self._batches(request, "agent"):
            await each(look, batch, concurrent=SWEEP_READS_CONCURRENT)
        await self._count_doubles(request, tally)

    async def _agent_differs(
        self, record: WishRecord, in_force: Policy, showing: frozenset[str]
    ) -> bool:
        desired = DesiredAgent.model_validate(record.body)
        corners = await self._agents.agent(desired, remember=False)
        plan = corners.plan(in_force.ignored_paths(desired.name))
        return bool(plan.steps) or desired.name in showing

    async def _sweep_numbers(
        self, request: SweepInput, tally: Counter[str], progress: Progress
    ) -> None:
        async for batch in self._batches(request, "number"):
            voice = await self._accounts.voice(request.project, request.environment)
            telephony = await self._accounts.telephony(request.project, request.environment)
            platform_numbers = await voice.numbers()
            carrier_numbers = await telephony.numbers()
            for record in batch:
                corners = await self._numbers.number(
                    DesiredNumber.model_validate(record.body),
                    platform_numbers=platform_numbers,
                    carrier_numbers=carrier_numbers,
                )
                tally["observed"] += 1
                if corners.plan().steps:
                    tally["drifted"] += 1
                    await self._dispatcher.tell(record, "drift", request.timing)
                progress.words = f"{tally['observed']} looked at, {tally['drifted']} drifted"

    async def _count_doubles(self, request: SweepInput, tally: Counter[str]) -> None:
        """Agents of ours that carry the same owner tag: reported, never touched."""
        voice = await self._accounts.voice(request.project, request.environment)
        ours = f"{OWNER_PREFIX}{request.project}/{request.environment}/"
        owners: Counter[str] = Counter()
        async for page in voice.agents():
            owners.update(
                tag
                for summary in page
                if not summary.archived
                for tag in summary.tags
                if tag.startswith(ours)
            )
        tally["doubles"] = sum(count - 1 for count in owners.values())

    async def _showing_drift(self, request: SweepInput) -> frozenset[str]:
        """Agents whose status says Drifted: they are told when it is so no more, too."""
        names: set[str] = set()
        after = ""
        while rows := await self._statuses.statuses(
            request.project,
            environment=request.environment,
            kind="agent",
            after=after,
            limit=SIGNAL_BATCH_SIZE,
        ):
            names.update(row.name for row in rows if find(row.conditions, "Drifted") is not None)
            last = rows[-1]
            after = f"{last.kind}/{last.name}/{last.environment}"
        return frozenset(names)

    async def _batches(
        self, request: SweepInput, kind: str
    ) -> AsyncIterator[tuple[WishRecord, ...]]:
        after = f"{request.environment}/{kind}/"
        while batch := await self._wishes.wishes(
            request.project, request.environment, after=after, limit=SIGNAL_BATCH_SIZE
        ):
            found = tuple(r for r in batch if r.kind == kind and not r.removed)
            if found:
                yield found
            if batch[-1].kind != kind:
                return
            after = f"{request.environment}/{kind}/{batch[-1].name}"


def _report(request: SweepInput, tally: Counter[str]) -> SweepReport:
    doubles = f"; **{tally['doubles']} carry a mark twice**" if tally["doubles"] else ""
    return SweepReport(
        observed=tally["observed"],
        drifted=tally["drifted"],
        doubles=tally["doubles"],
        details=(
            f"{request.environment}: {tally['observed']} looked at, "
            f"{tally['drifted']} told to look again{doubles}"
        ),
    )


def _unavailable(error: RPCError) -> TrunklineError:
    return EngineUnavailable(f"Temporal did not take a schedule: {error}")
