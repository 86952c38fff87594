"""What only shows in a process of its own: completion, and streams that cannot take a character."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-c", "from trunkline.cli.main import main; main()"]


def trunkline(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        check=False,
        timeout=60,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_verbs_are_completed(shell: str) -> None:
    asked = {
        "COMP_WORDS": "trunkline va",
        "COMP_CWORD": "1",
        "_TYPER_COMPLETE_ARGS": "trunkline va",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    ended = trunkline(_TRUNKLINE_COMPLETE=f"complete_{shell}", **asked)
    assert b"validate" in ended.stdout
    assert b"status" not in ended.stdout


def test_the_script_for_a_shell_is_printed() -> None:
    named = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}  # else the parent process says
    ended = trunkline("--show-completion", "bash", **named)
    assert ended.returncode == 0
    assert b"_TRUNKLINE_COMPLETE=complete_bash" in ended.stdout


def test_a_file_name_the_terminal_cannot_show_is_escaped(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.yaml")
    (tmp_path / name).write_text("a: 1\n")
    ended = trunkline("validate", str(tmp_path), PYTHONIOENCODING="utf-8")
    assert ended.returncode == 1
    assert b"caf\\udce9.yaml:1:1: not a Trunkline document" in ended.stdout
    assert ended.stderr == b""


@pytest.mark.slow
def test_a_full_disk_is_a_failure_in_words() -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "trunkline.cli.main", "version"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert ended.returncode == 1
    assert ended.stderr == (
        "trunkline: what was to be printed could not be written: no space left\n"
    )
