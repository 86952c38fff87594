"""What is proposed is one commit on a branch of ours, and nobody else's branch is ever touched."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from trunkline.adapters.git import CommitSigner, GitReleases, Repository
from trunkline.adapters.signing import Ed25519Keys, new_private_key
from trunkline.model.errors import (
    InvalidInput,
    PushRefused,
    PushRejected,
    PushUnanswered,
    SourceCredentialsRejected,
)
from trunkline.model.ids import Revision
from trunkline.model.records import SourceState
from trunkline.ports import Projects, Wishes

BRANCH = "trunkline/release/production/front-desk/1"
PATH = "releases/production/front-desk.yaml"
TAG = "trunkline/production/front-desk/v1"
ADA = ("Ada Lovelace", "ada@example.com")

Machines = Callable[[Path], GitReleases]


class NothingApplied:
    """A store before the first look at Git."""

    async def source(self, project: str) -> SourceState:
        """As a store answers."""
        return SourceState(project=project)


async def propose(
    releases: GitReleases, remote: Any, lease: Revision | None = None, **more: Any
) -> Revision:
    wanted: dict[str, Any] = {
        "branch": BRANCH,
        "base": remote.first,
        "edits": {PATH: remote.release()},
        "message": "Release front-desk v1\n",
        "author": ADA,
        **more,
    }
    branch, base = wanted.pop("branch"), wanted.pop("base")
    return await releases.push_branch(branch, base, lease=lease, **wanted)


async def test_one_commit_on_a_branch_and_the_projects_own_stays(
    releases: GitReleases, remote: Any
) -> None:
    assert await releases.branch_head(BRANCH) is None
    pushed = await propose(releases, remote)
    assert await releases.branch_head(BRANCH) == pushed
    assert remote.tip() == remote.first
    assert remote.git("show", "-s", "--format=%an/%cn/%P", pushed) == (
        f"Ada Lovelace/Trunkline/{remote.first}"
    )
    assert remote.git("show", f"{BRANCH}:{PATH}") == remote.release().strip()
    assert remote.tags() == []
    remote.git("fsck", "--strict")


async def test_asking_again_finds_what_is_there(
    more_releases: Machines, remote: Any, tmp_path: Path
) -> None:
    pushed = await propose(more_releases(tmp_path / "one"), remote)
    again = more_releases(tmp_path / "two")
    assert await propose(again, remote) == pushed
    assert await propose(again, remote, pushed) == pushed


async def test_a_branch_is_moved_from_where_it_was_seen_only(
    releases: GitReleases, remote: Any
) -> None:
    first = await propose(releases, remote)
    newer = remote.push()
    with pytest.raises(PushRejected, match="was to be not there yet"):
        await propose(releases, remote, base=newer)
    with pytest.raises(PushRejected, match="was to be at"):
        await propose(releases, remote, newer, base=newer)
    assert remote.git("rev-parse", BRANCH) == first
    moved = await propose(releases, remote, first, base=newer)
    assert remote.git("rev-parse", BRANCH) == moved
    assert remote.git("show", "-s", "--format=%P", moved) == newer


@pytest.mark.parametrize(
    "other",
    [{"author": ("Eve", "eve@example.com")}, {"message": "Else\n"}, {"edits": {PATH: "x: 1\n"}}],
)
async def test_a_commit_that_says_anything_else_is_not_the_one(
    releases: GitReleases, remote: Any, other: dict[str, Any]
) -> None:
    first = await propose(releases, remote)
    with pytest.raises(PushRejected):
        await propose(releases, remote, **other)
    assert await propose(releases, remote, first, **other) != first


@pytest.mark.parametrize("name", ["main", "feature", "trunkline/../main", "refs/heads/main", ""])
async def test_only_branches_of_our_own_are_written(
    releases: GitReleases, remote: Any, name: str
) -> None:
    with pytest.raises(InvalidInput):
        await propose(releases, remote, branch=name)
    with pytest.raises(InvalidInput):
        await releases.delete_branch(name)
    assert remote.git("branch", "--list", "--format=%(refname:short)") == "main"


async def test_the_projects_branch_is_not_written_even_if_it_bears_our_name(
    remote: Any, tmp_path: Path
) -> None:
    remote.git("branch", "trunkline/main", remote.first)
    repository = Repository(
        str(remote.bare), "trunkline/main", cache=tmp_path / "copy", allow_local=True
    )
    releases = GitReleases("acme", repository)
    with pytest.raises(InvalidInput, match="not a branch that proposals are made on"):
        await propose(releases, remote, remote.first, branch="trunkline/main")
    with pytest.raises(InvalidInput, match="not a branch that proposals are made on"):
        await releases.delete_branch("trunkline/main")
    assert remote.git("rev-parse", "trunkline/main") == remote.first


async def test_a_branch_is_deleted_once_and_only_as_it_was_seen(
    releases: GitReleases, remote: Any
) -> None:
    pushed = await propose(releases, remote)
    await releases.delete_branch(BRANCH, lease=remote.first)
    assert await releases.branch_head(BRANCH) == pushed
    await releases.delete_branch(BRANCH, lease=pushed)
    await releases.delete_branch(BRANCH)
    assert await releases.branch_head(BRANCH) is None


async def test_a_tag_stands_on_the_source_and_is_never_moved(
    releases: GitReleases, remote: Any
) -> None:
    newer = remote.push()
    await releases.push_tag(TAG, remote.first, "Shorter greeting")
    with pytest.raises(PushRejected):
        await releases.push_tag(TAG, newer, "Shorter greeting")
    assert remote.git("cat-file", "-t", TAG) == "tag"
    assert remote.git("rev-parse", f"{TAG}^{{commit}}") == remote.first
    with pytest.raises(InvalidInput):
        await releases.push_tag("v1", remote.first, "Shorter greeting")


async def test_proposals_and_tags_are_signed(remote: Any, tmp_path: Path) -> None:
    nothing = NothingApplied()
    signer = CommitSigner(
        Ed25519Keys(new_private_key()), cast("Projects", nothing), cast("Wishes", nothing)
    )
    repository = Repository(str(remote.bare), "main", cache=tmp_path / "copy", allow_local=True)
    releases = GitReleases("acme", repository, signer)
    pushed = await propose(releases, remote)
    assert "gpgsig -----BEGIN SSH SIGNATURE" in remote.git("cat-file", "commit", pushed)
    await releases.push_tag(TAG, remote.first, "Shorter greeting")
    assert "-----BEGIN SSH SIGNATURE" in remote.git("cat-file", "tag", TAG)
    assert await propose(releases, remote) == pushed


async def test_a_server_that_forbids_it_says_what_to_allow(
    remote: Any, server: Any, tmp_path: Path
) -> None:
    remote.hook("pre-receive", "echo 'branches are made by people' >&2; exit 1")
    releases = server.releases(tmp_path / "copy")
    with pytest.raises(PushRefused, match="branches are made by people") as refused:
        await propose(releases, remote)
    assert "branches below trunkline/" in refused.value.hint


async def test_a_push_nobody_answered_is_found_by_asking_again(
    remote: Any, server: Any, tmp_path: Path
) -> None:
    releases = server.releases(tmp_path / "copy")
    await releases.fetch_tip()
    server.cuts_pushes = "after"
    with pytest.raises(PushUnanswered):
        await propose(releases, remote)
    server.cuts_pushes = ""
    assert await propose(releases, remote) == remote.git("rev-parse", BRANCH)


async def test_a_wrong_token_is_said(remote: Any, server: Any, tmp_path: Path) -> None:
    server.token = "right"
    releases = server.releases(tmp_path / "copy", "wrong")
    with pytest.raises(SourceCredentialsRejected):
        await propose(releases, remote)
    with pytest.raises(SourceCredentialsRejected):
        await releases.delete_branch(BRANCH)
