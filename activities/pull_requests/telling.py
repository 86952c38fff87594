"""The one comment and the statuses of a pull request, brought up to how its checks stand.

Both are edited in place and saying the same again changes nothing, so an attempt whose answer was
lost is simply made again. What was said is written down last.
"""

from temporalio import activity

from activities.errors import translated
from activities.heartbeats import beating
from activities.names import TELL_PULL_REQUEST
from activities.pull_request_types import PullRequestLookRequest, PullRequestTold
from activities.pull_requests.looking import PullRequestViews
from activities.pull_requests.ports import PullRequestPorts
from trunkline.model.pull_requests import PullRequestRecord
from trunkline.model.pulls.checks import ENDED, verdict
from trunkline.model.pulls.comments import comment_marker
from trunkline.model.records import EventRecord
from trunkline.ports import Statuses


class PullRequestNews:
    """Tells the forge, and whoever follows events."""

    def __init__(
        self, ports: PullRequestPorts, views: PullRequestViews, statuses: Statuses
    ) -> None:
        self._ports = ports
        self._views = views
        self._statuses = statuses

    @activity.defn(name=TELL_PULL_REQUEST)
    async def tell_pull_request(self, request: PullRequestLookRequest) -> PullRequestTold:
        """Write what the last look found; nothing if that is said already."""
        with translated(request.timing):
            async with beating() as progress:
                progress.words = "telling the forge"
                return await self._tell(request)

    async def _tell(self, request: PullRequestLookRequest) -> PullRequestTold:
        ports = self._ports
        record = await ports.pulls.pull_request_record(request.project, request.number)
        project = await ports.projects.project(request.project)
        if record is None or project is None:
            return PullRequestTold()
        assembled = await self._views.assembled(
            record, request.troubles, base_branch=project.branch
        )
        if assembled.said == record.said:
            return PullRequestTold()
        forge = await ports.forges.forge(request.project)
        marker = comment_marker(record.project, record.number)
        written = await forge.put_comment(record.number, assembled.comment, marker=marker)
        for status in assembled.statuses:
            await forge.put_status(record.head, status)
        told = assembled.checks.record.model_copy(
            update={
                "comment_id": written.id,
                "said": assembled.said,
                "objects_gone": record.objects_gone,
            }
        )
        await ports.pulls.put_pull_request(told)
        await self._event(record, told)
        return PullRequestTold(comment=True, statuses=len(assembled.statuses))

    async def _event(self, before: PullRequestRecord, told: PullRequestRecord) -> None:
        """An event when checks have ended another way than was said last."""
        state = verdict(told)
        if state not in ENDED or told.state != "open" or f"{told.head}/{state}" == before.verdict:
            return
        await self._ports.pulls.put_pull_request(
            told.model_copy(update={"verdict": f"{told.head}/{state}"})
        )
        await self._statuses.add_events(
            [
                EventRecord(
                    project=told.project,
                    kind="project",
                    name=told.project,
                    type="Normal" if state == "passed" else "Warning",
                    reason="PullRequestChecked",
                    message=f"pull request {told.number} ({told.title}): {state}",
                    revision=told.head,
                    details={"pullRequest": told.number, "verdict": state, "url": told.url},
                )
            ]
        )
