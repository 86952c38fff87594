"""The local stack makes its repository from a folder and edits it by commits."""

from pathlib import Path

import pytest

from trunkline.adapters.git import Author, CommitTree, GitSource, commit, seed
from trunkline.model.errors import InvalidInput
from trunkline.model.ids import Revision


def texts(bare: Path, cache: Path, revision: Revision) -> dict[str, str]:
    source = GitSource(str(bare), "main", cache=cache, allow_local=True)

    def read(tree: CommitTree) -> dict[str, str]:
        return {path: tree.read(path).decode() for path in tree.paths()}

    return source.read(revision, read)


def folder_of(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    (folder / "agents").mkdir(parents=True)
    (folder / "trunkline.yaml").write_text("kind: Project\n")
    (folder / "agents" / "a.yaml").write_text("kind: Agent\n")
    (folder / ".gitignore").write_text("agents/\n")
    return folder


def test_seeding_holds_every_file_of_the_folder(tmp_path: Path) -> None:
    revision = seed(tmp_path / "r.git", folder_of(tmp_path))
    assert texts(tmp_path / "r.git", tmp_path / "cache", revision) == {
        ".gitignore": "agents/\n",
        "agents/a.yaml": "kind: Agent\n",
        "trunkline.yaml": "kind: Project\n",
    }


def test_seeding_keeps_links_modes_and_odd_names(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    (folder / 'odd "name"\\\n.md').write_bytes(b"\r\n\0")
    (folder / "link.md").symlink_to("/etc/passwd")
    (folder / "nested" / ".git").mkdir(parents=True)
    (folder / "nested" / ".git" / "config").write_text("not ours")
    revision = seed(tmp_path / "deep" / "r.git", folder)
    source = GitSource(
        str(tmp_path / "deep" / "r.git"), "main", cache=tmp_path / "cache", allow_local=True
    )

    def check(tree: CommitTree) -> None:
        assert tree.links() == {"link.md"}
        assert tree.read('odd "name"\\\n.md') == b"\r\n\0"
        assert not any("nested" in path for path in tree.paths())

    source.read(revision, check)


def test_seeding_again_keeps_what_was_committed_since(tmp_path: Path) -> None:
    bare, folder = tmp_path / "r.git", folder_of(tmp_path)
    seed(bare, folder)
    edited = commit(bare, {"trunkline.yaml": "kind: Edited\n"}, message="Edit")
    assert seed(bare, folder) == edited


async def test_an_edit_is_a_commit_on_top_with_its_author(tmp_path: Path) -> None:
    bare = tmp_path / "r.git"
    first = seed(bare, folder_of(tmp_path))
    edits = {"agents/a.yaml": None, "agents/b/b.yaml": "kind: Agent\n"}
    made = commit(bare, edits, message="Swap", author=Author("Ada", "ada@example.com"))
    source = GitSource(str(bare), "main", cache=tmp_path / "cache", allow_local=True)
    head = await source.head(known=first)
    assert (head.revision, head.author, head.subject) == (made, "Ada", "Swap")
    assert not head.rewritten
    assert sorted(texts(bare, tmp_path / "cache", made)) == [
        ".gitignore",
        "agents/b/b.yaml",
        "trunkline.yaml",
    ]


@pytest.mark.parametrize("path", ["../outside.yaml", "/etc/outside.yaml", ".git/config"])
def test_an_edit_outside_is_refused(tmp_path: Path, path: str) -> None:
    seed(tmp_path / "r.git", folder_of(tmp_path))
    with pytest.raises(InvalidInput, match="not inside"):
        commit(tmp_path / "r.git", {path: "x"}, message="Escape")
