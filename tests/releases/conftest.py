"""A repository with releases, a store, and looks at the one that fill the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from activities.releases import ReleaseLooks
from tests.conftest import Texts
from tests.workflows.released_worlds import AUTHOR, PRODUCTION, Releasing, manifest
from trunkline.adapters.git import GitReleases, GitSource, Repository
from trunkline.adapters.git.seed import commit, seed
from trunkline.adapters.postgres import PostgresStore
from trunkline.model.ids import Revision, release_path, release_tag
from trunkline.model.kinds import Project
from trunkline.model.kinds.release import ReleaseSpec
from trunkline.model.manifests import Manifests
from trunkline.model.records import ProjectRecord, SourceState
from trunkline.model.resolution import agent_wish


class CountedSource(GitSource):
    """A repository that counts how often a whole tree is asked for."""

    trees: int = 0

    async def manifests(self, revision: Revision) -> Manifests:
        """Everything a commit declares."""
        self.trees += 1
        return await super().manifests(revision)


@dataclass
class Place:
    """A project of agents, its repository and its rows."""

    bare: Path
    cache: Path
    store: PostgresStore
    releasing: Releasing = field(default_factory=Releasing)
    trees: int = 0

    async def repository(self, project: str) -> GitReleases:
        """The repository that releases are written to."""
        repository = Repository(str(self.bare), "main", cache=self.cache, allow_local=True)
        return GitReleases(project, repository)

    def push(self, edits: dict[str, str | None]) -> str:
        """Commit to the branch; answers the revision."""
        return commit(self.bare, edits, message="An edit")

    async def spec(self, agent: str, version: int, revision: str, **changes: Any) -> ReleaseSpec:
        """What a promotion would say of a commit, signed."""
        tree = await self._source().manifests(Revision(revision))
        environment = tree.project.manifest.environment(PRODUCTION)
        assert environment is not None
        wish = agent_wish(tree, environment, agent)
        assert wish is not None
        return self.releasing.signed("acme", agent, version, revision, wish.digest, **changes)

    async def release(self, agent: str, version: int, revision: str, **changes: Any) -> ReleaseSpec:
        """Commit and tag a release."""
        spec = await self.spec(agent, version, revision, **changes)
        repository = await self.repository("acme")
        await repository.push_release(
            await repository.fetch_tip(),
            edits={release_path(PRODUCTION, agent): manifest(agent, spec)},
            message=f"Release {agent} v{version}",
            author=AUTHOR,
            tag=release_tag(PRODUCTION, agent, version),
            tag_revision=Revision(revision),
            tag_message=spec.changes,
        )
        return spec

    async def look(self, *, whole: bool = False, trusted: bool = True) -> int:
        """Look at the branch's releases as they are now; counts the trees that were read."""
        source = self._source()
        head = await source.head(known=None)
        project = await self.project()
        looks = ReleaseLooks(self, self.store, self.store, self.releasing.keys)
        changed = await looks.look(source, project, head.revision, whole=whole, trusted=trusted)
        self.trees = source.trees
        return changed

    async def project(self) -> Project:
        """The Project of the first commit, which stays the last valid one."""
        return Project.model_validate(await self.store.project_manifest("acme"))

    async def standing(self, agent: str) -> Any:
        """What the last look made of an agent's release."""
        return await self.store.standing_of("acme", PRODUCTION, agent)

    def _source(self) -> CountedSource:
        return CountedSource(str(self.bare), "main", cache=self.cache, allow_local=True)


@pytest.fixture
async def place(store: PostgresStore, tmp_path: Path, texts: Texts) -> Place:
    """Three agents, none released; the Project is applied."""
    made = Place(tmp_path / "manifests.git", tmp_path / "cache", store)
    names = ("front-desk", "night-desk", "back-desk")
    for path, text in made.releasing.files(texts, *names).items():
        target = tmp_path / "files" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    seed(made.bare, tmp_path / "files")
    await store.register(ProjectRecord(name="acme", repository=str(made.bare)))
    source = made._source()
    head = await source.head(known=None)
    tree = await source.manifests(head.revision)
    await store.store_tree(
        SourceState(project="acme", applied_revision=head.revision),
        (),
        {},
        tree.project.manifest.model_dump(mode="json"),
        released=(PRODUCTION,),
    )
    return made
