"""Pull requests nobody announced: a delivery may be lost, and so may a workflow.

Whoever is open on the forge, or not yet tidied up by the row, is told to look; looking twice is
looking once, and costs little where nothing changed.
"""

from temporalio import activity
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.service import RPCError

from activities.errors import translated
from activities.heartbeats import beating
from activities.names import (
    LOOK_FOR_PULL_REQUESTS,
    PROJECT_ATTRIBUTE,
    PULL_REQUEST_WORKFLOW,
    WAKE_SIGNAL,
    WORKFLOW_QUEUE,
)
from activities.pull_request_types import (
    PullRequestInput,
    PullRequestPace,
    PullRequestsInput,
    PullRequestsReport,
    PullRequestWake,
)
from activities.pull_requests.ports import PullRequestPorts
from activities.types import Timing
from trunkline.model.errors import EngineUnavailable, NotFound
from trunkline.model.ids import pull_request_workflow_id
from trunkline.model.limits import PULL_REQUESTS_PER_LOOK

MISSED = "nobody announced it"


class PullRequestSweeps:
    """Finds pull requests by asking the forge for all of them."""

    def __init__(self, ports: PullRequestPorts, client: Client, pace: PullRequestPace) -> None:
        self._ports = ports
        self._client = client
        self._pace = pace

    @activity.defn(name=LOOK_FOR_PULL_REQUESTS)
    async def look_for_pull_requests(self, request: PullRequestsInput) -> PullRequestsReport:
        """Tell every open pull request of the project's branch to look."""
        with translated(request.timing):
            async with beating() as progress:
                numbers = await self._numbers(request.project)
                for number in numbers:
                    progress.words = f"pull request {number}"
                    await self._wake(request.project, number, request.timing)
                return PullRequestsReport(
                    told=len(numbers), details=f"{len(numbers)} pull requests"
                )

    async def _numbers(self, project: str) -> list[int]:
        ports = self._ports
        record = await ports.projects.project(project)
        if record is None:
            raise NotFound(f"project {project} is not registered")
        forge = await ports.forges.forge(project)
        open_ones = await forge.pull_requests(state="open")
        rows = await ports.pulls.pull_request_records(
            project, open_only=True, limit=PULL_REQUESTS_PER_LOOK
        )
        found = {pull.number for pull in open_ones if pull.base_branch == record.branch}
        found |= {row.number for row in rows}
        return sorted(found, reverse=True)[:PULL_REQUESTS_PER_LOOK]

    async def _wake(self, project: str, number: int, timing: Timing) -> None:
        """Raises EngineUnavailable."""
        try:
            await self._client.start_workflow(
                PULL_REQUEST_WORKFLOW,
                PullRequestInput(project=project, number=number, timing=timing, pace=self._pace),
                id=pull_request_workflow_id(project, number),
                task_queue=WORKFLOW_QUEUE,
                start_signal=WAKE_SIGNAL,
                start_signal_args=[PullRequestWake(reason=MISSED)],
                static_summary=f"Pull request {number}",
                search_attributes=TypedSearchAttributes(
                    [
                        SearchAttributePair(
                            SearchAttributeKey.for_keyword(PROJECT_ATTRIBUTE), project
                        )
                    ]
                ),
            )
        except RPCError as error:
            raise EngineUnavailable(f"Temporal did not take a signal: {error}") from error
