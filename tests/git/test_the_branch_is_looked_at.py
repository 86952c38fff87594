"""A look says where the branch is, fetches only what moved, and notices rewritten history."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trunkline.adapters.git import GitSource, commit
from trunkline.model.errors import BranchMissing, InvalidManifests, TreeEmpty
from trunkline.model.ids import Revision


async def test_a_look_names_revision_author_and_subject(source: GitSource, remote: Any) -> None:
    revision = remote.push(subject="Grüße the caller")
    head = await source.head(known=None)
    assert (head.revision, head.author, head.subject) == (
        revision,
        "Trunkline",
        "Grüße the caller",
    )
    assert not head.rewritten


async def test_a_branch_that_did_not_move_is_not_fetched(
    server: Any, remote: Any, tmp_path: Path
) -> None:
    source = server.source(tmp_path / "cache")
    first = await source.head(known=None)
    assert server.fetches == 1
    assert await source.head(known=first.revision) == first
    assert server.fetches == 1
    moved = remote.push()
    assert (await source.head(known=first.revision)).revision == moved
    assert server.fetches == 2


async def test_a_commit_on_top_is_no_rewrite(source: GitSource, remote: Any) -> None:
    remote.push()
    head = await source.head(known=remote.first)
    assert not head.rewritten


async def test_a_force_push_is_noticed_and_followed(source: GitSource, remote: Any) -> None:
    pushed = remote.push()
    await source.head(known=None)
    remote.force(remote.first)
    other = remote.push(text="# other\n")
    head = await source.head(known=pushed)
    assert head.revision == other
    assert head.rewritten


async def test_going_back_to_an_older_commit_is_a_rewrite(source: GitSource, remote: Any) -> None:
    pushed = remote.push()
    await source.head(known=remote.first)
    remote.force(remote.first)
    head = await source.head(known=pushed)
    assert (head.revision, head.rewritten) == (remote.first, True)


async def test_a_worker_without_a_copy_notices_a_force_push_too(
    source: GitSource, remote: Any
) -> None:
    pushed = remote.push()
    remote.force(remote.first)
    head = await source.head(known=pushed)
    assert head.rewritten


async def test_a_branch_that_is_gone_is_said(source: GitSource, remote: Any) -> None:
    await source.head(known=None)
    remote.git("branch", "other", "main")
    remote.git("update-ref", "-d", "refs/heads/main")
    with pytest.raises(BranchMissing, match="main") as raised:
        await source.head(known=remote.first)
    assert raised.value.hint
    remote.force(remote.first)
    assert (await source.head(known=remote.first)).revision == remote.first


async def test_a_tag_of_the_same_name_is_not_the_branch(source: GitSource, remote: Any) -> None:
    remote.git("branch", "other", "main")
    remote.git("tag", "main", "main")
    remote.git("update-ref", "-d", "refs/heads/main")
    with pytest.raises(BranchMissing):
        await source.head(known=None)


async def test_a_repository_without_a_commit_is_empty(source: GitSource, remote: Any) -> None:
    remote.git("update-ref", "-d", "refs/heads/main")
    with pytest.raises(TreeEmpty, match="no commit"):
        await source.head(known=None)


async def test_many_looks_at_once_share_one_copy(remote: Any, tmp_path: Path, server: Any) -> None:
    sources = [server.source(tmp_path / "cache") for _ in range(8)]
    heads = await asyncio.gather(*(one.head(known=None) for one in sources))
    assert {head.revision for head in heads} == {remote.first}
    assert server.fetches == 1


async def test_a_commit_becomes_manifests(source: GitSource, remote: Any) -> None:
    manifests = await source.manifests(remote.first)
    assert manifests.project.manifest.name == "acme"


async def test_problems_of_a_commit_are_told(source: GitSource, remote: Any) -> None:
    bad = remote.push(text="apiVersion: trunkline/v1alpha1\nkind: Agnet\n")
    with pytest.raises(InvalidManifests) as raised:
        await source.manifests(bad)
    assert raised.value.problems[0].position.file == "notes.yaml"
    assert (await source.manifests(remote.first)).project.manifest.name == "acme"


@pytest.mark.parametrize("files", [{}, {"README.md": "hello"}])
async def test_a_commit_without_manifests_is_empty(
    source: GitSource, remote: Any, files: dict[str, str | None]
) -> None:
    revision = commit(remote.bare, {"trunkline.yaml": None, **files}, message="Remove everything")
    assert (await source.head(known=None)).revision == revision
    with pytest.raises(TreeEmpty):
        await source.manifests(revision)


async def test_an_older_commit_can_still_be_read(source: GitSource, remote: Any) -> None:
    second = remote.push()

    def names(revision: Revision) -> list[str]:
        reading: Callable[..., list[str]] = source.read
        return reading(revision, lambda tree: list(tree.paths()))

    assert names(second) == ["notes.yaml", "trunkline.yaml"]
    assert names(remote.first) == ["trunkline.yaml"]
