"""Git alone tells who released what: by trailers, by tags and by the files that commits wrote."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trunkline.adapters.git import GitReleases, GitSource, commit
from trunkline.model.errors import BranchMissing, InvalidInput, InvalidManifests
from trunkline.model.ids import Revision, release_path, release_tag
from trunkline.model.kinds.release import ReleaseSpec

PATH = "releases/production/front-desk.yaml"

Machines = Callable[[Path], GitReleases]


def say(remote: Any, message: str) -> Revision:
    """A commit on main that says something."""
    count = remote.git("rev-list", "--count", "main")
    return commit(remote.bare, {"notes.yaml": f"# {count}\n"}, message=message)


async def release(
    releases: GitReleases,
    remote: Any,
    version: int,
    *,
    agent: str = "front-desk",
    environment: str = "production",
) -> Revision:
    return await releases.push_release(
        await releases.fetch_tip(),
        edits={release_path(environment, agent): remote.release(version, agent, environment)},
        message=f"Release\n\nTrunkline-Promotion: acme/{environment}.{agent}.{version}\n",
        author=("Ada", "ada@example.com"),
        tag=release_tag(environment, agent, version),
        tag_revision=remote.first,
    )


@pytest.mark.parametrize(
    ("message", "counts"),
    [
        ("Release\n\nTrunkline-Promotion: acme/p.a.1\n", True),
        ("Release\n\nBody.\n\ntrunkline-promotion : acme/p.a.1\nSigned-off-by: A <a@b>\n", True),
        ("Release\n\nTrunkline-Promotion:\n acme/p.a.1\n", True),
        ("Trunkline-Promotion: acme/p.a.1\n", False),
        ("Release\n\nTrunkline-Promotion: acme/p.a.1\n\nand then some words\n", False),
        ("Release\n\nsee Trunkline-Promotion: acme/p.a.1\n", False),
        ("Release\n\n> Trunkline-Promotion: acme/p.a.1\n", False),
        ("Release\n\nTrunkline-Promotion: acme/p.a.10\n", False),
        ("Release\n\nTrunkline-Promotion: acme/p.a.1 not\n", False),
        ("Release\n\nTrunkline-Promotion: other/p.a.1\n", False),
        ("Release\n\nTrunkline-Promotion: ACME/p.a.1\n", False),
        ("Release\n\nTrunkline-Promotion-Of: acme/p.a.1\n", False),
    ],
)
async def test_only_a_real_trailer_names_a_promotion(
    releases: GitReleases, remote: Any, message: str, counts: bool
) -> None:
    made = say(remote, message)
    say(remote, "Later\n")
    await releases.fetch_tip()
    for promotion in ("p.a.1", "acme/p.a.1"):
        found = await releases.commits_with_trailer(promotion, since=None)
        assert found == ((made,) if counts else ())


async def test_commits_since_then_are_found_newest_first(
    releases: GitReleases, remote: Any
) -> None:
    trailer = "Release\n\nTrunkline-Promotion: acme/p.a.1\n"
    one, two = say(remote, trailer), say(remote, trailer)
    await releases.fetch_tip()
    assert await releases.commits_with_trailer("p.a.1", since=None) == (two, one)
    assert await releases.commits_with_trailer("p.a.1", since=one) == (two,)
    assert await releases.commits_with_trailer("p.a.1", since=two) == ()
    assert await releases.commits_with_trailer("p.a.1", since=Revision("1" * 40)) == (two, one)


async def test_a_release_that_came_in_by_a_merge_is_found(
    releases: GitReleases, remote: Any
) -> None:
    made = say(remote, "Release\n\nTrunkline-Promotion: acme/p.a.1\n")
    remote.force(remote.first)
    other = say(remote, "Other\n")
    tree = remote.git("rev-parse", f"{made}^{{tree}}")
    remote.force(remote.git("commit-tree", tree, "-p", other, "-p", made, "-m", "Merge"))
    await releases.fetch_tip()
    assert await releases.commits_with_trailer("p.a.1", since=other) == (made,)


async def test_what_is_not_fetched_is_not_absent(
    releases: GitReleases, more_releases: Machines, remote: Any, tmp_path: Path
) -> None:
    """Another worker may ask than the one that fetched."""
    made = await release(releases, remote, 1)
    fresh = [more_releases(tmp_path / name) for name in ("a", "b", "c")]
    found = await fresh[0].commits_with_trailer("production.front-desk.1", since=None)
    assert found == (made,)
    (tag,) = await fresh[1].release_tags("production", "front-desk")
    assert tag.version == 1
    (record,) = await fresh[2].release_history(limit=5)
    assert record.commit == made


async def test_a_copy_made_by_a_look_alone_does_not_lack_tags(
    releases: GitReleases, source: GitSource, more_releases: Machines, remote: Any, tmp_path: Path
) -> None:
    await release(more_releases(tmp_path / "other"), remote, 1)
    await source.head(known=None)
    assert len(await releases.release_tags()) == 1


async def test_tags_are_told_by_environment_agent_and_version(
    releases: GitReleases, remote: Any
) -> None:
    for environment, agent, version in [
        ("production", "front-desk", 2),
        ("production", "front-desk", 10),
        ("production", "front", 1),
        ("staging", "front-desk", 1),
    ]:
        await release(releases, remote, version, agent=agent, environment=environment)
    for name in ("v1", "trunkline/production/front-desk/v03", "trunkline/production/v1"):
        remote.git("tag", name, remote.first)
    blob = remote.store("blob", b"x")
    remote.git("tag", "-a", "-m", "of no commit", "trunkline/staging/front-desk/v2", blob)
    await releases.fetch_tip()
    everything = await releases.release_tags()
    assert [(tag.environment, tag.agent, tag.version) for tag in everything] == [
        ("production", "front", 1),
        ("production", "front-desk", 2),
        ("production", "front-desk", 10),
        ("staging", "front-desk", 1),
        ("staging", "front-desk", 2),
    ]
    assert everything[-1].revision == blob
    desks = await releases.release_tags(agent="front-desk")
    assert [tag.version for tag in desks] == [2, 10, 1, 2]
    assert [tag.version for tag in await releases.release_tags("production", "front-desk")] == [
        2,
        10,
    ]
    assert await releases.release_tags("*", "*") == ()


async def test_a_tag_that_moved_or_went_on_the_server_is_followed(
    releases: GitReleases, remote: Any
) -> None:
    await release(releases, remote, 1)
    await release(releases, remote, 2)
    tip = remote.tip()
    assert len((await releases.fetch_tip(), await releases.release_tags())[1]) == 2
    remote.git("tag", "-f", "-a", "-m", "x", "trunkline/production/front-desk/v1", tip)
    remote.git("tag", "-d", "trunkline/production/front-desk/v2")
    await releases.fetch_tip()
    (tag,) = await releases.release_tags()
    assert (tag.version, tag.revision) == (1, tip)


async def test_a_damaged_list_of_tags_is_fetched_again(
    releases: GitReleases, remote: Any, tmp_path: Path
) -> None:
    await release(releases, remote, 1)
    await releases.fetch_tip()
    (copy,) = (tmp_path / "cache").glob("*/copy.git")
    tag = remote.git("rev-parse", "trunkline/production/front-desk/v1")
    for path in (copy / "objects").rglob("*"):
        if path.is_file() and (path.suffix in {".pack", ".idx"} or path.name in tag):
            path.unlink()
    assert len(await releases.release_tags()) == 1


async def test_history_is_told_newest_first_with_who_and_why(
    releases: GitReleases, remote: Any
) -> None:
    one = await release(releases, remote, 1)
    say(remote, "Between\n")
    two = await release(releases, remote, 2)
    other = await release(releases, remote, 1, agent="other", environment="staging")
    await releases.fetch_tip()
    found = await releases.release_history(limit=10)
    assert [(each.environment, each.agent, each.version, each.commit) for each in found] == [
        ("staging", "other", 1, other),
        ("production", "front-desk", 2, two),
        ("production", "front-desk", 1, one),
    ]
    first = found[-1]
    assert (first.project, first.promotion) == ("acme", "production.front-desk.1")
    assert (first.promoted_by, first.changes) == ("ada@example.com", "Shorter greeting")
    assert first.revision == remote.first
    assert first.released_at is not None
    assert ReleaseSpec.model_validate(first.spec).version == 1
    desk = await releases.release_history(environment="production", agent="front-desk", limit=10)
    assert [each.version for each in desk] == [2, 1]
    assert [each.agent for each in await releases.release_history(agent="other", limit=10)] == [
        "other"
    ]
    assert await releases.release_history(environment="*", limit=10) == ()


async def test_history_comes_in_pages(releases: GitReleases, remote: Any) -> None:
    commits = [await release(releases, remote, version) for version in range(1, 6)]
    await releases.fetch_tip()
    seen: list[int] = []
    before: Revision | None = None
    while page := await releases.release_history(limit=2, before=before):
        assert len(page) <= 2
        seen.extend(each.version for each in page)
        before = page[-1].commit
    assert seen == [5, 4, 3, 2, 1]
    with pytest.raises(InvalidInput, match="wrote no release"):
        await releases.release_history(limit=2, before=remote.first)
    assert before == commits[0]


async def test_one_commit_with_many_releases_is_not_cut(releases: GitReleases, remote: Any) -> None:
    agents = ["a", "b", "c"]
    edits: dict[str, str | None] = {
        release_path("production", agent): remote.release(1, agent) for agent in agents
    }
    commit(remote.bare, edits, message="All at once")
    page = await releases.release_history(limit=1)
    assert [each.agent for each in page] == agents
    assert {each.promotion for each in page} == {""}


async def test_removed_and_broken_releases_are_left_out_and_stop_nothing(
    releases: GitReleases, remote: Any
) -> None:
    one = await release(releases, remote, 1)
    texts: list[str | None] = [
        "nonsense: [",
        remote.release(2).replace("sha256", "md5"),
        remote.release(2, agent="somebody-else"),
        "x" * 2_000_000,
        None,
    ]
    for text in texts:
        commit(remote.bare, {PATH: text}, message="By hand")
    remote.git("tag", "trunkline/production/front-desk/v2", remote.first)
    await releases.fetch_tip()
    three = await release(releases, remote, 3)
    await releases.fetch_tip()
    found = await releases.release_history(limit=10)
    assert [(each.version, each.commit) for each in found] == [(3, three), (1, one)]
    assert await releases.release_history(limit=1, before=three) == found[1:]


async def test_a_hold_is_a_second_commit_of_the_same_version(
    releases: GitReleases, remote: Any
) -> None:
    one = await release(releases, remote, 1)
    held = await releases.push_release(
        await releases.fetch_tip(),
        edits={PATH: remote.release(1) + "  hold: { reason: broken, by: ada }\n"},
        message="Hold front-desk",
        author=("Ada", "ada@example.com"),
    )
    await releases.fetch_tip()
    found = await releases.release_history(limit=10)
    assert [(each.version, each.commit, "hold" in each.spec) for each in found] == [
        (1, held, True),
        (1, one, False),
    ]


async def test_a_merge_repeats_nothing_its_parents_wrote(
    releases: GitReleases, remote: Any
) -> None:
    one = await release(releases, remote, 1)
    side = await release(releases, remote, 2)
    remote.force(one)
    other = say(remote, "Other\n")
    tree = remote.git("rev-parse", f"{side}^{{tree}}")
    remote.force(remote.git("commit-tree", tree, "-p", other, "-p", side, "-m", "Merge"))
    await releases.fetch_tip()
    assert [each.commit for each in await releases.release_history(limit=10)] == [side, one]
    blob = remote.store("blob", remote.release(3).encode())
    folder = remote.git("mktree", stdin=f"100644 blob {blob}\tfront-desk.yaml\n")
    folder = remote.git("mktree", stdin=f"040000 tree {folder}\tproduction\n")
    evil = remote.commit_tree(f"040000 tree {folder}\treleases\n", other, side)
    remote.force(evil)
    await releases.fetch_tip()
    found = await releases.release_history(limit=10)
    assert [(each.version, each.commit) for each in found] == [(3, evil), (2, side), (1, one)]


async def test_releases_are_read_whatever_the_rest_is_like(
    releases: GitReleases, source: GitSource, remote: Any
) -> None:
    await release(releases, remote, 1)
    broken = commit(remote.bare, {"trunkline.yaml": "nonsense: ["}, message="Broken")
    await source.head(known=None)
    with pytest.raises(InvalidManifests):
        await source.manifests(broken)
    for found in (await source.releases(broken), await releases.releases(broken)):
        assert set(found.released) == {("production", "front-desk")}
        assert found.problems == ()
    odd = commit(remote.bare, {"releases/production/other.yaml": "x: ["}, message="Odd")
    found = await source.releases(odd)
    assert set(found.released) == {("production", "front-desk")}
    assert [problem.position.file for problem in found.problems] == [
        "releases/production/other.yaml"
    ]


async def test_a_branch_without_releases_has_none(releases: GitReleases, remote: Any) -> None:
    tip = await releases.fetch_tip()
    assert (await releases.releases(tip)).released == {}
    assert await releases.release_history(limit=10) == ()
    assert await releases.release_tags() == ()
    remote.git("update-ref", "-d", "refs/heads/main")
    with pytest.raises(BranchMissing):
        await releases.fetch_tip()
