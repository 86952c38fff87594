"""A server may be faster, refuse, die or say nothing: each leads on in another way."""

import threading
from pathlib import Path
from typing import Any

import pytest

from tests.held_ports import held_port
from trunkline.adapters.git import GitBounds, GitReleases
from trunkline.model.errors import (
    PushRefused,
    PushRejected,
    PushUnanswered,
    SourceCredentialsRejected,
    SourceUnreachable,
)
from trunkline.model.ids import Revision

PATH = "releases/production/front-desk.yaml"
TAG = "trunkline/production/front-desk/v1"
PROMOTION = "production.front-desk.1"
TOKEN = "ghp_do-not-show-me"


async def push(releases: GitReleases, remote: Any, base: Revision | None = None) -> Revision:
    return await releases.push_release(
        base or await releases.fetch_tip(),
        edits={PATH: remote.release()},
        message=f"Release\n\nTrunkline-Promotion: acme/{PROMOTION}\n",
        author=("Ada", "ada@example.com"),
        tag=TAG,
        tag_revision=remote.first,
    )


def nothing_arrived(remote: Any, tip: Revision | None = None) -> bool:
    return (remote.tip(), remote.tags()) == (tip or remote.first, [])


async def test_a_release_is_pushed_with_the_token_and_leaves_it_nowhere(
    server: Any, remote: Any, tmp_path: Path
) -> None:
    server.token = TOKEN
    releases = server.releases(tmp_path / "cache", TOKEN + "\n")
    pushed = await push(releases, remote)
    assert (remote.tip(), remote.tags()) == (pushed, [TAG])
    kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert kept
    assert not any(TOKEN.encode() in path.read_bytes() for path in kept)


@pytest.mark.parametrize("token", ["", "wrong"])
async def test_a_token_that_is_not_known_is_told_apart(
    server: Any, remote: Any, tmp_path: Path, token: str
) -> None:
    base = await server.releases(tmp_path / "cache").fetch_tip()
    server.token = TOKEN
    with pytest.raises(SourceCredentialsRejected) as raised:
        await push(server.releases(tmp_path / "cache", token), remote, base)
    assert "TRUNKLINE_GIT_TOKEN" in raised.value.hint
    assert nothing_arrived(remote)


async def test_a_token_that_may_only_read_is_told_apart(
    server: Any, remote: Any, tmp_path: Path
) -> None:
    server.refuses_pushes = 401
    with pytest.raises(SourceCredentialsRejected) as raised:
        await push(server.releases(tmp_path / "cache"), remote)
    assert "may push" in raised.value.hint
    server.refuses_pushes = 403
    with pytest.raises(PushRefused, match="403") as refused:
        await push(server.releases(tmp_path / "cache"), remote)
    assert "via: pull-request" in refused.value.hint
    assert nothing_arrived(remote)


async def test_a_server_that_takes_no_pushes_at_all_refuses(
    server: Any, remote: Any, tmp_path: Path
) -> None:
    remote.git("config", "http.receivepack", "false")
    with pytest.raises(PushRefused):
        await push(server.releases(tmp_path / "cache"), remote)
    assert nothing_arrived(remote)


async def test_a_protected_branch_refuses_with_the_servers_words(
    server: Any, remote: Any, tmp_path: Path
) -> None:
    remote.hook("pre-receive", "echo 'GH006: Protected branch update failed' >&2\nexit 1")
    with pytest.raises(PushRefused, match="GH006: Protected branch update failed") as raised:
        await push(server.releases(tmp_path / "cache"), remote)
    assert "Allow the user" in raised.value.hint
    assert nothing_arrived(remote)


@pytest.mark.parametrize("protected", ["refs/heads/*", "refs/tags/*"])
async def test_what_is_refused_of_a_release_takes_the_rest_with_it(
    server: Any, remote: Any, tmp_path: Path, protected: str
) -> None:
    """Neither a version without a release nor a release without its version."""
    remote.hook("update", f'case "$1" in {protected}) echo "no, $1" >&2; exit 1;; esac')
    with pytest.raises(PushRefused, match="no, refs/"):
        await push(server.releases(tmp_path / "cache"), remote)
    assert nothing_arrived(remote)


async def test_a_branch_that_is_hidden_from_pushes_costs_no_version(
    server: Any, remote: Any, tmp_path: Path
) -> None:
    """Git would take the tag alone, and the version would be gone."""
    releases = server.releases(tmp_path / "cache")
    base = await releases.fetch_tip()
    remote.git("config", "receive.hideRefs", "refs/heads/main")
    with pytest.raises(PushRefused, match="hides main from everybody who pushes"):
        await push(releases, remote, base)
    assert nothing_arrived(remote)
    remote.git("config", "--unset", "receive.hideRefs")
    pushed = await push(releases, remote, base)
    assert (remote.tip(), remote.tags()) == (pushed, [TAG])


async def test_words_of_a_server_are_bounded_and_printable(
    server: Any, remote: Any, tmp_path: Path
) -> None:
    remote.hook(
        "pre-receive",
        "printf 'a\\033[2Jb\\n' >&2; head -c 20000 /dev/zero | tr '\\0' x >&2; exit 1",
    )
    with pytest.raises(PushRefused) as raised:
        await push(server.releases(tmp_path / "cache"), remote)
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 1_000


async def test_a_server_that_cannot_push_two_refs_at_once_gets_none(
    server: Any, remote: Any, tmp_path: Path
) -> None:
    remote.git("config", "receive.advertiseAtomic", "false")
    with pytest.raises(PushRefused, match="together") as raised:
        await push(server.releases(tmp_path / "cache"), remote)
    assert "atomic" in raised.value.hint
    assert nothing_arrived(remote)


@pytest.mark.parametrize("moment", ["GET", "POST"])
@pytest.mark.parametrize("faster", ["branch", "tag"])
async def test_whoever_is_faster_in_the_last_moment_wins(
    server: Any, remote: Any, tmp_path: Path, moment: str, faster: str
) -> None:
    """Between our question and our push, and between the server's answer and our objects."""
    base = await server.releases(tmp_path / "cache").fetch_tip()
    before: list[Revision] = []

    def overtake(method: str) -> None:
        if method == moment and not before:
            before.append(remote.push() if faster == "branch" else remote.tip())
            if faster == "tag":
                remote.git("tag", "-a", "-m", "mine", TAG, remote.first)

    server.on_push = overtake
    with pytest.raises(PushRejected) as raised:
        await push(server.releases(tmp_path / "cache"), remote, base)
    assert raised.value.retryable
    assert remote.tip() == before[0]
    assert remote.tags() == ([TAG] if faster == "tag" else [])
    assert not remote.git("ls-tree", "-r", "main", "releases")


@pytest.mark.parametrize("arrived", [False, True])
async def test_a_lost_answer_is_found_out_by_the_trailer(
    server: Any, remote: Any, tmp_path: Path, arrived: bool
) -> None:
    releases = server.releases(tmp_path / "cache")
    base = await releases.fetch_tip()
    server.cuts_pushes = "after" if arrived else "before"
    with pytest.raises(PushUnanswered) as raised:
        await push(releases, remote, base)
    assert raised.value.retryable
    server.cuts_pushes = ""
    tip = await releases.fetch_tip()
    found = await releases.commits_with_trailer(PROMOTION, since=base)
    assert found == ((tip,) if arrived else ())
    assert (tip != base) == arrived
    if not arrived:
        assert await push(releases, remote, base) == remote.tip()
    assert remote.tags() == [TAG]


async def test_a_server_that_dies_in_a_hook_leaves_it_open(
    server: Any, remote: Any, tmp_path: Path
) -> None:
    """The process that took the push is killed before it could say anything."""
    remote.hook("pre-receive", "kill -9 $PPID\nsleep 0.1")
    releases = server.releases(tmp_path / "cache")
    base = await releases.fetch_tip()
    with pytest.raises(PushUnanswered):
        await push(releases, remote, base)
    assert nothing_arrived(remote)


async def test_a_server_that_falls_silent_is_left_after_a_while(
    server: Any, remote: Any, tmp_path: Path
) -> None:
    released = threading.Event()
    server.on_push = lambda method: released.wait(120) if method == "POST" else None
    releases = server.releases(tmp_path / "cache", bounds=GitBounds(push_timeout_s=0.5))
    try:
        with pytest.raises(PushUnanswered, match="did not end"):
            await push(releases, remote)
    finally:
        released.set()


async def test_a_server_that_is_not_there_was_sent_nothing(
    server: Any, remote: Any, tmp_path: Path
) -> None:
    base = await server.releases(tmp_path / "cache").fetch_tip()
    with held_port() as port:
        server.url = f"http://127.0.0.1:{port}/"
        with pytest.raises(SourceUnreachable):
            await push(server.releases(tmp_path / "cache"), remote, base)
    assert nothing_arrived(remote)


@pytest.mark.parametrize("speaks_newest", [True, False])
async def test_a_released_revision_outlives_a_force_push(
    server: Any, remote: Any, tmp_path: Path, speaks_newest: bool
) -> None:
    """Also where a server gives away nothing but what its refs point at."""
    server.speaks_newest = speaks_newest
    released = remote.push()
    releases = server.releases(tmp_path / "cache")
    await releases.push_release(
        await releases.fetch_tip(),
        edits={PATH: remote.release(revision=released)},
        message="Release",
        author=("Ada", "ada@example.com"),
        tag=TAG,
        tag_revision=released,
    )
    remote.force(remote.first)
    remote.git("reflog", "expire", "--expire=now", "--all")
    remote.git("gc", "--prune=now", "--quiet")
    elsewhere = server.source(tmp_path / "other")
    assert (await elsewhere.head(known=None)).revision == remote.first
    manifests = await elsewhere.manifests(released)
    assert (manifests.revision, manifests.project.manifest.name) == (released, "acme")
