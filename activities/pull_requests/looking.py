"""One look at a pull request: ask the forge, Git and the store, and say what is left to do.

Nothing that woke us is believed, and nothing is remembered but the row, which only says what was
found. The row is written before anything it asks for is begun, so whoever is killed in between
finds the same work under the same names.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from temporalio import activity

from activities.errors import translated
from activities.heartbeats import beating
from activities.names import LOOK_AT_PULL_REQUEST
from activities.proposals import plan_id_of
from activities.pull_request_types import (
    ProposalPlanInput,
    PullRequestLook,
    PullRequestLookRequest,
    WorkTrouble,
)
from activities.pull_requests.heeding import Heeding
from activities.pull_requests.ports import PullRequestPorts
from activities.pull_requests.reading import ProposalReader
from activities.testing_types import TestRunInput
from activities.types import Timing
from trunkline.model.canonical import digest
from trunkline.model.errors import ForgeMissing, NotFound
from trunkline.model.forges import CommitStatus, PullRequest
from trunkline.model.ids import Revision, pull_request_object
from trunkline.model.proposals import Proposal
from trunkline.model.pull_requests import PullRequestRecord
from trunkline.model.pulls.behaviour import behaviour
from trunkline.model.pulls.checks import (
    Checks,
    Findings,
    Trouble,
    WantedRun,
    as_proposed,
    checked,
    first_record,
    plan_key,
    reports_wanted,
    verdict,
)
from trunkline.model.pulls.comments import CommentView, render_comment, without_secrets
from trunkline.model.pulls.readings import Reading
from trunkline.model.pulls.statuses import commit_statuses
from trunkline.model.records import PlanRecord
from trunkline.model.testing.results import TestRunReport

NOT_OURS = "it is proposed for another branch than the project's"


@dataclass(frozen=True, slots=True)
class Assembled:
    """How the checks stand, and how that is said."""

    checks: Checks
    comment: str
    statuses: tuple[CommitStatus, ...]

    @property
    def said(self) -> str:
        """The digest of everything that is said."""
        return digest(
            {
                "comment": self.comment,
                "head": self.checks.record.head,
                "statuses": [one.model_dump(mode="json") for one in self.statuses],
            }
        )


class PullRequestViews:
    """Puts together what is known of a pull request. Writes nothing."""

    def __init__(self, ports: PullRequestPorts) -> None:
        self._ports = ports
        self._reader = ProposalReader(ports)

    async def assembled(
        self,
        record: PullRequestRecord,
        troubles: Sequence[WorkTrouble],
        *,
        base_branch: str,
        tip: Revision | None = None,
    ) -> Assembled:
        """How it stands by the row, Git, plans and reports. Raises SourceErrors,
        StoreUnavailable.
        """
        reading = await self._reading(record)
        found = await self._findings(record, reading, troubles)
        checks = Checks(record=record)
        if reading is not None and record.state == "open":
            checks = checked(record, reading, found)
        shown = checks.record
        view = CommentView(
            record=shown,
            base_branch=base_branch,
            reading=reading,
            plans=tuple(found.plans[name] for name in sorted(found.plans)),
            troubles=tuple(found.troubles.values()),
            behaviours=tuple(
                behaviour(
                    one.agent,
                    found.reports.get(one.run_id),
                    found.reports.get(one.current_run_id),
                )
                for one in shown.agents
                if one.run_id in found.reports
            ),
            moved_on=tip is not None and record.base is not None and tip != record.base,
        )
        clean = without_secrets(view, self._ports.redact)
        return Assembled(
            checks=checks,
            comment=self._ports.redact(render_comment(clean)),
            statuses=commit_statuses(clean.record, clean.reading, page_url=self._page_url(record)),
        )

    async def _reading(self, record: PullRequestRecord) -> Reading | None:
        proposal = proposal_of(record)
        if proposal is None:
            return None
        return await self._reader.read(record.project, proposal)

    async def _findings(
        self,
        record: PullRequestRecord,
        reading: Reading | None,
        troubles: Sequence[WorkTrouble],
    ) -> Findings:
        if reading is None or not reading.valid:
            return Findings()
        plans: dict[str, PlanRecord] = {}
        for environment in reading.environments:
            plan_id = plan_id_of(plan_key(record, environment.name))
            plan = await self._ports.operations.plan(plan_id)
            if plan is not None and plan.project == record.project:
                plans[environment.name] = plan
        reports: dict[str, TestRunReport] = {}
        for run_id in reports_wanted(record, reading):
            report = await self._ports.reports.run_report(run_id)
            if report is not None and report.project == record.project:
                reports[run_id] = report
        known = {one.key: _trouble(one) for one in troubles}
        return Findings(plans=plans, reports=reports, troubles=known)

    def _page_url(self, record: PullRequestRecord) -> str:
        base = self._ports.public_url
        if not base:
            return ""
        return f"{base.rstrip('/')}/v1/projects/{record.project}/pull-requests/{record.number}"


class PullRequestLooks:
    """The activity every turn of a pull request's workflow begins with."""

    def __init__(self, ports: PullRequestPorts, views: PullRequestViews) -> None:
        self._ports = ports
        self._views = views
        self._heeding = Heeding(ports)

    @activity.defn(name=LOOK_AT_PULL_REQUEST)
    async def look_at_pull_request(self, request: PullRequestLookRequest) -> PullRequestLook:
        """How the pull request stands and what is left to do; the row says the same then."""
        with translated(request.timing):
            async with beating() as progress:
                progress.words = "asking the forge"
                return await self._look(request)

    async def _look(self, request: PullRequestLookRequest) -> PullRequestLook:
        ports = self._ports
        project = await ports.projects.project(request.project)
        if project is None:
            raise NotFound(f"project {request.project} is not registered")
        forge = await ports.forges.forge(request.project)
        row = await ports.pulls.pull_request_record(request.project, request.number)
        try:
            pull = await forge.pull_request(request.number)
        except ForgeMissing:
            return PullRequestLook(ended=True, details="there is no such pull request")
        if row is None and (pull.state != "open" or pull.base_branch != project.branch):
            return PullRequestLook(ended=True, details=NOT_OURS)
        if pull.base_branch != project.branch:
            pull = pull.model_copy(update={"state": "closed"})
        tip = await self._tip(request.project) if pull.state == "open" else None
        known = row or first_record(request.project, pull, ports.clock.now())
        record = as_proposed(known, pull, tip, ports.clock.now())
        comments = await forge.comments(request.number, after=record.seen_comment)
        unseen = row is None or row.head != record.head
        record = await self._heeding.heed(forge, pull, record, tip, comments, unseen=unseen)
        await ports.pulls.put_pull_request(record)
        assembled = await self._views.assembled(
            record, request.troubles, base_branch=project.branch, tip=tip
        )
        if pull.state != "open":
            return await self._closing(assembled)
        return await self._open(assembled, pull, request.timing)

    async def _open(
        self, assembled: Assembled, pull: PullRequest, timing: Timing
    ) -> PullRequestLook:
        checks = assembled.checks
        gone = checks.record.objects_gone and not checks.runs
        record = checks.record.model_copy(update={"objects_gone": gone})
        await self._ports.pulls.put_pull_request(record)
        proposal = proposal_of(record)
        plans: tuple[ProposalPlanInput, ...] = ()
        runs: tuple[TestRunInput, ...] = ()
        if proposal is not None:
            plans = tuple(_plan(record, proposal, name, timing) for name in checks.plans)
            runs = tuple(_run(record, proposal, one, timing) for one in checks.runs)
        return PullRequestLook(
            plans=plans,
            runs=runs,
            news=assembled.said != record.said,
            details=f"**{verdict(record)}** {pull.title}\n\n{len(plans)} plans, {len(runs)} runs",
        )

    async def _closing(self, assembled: Assembled) -> PullRequestLook:
        """What is left of its checks; it has ended once nothing is."""
        record = assembled.checks.record
        left = [
            run_id
            for one in record.agents
            for run_id in (one.run_id, one.current_run_id)
            if run_id and await self._ports.holdings.holdings(record.project, run_id)
        ]
        news = record.comment_id is not None and assembled.said != record.said
        if not left:
            await self._ports.pulls.put_pull_request(
                record.model_copy(update={"objects_gone": True})
            )
        return PullRequestLook(
            tidy=tuple(left),
            news=news,
            ended=not left and not news,
            details=f"**{record.state}** {record.title}",
        )

    async def _tip(self, project: str) -> Revision:
        source = await self._ports.sources.source(project)
        return (await source.head(known=None)).revision


def proposal_of(record: PullRequestRecord) -> Proposal | None:
    """The commits a row is about; None before the first look at the branch."""
    if record.base is None or not record.head_ref:
        return None
    return Proposal(ref=record.head_ref, head=record.head, base=record.base)


def _plan(
    record: PullRequestRecord, proposal: Proposal, environment: str, timing: Timing
) -> ProposalPlanInput:
    return ProposalPlanInput(
        operation_id=plan_key(record, environment),
        project=record.project,
        environment=environment,
        proposal=proposal,
        request_id=pull_request_object(record.number),
        timing=timing,
    )


def _run(
    record: PullRequestRecord, proposal: Proposal, wanted: WantedRun, timing: Timing
) -> TestRunInput:
    return TestRunInput(
        run_id=wanted.run_id,
        project=record.project,
        agents=(wanted.agent,),
        runner="platform" if wanted.platform else "conversations",
        proposal=proposal,
        current=wanted.current,
        owner=pull_request_object(record.number),
        requested_by=f"pull request {record.number}",
        request_id=pull_request_object(record.number),
        timing=timing,
    )


def _trouble(one: WorkTrouble) -> Trouble:
    failure = one.failure
    return Trouble(
        key=one.key,
        reason=failure.reason,
        message=f"{failure.message} {failure.hint}".strip(),
        definite=failure.retryable is False,
    )
