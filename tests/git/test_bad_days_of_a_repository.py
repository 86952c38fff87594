"""Unreachable, refused, slow, damaged: each is an error that says what to do."""

import asyncio
import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.held_ports import held_port
from trunkline.adapters.git import GitBounds, GitSource, commit
from trunkline.model.errors import (
    CommitUnreadable,
    InvalidSettings,
    SourceCredentialsRejected,
    SourceUnreachable,
)

TOKEN = "ghp_do-not-show-me"
DEADLINE_S = 60.0
"""What was killed goes when the system comes to it."""


def copy_of(cache: Path) -> Path:
    (found,) = cache.glob("*/copy.git")
    return found


def everything_in(folder: Path) -> Iterator[bytes]:
    return (path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_the_right_token_opens_the_repository(
    server: Any, remote: Any, tmp_path: Path
) -> None:
    server.token = TOKEN
    source = server.source(tmp_path / "cache", TOKEN + "\n")
    assert (await source.head(known=None)).revision == remote.first
    assert not any(TOKEN.encode() in content for content in everything_in(tmp_path / "cache"))


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("token", ["", "wrong-" + TOKEN])
async def test_a_refused_credential_is_told_apart(
    server: Any, tmp_path: Path, status: int, token: str
) -> None:
    server.refusal = status
    with pytest.raises(SourceCredentialsRejected) as raised:
        await server.source(tmp_path / "cache", token).head(known=None)
    assert "TRUNKLINE_GIT_TOKEN" in raised.value.hint
    assert TOKEN not in str(raised.value)


async def test_a_token_can_be_rotated_without_a_restart(
    server: Any, remote: Any, tmp_path: Path
) -> None:
    server.token = "new"
    tokens = iter(["old", "new", "new"])
    source = GitSource(
        server.url + "remote.git", "main", cache=tmp_path / "cache", token=lambda: next(tokens)
    )
    with pytest.raises(SourceCredentialsRejected):
        await source.head(known=None)
    assert (await source.head(known=None)).revision == remote.first


async def test_a_token_that_would_break_a_header_is_refused(server: Any, tmp_path: Path) -> None:
    source = server.source(tmp_path / "cache", "one\r\nX-Other: two")
    with pytest.raises(InvalidSettings, match="control characters"):
        await source.head(known=None)


async def test_a_token_does_not_follow_a_redirect(server: Any, tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as elsewhere:
        elsewhere.setblocking(False)
        server.moved_to = f"http://localhost:{elsewhere.getsockname()[1]}"
        with pytest.raises(SourceUnreachable) as raised:
            await server.source(tmp_path / "cache", TOKEN).head(known=None)
        assert "moved" in raised.value.hint
        with pytest.raises(BlockingIOError):
            elsewhere.accept()


async def test_a_repository_that_is_not_there_is_unreachable(server: Any, tmp_path: Path) -> None:
    with pytest.raises(SourceUnreachable) as raised:
        await server.source(tmp_path / "cache", path="other.git").head(known=None)
    assert "address" in raised.value.hint


async def test_a_server_that_is_down_is_unreachable(tmp_path: Path) -> None:
    with held_port() as port:
        source = GitSource(f"http://127.0.0.1:{port}/r.git", "main", cache=tmp_path / "cache")
        with pytest.raises(SourceUnreachable, match="cannot be reached"):
            await source.head(known=None)


async def test_a_server_that_never_answers_is_given_up_with_all_its_processes(
    tmp_path: Path,
) -> None:
    bounds = GitBounds(list_timeout_s=0.5)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        port = silent.getsockname()[1]
        source = GitSource(
            f"http://127.0.0.1:{port}/r.git", "main", cache=tmp_path / "cache", bounds=bounds
        )
        with pytest.raises(SourceUnreachable, match="in time"):
            await source.head(known=None)
    deadline_s = time.monotonic() + DEADLINE_S
    while left := processes_naming(f"127.0.0.1:{port}/r.git"):
        assert time.monotonic() < deadline_s, left
        await asyncio.sleep(0.05)


def processes_naming(text: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if text in command:
            found.append(command)
    return found


@pytest.mark.parametrize("damage", ["truncated", "emptied", "head", "refs", "missing"])
async def test_a_damaged_copy_is_thrown_away_and_made_again(
    source: GitSource, remote: Any, tmp_path: Path, damage: str
) -> None:
    await source.manifests(remote.first)
    copy = copy_of(tmp_path / "cache")
    objects = [path for path in (copy / "objects").rglob("*") if path.is_file()]
    if damage == "head":
        (copy / "HEAD").write_text("nonsense")
    elif damage == "refs":
        shutil.rmtree(copy / "refs")
        (copy / "packed-refs").write_text("nonsense")
    elif damage == "missing":
        shutil.rmtree(copy)
    else:
        for path in objects:
            path.chmod(0o600)
            content = path.read_bytes()
            path.write_bytes(content[: len(content) // 2] if damage == "truncated" else b"")
    assert (await source.manifests(remote.first)).project.manifest.name == "acme"
    moved = remote.push()
    head = await source.head(known=remote.first)
    assert (head.revision, head.rewritten) == (moved, False)


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.9])
async def test_a_damaged_pack_is_thrown_away_and_made_again(
    source: GitSource, remote: Any, tmp_path: Path, kept: float
) -> None:
    many: dict[str, str | None] = {f"texts/{n}.md": f"text {n}" for n in range(300)}
    pushed = commit(remote.bare, many, message="Many")
    await source.head(known=None)
    (pack,) = copy_of(tmp_path / "cache").rglob("*.pack")
    pack.chmod(0o600)
    content = pack.read_bytes()
    pack.write_bytes(content[: int(len(content) * kept)])
    assert (await source.manifests(pushed)).project.manifest.name == "acme"
    head = await source.head(known=remote.first)
    assert (head.revision, head.subject, head.rewritten) == (pushed, "Many", False)


async def test_a_server_that_fails_costs_no_copy(server: Any, remote: Any, tmp_path: Path) -> None:
    source = server.source(tmp_path / "cache")
    await source.head(known=None)
    marker = copy_of(tmp_path / "cache") / "marker"
    marker.touch()
    remote.push()
    server.fails_fetches = True
    with pytest.raises(SourceUnreachable):
        await source.head(known=remote.first)
    assert marker.exists()


async def test_a_damaged_blob_found_while_reading_is_fetched_again(
    source: GitSource, remote: Any, tmp_path: Path
) -> None:
    await source.head(known=None)
    blob = remote.git("rev-parse", "main:trunkline.yaml")
    loose = copy_of(tmp_path / "cache") / "objects" / blob[:2] / blob[2:]
    loose.chmod(0o600)
    loose.write_bytes(b"nonsense")
    assert (await source.manifests(remote.first)).project.manifest.name == "acme"


async def test_a_damaged_repository_is_unreadable_and_heals(source: GitSource, remote: Any) -> None:
    await source.head(known=None)
    moved = remote.push(text="# truncated\n")
    blob = remote.git("rev-parse", "main:notes.yaml")
    loose = remote.bare / "objects" / blob[:2] / blob[2:]
    whole = loose.read_bytes()
    loose.chmod(0o600)
    loose.write_bytes(whole[:5])
    with pytest.raises(CommitUnreadable) as raised:
        await source.head(known=remote.first)
    assert "fsck" in raised.value.hint
    loose.write_bytes(whole)
    assert (await source.head(known=remote.first)).revision == moved


async def test_a_commit_that_left_the_server_is_unreadable(source: GitSource, remote: Any) -> None:
    lost = remote.push()
    remote.force(remote.first)
    remote.git("reflog", "expire", "--expire=now", "--all")
    remote.git("gc", "--prune=now", "--quiet")
    with pytest.raises(CommitUnreadable):
        await source.manifests(lost)
    assert (await source.manifests(remote.first)).project.manifest.name == "acme"


async def test_a_repository_of_another_user_can_be_read(
    source: GitSource, remote: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert (await source.head(known=None)).revision == remote.first


async def test_nothing_of_the_machine_reaches_git(
    source: GitSource, remote: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user's configuration, a hook's variables and a hook in the copy change nothing."""
    (tmp_path / ".gitconfig").write_text(
        f'[url "{tmp_path}/nowhere"]\n\tinsteadOf = {remote.bare}\n'
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'core.bare=nonsense'")
    assert (await source.head(known=None)).revision == remote.first
    copy = copy_of(tmp_path / "cache")
    hook = copy / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/hook-ran\n")
    hook.chmod(0o755)
    for name in os.environ:
        if name.startswith("GIT_"):
            monkeypatch.delenv(name)
    moved = remote.push()
    assert (await source.head(known=remote.first)).revision == moved
    assert not (tmp_path / "hook-ran").exists()
