"""Drift that is to be adopted becomes a pull request: one per agent, kept as the drift is.

The platform is left alone and the agent's rounds never wait for this. What cannot be proposed is
said once, as an event, beside the prepared change that people can still apply by hand.
"""

from contextlib import suppress
from dataclasses import dataclass

from temporalio import activity
from temporalio.client import Client
from temporalio.service import RPCError

from activities.adoption_types import AdoptionInput, AdoptionReport, AdoptionWake
from activities.errors import translated
from activities.heartbeats import beating
from activities.names import (
    ADOPTION_WORKFLOW,
    PLANNED_SIGNAL,
    PROPOSE_ADOPTION,
    WORKFLOW_QUEUE,
)
from activities.types import ConclusionRequest
from trunkline.model.adoption_requests import adoption_body, adoption_title, change_in, change_of
from trunkline.model.conditions import find
from trunkline.model.desired import DesiredAgent
from trunkline.model.drift_edits import ManifestPatch, edits_of
from trunkline.model.errors import (
    EngineUnavailable,
    NotConfigured,
    NotFound,
    PushRefused,
    TrunklineError,
)
from trunkline.model.forges import PullRequest
from trunkline.model.ids import Revision, adoption_request_branch, adoption_workflow_id
from trunkline.model.limits import ADOPTION_PAUSE_S, EVENTS_OF_ADOPTION
from trunkline.model.plans import Drifted, Plan
from trunkline.model.records import EventRecord, StatusRow, WishRecord
from trunkline.model.signatures import OWN_EMAIL
from trunkline.ports import Accounts, Operations, Projects, Sources, Statuses, Wishes
from trunkline.ports.forges import Forge, Forges
from trunkline.ports.releasing import ReleaseRepositories, ReleaseRepository

OURSELVES = ("Trunkline", OWN_EMAIL)
NOT_PROPOSED = "AdoptionNotProposed"
PROPOSED = "AdoptionProposed"


def adopted(plan: Plan | None) -> tuple[Drifted, ...]:
    """What a plan leaves because it is to become the wish."""
    if plan is None:
        return ()
    return tuple(field for field in plan.drift if field.policy == "adopt")


class AdoptionCalls:
    """Has an agent's drift looked at by whoever proposes it, without waiting for anybody."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def concluded(
        self,
        record: WishRecord,
        plan: Plan | None,
        previous: StatusRow | None,
        request: ConclusionRequest,
    ) -> None:
        """A round ended: say so if there is something to propose, or to withdraw."""
        if record.kind != "agent":
            return
        drifted = previous is not None and find(previous.conditions, "Drifted") is not None
        wanted = bool(adopted(plan))
        if not wanted and not drifted:
            return
        timing = request.timing
        plan_id = request.plan.plan_id if wanted and request.plan is not None else ""
        with suppress(RPCError, EngineUnavailable):
            await self._client.start_workflow(
                ADOPTION_WORKFLOW,
                AdoptionInput(
                    project=record.project,
                    environment=record.environment,
                    agent=record.name,
                    plan_id=plan_id,
                    pause_s=min(ADOPTION_PAUSE_S, timing.retry_max_s),
                    timing=timing,
                ),
                id=adoption_workflow_id(record.project, record.environment, record.name),
                task_queue=WORKFLOW_QUEUE,
                start_signal=PLANNED_SIGNAL,
                start_signal_args=[AdoptionWake(plan_id=plan_id)],
                static_summary=f"Drift of {record.name} in {record.environment}",
            )


@dataclass(frozen=True, slots=True)
class AdoptionPorts:
    """What proposing drift reads and writes."""

    accounts: Accounts
    operations: Operations
    projects: Projects
    repositories: ReleaseRepositories
    sources: Sources
    statuses: Statuses
    wishes: Wishes
    forges: Forges | None = None


class AdoptionRequestActivities:
    """The pull request of an agent's drift."""

    def __init__(self, ports: AdoptionPorts) -> None:
        self._ports = ports

    @activity.defn(name=PROPOSE_ADOPTION)
    async def propose_adoption(self, request: AdoptionInput) -> AdoptionReport:
        """Open it, bring it up to date, or close it; twice is once."""
        with translated(request.timing):
            async with beating():
                fields = await self._fields(request)
                try:
                    forge = await self._forge(request.project)
                    note = await self._keep(request, forge, fields)
                except (NotConfigured, NotFound, PushRefused) as error:
                    if fields:
                        await self._say(request, NOT_PROPOSED, _by_hand(request, error))
                    note = error.message
                return AdoptionReport(note=note)

    async def _forge(self, project: str) -> Forge:
        if self._ports.forges is None:
            raise NotConfigured("this server speaks to no forge")
        return await self._ports.forges.forge(project)

    async def _fields(self, request: AdoptionInput) -> tuple[Drifted, ...]:
        if not request.plan_id:
            return ()
        stored = await self._ports.operations.plan(request.plan_id)
        return adopted(stored.plan) if stored is not None else ()

    async def _keep(self, request: AdoptionInput, forge: Forge, fields: tuple[Drifted, ...]) -> str:
        branch = adoption_request_branch(request.environment, request.agent)
        found = await forge.pull_requests(state=None, head_branch=branch)
        own = [pull for pull in found if not pull.is_fork]
        standing = next((pull for pull in own if pull.state == "open"), None)
        repository = await self._ports.repositories.repository(request.project)
        tip = await repository.fetch_tip() if fields else Revision("")
        patch = await self._patch(request, fields, tip) if fields else ManifestPatch()
        if not patch.text:
            if patch.refused:
                words = f"no field of it can be said in a manifest: {'; '.join(patch.refused)}"
                await self._say(request, NOT_PROPOSED, words)
            return await _withdraw(forge, standing, repository)
        change = change_of(patch.text)
        if standing is not None and change_in(standing.body) == change:
            return f"pull request #{standing.number} says it already"
        if standing is None and _turned_down(own, change):
            return f"pull request #{own[0].number} was closed: it is left as it is"
        title = adoption_title(request.environment, request.agent)
        await repository.push_branch(
            branch,
            tip,
            edits=dict(patch.files),
            message=f"{title}\n\n{_who(fields)}\n",
            author=OURSELVES,
            lease=await repository.branch_head(branch),
        )
        pull = await forge.open_pull_request(
            title=title,
            body=adoption_body(
                request.environment, request.agent, fields, patch.refused, change=change
            ),
            head_branch=branch,
            base_branch=await self._base_branch(request.project),
        )
        words = f"pull request #{pull.number} would make it the wish: {pull.url}"
        await self._say(request, PROPOSED, words)
        return words

    async def _patch(
        self, request: AdoptionInput, fields: tuple[Drifted, ...], tip: Revision
    ) -> ManifestPatch:
        """The change of the branch as it is now, and what it cannot say."""
        record = await self._ports.wishes.wish(
            request.project, request.environment, "agent", request.agent
        )
        if record is None or record.removed:
            return ManifestPatch()
        desired = DesiredAgent.model_validate(record.body)
        voice = await self._ports.accounts.voice(request.project, request.environment)
        edits, refused = edits_of(desired, voice.render(desired), fields)
        if not edits:
            return ManifestPatch(refused=refused)
        source = await self._ports.sources.source(request.project)
        made = await source.patch(tip, edits)
        return made.model_copy(update={"refused": (*refused, *made.refused)})

    async def _base_branch(self, project: str) -> str:
        found = await self._ports.projects.project(project)
        if found is None:
            raise NotFound(f"project {project} is not registered")
        return found.branch

    async def _say(self, request: AdoptionInput, reason: str, words: str) -> None:
        """An event, once for the same words."""
        recent = await self._ports.statuses.events(
            request.project,
            environment=request.environment,
            kind="agent",
            name=request.agent,
            limit=EVENTS_OF_ADOPTION,
        )
        if any((event.reason, event.message) == (reason, words) for event in recent):
            return
        await self._ports.statuses.add_events(
            [
                EventRecord(
                    project=request.project,
                    environment=request.environment,
                    name=request.agent,
                    type="Warning" if reason == NOT_PROPOSED else "Normal",
                    reason=reason,
                    message=words,
                )
            ]
        )


async def _withdraw(
    forge: Forge, standing: PullRequest | None, repository: ReleaseRepository
) -> str:
    if standing is None:
        return "nothing is proposed"
    await forge.close_pull_request(standing.number)
    await repository.delete_branch(standing.head_branch, lease=standing.head)
    return f"pull request #{standing.number} is closed: the drift is gone"


def _turned_down(pulls: list[PullRequest], change: str) -> bool:
    """True if the newest pull request proposed exactly this and was closed unmerged."""
    return bool(pulls) and pulls[0].state == "closed" and change_in(pulls[0].body) == change


def _by_hand(request: AdoptionInput, error: TrunklineError) -> str:
    command = f"trunkline drift {request.agent} -e {request.environment} -o patch"
    return f"it is not proposed, because {error.message}; the change is prepared: {command}"


def _who(fields: tuple[Drifted, ...]) -> str:
    by = sorted({field.by for field in fields if field.by})
    return f"Changed on the platform by {', '.join(by)}" if by else "Changed on the platform"
