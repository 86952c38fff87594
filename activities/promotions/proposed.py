"""What a promotion has proposed, found out anew at each look: branch, pull request and merge.

What was merged is told by the branch of the project alone: its release file says exactly what was
signed of this promotion, however it was merged. The forge is asked who closed what and when; it is
never believed about what is released.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from activities.promotions.own_releases import is_of, spec_at, spec_before
from activities.promotions.ports import PromotionPorts
from trunkline.model.errors import (
    CommitUnreadable,
    ForgeError,
    ForgeMissing,
    InvalidInput,
    NotConfigured,
    NotFound,
)
from trunkline.model.evidence import is_signed, parse_evidence
from trunkline.model.forges import PullRequest
from trunkline.model.ids import Revision, release_request_branch
from trunkline.model.kinds.release import Hold, ReleaseSpec
from trunkline.model.limits import MERGED_RELEASES_READ
from trunkline.model.promotions.facts import MergedFound, ProposalFound, ReleaseFound
from trunkline.model.promotions.proposing import standing_proposal
from trunkline.model.promotions.records import PromotionRecord
from trunkline.model.promotions.versions import next_version
from trunkline.model.releases import ReleaseTag
from trunkline.ports.forges import Forge, Forges
from trunkline.ports.releasing import ReleaseRepository

MERGED = "merged"
"""The detail of a record that keeps when its merge was seen first, by version."""
BY_ITSELF = "trunkline"
"""Who a hold is by that nobody asked for."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """What was found. ``known`` False: the forge could not be asked, for the reason ``trouble``.

    ``release`` is what was merged and is tagged, ``merged`` what is not yet, ``spec`` the release
    of either; ``head`` is where the branch of the proposal is.
    """

    proposal: ProposalFound | None = None
    known: bool = True
    trouble: str = ""
    head: Revision | None = None
    release: ReleaseFound | None = None
    merged: MergedFound | None = None
    spec: ReleaseSpec | None = None


class ProposalFinder:
    """Looks at the proposal of a promotion."""

    def __init__(self, ports: PromotionPorts) -> None:
        self._ports = ports

    async def find(
        self,
        repository: ReleaseRepository,
        record: PromotionRecord,
        *,
        tip: Revision,
        base: Revision | None,
        public_keys: Sequence[str],
    ) -> Proposed:
        """Everything about it. ``base`` is where the promotion began. Raises a SourceError."""
        tags = await repository.release_tags(record.environment, record.agent)
        current = await spec_at(repository, tip, record)
        head = await repository.branch_head(proposal_branch(record))
        pull, trouble = await self._pull(record, head)
        there = Proposed(
            proposal=await self._proposal(repository, record, head, pull, tags, current),
            known=not trouble,
            trouble=trouble,
            head=head,
        )
        before = await spec_before(repository, base, record) if base is not None else None
        if current is None or (before is not None and current.version <= before.version):
            return there
        if not self._is_own(record, current, public_keys):
            return there
        return await self._with_merged(repository, record, there, pull, tags, current, tip)

    async def problem(self, project: str) -> str:
        """Why no pull request can be opened, in words; "" if one can."""
        try:
            await forge_of(self._ports.forges, project)
        except (NotConfigured, NotFound) as error:
            return error.message
        except ForgeError:
            return ""
        return ""

    async def _pull(
        self, record: PromotionRecord, head: Revision | None
    ) -> tuple[PullRequest | None, str]:
        """The pull request that is known, or one that is open for exactly our commit."""
        try:
            forge = await forge_of(self._ports.forges, record.project)
            known = await _known(forge, record)
            if known is not None or head is None:
                return known, ""
            branch = proposal_branch(record)
            for pull in await forge.pull_requests(state="open", head_branch=branch):
                if pull.head == head and not pull.is_fork:
                    return pull, ""
        except (ForgeError, NotConfigured, NotFound) as error:
            return None, f"{error.message} {error.hint}".strip()
        return None, ""

    async def _proposal(
        self,
        repository: ReleaseRepository,
        record: PromotionRecord,
        head: Revision | None,
        pull: PullRequest | None,
        tags: Sequence[ReleaseTag],
        current: ReleaseSpec | None,
    ) -> ProposalFound | None:
        if pull is None and head is None:
            return None
        spec: ReleaseSpec | None = None
        at = pull.head if pull is not None else head
        if at is not None and (pull is None or pull.state == "open"):
            try:
                spec = await spec_at(repository, at, record)
            except CommitUnreadable:
                spec = None
        fits = spec is not None and (
            spec.version == next_version(tags, current)
            and spec.digest == _digest(record, spec)
            and spec.hold == (spec.hold if spec.restores is not None else kept_hold(current))
            and _is_of_gate(record, spec)
            and is_of(record, spec)
        )
        if pull is None:
            return ProposalFound(is_current=fits, version=spec.version if spec is not None else 0)
        return ProposalFound(
            number=pull.number,
            url=pull.url,
            state=pull.state,
            version=spec.version if spec is not None else 0,
            is_current=fits or pull.state == "merged",
            closed_by=pull.closed_by,
        )

    async def _with_merged(
        self,
        repository: ReleaseRepository,
        record: PromotionRecord,
        there: Proposed,
        pull: PullRequest | None,
        tags: Sequence[ReleaseTag],
        spec: ReleaseSpec,
        tip: Revision,
    ) -> Proposed:
        """With the release that the tip says, tagged or not."""
        commit = await _commit_of(repository, record, spec) or tip
        tagged = next((tag.revision for tag in tags if tag.version == spec.version), None)
        is_back = record.kind == "promote" and spec.restores is not None
        if tagged == spec.revision:
            steps = spec.rollout.steps if spec.rollout is not None and not spec.restores else ()
            found = ReleaseFound(version=spec.version, commit=commit, steps=steps)
            return replace(there, release=found, spec=spec)
        newest = max((tag.version for tag in tags), default=0)
        merged = MergedFound(
            version=spec.version,
            commit=commit,
            at=self._merged_at(record, spec, pull),
            is_back=is_back,
            is_current=tagged is None and spec.version > newest and _is_of_gate(record, spec),
        )
        return replace(there, merged=merged, spec=spec)

    def _is_own(
        self, record: PromotionRecord, spec: ReleaseSpec, public_keys: Sequence[str]
    ) -> bool:
        """True if the release is one this server signed for exactly this promotion."""
        if record.kind == "promote":
            wanted = record.settled_version if record.phase == "RollingBack" else None
            if spec.restores != wanted or spec.version <= record.version:
                return False
        return is_of(record, spec) and is_signed(
            record.project,
            record.agent,
            spec,
            public_keys=(*public_keys, self._ports.keys.public_key),
            keys=self._ports.keys,
        )

    def _merged_at(
        self, record: PromotionRecord, spec: ReleaseSpec, pull: PullRequest | None
    ) -> datetime:
        if pull is not None and pull.state == "merged" and pull.merged_at is not None:
            return pull.merged_at
        kept = record.details.get(MERGED)
        if isinstance(kept, dict) and kept.get("version") == spec.version:
            return datetime.fromisoformat(str(kept["at"]))
        return self._ports.clock.now()


async def forge_of(forges: Forges | None, project: str) -> Forge:
    """The forge of a project. Raises NotFound, NotConfigured."""
    if forges is None:
        raise NotConfigured("this server speaks to no forge")
    return await forges.forge(project)


def proposal_branch(record: PromotionRecord) -> str:
    """The branch a promotion proposes its release on."""
    return release_request_branch(record.environment, record.agent, record.number)


def kept_hold(current: ReleaseSpec | None) -> Hold | None:
    """A person's hold stays until it is lifted; ours was for the release that is replaced."""
    hold = current.hold if current is not None else None
    return hold if hold is not None and hold.held_by != BY_ITSELF else None


async def _known(forge: Forge, record: PromotionRecord) -> PullRequest | None:
    """The pull request the record names, unless we closed that one ourselves."""
    if not record.pull_request:
        return None
    try:
        pull = await forge.pull_request(record.pull_request)
    except ForgeMissing:
        return None
    said = standing_proposal(record, ProposalFound(number=pull.number, state=pull.state))
    return pull if said is not None else None


async def _commit_of(
    repository: ReleaseRepository, record: PromotionRecord, spec: ReleaseSpec
) -> Revision | None:
    """The oldest commit of the branch that wrote the version."""
    found = await repository.release_history(
        environment=record.environment, agent=record.agent, limit=MERGED_RELEASES_READ
    )
    commits = [each.commit for each in found if each.version == spec.version]
    return commits[-1] if commits else None


def _digest(record: PromotionRecord, spec: ReleaseSpec) -> str:
    return str(record.digest) if spec.restores is None else spec.digest


def _is_of_gate(record: PromotionRecord, spec: ReleaseSpec) -> bool:
    """True if a release carries the evidence of the gate that counts now."""
    if record.kind == "rollback" or spec.restores is not None or not record.evidence:
        return True
    try:
        said, counts = parse_evidence(spec.evidence), parse_evidence(record.evidence)
    except InvalidInput:
        return False
    return (said.test_run, said.gate_ended_at) == (counts.test_run, counts.gate_ended_at)
