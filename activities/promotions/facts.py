"""Collects everything a promotion depends on: one look at rows, Git, policy and status.

What cannot be found out is None or said in words, so that nothing is decided on it. Git is asked
only as long as its answer matters: what was released is in the row by then, and a repository that
is down must not keep anybody from taking calls back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from activities.policies import environments
from activities.promotion_types import LostRun
from activities.promotions.candidates import Authorship, Candidates, Found
from activities.promotions.own_releases import own_release
from activities.promotions.ports import PromotionPorts
from activities.promotions.proposed import ProposalFinder, Proposed
from activities.promotions.runs import runs_found
from activities.types import Failure
from trunkline.model.conditions import find
from trunkline.model.errors import InvalidManifests, NotFound, SourceError
from trunkline.model.ids import Revision
from trunkline.model.kinds.release import ReleaseSpec
from trunkline.model.limits import API_PAGE_MAX, PROMOTION_AUDIT_ROWS_MAX
from trunkline.model.promotions.approvals import ABORT, APPROVE, REJECT
from trunkline.model.promotions.facts import Deployed, Facts, PushTried, ReleaseFound
from trunkline.model.promotions.guards import manual_passed
from trunkline.model.promotions.policies import PromotionRules
from trunkline.model.promotions.proposing import PROPOSED, was_proposed
from trunkline.model.promotions.records import BEFORE_RELEASE, PromotionRecord
from trunkline.model.records import AuditRecord, StatusRow
from trunkline.model.releases import ReleaseStanding
from trunkline.model.signatures import commit_problem, commit_rule
from trunkline.ports.releasing import ReleaseRepository

PUSH = "push"
"""The detail of a record that keeps the last push that did not succeed."""
RELEASE = "release"
"""The detail of a record that keeps the release commit once it was found."""
BACK = "rolledBack"
"""The detail of a record that keeps the commit by which its release was taken back."""
BASE = "base"
"""The detail of a record that keeps where the branch was when the promotion began: a release
commit of it can only be newer, whatever number an emptied store gives to another one."""
PUSH_TROUBLES = frozenset({"PushRejected", "PushRefused", "PushUnanswered"})
CLOCKS_APART = timedelta(minutes=5)
"""How far the clocks of those who write rows may differ."""


@dataclass(frozen=True, slots=True)
class Git:
    """What the repository says. ``tip`` None: it could not be asked, for the reason ``problem``."""

    tip: Revision | None = None
    problem: str = ""
    release: ReleaseFound | None = None
    rolled_back: ReleaseFound | None = None
    spec: ReleaseSpec | None = None
    """The release file as the newest commit of the promotion wrote it."""
    proposed: Proposed = field(default_factory=Proposed)


@dataclass(frozen=True, slots=True)
class Looked:
    """Facts, with what they were made from and somebody may need besides."""

    facts: Facts
    git: Git
    found: Found | None = None


class FactFinder:
    """Looks at everything a promotion depends on."""

    def __init__(self, ports: PromotionPorts) -> None:
        self._ports = ports
        self._candidates = Candidates(ports)
        self._proposals = ProposalFinder(ports)

    async def look(self, record: PromotionRecord, lost: Sequence[LostRun] = ()) -> Looked:
        """Everything. Raises StoreUnavailable."""
        ports = self._ports
        place = (record.project, record.environment)
        agent = (*place, record.agent)
        rules = await ports.releases.rules_in_force(*place)
        standing = await ports.releases.standing_of(*agent)
        decided = await ports.interventions.interventions(record.project)
        git, repository = await self._git(record, rules)
        found, source_problem = await self._candidate(record)
        authorship = await self._authors(record, found, standing, repository)
        candidate = found.candidate if found is not None else None
        facts = Facts(
            rules=rules,
            no_promotion=await self._without_promotion(record),
            candidate=candidate,
            candidate_gone=found is not None and candidate is None,
            origin=await self._origin(record),
            target=await self._target(record),
            standing=standing,
            rollout=await ports.releases.rollout(*agent),
            interventions=decided,
            authors=authorship.authors,
            authors_problem=authorship.problem,
            manual_passed=await self._manual(record, rules, found),
            audit=await self._audit(record),
            runs=await runs_found(ports, record, found, rules, lost),
            release=git.release,
            rolled_back=git.rolled_back,
            release_known=not git.problem,
            source_problem=git.problem or source_problem,
            push=pushed(record),
            restorable=await self._restorable(record),
            public_key=ports.keys.public_key,
            commit_problem=await commits_refused(ports, record.project),
            forge_problem=await self._forge_problem(record, rules),
            proposal=git.proposed.proposal,
            proposal_known=git.proposed.known,
            forge_trouble=git.proposed.trouble,
            merged=git.proposed.merged,
            pace=ports.pace,
        )
        return Looked(facts, git, found)

    async def _git(
        self, record: PromotionRecord, rules: PromotionRules | None
    ) -> tuple[Git, ReleaseRepository | None]:
        """What the branch says of the promotion, as long as it matters."""
        known = Git(release=remembered(record, RELEASE), rolled_back=remembered(record, BACK))
        if known.rolled_back is not None or (known.release and record.phase != "RollingBack"):
            return known, None
        try:
            repository = await self._ports.repositories.repository(record.project)
            tip = await repository.fetch_tip()
            known = await self._commits(record, rules, repository, replace(known, tip=tip))
            if was_proposed(record):
                known = await self._proposed(record, rules, repository, known, tip)
        except (SourceError, NotFound) as error:
            return replace(known, problem=f"{error.message} {error.hint}".strip()), None
        return known, repository

    async def _commits(
        self,
        record: PromotionRecord,
        rules: PromotionRules | None,
        repository: ReleaseRepository,
        known: Git,
    ) -> Git:
        """The newest commit of the promotion's own, and which of its two it is."""
        base = record.details.get(BASE)
        if not isinstance(base, str):
            return known
        own = await own_release(
            repository,
            record,
            base=Revision(base),
            public_keys=rules.public_keys if rules is not None else (),
            keys=self._ports.keys,
        )
        if own is None:
            return known
        commit, spec = own
        is_back = record.kind == "promote" and spec.restores is not None
        steps = spec.rollout.steps if spec.rollout is not None and spec.restores is None else ()
        found = ReleaseFound(version=spec.version, commit=commit, steps=steps)
        if is_back:
            return replace(known, rolled_back=found, spec=spec)
        return replace(known, release=found, spec=spec)

    async def _proposed(
        self,
        record: PromotionRecord,
        rules: PromotionRules | None,
        repository: ReleaseRepository,
        known: Git,
        tip: Revision,
    ) -> Git:
        """With what was proposed. A commit of a proposal has our trailer before anything counts:
        of those that were not known, only a tagged one is a release.
        """
        base = record.details.get(BASE)
        found = await self._proposals.find(
            repository,
            record,
            tip=tip,
            base=Revision(base) if isinstance(base, str) else None,
            public_keys=rules.public_keys if rules is not None else (),
        )
        tags = await repository.release_tags(record.environment, record.agent)
        tagged = {tag.version for tag in tags}
        release, back = (
            each if each is not None and each.version in tagged else None
            for each in (known.release, known.rolled_back)
        )
        known = replace(known, proposed=found, release=release, rolled_back=back)
        if found.release is None:
            return known
        if found.spec is not None and found.spec.restores is not None and record.kind == "promote":
            return replace(known, rolled_back=found.release, spec=found.spec)
        return replace(known, release=known.release or found.release, spec=found.spec)

    async def _forge_problem(self, record: PromotionRecord, rules: PromotionRules | None) -> str:
        """Why the pull request the rules ask for cannot be opened; "" if it can."""
        if rules is None or rules.promotion.via != "pull-request" or not _is_earning(record):
            return ""
        return await self._proposals.problem(record.project)

    async def _candidate(self, record: PromotionRecord) -> tuple[Found | None, str]:
        """The closure at the last applied revision; None, with words, if it cannot be read."""
        if not _is_earning(record):
            return None, ""
        source = await self._ports.projects.source(record.project)
        if source is None or source.applied_revision is None:
            return None, f"nothing of {record.project} is applied yet"
        try:
            found = await self._candidates.at(
                record.project, record.environment, record.agent, source.applied_revision
            )
        except (SourceError, NotFound, InvalidManifests) as error:
            return None, error.message
        return found, ""

    async def _authors(
        self,
        record: PromotionRecord,
        found: Found | None,
        standing: ReleaseStanding | None,
        repository: ReleaseRepository | None,
    ) -> Authorship:
        if found is None or found.candidate is None or repository is None:
            return Authorship(None)
        applied = standing.applied if standing is not None else None
        since = Revision(applied.revision) if applied is not None else None
        until = record.revision or found.candidate.revision
        try:
            return await self._candidates.authorship(
                repository, record, found, since=since, until=until
            )
        except SourceError as error:
            return Authorship(None, f"{error.message} {error.hint}".strip())

    async def _without_promotion(self, record: PromotionRecord) -> bool:
        manifest = await self._ports.wishes.project_manifest(record.project)
        if manifest is None:
            return False
        return not any(
            each.name == record.environment and each.promotion is not None
            for each in environments(manifest)
        )

    async def _origin(self, record: PromotionRecord) -> Deployed | None:
        """The agent where it comes from. One that has no status yet may still be on its way; for a
        promotion nobody asked for that is so until it is there.
        """
        if not record.origin:
            return None
        row = await self._ports.statuses.status(
            record.project, record.origin, "agent", record.agent
        )
        if row is None or (record.automatic and row.external_id is None):
            return None
        return deployed(row)

    async def _target(self, record: PromotionRecord) -> Deployed:
        place = (record.project, record.environment)
        row = await self._ports.statuses.status(*place, "agent", record.agent)
        return deployed(row, await self._numbers(record))

    async def _numbers(self, record: PromotionRecord) -> tuple[str, ...]:
        """Numbers that should lead to the agent in the target and do not yet."""
        place = (record.project, record.environment)
        pending: list[str] = []
        for wish in await self._ports.wishes.numbers_of(*place, record.agent):
            row = await self._ports.statuses.status(*place, "number", wish.name)
            if row is None or row.sync != "Synced":
                pending.append(wish.name)
        return tuple(pending)

    async def _manual(
        self, record: PromotionRecord, rules: PromotionRules | None, found: Found | None
    ) -> int:
        digest = record.digest or (found.candidate.digest if found and found.candidate else None)
        if digest is None or rules is None or not rules.promotion.tests.manual:
            return 0
        results = await self._ports.manual_results.manual_results(
            record.project, record.agent, limit=API_PAGE_MAX
        )
        return manual_passed(results, digest)

    async def _audit(self, record: PromotionRecord) -> tuple[AuditRecord, ...]:
        """What people said of this promotion, oldest first."""
        since = record.created_at - CLOCKS_APART if record.created_at is not None else None
        rows: list[AuditRecord] = []
        for action in (APPROVE, REJECT, ABORT):
            rows += await self._ports.access.audit(
                project=record.project, action=action, since=since, limit=PROMOTION_AUDIT_ROWS_MAX
            )
        own = [row for row in rows if row.details.get("promotion") == record.id]
        return tuple(sorted(own, key=lambda row: row.id or 0))

    async def _restorable(self, record: PromotionRecord) -> bool | None:
        if record.restores is None:
            return None
        place = (record.project, record.environment, record.agent)
        return await self._ports.releases.release(*place, record.restores) is not None


async def commits_refused(ports: PromotionPorts, project: str) -> str:
    """Why the project's rule in force refuses commits of this server; "" if it takes them."""
    rule = commit_rule(await ports.wishes.project_manifest(project))
    return commit_problem(rule, ports.keys.public_key, today=ports.clock.now().date())


def remembered(record: PromotionRecord, detail: str) -> ReleaseFound | None:
    """A commit of the promotion as the record remembers it, or None."""
    kept = record.details.get(detail)
    return ReleaseFound.model_validate(kept) if isinstance(kept, dict) else None


def pushed(record: PromotionRecord) -> PushTried | None:
    """The last push that did not succeed, or None."""
    kept = record.details.get(PUSH)
    return PushTried.model_validate(kept) if isinstance(kept, dict) else None


def with_push(record: PromotionRecord, trouble: Failure, now: datetime) -> PromotionRecord:
    """The record with a push that did not succeed, counted with those before it."""
    before = pushed(record)
    tried = PushTried.model_validate(
        {
            "reason": trouble.reason,
            "message": f"{trouble.message} {trouble.hint}".strip(),
            "at": now,
            "attempts": 1 + (before.attempts if before is not None else 0),
        }
    )
    details = {**record.details, PUSH: tried.model_dump(mode="json")}
    goes_back = record.kind == "rollback" or record.phase == "RollingBack"
    if trouble.reason == "PushRefused" and goes_back:
        details[PROPOSED] = True
    return record.model_copy(update={"details": details})


def deployed(row: StatusRow | None, pending: tuple[str, ...] = ()) -> Deployed:
    """An agent in one environment, as far as its status says."""
    if row is None:
        return Deployed(there=False, numbers_pending=pending)
    stalled = find(row.conditions, "Stalled")
    return Deployed(
        there=row.external_id is not None,
        sync=row.sync,
        health=row.health,
        digest=row.digest,
        version=row.version,
        stalled=stalled.reason if stalled is not None else "",
        message=row.message,
        numbers_pending=pending,
    )


def _is_earning(record: PromotionRecord) -> bool:
    """True while what is on the branch matters: nothing is released yet, and tests are needed."""
    return record.kind == "promote" and (
        record.phase in BEFORE_RELEASE or record.phase == "Releasing"
    )
