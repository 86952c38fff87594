"""The index of releases, filled from Git: only what was signed and tagged gets into it.

Whoever goes back to a version takes it from here, so a release that somebody merely committed must
not be found. An emptied index is filled again from the branch's whole history.
"""

from collections.abc import Mapping, Sequence

from trunkline.model.evidence import release_problem
from trunkline.model.ids import Revision
from trunkline.model.kinds.release import ReleaseSpec
from trunkline.model.limits import RELEASES_INDEXED_MAX, RELEASES_PER_PAGE
from trunkline.model.releases import ReleaseRecord, ReleaseStanding
from trunkline.ports.releasing import EvidenceKeys, ReleaseRecords, ReleaseRepository

AGENTS_READ_ALONE = 20
"""Agents whose releases are looked up one by one; for more the whole history is read once."""


class History:
    """What the branch's history says of releases, read as far as it is asked for. ``many``: for
    so many agents that it is read at once.
    """

    def __init__(self, repository: ReleaseRepository, *, many: bool) -> None:
        self._repository = repository
        self._many = many
        self._read: dict[str, dict[str, list[ReleaseRecord]]] = {}

    async def of(self, environment: str, agent: str, *, above: int) -> list[ReleaseRecord]:
        """An agent's releases with a version above one, newest first."""
        if not self._many:
            return await self._pages(environment, agent, above)
        if environment not in self._read:
            by_agent: dict[str, list[ReleaseRecord]] = {}
            for record in await self._pages(environment, "", 0):
                by_agent.setdefault(record.agent, []).append(record)
            self._read[environment] = by_agent
        return [one for one in self._read[environment].get(agent, []) if one.version > above]

    async def _pages(self, environment: str, agent: str, above: int) -> list[ReleaseRecord]:
        found: list[ReleaseRecord] = []
        before: Revision | None = None
        while len(found) < RELEASES_INDEXED_MAX:
            page = await self._repository.release_history(
                environment=environment, agent=agent, limit=RELEASES_PER_PAGE, before=before
            )
            found.extend(record for record in page if record.version > above)
            last = page[-1].commit if page else None
            reached = bool(agent) and any(1 <= record.version <= above + 1 for record in page)
            if last is None or last == before or reached or len(page) < RELEASES_PER_PAGE:
                break
            before = last
        return found


class ReleaseIndex:
    """Keeps the index of releases in step with Git."""

    def __init__(self, records: ReleaseRecords, keys: EvidenceKeys) -> None:
        self._records = records
        self._keys = keys

    async def remember(
        self,
        standing: ReleaseStanding,
        history: History,
        public_keys: Sequence[str],
        allocated: Mapping[int, Revision],
    ) -> None:
        """Index a release that was verified, and all before it that are missing and counted.

        ``allocated`` maps versions to what their tags stand on.
        """
        place = (standing.project, standing.environment, standing.agent)
        version = standing.applied_version
        indexed = await self._records.releases_of(*place, limit=1)
        newest = indexed[0] if indexed else None
        whole = newest is not None and newest.commit is not None and newest.released_at is not None
        if newest is not None and newest.version >= version and whole:
            return
        known = newest.version if newest is not None else 0
        found = await history.of(*place[1:], above=min(known, version - 1))
        fitting = [
            record
            for record in found
            if self.counted(standing.project, record, public_keys, allocated) is not None
        ]
        release = standing.applied
        if release is not None and not any(record.version == version for record in fitting):
            fitting.append(_of(standing, release))
        await self._records.put_releases(fitting)

    def counted(
        self,
        project: str,
        record: ReleaseRecord,
        public_keys: Sequence[str],
        allocated: Mapping[int, Revision],
    ) -> ReleaseSpec | None:
        """What a commit of the past released, if it was signed and tagged."""
        if not record.spec or allocated.get(record.version) != record.revision:
            return None
        try:
            spec = ReleaseSpec.model_validate(record.spec)
        except ValueError:
            return None
        words = release_problem(
            project,
            record.environment,
            record.agent,
            spec,
            public_keys=public_keys,
            keys=self._keys,
        )
        return None if words else spec


def _of(standing: ReleaseStanding, release: ReleaseSpec) -> ReleaseRecord:
    """The release itself, where the history does not tell of it: it was rewritten."""
    return ReleaseRecord(
        project=standing.project,
        environment=standing.environment,
        agent=standing.agent,
        version=release.version,
        revision=Revision(release.revision),
        digest=release.digest,
        changes=release.changes,
        promoted_by=release.promoted_by,
        restores=release.restores,
        spec=release.model_dump(mode="json"),
    )
