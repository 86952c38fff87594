"""No path, link or listing leads out of the repository."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from trunkline.manifests import Caches, DirectoryTree, check, load
from trunkline.model.errors import NotFound

Write = Callable[[Mapping[str, str | bytes]], DirectoryTree]

PLACE = "agents/other.yaml:4:25:"
AGENT = """\
apiVersion: trunkline/v1alpha1
kind: Agent
metadata: { name: other }
spec: { prompt: { file: %s } }
"""


def said(tree: DirectoryTree) -> list[str]:
    return [str(problem) for problem in check(tree, caches=Caches())]


def test_a_prompt_that_is_a_link_is_refused(write: Write, tmp_path: Path) -> None:
    write({"agents/other.yaml": AGENT % "prompt.md"})
    secret = tmp_path.parent / f"{tmp_path.name}-outside.md"
    secret.write_text("outside")
    (tmp_path / "agents/prompt.md").symlink_to(secret)
    assert said(DirectoryTree(tmp_path)) == [
        f"{PLACE} `agents/prompt.md` leads through a symbolic link; links are not followed"
    ]


def test_a_folder_that_is_a_link_is_refused(write: Write, tmp_path: Path) -> None:
    write({"agents/other.yaml": AGENT % "texts/prompt.md", "texts/prompt.md": "Hello"})
    (tmp_path / "agents/texts").symlink_to(tmp_path / "texts")
    assert said(DirectoryTree(tmp_path)) == [
        f"{PLACE} `agents/texts/prompt.md` leads through a symbolic link; links are not followed"
    ]


def test_a_manifest_that_is_a_link_is_refused(write: Write, tmp_path: Path) -> None:
    write({})
    (tmp_path / "linked.yaml").symlink_to(tmp_path / "tools.yaml")
    assert said(DirectoryTree(tmp_path)) == [
        "linked.yaml:1:1: the manifest is a symbolic link; links are not followed"
    ]


def test_a_link_that_goes_round_is_not_followed(write: Write, tmp_path: Path) -> None:
    write({})
    (tmp_path / "round").symlink_to(tmp_path)
    tree = DirectoryTree(tmp_path)
    assert "round" in tree.links()
    assert not any(path.startswith("round") for path in tree.paths())
    assert said(tree) == []


@pytest.mark.parametrize("path", ["..", "../prompt.md", "a/../../p.md", "./p.md", "a//../p.md"])
def test_a_path_that_leads_up_is_refused(path: str, write: Write) -> None:
    problems = said(write({"agents/other.yaml": AGENT % path}))
    assert len(problems) == 1
    assert problems[0].startswith("agents/other.yaml:4:25: spec.prompt.file: must be a path")


@pytest.mark.parametrize("path", ["/etc/hostname", "'C:\\\\p.md'", "prompts/"])
def test_a_path_of_the_machine_is_refused(path: str, write: Write) -> None:
    problems = said(write({"agents/other.yaml": AGENT % path}))
    assert len(problems) == 1
    assert "must be a path beside or below this file" in problems[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"\xff\xfe", "is not UTF-8 text"), (b"a\x00b", "holds a NUL"), (b" \n", "is empty")],
)
def test_a_file_that_is_no_text_is_refused(content: bytes, message: str, write: Write) -> None:
    problems = said(write({"agents/other.yaml": AGENT % "p.md", "agents/p.md": content}))
    assert len(problems) == 1
    assert message in problems[0]


def test_a_file_that_is_too_large_is_refused(write: Write) -> None:
    large = "x" * 10_485_761
    problems = said(write({"agents/other.yaml": AGENT % "p.md", "agents/p.md": large}))
    assert len(problems) == 1
    assert "is larger than 10485760 bytes" in problems[0]


def test_hidden_folders_and_git_are_left_alone(write: Write) -> None:
    foreign = "services: {}\n"
    tree = write(
        {
            ".github/workflows/ci.yaml": foreign,
            ".pre-commit-config.yaml": foreign,
            ".git/config.yaml": foreign,
        }
    )
    assert said(tree) == []
    assert ".git/config.yaml" not in tree.paths()


def test_yaml_that_a_document_names_as_its_text_is_no_manifest(write: Write) -> None:
    document = (
        "apiVersion: trunkline/v1alpha1\nkind: KnowledgeDocument\nmetadata: { name: menu }\n"
        "spec: { title: Menu, source: { file: menu.yaml } }\n"
    )
    tree = write({"kitchen/document.yaml": document, "kitchen/menu.yaml": "soup: 4.50\n"})
    assert load(tree, caches=Caches()).contents["kitchen/menu.yaml"].text == "soup: 4.50\n"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no folder"):
        DirectoryTree(tmp_path / "nowhere")
