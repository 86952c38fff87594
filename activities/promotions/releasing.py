"""The commit that makes a release: built from what was earned, signed, pushed with its tag.

Everything is looked at once more right before: whoever decided to release did so a moment ago, on
a branch that may have moved, and a push whose answer was lost may have arrived. What cannot be
pushed is never tried again here, because the next try needs a look first.
"""

from typing import Final

from temporalio import activity

from activities.errors import application_error, superseded, translated
from activities.heartbeats import beating
from activities.names import COMMIT_RELEASE, HOLD_RELEASE
from activities.promotion_types import PromotionStep, PromotionStepRequest
from activities.promotions.calls import PromotionCalls
from activities.promotions.drafts import (
    OURSELVES,
    ReleaseDrafts,
    hold_of,
    tag_of,
)
from activities.promotions.looking import Decision, PromotionLooks
from activities.promotions.own_releases import spec_at
from activities.promotions.ports import PromotionPorts
from activities.promotions.proposed import BY_ITSELF
from activities.promotions.proposing import Proposals
from trunkline.manifests.release_files import release_text
from trunkline.model.errors import PushRefused, PushRejected, PushUnanswered
from trunkline.model.ids import Revision, release_path

HOLDS_MAX: Final = 5
"""Somebody else's pushes that are made way for before a hold is tried again later."""


class ReleaseActivities:
    """Commits of releases, rollbacks and holds."""

    def __init__(
        self,
        ports: PromotionPorts,
        looks: PromotionLooks,
        calls: PromotionCalls,
        proposals: Proposals,
    ) -> None:
        self._drafts = ReleaseDrafts(ports)
        self._proposals = proposals
        self._ports = ports
        self._looks = looks
        self._calls = calls

    @activity.defn(name=COMMIT_RELEASE)
    async def commit_release(self, request: PromotionStepRequest) -> PromotionStep:
        """Push the release, or the one that takes it back, unless that has happened already."""
        with translated(request.timing):
            async with beating():
                record = await self._looks.newest(request.record)
                decided = await self._looks.decide(record)
                if not record.is_open or decided.move.kind != request.move.kind:
                    raise superseded(f"{record.id}: what comes next is {decided.move.kind}")
                try:
                    return await self._push(decided)
                except (PushRejected, PushRefused, PushUnanswered) as error:
                    raise application_error(error, final=True) from None

    @activity.defn(name=HOLD_RELEASE)
    async def hold_release(self, request: PromotionStepRequest) -> PromotionStep:
        """Say in the release that nothing is promoted over it by itself; its signature stays."""
        with translated(request.timing):
            async with beating():
                record = request.record
                path = release_path(record.environment, record.agent)
                repository = await self._ports.repositories.repository(record.project)
                for _ in range(HOLDS_MAX):
                    tip = await repository.fetch_tip()
                    spec = await spec_at(repository, tip, record)
                    if spec is None or spec.hold is not None:
                        return PromotionStep(note="nothing to hold" if spec is None else "held")
                    held = spec.model_copy(update={"hold": hold_of(request.move.reason, BY_ITSELF)})
                    try:
                        commit = await repository.push_release(
                            tip,
                            edits={path: release_text(record.agent, held)},
                            message=f"Hold {record.agent} in {record.environment}\n\n"
                            f"{request.move.reason}\n",
                            author=OURSELVES,
                            urgent=True,
                        )
                    except PushRejected:
                        continue
                    await self._calls.refresh(record.project, request.timing)
                    return PromotionStep(note="held", commit=commit)
                raise PushRejected(f"the branch moved {HOLDS_MAX} times while it was pushed to")

    async def _push(self, decided: Decision) -> PromotionStep:
        record = decided.record
        repository = await self._ports.repositories.repository(record.project)
        draft = await self._drafts.of(repository, decided)
        tag, tag_message = tag_of(record, draft.spec)
        try:
            commit = await repository.push_release(
                draft.base,
                edits=draft.edits,
                message=draft.message,
                author=draft.author,
                tag=tag,
                tag_revision=Revision(draft.spec.revision),
                tag_message=tag_message,
                urgent=draft.urgent,
            )
        except PushRefused as error:
            if not draft.urgent:
                raise
            raise await self._proposals.instead(decided, draft, error) from error
        version = draft.spec.version
        return PromotionStep(note=f"v{version}", version=version, commit=commit)
