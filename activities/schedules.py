"""Temporal Schedules that are made, changed and dropped as manifests say; each is made only once.

Whoever owns a schedule says what it starts; that two workers may keep it at the same time is dealt
with here.
"""

from dataclasses import dataclass
from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleState,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.service import RPCError, RPCStatusCode

from activities.names import PROJECT_ATTRIBUTE, WORKFLOW_QUEUE
from trunkline.model.base import Frozen
from trunkline.model.errors import EngineUnavailable

CATCH_UP = timedelta(minutes=1)
"""Looks missed while Temporal was down are not made up for: the next one sees the same."""


@dataclass(frozen=True, slots=True)
class Recurring:
    """A workflow that starts every so often, unless the one before still runs.

    ``place`` is the id of schedule and workflow. Starts that were missed are made up for as far
    back as ``catch_up``. With ``project``, its workflows are found by that search attribute.
    """

    place: str
    workflow: str
    order: Frozen
    every: timedelta
    summary: str
    catch_up: timedelta = CATCH_UP
    project: str = ""
    note: str = ""
    paused: bool = False

    def schedule(self) -> Schedule:
        """The same as Temporal takes it."""
        return Schedule(
            action=ScheduleActionStartWorkflow(
                self.workflow,
                self.order,
                id=self.place,
                task_queue=WORKFLOW_QUEUE,
                static_summary=self.summary,
                typed_search_attributes=_found_by(self.project),
            ),
            spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=self.every)]),
            policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=self.catch_up),
            state=ScheduleState(note=self.note or None, paused=self.paused),
        )


async def put_schedule(client: Client, recurring: Recurring) -> None:
    """Create it, or replace what is there under that id. Raises EngineUnavailable."""
    schedule = recurring.schedule()

    def updated(_: ScheduleUpdateInput) -> ScheduleUpdate:
        return ScheduleUpdate(schedule=schedule)

    try:
        await client.create_schedule(recurring.place, schedule)
    except ScheduleAlreadyRunningError:
        try:
            await client.get_schedule_handle(recurring.place).update(updated)
        except RPCError as error:
            raise schedule_refused(error) from error
    except RPCError as error:
        raise schedule_refused(error) from error


async def drop_schedule(client: Client, place: str) -> None:
    """Remove it; nothing if there is none. Raises EngineUnavailable."""
    try:
        await client.get_schedule_handle(place).delete()
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise schedule_refused(error) from error


def schedule_refused(error: RPCError) -> EngineUnavailable:
    """A schedule could not be kept."""
    return EngineUnavailable(f"Temporal did not take a schedule: {error}")


def _found_by(project: str) -> TypedSearchAttributes:
    if not project:
        return TypedSearchAttributes.empty
    key = SearchAttributeKey.for_keyword(PROJECT_ATTRIBUTE)
    return TypedSearchAttributes([SearchAttributePair(key, project)])
