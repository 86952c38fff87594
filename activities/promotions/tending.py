"""Promotions as a whole: those that are open are told to look again, and some open by themselves.

After every valid look at Git a newer commit may supersede what is being tested, and an agent may
have come to differ from what is released of it where promotion is automatic. What Temporal lost is
started again from its row by the same word.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from temporalio import activity

from activities.concurrency import each
from activities.errors import translated
from activities.heartbeats import beating
from activities.names import TEND_PROMOTIONS
from activities.policies import environments
from activities.promotion_types import TendReport, TendRequest
from activities.promotions.calls import PromotionCalls
from activities.promotions.candidates import Candidates
from activities.promotions.facts import commits_refused
from activities.promotions.ports import PromotionPorts
from trunkline.model.errors import Conflict, InvalidManifests, NotFound, SourceError
from trunkline.model.ids import Revision
from trunkline.model.kinds.project import Environment
from trunkline.model.limits import (
    AUTOMATIC_PROMOTIONS_MAX,
    PROMOTIONS_PER_LOOK,
    SIGNAL_BATCH_SIZE,
    SIGNALS_CONCURRENT,
    SUBJECTS_MAX,
)
from trunkline.model.promotions.changelogs import from_subjects
from trunkline.model.promotions.facts import Facts
from trunkline.model.promotions.guards import TRUNKLINE, refusals
from trunkline.model.promotions.records import PromotionRecord, PromotionState
from trunkline.model.records import WishRecord
from trunkline.model.releases import ReleaseStanding

DECIDED: frozenset[PromotionState] = frozenset(
    {"Failed", "Rejected", "Aborted", "RolledBack", "Inconclusive"}
)
"""Ends after which the same configuration with the same tests is not promoted by itself again."""


@dataclass(frozen=True, slots=True)
class Differing:
    """An agent whose configuration is not what is released of it."""

    wish: WishRecord
    digest: str
    standing: ReleaseStanding | None


class TendingActivities:
    """What a project's look at Git means for promotions."""

    def __init__(self, ports: PromotionPorts, calls: PromotionCalls) -> None:
        self._ports = ports
        self._calls = calls
        self._candidates = Candidates(ports)

    @activity.defn(name=TEND_PROMOTIONS)
    async def tend_promotions(self, request: TendRequest) -> TendReport:
        """Tell those that are open, and open those that open by themselves; twice is once."""
        with translated(request.timing):
            async with beating():
                told = await self._tell(request) if request.tell else 0
                opened = 0
                manifest = await self._ports.wishes.project_manifest(request.project)
                for described in environments(manifest) if manifest is not None else ():
                    if request.environment in ("", described.name):
                        opened += await self._open(request, described)
                return TendReport(told=told, opened=opened)

    async def _tell(self, request: TendRequest) -> int:
        found = await self._ports.promotions.promotions(
            request.project,
            environment=request.environment or None,
            open_only=True,
            limit=PROMOTIONS_PER_LOOK,
        )

        async def wake(record: PromotionRecord) -> None:
            await self._calls.wake(record, request.timing, reason="the branch was looked at")

        await each(wake, found, concurrent=SIGNALS_CONCURRENT)
        return len(found)

    async def _open(self, request: TendRequest, described: Environment) -> int:
        """Promotions an environment opens by itself, as many as may be open at once."""
        project = request.project
        rules = await self._ports.releases.rules_in_force(project, described.name)
        if rules is None or not rules.promotion.automatic:
            return 0
        standing_open = await self._ports.promotions.promotions(
            project, environment=described.name, open_only=True, limit=AUTOMATIC_PROMOTIONS_MAX
        )
        room, opened = AUTOMATIC_PROMOTIONS_MAX - len(standing_open), 0
        busy = {record.agent for record in standing_open}
        async for differing in self._differing(
            project, rules.promotion.from_environment, described.name
        ):
            if opened >= room:
                break
            if differing.wish.name in busy:
                continue
            record = await self._wanted(differing, described.name)
            if record is not None and await self._start(record, request):
                opened += 1
        return opened

    async def _differing(self, project: str, origin: str, target: str) -> AsyncIterator[Differing]:
        """Agents of the origin that are not what the target has released of them."""
        standings = {
            one.agent: one for one in await self._ports.releases.standings(project, target)
        }
        after = ""
        while batch := await self._ports.wishes.wishes(
            project, origin, after=after, limit=SIGNAL_BATCH_SIZE
        ):
            for wish in batch:
                standing = standings.get(wish.name)
                applied = standing.applied if standing is not None else None
                digest = str(wish.body.get("digest", ""))
                if wish.kind != "agent" or wish.removed or not digest:
                    continue
                if applied is None or applied.digest != digest or _is_gone(standing):
                    yield Differing(wish, digest, standing)
            last = batch[-1]
            after = f"{last.environment}/{last.kind}/{last.name}"

    async def _wanted(self, differing: Differing, target: str) -> PromotionRecord | None:
        """The promotion to open, or None if somebody, or its last one, stands against it."""
        wish, standing = differing.wish, differing.standing
        if standing is not None and standing.held:
            return None
        last = await self._ports.promotions.last_promotion_of(wish.project, target, wish.name)
        if last is not None and (last.is_open or await self._was_decided(last, differing)):
            return None
        asked = PromotionRecord(
            project=wish.project,
            environment=target,
            agent=wish.name,
            number=0,
            origin=wish.environment,
            changes=await self._changes(differing, target),
            requested_by=TRUNKLINE,
            automatic=True,
            created_at=self._ports.clock.now(),
        )
        facts = Facts(
            standing=standing,
            interventions=await self._ports.interventions.interventions(wish.project),
            public_key=self._ports.keys.public_key,
            commit_problem=await commits_refused(self._ports, wish.project),
        )
        return None if refusals(asked, facts) else asked

    async def _was_decided(self, last: PromotionRecord, differing: Differing) -> bool:
        """True if the last promotion was of the same configuration, by the same tests."""
        if last.state not in DECIDED or last.digest != differing.digest:
            return False
        revision = await self._applied(last.project)
        if revision is None:
            return True
        try:
            found = await self._candidates.at(last.project, last.environment, last.agent, revision)
        except (SourceError, NotFound, InvalidManifests):
            return True
        return found.candidate is None or found.candidate.suite_digest == last.suite_digest

    async def _changes(self, differing: Differing, target: str) -> str:
        """What the commits say that led here since the last release."""
        wish, standing = differing.wish, differing.standing
        revision = await self._applied(wish.project)
        subjects: tuple[str, ...] = ()
        if revision is not None:
            applied = standing.applied if standing is not None else None
            since = Revision(applied.revision) if applied is not None else None
            try:
                found = await self._candidates.at(wish.project, target, wish.name, revision)
                repository = await self._ports.repositories.repository(wish.project)
                subjects = await repository.subjects(since, revision, found.paths)
            except (SourceError, NotFound, InvalidManifests):
                subjects = ()
        return from_subjects(subjects[:SUBJECTS_MAX])

    async def _applied(self, project: str) -> Revision | None:
        source = await self._ports.projects.source(project)
        return source.applied_revision if source is not None else None

    async def _start(self, record: PromotionRecord, request: TendRequest) -> bool:
        try:
            opened = await self._ports.promotions.open_promotion(record)
        except Conflict:
            return False
        await self._calls.wake(opened, request.timing, reason="it differs from what is released")
        return True


def _is_gone(standing: ReleaseStanding | None) -> bool:
    return standing is not None and standing.removed
