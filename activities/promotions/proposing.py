"""Proposes a release instead of committing it: pushes its branch, opens, tags, withdraws.

A pull request is opened for a commit that is there, and a tag is pushed for a release that the
branch says. Each step looks once more right before, and may be made again by whoever comes next.
"""

from contextlib import suppress

from temporalio import activity

from activities.errors import application_error, superseded, translated
from activities.heartbeats import beating
from activities.names import PROPOSE_RELEASE, TAG_RELEASE, WITHDRAW_RELEASE
from activities.promotion_types import PromotionStep, PromotionStepRequest
from activities.promotions.calls import PromotionCalls
from activities.promotions.drafts import ReleaseDraft, ReleaseDrafts, tag_of
from activities.promotions.looking import Decision, PromotionLooks
from activities.promotions.ports import PromotionPorts
from activities.promotions.proposed import forge_of, proposal_branch
from trunkline.model.errors import (
    ForgeError,
    NotFound,
    PushRefused,
    PushRejected,
    PushUnanswered,
    SourceError,
    TrunklineError,
)
from trunkline.model.forges import PullRequest
from trunkline.model.ids import Revision
from trunkline.model.promotions.requests import WITHDRAWN_MARKER, release_request, withdrawal_note

_PUSH_TROUBLES = (PushRejected, PushRefused, PushUnanswered)


class Proposals:
    """Opens pull requests of releases."""

    def __init__(self, ports: PromotionPorts) -> None:
        self._ports = ports

    async def open(self, decided: Decision, draft: ReleaseDraft) -> PullRequest:
        """Have the release proposed as it is to be. Raises ForgeErrors, NotConfigured, a
        SourceError.
        """
        record, proposed = decided.record, decided.looked.git.proposed
        forge = await forge_of(self._ports.forges, record.project)
        project = await self._ports.projects.project(record.project)
        if project is None:
            raise NotFound(f"project {record.project} is not registered")
        found, branch = proposed.proposal, proposal_branch(record)
        if found is None or not found.is_current or found.state != "open":
            repository = await self._ports.repositories.repository(record.project)
            await repository.push_branch(
                branch,
                draft.base,
                edits=draft.edits,
                message=draft.message,
                author=draft.author,
                lease=await repository.branch_head(branch),
            )
        title, body = release_request(record, draft.spec, draft.current)
        return await forge.open_pull_request(
            title=title, body=body, head_branch=branch, base_branch=project.branch
        )

    async def instead(
        self, decided: Decision, draft: ReleaseDraft, refused: PushRefused
    ) -> PushRefused:
        """What to say of a way back that the server will not take: where it is proposed."""
        if self._ports.forges is None:
            return refused
        try:
            pull = await self.open(decided, draft)
        except TrunklineError as error:
            words = f"{refused.message}; and it could not be proposed: {error.message}"
            return PushRefused(words, hint=refused.hint)
        words = f"{refused.message}; it is proposed as pull request #{pull.number}: {pull.url}"
        return PushRefused(words, hint="Merge it: nothing goes back before.")


class ProposalActivities:
    """Proposals of releases, from the branch to the tag."""

    def __init__(
        self,
        ports: PromotionPorts,
        looks: PromotionLooks,
        calls: PromotionCalls,
        proposals: Proposals,
    ) -> None:
        self._ports = ports
        self._looks = looks
        self._calls = calls
        self._proposals = proposals
        self._drafts = ReleaseDrafts(ports)

    @activity.defn(name=PROPOSE_RELEASE)
    async def propose_release(self, request: PromotionStepRequest) -> PromotionStep:
        """Open the pull request of a release, or bring it up to date."""
        with translated(request.timing):
            async with beating():
                decided = await self._decided(request)
                repository = await self._ports.repositories.repository(decided.record.project)
                try:
                    draft = await self._drafts.of(repository, decided)
                    pull = await self._proposals.open(decided, draft)
                except _PUSH_TROUBLES as error:
                    raise application_error(error, final=True) from None
                return PromotionStep(note=f"pull request #{pull.number}: {pull.url}")

    @activity.defn(name=TAG_RELEASE)
    async def tag_release(self, request: PromotionStepRequest) -> PromotionStep:
        """Have a merged release count, and look at the branch at once."""
        with translated(request.timing):
            async with beating():
                decided = await self._decided(request)
                record, proposed = decided.record, decided.looked.git.proposed
                spec, merged = proposed.spec, proposed.merged
                if spec is None or merged is None:
                    raise superseded(f"{record.id}: nothing is merged")
                repository = await self._ports.repositories.repository(record.project)
                name, message = tag_of(record, spec)
                try:
                    await repository.push_tag(name, Revision(spec.revision), message)
                except _PUSH_TROUBLES as error:
                    raise application_error(error, final=True) from None
                await self._calls.refresh(record.project, request.timing)
                with suppress(SourceError):
                    await repository.delete_branch(proposal_branch(record))
                return PromotionStep(
                    note=f"v{spec.version}", version=spec.version, commit=merged.commit
                )

    @activity.defn(name=WITHDRAW_RELEASE)
    async def withdraw_release(self, request: PromotionStepRequest) -> PromotionStep:
        """Close the pull request of a release that must not be merged, and say why there."""
        with translated(request.timing):
            async with beating():
                decided = await self._decided(request)
                record, proposed = decided.record, decided.looked.git.proposed
                repository = await self._ports.repositories.repository(record.project)
                found = proposed.proposal
                if found is not None and found.number:
                    forge = await forge_of(self._ports.forges, record.project)
                    await forge.close_pull_request(found.number)
                    with suppress(ForgeError):
                        note = withdrawal_note(record, request.move.reason)
                        await forge.put_comment(found.number, note, marker=WITHDRAWN_MARKER)
                await repository.delete_branch(proposal_branch(record))
                return PromotionStep(note="withdrawn")

    async def _decided(self, request: PromotionStepRequest) -> Decision:
        """What comes next, if that is still what was asked for."""
        record = await self._looks.newest(request.record)
        decided = await self._looks.decide(record)
        if not record.is_open or decided.move.kind != request.move.kind:
            raise superseded(f"{record.id}: what comes next is {decided.move.kind}")
        return decided
