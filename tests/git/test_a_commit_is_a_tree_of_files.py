"""A commit is listed and read without a checkout; links are listed and never followed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from trunkline.adapters.git import CommitTree, GitSource, commit
from trunkline.manifests import SourceTree
from trunkline.model.errors import NotFound


def test_files_are_listed_with_size_identity_and_bytes(source: GitSource, remote: Any) -> None:
    texts = {
        "agents/front desk/prompt.md": "Grüß Gott\n",
        "agents/ä/prompt.md": "",
        'odd"name\n.md': "odd",
        "same.md": "odd",
    }
    revision = commit(remote.bare, dict(texts), message="Add")

    def check(tree: CommitTree) -> None:
        as_port: SourceTree = tree
        assert as_port.revision == revision
        assert list(tree.paths()) == sorted([*texts, "trunkline.yaml"])
        for path, text in texts.items():
            assert tree.read(path).decode() == text
            assert tree.size(path) == len(text.encode())
        assert tree.identity("same.md") == tree.identity('odd"name\n.md')
        assert tree.identity("same.md") != tree.identity("trunkline.yaml")
        assert tree.links() == set()
        with pytest.raises(NotFound, match="absent"):
            tree.read("absent")

    source.read(revision, check)


def test_links_and_submodules_are_no_files(source: GitSource, remote: Any) -> None:
    target = remote.git("hash-object", "-w", "--stdin", stdin="/etc/passwd")
    file = remote.git("rev-parse", "main:trunkline.yaml")
    revision = remote.commit_tree(
        f"120000 blob {target}\tlink.md\n"
        f"160000 commit {remote.first}\tmodule\n"
        f"100755 blob {file}\ttrunkline.yaml\n"
    )
    remote.force(revision)

    def check(tree: CommitTree) -> None:
        assert list(tree.paths()) == ["trunkline.yaml"]
        assert tree.links() == {"link.md", "module"}
        with pytest.raises(NotFound):
            tree.read("link.md")

    source.read(revision, check)


def test_thousands_of_files_are_read_by_one_process(source: GitSource, remote: Any) -> None:
    texts: dict[str, str | None] = {f"a/{n}.md": f"text {n}\n" * 20 for n in range(2_000)}
    revision = commit(remote.bare, texts, message="Many")

    def contents(tree: CommitTree) -> dict[str, str]:
        return {path: tree.read(path).decode() for path in tree.paths()}

    read = source.read(revision, contents)
    assert {path: text for path, text in read.items() if path != "trunkline.yaml"} == texts


def test_reading_leaves_no_process_behind(source: GitSource, remote: Any) -> None:
    kept: list[Any] = []

    def keep(tree: CommitTree) -> None:
        tree.read("trunkline.yaml")
        kept.append(tree)

    source.read(remote.first, keep)
    assert not any(b"cat-file" in command for command in commands_of_children())


def commands_of_children() -> Iterator[bytes]:
    """Of those that are there; threads and other processes may end while it is looked."""
    for task in Path("/proc/self/task").iterdir():
        for child in _read(task / "children").split():
            yield _read(Path("/proc", child.decode(), "cmdline"))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
