"""What a pull request would leave is made in the copy and nowhere else, the same by everybody."""

import subprocess
from pathlib import Path

import pytest

from trunkline.adapters.git import GitSource, commit, seed
from trunkline.model.errors import CommitUnreadable, InvalidInput
from trunkline.model.ids import Revision
from trunkline.model.proposals import Proposal

PROJECT = """\
apiVersion: trunkline/v1alpha1
kind: Project
metadata: { name: acme }
spec:
  environments: [ { name: testing, source: head } ]
"""
PERSONA = """\
apiVersion: trunkline/v1alpha1
kind: Persona
metadata: {{ name: {name} }}
spec: {{ traits: {{ temper: 0.2, chattiness: {chattiness}, attachment: 0.6 }} }}
"""


class Forged:
    """A bare repository whose pull requests are refs, as a forge keeps them."""

    def __init__(self, folder: Path) -> None:
        self.bare = folder / "remote.git"
        files = folder / "files"
        (files / "personas").mkdir(parents=True)
        (files / "trunkline.yaml").write_text(PROJECT)
        (files / "personas" / "warm.yaml").write_text(PERSONA.format(name="warm", chattiness=0.5))
        self.first = seed(self.bare, files)
        self.folder = folder

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.bare), "-c", "safe.directory=*", *arguments],
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def propose(self, number: int, edits: dict[str, str | None]) -> Proposal:
        base = Revision(self.git("rev-parse", "main"))
        self.git("branch", "--force", f"topic-{number}", "main")
        head = Revision(commit(self.bare, edits, message="Proposed", branch=f"topic-{number}"))
        self.git("update-ref", f"refs/pull/{number}/head", head)
        self.git("branch", "-D", f"topic-{number}")
        return Proposal(ref=f"refs/pull/{number}/head", head=head, base=base)

    def source(self, cache: str = "cache") -> GitSource:
        return GitSource(str(self.bare), "main", cache=self.folder / cache, allow_local=True)


@pytest.fixture
def forged(tmp_path: Path) -> Forged:
    return Forged(tmp_path)


async def test_a_head_that_builds_on_the_base_is_its_own_merge(forged: Forged) -> None:
    cold = PERSONA.format(name="cold", chattiness=0.1)
    proposal = forged.propose(1, {"personas/cold.yaml": cold})
    source = forged.source()
    merged = await source.merged(proposal)
    assert (merged.revision, merged.behind) == (proposal.head, 0)
    assert merged.changed == ("personas/cold.yaml",)
    assert sorted((await source.manifests(proposal.head)).personas) == ["cold", "warm"]


async def test_a_head_that_is_behind_is_merged_by_everybody_alike(forged: Forged) -> None:
    cold = PERSONA.format(name="cold", chattiness=0.1)
    proposal = forged.propose(2, {"personas/cold.yaml": cold})
    terse = PERSONA.format(name="terse", chattiness=0.0)
    base = commit(forged.bare, {"personas/terse.yaml": terse}, message="Meanwhile")
    moved = proposal.model_copy(update={"base": Revision(base)})
    merged = await forged.source().merged(moved)
    again = await forged.source("another").merged(moved)
    assert merged == again
    assert merged.revision not in (None, proposal.head, base)
    assert (merged.behind, merged.changed) == (1, ("personas/cold.yaml",))
    assert merged.revision is not None
    read = await forged.source().manifests(merged.revision)
    assert sorted(read.personas) == ["cold", "terse", "warm"]
    served = forged.git("for-each-ref", "--format=%(objectname)").splitlines()
    assert merged.revision not in served


async def test_files_in_conflict_are_named(forged: Forged) -> None:
    proposal = forged.propose(
        3, {"personas/warm.yaml": PERSONA.format(name="warm", chattiness=0.9)}
    )
    theirs = PERSONA.format(name="warm", chattiness=0.1)
    base = commit(forged.bare, {"personas/warm.yaml": theirs}, message="Meanwhile")
    merged = await forged.source().merged(proposal.model_copy(update={"base": Revision(base)}))
    assert merged.revision is None
    assert merged.conflicts == ("personas/warm.yaml",)


async def test_a_head_that_was_pushed_over_is_looked_at_again(forged: Forged) -> None:
    proposal = forged.propose(4, {"personas/cold.yaml": PERSONA.format(name="c", chattiness=0.1)})
    forged.git("update-ref", "refs/pull/4/head", forged.first)
    with pytest.raises(CommitUnreadable) as caught:
        await forged.source().merged(proposal)
    assert caught.value.retryable


@pytest.mark.parametrize("ref", ["refs/heads/main", "--upload-pack=x", "refs/pull/0/head", ""])
async def test_only_heads_of_pull_requests_are_fetched(forged: Forged, ref: str) -> None:
    unknown = Revision("1" * 40)
    with pytest.raises(InvalidInput):
        await forged.source().merged(Proposal(ref=ref, head=unknown, base=Revision(forged.first)))
