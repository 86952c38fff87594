"""Which commit is a promotion's own release: told by its trailer, believed for its signature.

Whoever may push can write any trailer, and a commit that merely claims to be the release would end
a promotion whose tests, soak and approvals are still to come. So what such a commit released has
to be signed, of this very promotion, and newer than what was there when the promotion began.
"""

from collections.abc import Sequence

from trunkline.model.errors import CommitUnreadable, InvalidInput
from trunkline.model.evidence import is_signed, parse_evidence
from trunkline.model.ids import Revision
from trunkline.model.kinds.release import ReleaseSpec
from trunkline.model.promotions.records import PromotionRecord
from trunkline.ports.releasing import EvidenceKeys, ReleaseRepository


async def own_release(
    repository: ReleaseRepository,
    record: PromotionRecord,
    *,
    base: Revision,
    public_keys: Sequence[str],
    keys: EvidenceKeys,
) -> tuple[Revision, ReleaseSpec] | None:
    """The commit after ``base`` that made the promotion's newest version, with what it released, or
    None. Commits that only carry its trailer are passed over, also those that came later and have
    the same release in their tree. Raises a SourceError for what could not be read.
    """
    claimed = await repository.commits_with_trailer(trailer(record), since=base)
    if not claimed:
        return None
    before = await spec_before(repository, base, record)
    known = (*public_keys, keys.public_key)
    found: tuple[Revision, ReleaseSpec] | None = None
    for commit in claimed:
        spec = await spec_at(repository, commit, record)
        if spec is None or (before is not None and spec.version <= before.version):
            continue
        if found is not None and spec.version != found[1].version:
            continue
        place = (record.project, record.agent)
        if is_of(record, spec) and is_signed(*place, spec, public_keys=known, keys=keys):
            found = commit, spec
    return found


def trailer(record: PromotionRecord) -> str:
    """What the release commit of a promotion says in its trailer."""
    return f"{record.project}/{record.id}"


def is_of(record: PromotionRecord, spec: ReleaseSpec) -> bool:
    """True if the release says of itself that it is of the promotion. One that restores carries
    the evidence of another.
    """
    if record.kind == "rollback":
        return spec.restores == record.restores
    if spec.restores is not None:
        return True
    try:
        return parse_evidence(spec.evidence).promotion == record.id
    except InvalidInput:
        return False


async def spec_at(
    repository: ReleaseRepository, revision: Revision, record: PromotionRecord
) -> ReleaseSpec | None:
    """The release at a commit; None without one that can be read. Raises a SourceError."""
    released = (await repository.releases(revision)).released
    placed = released.get((record.environment, record.agent))
    return placed.manifest.spec if placed is not None else None


async def spec_before(
    repository: ReleaseRepository, base: Revision, record: PromotionRecord
) -> ReleaseSpec | None:
    """The release the promotion began with; None if a rewritten branch lost that commit."""
    try:
        return await spec_at(repository, base, record)
    except CommitUnreadable:
        return None
