"""The rules of promotion that Git itself vouches for, where the store knows none.

After a store was lost the tip alone says what the rules are, and it may be the very commit whose
weaker rules were waiting. A release was made under rules: the project at the commit that the
newest signed one pins is taken for the one applied before. Its own keys verify it, never those of
the tip, which whoever weakens rules could have replaced.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from trunkline.model.errors import CommitUnreadable, InvalidInput, InvalidManifests, TreeEmpty
from trunkline.model.evidence import is_signed, parse_evidence, release_problem
from trunkline.model.ids import Revision
from trunkline.model.kinds.project import Project
from trunkline.model.kinds.release import ReleaseSpec
from trunkline.model.limits import RELEASES_INDEXED_MAX, RELEASES_PER_PAGE
from trunkline.model.promotions.policies import SHORT_REVISION, rules_of
from trunkline.model.releases import ReleaseRecord
from trunkline.ports import ManifestSource
from trunkline.ports.releasing import EvidenceKeys, ReleaseRepositories, ReleaseRepository


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A release of the past that this server signed or a tag allocated, not yet verified."""

    agent: str
    spec: ReleaseSpec
    rank: tuple[bool, bool, float]

    @property
    def is_own(self) -> bool:
        """True if it bears this server's signature."""
        return self.rank[0]


class PastRules:
    """Reads from a repository which project ruled each environment's newest release."""

    def __init__(self, repositories: ReleaseRepositories, keys: EvidenceKeys) -> None:
        self._repositories = repositories
        self._keys = keys

    async def projects(
        self, source: ManifestSource, tip: Project, revision: Revision
    ) -> dict[str, Project]:
        """By environment, the project that its newest verified release pins: environments that the
        tip names and those it still holds releases for; without those never released to.

        Raises a SourceError for what cannot be read: then nothing is known of former rules.
        """
        repository = await self._repositories.repository(tip.name)
        releases = await repository.releases(revision)
        held = {environment for environment, _ in releases.released}
        named = {each.name for each in tip.spec.environments}
        read: dict[Revision, Project | None] = {}
        found: dict[str, Project] = {}
        for environment in sorted(named | held):
            candidates = await self._candidates(repository, tip.name, environment)
            project = await self._newest(source, tip.name, environment, candidates, read)
            if project is not None:
                found[environment] = project
        return found

    async def _candidates(
        self, repository: ReleaseRepository, project: str, environment: str
    ) -> list[_Candidate]:
        """Those signed by this server first, tagged or not: whoever may push can delete a tag and
        make a key, but not sign. Then those that restore nothing; the newest first.
        """
        records = await _history(repository, environment)
        if not records:
            return []
        await repository.fetch_tip()
        tags = {
            (tag.agent, tag.version): tag.revision
            for tag in await repository.release_tags(environment)
        }
        found: list[_Candidate] = []
        for each in records:
            tagged = tags.get((each.agent, each.version)) == each.revision
            candidate = self._candidate(project, each)
            if candidate is not None and (tagged or candidate.is_own):
                found.append(candidate)
        return sorted(found, key=lambda one: one.rank, reverse=True)

    def _candidate(self, project: str, record: ReleaseRecord) -> _Candidate | None:
        """None for what says nothing readable."""
        try:
            spec = ReleaseSpec.model_validate(record.spec)
            issued_at = parse_evidence(spec.evidence).issued_at.timestamp()
        except (ValueError, InvalidInput):
            return None
        own = (self._keys.public_key,) if self._keys.public_key else ()
        signed = is_signed(project, record.agent, spec, public_keys=own, keys=self._keys)
        return _Candidate(record.agent, spec, (signed, spec.restores is None, issued_at))

    async def _newest(
        self,
        source: ManifestSource,
        project: str,
        environment: str,
        candidates: Sequence[_Candidate],
        read: dict[Revision, Project | None],
    ) -> Project | None:
        """The project at the first candidate that its keys verify."""
        unread: Revision | None = None
        for one in candidates:
            revision = Revision(one.spec.revision)
            if revision not in read:
                read[revision] = await _project(source, revision)
            pinned = read[revision]
            if pinned is None:
                unread = unread or revision
            elif self._is_ruled(project, environment, one, pinned):
                return pinned
        if unread is not None:
            short = unread[:SHORT_REVISION]
            raise CommitUnreadable(f"The project at commit {short} that a release pins is invalid")
        return None

    def _is_ruled(
        self, project: str, environment: str, candidate: _Candidate, pinned: Project
    ) -> bool:
        rules = rules_of(pinned, environment, "")
        return rules is not None and not release_problem(
            project,
            environment,
            candidate.agent,
            candidate.spec,
            public_keys=rules.public_keys,
            keys=self._keys,
        )


async def _history(repository: ReleaseRepository, environment: str) -> list[ReleaseRecord]:
    found: list[ReleaseRecord] = []
    before: Revision | None = None
    while len(found) < RELEASES_INDEXED_MAX:
        page = await repository.release_history(
            environment=environment, limit=RELEASES_PER_PAGE, before=before
        )
        found.extend(page)
        last = page[-1].commit if page else None
        if last is None or last == before or len(page) < RELEASES_PER_PAGE:
            break
        before = last
    return found


async def _project(source: ManifestSource, revision: Revision) -> Project | None:
    """The project at a commit; None if its tree is invalid to this version."""
    try:
        manifests = await source.manifests(revision)
    except (InvalidManifests, TreeEmpty):
        return None
    return manifests.project.manifest
