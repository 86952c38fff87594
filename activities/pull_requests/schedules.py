"""The schedule that looks for pull requests, where the project's repository is on a forge."""

from datetime import timedelta

from temporalio.client import Client

from activities.names import PULL_REQUESTS_WORKFLOW
from activities.pull_request_types import PullRequestsInput
from activities.schedules import Recurring, drop_schedule, put_schedule
from activities.types import Timing
from trunkline.model.errors import NotConfigured, NotFound
from trunkline.model.ids import pull_request_sweep_id
from trunkline.model.limits import PULL_REQUESTS_EVERY_S
from trunkline.ports.forges import Forges


class PullRequestSchedules:
    """One Temporal Schedule per project whose repository is on a forge."""

    def __init__(self, client: Client, forges: Forges) -> None:
        self._client = client
        self._forges = forges

    async def ensure(self, project: str, timing: Timing) -> None:
        """Create or drop the project's schedule. Raises EngineUnavailable."""
        place = pull_request_sweep_id(project)
        try:
            await self._forges.forge(project)
        except (NotConfigured, NotFound):
            await drop_schedule(self._client, place)
            return
        await put_schedule(
            self._client,
            Recurring(
                place=place,
                workflow=PULL_REQUESTS_WORKFLOW,
                order=PullRequestsInput(project=project, timing=timing),
                every=timedelta(seconds=PULL_REQUESTS_EVERY_S),
                summary=f"Look for pull requests of {project}",
            ),
        )
