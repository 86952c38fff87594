"""The repository of a test's installation, behind the ports by which processes reach it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trunkline.adapters.git import CommitSigner, GitReleases, GitSource, Repository

if TYPE_CHECKING:
    from pathlib import Path

    from trunkline.adapters.postgres import PostgresStore
    from trunkline.model.records import ProjectRecord
    from trunkline.ports.releasing import EvidenceKeys


class OneRepository:
    """``Sources`` and ``ReleaseRepositories`` of a process that has one cache folder; it signs
    what it pushes if it is given ``keys``.
    """

    def __init__(self, store: PostgresStore, cache: Path, keys: EvidenceKeys | None = None) -> None:
        self._store = store
        self._cache = cache
        self._signer = CommitSigner(keys, store, store) if keys is not None else None

    async def source(self, project: str, *, branch: str = "") -> GitSource:
        """The registered repository."""
        record = await self._store.project(project)
        assert record is not None
        wanted = branch or record.branch
        return GitSource(record.repository, wanted, cache=self._cache, allow_local=True)

    async def repository(self, project: str) -> GitReleases:
        """The same, to release to."""
        record = await self._store.project(project)
        assert record is not None
        repository = Repository(
            record.repository, record.branch, cache=self._cache, allow_local=True
        )
        return GitReleases(project, repository, self._signer)

    def require_allowed(self, project: ProjectRecord) -> None:
        """Every repository of a test may be looked at."""
