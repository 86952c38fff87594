"""A repository on disk, and the real API over it, as the tests of the API have it."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import (  # noqa: F401 - fixtures the tests ask for by name
    admin,
    command,
    database_url,
    installation,
    operator,
    project,
    rates,
    store,
    temporal_address,
    token,
    viewer,
)
from tests.git.conftest import put_hook, server  # noqa: F401 - likewise
from trunkline.adapters.git.seed import commit, seed
from trunkline.adapters.postgres import PostgresStore
from trunkline.model.records import ProjectRecord, SourceState

PROJECT = """\
# what this company runs
apiVersion: trunkline/v1alpha1
kind: Project
metadata: {{ name: {name} }}
spec:
  people: [ {{ name: operator, emails: [op@work.example, operator@example.com] }} ]
  environments:
    - name: testing   # follows the branch
    - name: production
      source: releases
      promotion: {{ from: testing }}
"""
AGENT = """\
# {name} is here by day
apiVersion: trunkline/v1alpha1
kind: Agent
metadata: {{ name: {name} }}   # the name
spec:
  displayName: Front desk   # as callers hear it
  # said first
  firstMessage: "Hello"
  voice: {{ stability: 0.6,   speed: 1.0 }}
  prompt: {{ file: prompt.md }}
"""
TEST = """\
apiVersion: trunkline/v1alpha1
kind: ConversationTest
metadata: { name: greets }
spec:
  agent: night-desk
  turns:
    - say: Hello
      expect: [ { says: { contains: Hello } } ]
"""
NUMBER = """\
apiVersion: trunkline/v1alpha1
kind: PhoneNumber
metadata: { name: main-line }
spec:
  number: "+15005550006"   # of the shop
  environment: testing
  agent: front-desk
"""


class Manifests:
    """The project's bare repository, and whoever pushes to it beside the API."""

    def __init__(self, bare: Path) -> None:
        self.bare = bare

    def git(self, *arguments: str) -> str:
        """What Git says."""
        done = subprocess.run(
            ["git", "-C", str(self.bare), *arguments], capture_output=True, check=True, text=True
        )
        return done.stdout

    @property
    def tip(self) -> str:
        """Where the branch is."""
        return self.git("rev-parse", "main").strip()

    def text(self, path: str, revision: str = "main") -> str:
        """A file of a commit."""
        return self.git("show", f"{revision}:{path}")

    def push(self, files: dict[str, str | None], message: str = "Meanwhile") -> str:
        """Somebody else's commit; answers it."""
        return commit(self.bare, files, message=message)

    def link(self, name: str, leads_to: str) -> str:
        """Somebody else's commit that adds a symbolic link; answers it."""

        def made(*arguments: str, given: str) -> str:
            done = subprocess.run(
                ["git", "-C", str(self.bare), *arguments],
                input=given,
                capture_output=True,
                check=True,
                text=True,
            )
            return done.stdout.strip()

        blob = made("hash-object", "-w", "--stdin", given=leads_to)
        tree = made("mktree", given=f"{self.git('ls-tree', 'main')}120000 blob {blob}\t{name}\n")
        who = ("-c", "user.name=x", "-c", "user.email=x@example.com")
        commit_id = made(*who, "commit-tree", tree, "-p", "main", given="A link")
        self.git("update-ref", "refs/heads/main", commit_id)
        return commit_id

    def hook(self, name: str, script: str) -> None:
        """What the server does about pushes."""
        put_hook(self.bare, name, script)


@pytest.fixture
async def manifests(tmp_path: Path, store: PostgresStore, project: str) -> Manifests:  # noqa: F811
    """Two agents, a number and a release; the tip is applied."""
    folder, bare = tmp_path / "manifests", tmp_path / "manifests.git"
    files = {
        "trunkline.yaml": PROJECT.format(name=project),
        "agents/front-desk/agent.yaml": AGENT.format(name="front-desk"),
        "agents/front-desk/prompt.md": "You answer the telephone.\n",
        "agents/night-desk/agent.yaml": AGENT.format(name="night-desk"),
        "agents/night-desk/prompt.md": "You answer at night.\n",
        "agents/night-desk/tests/greets.yaml": TEST,
        "numbers/main-line.yaml": NUMBER,
        "README.md": "Ours.\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    seed(bare, folder)
    made = Manifests(bare)
    await store.register(ProjectRecord(name=project, repository=str(bare)))
    await store.put_source(
        SourceState.model_validate(
            {"project": project, "seen_revision": made.tip, "applied_revision": made.tip}
        )
    )
    return made


@pytest.fixture
def remote(manifests: Manifests) -> Manifests:
    """The repository, as what serves it over HTTP wants it."""
    manifests.git("config", "http.receivepack", "true")
    return manifests


@pytest.fixture
def speed() -> Callable[..., dict[str, Any]]:
    """A free change of how fast an agent speaks."""

    def order(base: str, value: float = 1.1, agent: str = "front-desk", **said: Any) -> Any:
        edit = {"kind": "Agent", "name": agent, "path": "spec.voice.speed", "value": value}
        return {"base": base, "edits": [edit], **said}

    return order
