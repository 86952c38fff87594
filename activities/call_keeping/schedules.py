"""The schedule that looks after a project's calls, where there can be any."""

from datetime import timedelta

from temporalio.client import Client

from activities.call_types import CallKeepingInput
from activities.names import CALL_KEEPING_WORKFLOW
from activities.policies import environments
from activities.schedules import Recurring, drop_schedule, put_schedule
from activities.types import Timing
from trunkline.model.calls.limits import CALLS_KEPT_EVERY_S
from trunkline.model.calls.records import CallFilter
from trunkline.model.ids import calls_schedule_id
from trunkline.ports import Wishes
from trunkline.ports.calls import Calls


class CallSchedules:
    """One Temporal Schedule per project that has numbers, or has had calls."""

    def __init__(self, client: Client, calls: Calls, wishes: Wishes) -> None:
        self._client = client
        self._calls = calls
        self._wishes = wishes

    async def ensure(self, project: str, timing: Timing) -> None:
        """Create or drop the project's schedule. Raises EngineUnavailable."""
        place = calls_schedule_id(project)
        if not await self._has_calls(project):
            await drop_schedule(self._client, place)
            return
        await put_schedule(
            self._client,
            Recurring(
                place=place,
                workflow=CALL_KEEPING_WORKFLOW,
                order=CallKeepingInput(project=project, timing=timing),
                every=timedelta(seconds=CALLS_KEPT_EVERY_S),
                summary=f"Look after calls of {project}",
                project=project,
            ),
        )

    async def _has_calls(self, project: str) -> bool:
        if await self._calls.calls(project, CallFilter(), limit=1):
            return True
        manifest = await self._wishes.project_manifest(project)
        for environment in environments(manifest) if manifest is not None else ():
            numbers = f"{environment.name}/number/"
            if await self._wishes.wishes(project, environment.name, after=numbers, limit=1):
                return True
        return False
