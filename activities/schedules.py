"""Temporal Schedules that are made, changed and dropped as manifests say; each is made only once.

Whoever owns a schedule says what it starts; that two workers may keep it at the same time is dealt
with here.
"""

from temporalio.client import (
    Client,
    Schedule,
    ScheduleAlreadyRunningError,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from trunkline.model.errors import EngineUnavailable


async def put_schedule(client: Client, place: str, schedule: Schedule) -> None:
    """Create it, or replace what is there under that id. Raises EngineUnavailable."""

    def updated(_: ScheduleUpdateInput) -> ScheduleUpdate:
        return ScheduleUpdate(schedule=schedule)

    try:
        await client.create_schedule(place, schedule)
    except ScheduleAlreadyRunningError:
        try:
            await client.get_schedule_handle(place).update(updated)
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
