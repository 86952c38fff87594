"""A company's repository with real releases in it, and ways to tamper with them."""

import asyncio
import copy
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.evidence.worlds import World
from trunkline.adapters.git import GitReleases, GitSource, Repository, commit, seed
from trunkline.adapters.signing import Ed25519Keys, new_private_key
from trunkline.manifests.release_files import release_text
from trunkline.model.closures import Shared, closure_digest
from trunkline.model.ids import Digest, Revision, release_path, release_tag
from trunkline.model.kinds.release import ReleaseSpec

PROJECT = """\
apiVersion: trunkline/v1alpha1
kind: Project
metadata: {{ name: acme }}
spec:
  signing: {{ publicKeys: [ "{key}" ] }}
  environments:
    - {{ name: testing, source: head }}
    - {{ name: production, source: releases, promotion: {{ from: testing }} }}
"""
AGENT = """\
apiVersion: trunkline/v1alpha1
kind: Agent
metadata: {{ name: {name} }}
spec: {{ displayName: Desk, prompt: {{ text: "You answer." }}, firstMessage: "{greeting}" }}
"""


class Company:
    """One bare repository, its key, and the releases made so far."""

    def __init__(self, folder: Path) -> None:
        self.bare = folder / "manifests.git"
        self.keys = Ed25519Keys(new_private_key())
        self._cache = folder / "cache"
        files = folder / "files"
        files.mkdir()
        (files / "trunkline.yaml").write_text(PROJECT.format(key=self.keys.public_key))
        for name in ("front-desk", "night-desk"):
            (files / f"{name}.yaml").write_text(AGENT.format(name=name, greeting="Hello"))
        self.tip = seed(self.bare, files)

    def copied(self, folder: Path) -> "Company":
        """The same repository once more, to be tampered with."""
        made = copy.copy(self)
        made.bare, made._cache = folder / "manifests.git", folder / "cache"
        # Git puts locks there in the background after a push, and takes them away
        shutil.copytree(self.bare, made.bare, ignore=shutil.ignore_patterns("*.lock"))
        return made

    def edit(self, texts: dict[str, str | None], message: str = "By hand") -> Revision:
        """An ordinary commit of somebody who may push."""
        self.tip = commit(self.bare, texts, message=message)
        return self.tip

    def greet(self, greeting: str, agent: str = "front-desk") -> Revision:
        """Change what an agent says first."""
        return self.edit({f"{agent}.yaml": AGENT.format(name=agent, greeting=greeting)})

    def digest(self, revision: Revision, agent: str) -> Digest:
        """What an agent is at a commit."""
        source = GitSource(str(self.bare), "main", cache=self._cache, allow_local=True)
        manifests = asyncio.run(source.manifests(revision))
        return closure_digest(Shared(manifests), manifests.agents[agent])

    def spec(
        self,
        version: int,
        *,
        agent: str = "front-desk",
        keys: Ed25519Keys | None = None,
        **more: Any,
    ) -> ReleaseSpec:
        """A release of the tip, signed."""
        revision = more.pop("revision", self.tip)
        world = World(agent, self.digest(revision, agent), keys or self.keys)
        return world.release(version=version, revision=revision, **more)

    def release(self, spec: ReleaseSpec, agent: str = "front-desk", *, tag: str = "") -> Revision:
        """Commit a release and push its tag with it, as a promotion does."""
        name = tag or release_tag("production", agent, spec.version)
        self.tip = asyncio.run(
            self._releases().push_release(
                self.tip,
                edits={release_path("production", agent): release_text(agent, spec)},
                message=f"Release {agent} v{spec.version}",
                author=("author", "author@example.com"),
                tag=name,
                tag_revision=Revision(spec.revision),
            )
        )
        return self.tip

    def put(self, spec: ReleaseSpec, agent: str = "front-desk") -> Revision:
        """Commit a release file by hand, with no tag."""
        return self.edit({release_path("production", agent): release_text(agent, spec)})

    def git(self, *arguments: str, folder: Path | None = None) -> str:
        """A plain Git command in the bare repository, or elsewhere."""
        done = subprocess.run(
            ["git", "-C", str(folder or self.bare), "-c", "safe.directory=*", *arguments],
            env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def _releases(self) -> GitReleases:
        repository = Repository(str(self.bare), "main", cache=self._cache, allow_local=True)
        asyncio.run(asyncio.to_thread(repository.fetch_with_tags))
        return GitReleases("acme", repository)
