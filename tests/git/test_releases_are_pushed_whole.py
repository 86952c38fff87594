"""A release is one commit and one tag that arrive together, on the commit it was decided on."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trunkline.adapters.git import GitReleases, GitSource
from trunkline.model.errors import CommitUnreadable, InvalidInput, PushRejected
from trunkline.model.ids import Revision

PATH = "releases/production/front-desk.yaml"
TAG = "trunkline/production/front-desk/v1"
MESSAGE = """\
Release front-desk v1 to production

Shorter greeting

Trunkline-Promotion: acme/production.front-desk.1
"""
ADA = ("Ada Lovelace", "ada@example.com")

Machines = Callable[[Path], GitReleases]


async def push(
    releases: GitReleases, remote: Any, base: Revision | None = None, version: int = 1
) -> Revision:
    return await releases.push_release(
        base or await releases.fetch_tip(),
        edits={PATH: remote.release(version)},
        message=MESSAGE,
        author=ADA,
        tag=TAG,
        tag_revision=remote.first,
        tag_message="Shorter greeting",
    )


async def test_commit_and_tag_say_what_who_and_why(releases: GitReleases, remote: Any) -> None:
    pushed = await push(releases, remote)
    assert remote.tip() == pushed
    assert remote.git("show", "-s", "--format=%an %ae/%cn %ce/%P", "main") == (
        f"Ada Lovelace ada@example.com/Trunkline noreply@trunkline.invalid/{remote.first}"
    )
    assert remote.git("show", "-s", "--format=%B", "main") == MESSAGE.strip()
    assert remote.git("show", f"main:{PATH}") == remote.release().strip()
    assert remote.git("diff-tree", "--name-only", "-r", "--no-commit-id", "main") == PATH
    assert remote.git("cat-file", "-t", TAG) == "tag"
    assert remote.git("rev-parse", f"{TAG}^{{commit}}") == remote.first
    assert await releases.fetch_tip() == pushed
    (tag,) = await releases.release_tags("production", "front-desk")
    assert (tag.version, tag.revision, tag.tagger) == (1, remote.first, "Trunkline")
    assert tag.message == "Shorter greeting"
    assert tag.at is not None
    remote.git("fsck", "--strict")


async def test_files_are_written_and_removed_and_others_stay(
    releases: GitReleases, remote: Any
) -> None:
    base = remote.push("#!/bin/sh\n")
    remote.git("update-ref", "refs/heads/main", base)
    blob = remote.git("rev-parse", "main:notes.yaml")
    base = remote.commit_tree(
        f"100755 blob {blob}\trun.sh\n100644 blob {blob}\told.yaml\n120000 blob {blob}\tlink.yaml",
        base,
    )
    remote.force(base)
    await releases.push_release(
        await releases.fetch_tip(),
        edits={"run.sh": "true\n", "old.yaml": None, "gone.yaml": None, "a/ü b.yaml": "x: 1\n"},
        message="Tidy",
        author=ADA,
    )
    listing = remote.git("-c", "core.quotePath=false", "ls-tree", "-r", "main").splitlines()
    assert [(line.split()[0], line.partition("\t")[2]) for line in listing] == [
        ("100644", "a/ü b.yaml"),
        ("120000", "link.yaml"),
        ("100755", "run.sh"),
    ]
    assert remote.tags() == []


@pytest.mark.parametrize(
    "path",
    ["../x.yaml", "/x.yaml", "a//x.yaml", ".git/config", "a/.GIT/x", "", "a\nb.yaml", "a\\b.yaml"],
)
async def test_a_path_outside_the_repository_is_refused(
    releases: GitReleases, remote: Any, path: str
) -> None:
    with pytest.raises(InvalidInput, match="not a path inside"):
        await releases.push_release(
            await releases.fetch_tip(), edits={path: "x"}, message="m", author=ADA
        )
    assert remote.tip() == remote.first


@pytest.mark.parametrize(
    ("path", "why"), [("trunkline.yaml/x", "is not a folder"), ("a", "it is a folder")]
)
async def test_a_file_does_not_replace_a_folder_nor_a_folder_a_file(
    releases: GitReleases, remote: Any, path: str, why: str
) -> None:
    base = await releases.fetch_tip()
    base = await releases.push_release(base, edits={"a/b": "x"}, message="m", author=ADA)
    with pytest.raises(InvalidInput, match=why):
        await releases.push_release(base, edits={path: "x"}, message="m", author=ADA)
    assert remote.tip() == base


async def test_a_commit_that_changes_nothing_is_not_made(
    releases: GitReleases, remote: Any
) -> None:
    pushed = await push(releases, remote)
    for edits in ({PATH: remote.release()}, {"not-there.yaml": None}, {}):
        with pytest.raises(InvalidInput):
            await releases.push_release(pushed, edits=edits, message="m", author=ADA)
    assert remote.tip() == pushed


@pytest.mark.parametrize(
    "tag", ["v1", "trunkline/production/front-desk/v01", "trunkline/a/../v1", "trunkline/a/b/v0"]
)
async def test_only_tags_of_releases_are_made(releases: GitReleases, remote: Any, tag: str) -> None:
    with pytest.raises(InvalidInput, match="tag of a release"):
        await releases.push_release(
            remote.first,
            edits={PATH: "x"},
            message="m",
            author=ADA,
            tag=tag,
            tag_revision=remote.first,
        )
    with pytest.raises(InvalidInput, match="revision it stands on"):
        await releases.push_release(
            remote.first, edits={PATH: "x"}, message="m", author=ADA, tag=TAG
        )


async def test_of_two_that_release_at_once_one_wins(
    more_releases: Machines, remote: Any, tmp_path: Path
) -> None:
    machines = [more_releases(tmp_path / name) for name in ("one", "two")]
    base = remote.tip()
    assert [await machine.fetch_tip() for machine in machines] == [base, base]
    outcomes = await asyncio.gather(
        *(push(machine, remote, base, n) for n, machine in enumerate(machines, start=1)),
        return_exceptions=True,
    )
    won = [each for each in outcomes if isinstance(each, str)]
    lost = [each for each in outcomes if isinstance(each, PushRejected)]
    assert (len(won), len(lost)) == (1, 1)
    assert remote.tip() == won[0]
    assert remote.git("rev-list", "--count", "main") == "2"
    assert await machines[0].fetch_tip() == won[0]


async def test_a_branch_that_moved_on_is_not_written_to(releases: GitReleases, remote: Any) -> None:
    base = await releases.fetch_tip()
    moved = remote.push()
    with pytest.raises(PushRejected, match="no longer at"):
        await push(releases, remote, base)
    assert (remote.tip(), remote.tags()) == (moved, [])


async def test_a_branch_that_was_taken_back_does_not_get_its_lost_commits_again(
    releases: GitReleases, remote: Any
) -> None:
    base = remote.push()
    assert await releases.fetch_tip() == base
    remote.force(remote.first)
    with pytest.raises(PushRejected):
        await push(releases, remote, base)
    assert remote.tip() == remote.first


@pytest.mark.parametrize("kind", ["annotated", "by hand"])
async def test_a_version_that_is_taken_moves_neither_tag_nor_branch(
    releases: GitReleases, remote: Any, kind: str
) -> None:
    other = remote.push()
    options = ("-a", "-m", "mine") if kind == "annotated" else ()
    remote.git("tag", *options, TAG, other)
    taken = remote.git("rev-parse", TAG)
    with pytest.raises(PushRejected, match="already exists"):
        await push(releases, remote)
    assert remote.git("rev-parse", TAG) == taken
    assert remote.tip() == other
    await releases.fetch_tip()
    (tag,) = await releases.release_tags()
    assert (tag.version, tag.revision) == (1, other)


async def test_a_tag_on_a_commit_nobody_has_is_not_made(releases: GitReleases, remote: Any) -> None:
    with pytest.raises(CommitUnreadable):
        await releases.push_release(
            await releases.fetch_tip(),
            edits={PATH: "x"},
            message="m",
            author=ADA,
            tag=TAG,
            tag_revision=Revision("1" * 40),
        )
    assert (remote.tip(), remote.tags()) == (remote.first, [])


async def test_no_hook_of_our_copy_ever_runs(
    releases: GitReleases, remote: Any, tmp_path: Path
) -> None:
    base = await releases.fetch_tip()
    (copy,) = (tmp_path / "cache").glob("*/copy.git")
    (copy / "hooks").mkdir(exist_ok=True)
    for name in ("pre-push", "reference-transaction", "pre-commit", "commit-msg", "post-commit"):
        hook = copy / "hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\nexit 1\n")
        hook.chmod(0o755)
    pushed = await push(releases, remote, base)
    assert await releases.fetch_tip() == pushed
    assert not (tmp_path / "ran").exists()


async def test_a_damaged_copy_is_made_again_before_a_release(
    releases: GitReleases, remote: Any, tmp_path: Path
) -> None:
    base = await releases.fetch_tip()
    (copy,) = (tmp_path / "cache").glob("*/copy.git")
    tree = remote.git("rev-parse", f"{base}^{{tree}}")
    loose = copy / "objects" / tree[:2] / tree[2:]
    loose.chmod(0o600)
    loose.write_bytes(b"nonsense")
    assert await push(releases, remote, base) == remote.tip()


@pytest.mark.parametrize(
    ("name", "email", "shown"),
    [
        ("", "ada@example.com", "ada@example.com <ada@example.com>"),
        ("", "", "noreply@trunkline.invalid <noreply@trunkline.invalid>"),
        (" ,;. ", "ada@example.com", "ada@example.com <ada@example.com>"),
        ("Ada\nX: y\0 <root>", "ada@\nexample.com>", "Ada X: y  root <ada@ example.com>"),
        ("Zoë 李 \ud800", "zoë@example.com", "Zoë 李 ? <zoë@example.com>"),
    ],
)
async def test_an_odd_name_cannot_write_into_the_commit(
    releases: GitReleases, remote: Any, name: str, email: str, shown: str
) -> None:
    await releases.push_release(
        await releases.fetch_tip(), edits={PATH: "x"}, message="m\0\n", author=(name, email)
    )
    raw = remote.git("cat-file", "commit", "main").splitlines()
    assert raw[2].rsplit(" ", 2)[0] == f"author {shown}"
    assert raw[3].startswith("committer Trunkline <noreply@trunkline.invalid> ")
    assert raw[4:] == ["", "m"]
    remote.git("fsck", "--strict")


async def test_words_of_people_are_no_trailers_of_ours(releases: GitReleases, remote: Any) -> None:
    cut = "# ------------------------ >8 ------------------------"
    words = f"Shorter\n\nTrunkline-Promotion: acme/forged\n{cut}\nend"
    pushed = await releases.push_release(
        await releases.fetch_tip(),
        edits={PATH: "x"},
        message=f"Release\n\n{words}\n\nTrunkline-Promotion: acme/own\n",
        author=ADA,
    )
    await releases.fetch_tip()
    assert await releases.commits_with_trailer("own", since=None) == (pushed,)
    assert await releases.commits_with_trailer("forged", since=None) == ()
    assert f"\n {cut}\n" in remote.git("show", "-s", "--format=%B", "main")


@pytest.mark.parametrize("path", ["-x.yaml", "--help.yaml", ":(glob)x.yaml", "a/*.yaml", ":x"])
async def test_a_path_is_never_an_option_nor_a_pattern(
    releases: GitReleases, remote: Any, path: str
) -> None:
    await releases.push_release(
        await releases.fetch_tip(), edits={path: "x"}, message="m", author=ADA
    )
    assert path in remote.git("ls-tree", "-r", "--name-only", "main").splitlines()


async def test_nothing_of_the_machine_reaches_a_release(
    releases: GitReleases, remote: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".gitconfig").write_text(
        "[commit]\n\tgpgSign = true\n[tag]\n\tgpgSign = true\n[push]\n\tfollowTags = true\n"
        "[user]\n\tname = Somebody\n"
    )
    base = await releases.fetch_tip()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_AUTHOR_DATE", "@0 +0000")
    monkeypatch.setenv("GIT_COMMITTER_NAME", "Somebody")
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "nowhere"))
    pushed = await push(releases, remote, base)
    monkeypatch.undo()
    shown = remote.git("show", "-s", "--format=%an %cn %at", pushed)
    assert shown.startswith("Ada Lovelace Trunkline ")
    assert int(shown.split()[-1]) > 1_000_000


async def test_what_a_look_reads_is_what_was_released(
    releases: GitReleases, source: GitSource, remote: Any
) -> None:
    pushed = await push(releases, remote)
    head = await source.head(known=remote.first)
    assert (head.revision, head.author, head.rewritten) == (pushed, "Ada Lovelace", False)
    assert ("production", "front-desk") in (await source.releases(pushed)).released
