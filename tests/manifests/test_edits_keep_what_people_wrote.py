"""A changed value is written where the old one stood; comments, order and layout stay."""

import subprocess
from pathlib import Path

import pytest

from trunkline.manifests.edits import patch_of
from trunkline.model.drift_edits import ManifestEdit

AGENT = """\
# who answers
apiVersion: trunkline/v1alpha1
kind: Agent
metadata: { name: front-desk }   # the name
spec:
  firstMessage: "Hello"   # said first
  voice: { stability: 0.6, speed: 1.0 }
  language: en
  displayName: 'Front desk'
  prompt: { file: prompt.md }
  elevenlabs:
    note: |
      Two
      lines
    list: [ a, b ]
---
kind: Other
"""


def place(needle: str, text: str = AGENT) -> tuple[int, int]:
    before = text[: text.index(needle)]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def edit(needle: str, new: object, **more: object) -> ManifestEdit:
    line, column = place(needle)
    said = {"path": "spec", "file": "agents/a.yaml", "line": line, "column": column, "old": ""}
    return ManifestEdit.model_validate({**said, "new": new, **more})


def applied(tmp_path: Path, files: dict[str, str], patch: str) -> dict[str, str]:
    """The files after ``git apply``."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    subprocess.run(["git", "apply", "-"], input=patch.encode(), cwd=tmp_path, check=True)
    return {name: (tmp_path / name).read_text() for name in files}


@pytest.mark.parametrize(
    ("needle", "new", "written"),
    [
        ('"Hello"', 'Good "day"', '"Good \\"day\\""'),
        ("1.0", 1.15, "1.15"),
        ("en\n", "de", "de\n"),
        ("en\n", "no: really", '"no: really"\n'),
        ("en\n", "true", '"true"\n'),
        ("'Front desk'", "It's us", "'It''s us'"),
        ("|\n", "One\nmore: line\n", "|\n      One\n      more: line\n"),
    ],
)
def test_one_value_changes_and_nothing_else(
    needle: str, new: object, written: str, tmp_path: Path
) -> None:
    made = patch_of({"agents/a.yaml": AGENT}.__getitem__, [edit(needle, new)])
    assert made.refused == ()
    after = applied(tmp_path, {"agents/a.yaml": AGENT}, made.text)["agents/a.yaml"]
    old = "|\n      Two\n      lines\n" if needle == "|\n" else needle
    assert after == AGENT.replace(old, written, 1)


def test_several_values_of_one_file_make_one_diff(tmp_path: Path) -> None:
    edits = [edit('"Hello"', "Hi"), edit("1.0", 0.9), edit("0.6", 0.7)]
    made = patch_of({"agents/a.yaml": AGENT}.__getitem__, edits)
    assert made.text.count("--- a/agents/a.yaml") == 1
    after = applied(tmp_path, {"agents/a.yaml": AGENT}, made.text)["agents/a.yaml"]
    assert 'firstMessage: "Hi"   # said first' in after
    assert "voice: { stability: 0.7, speed: 0.9 }" in after


def test_a_prompt_in_a_file_of_its_own_is_edited_there(tmp_path: Path) -> None:
    files = {"agents/a.yaml": AGENT, "agents/prompt.md": "You answer the telephone."}
    change = edit(
        "prompt.md",
        "Be warm.\n\nYou answer the door.",
        old="Be warm.\n\nYou answer the telephone.",
        in_file=True,
    )
    made = patch_of(files.__getitem__, [change])
    assert made.refused == ()
    after = applied(tmp_path, files, made.text)
    assert after == {**files, "agents/prompt.md": "You answer the door."}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (edit("[ a, b ]", ["c"]), "more than one value"),
        (edit('"Hello"', "Hello"), "cannot be written there"),
        (edit("prompt.md", "x", old="Other text", in_file=True), "other text by now"),
        (edit("prompt.md", "Cold. You answer.", old="Warm. You answer.", in_file=True), "before"),
    ],
)
def test_what_cannot_be_edited_is_said_and_left(change: ManifestEdit, words: str) -> None:
    files = {"agents/a.yaml": AGENT, "agents/prompt.md": "You answer.\n"}
    made = patch_of(files.__getitem__, [change])
    assert made.text == ""
    assert words in made.refused[0]
    assert "agents/a.yaml:" in made.refused[0]
