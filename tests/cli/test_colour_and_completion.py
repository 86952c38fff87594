"""Colour is for terminals that want it; shells are taught by a script of their own."""

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from trunkline.cli.main import app, run

SCRIPT = """
import sys
from trunkline.cli.main import run
from trunkline.cli.printing import print_table
code = run(sys.argv[1:])
print_table(("NAME", "SYNC", "MESSAGE"), [("front-desk", "Synced", "")])
"""


def on_a_terminal(*arguments: str, **environment: str) -> str:
    """What a command prints on a terminal of its own, and a table after it."""
    ours, theirs = pty.openpty()
    plain = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *arguments],
        stdout=theirs,
        stderr=subprocess.DEVNULL,
        env={**plain, "TERM": "xterm", **environment},
    ) as process:
        os.close(theirs)
        said = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:
                break
            if not part:
                break
            said += part
        process.wait(timeout=60)
    os.close(ours)
    return said.decode()


@pytest.mark.slow
def test_a_terminal_gets_colour_unless_it_is_refused() -> None:
    assert "\x1b[32mSynced\x1b[0m" in on_a_terminal("version")
    assert "\x1b" not in on_a_terminal("version", NO_COLOR="1")
    assert "\x1b" not in on_a_terminal("version", TERM="dumb")
    assert "\x1b" not in on_a_terminal("--no-color", "version")
    assert "\x1b" not in on_a_terminal("version", "--no-color")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_its_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == 0
    out = capsys.readouterr().out
    assert "_TRUNKLINE_COMPLETE" in out
    assert f"complete_{shell}" in out


def test_a_shell_that_is_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", "tcsh"]) == 64
    assert "tcsh" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("trunkline sta", {"status"}),
        ("trunkline tokens ", {"list", "create", "revoke", "rotate"}),
        ("trunkline status --sel", {"--selector"}),
        ("trunkline describe fro", set()),
    ],
)
def test_bash_is_offered_verbs_options_and_nothing_it_cannot_know(
    words: str, offered: set[str]
) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "TRUNKLINE_TOKEN"}
    ended = subprocess.run(
        [sys.executable, "-m", "trunkline.cli.main"],
        env={
            **environment,
            "_TRUNKLINE_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split(" ")) - 1),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert set(ended.stdout.split()) == offered
    assert ended.stderr == ""


def test_every_name_a_server_knows_can_be_completed() -> None:
    def verbs(command: Any, words: str) -> Iterator[tuple[str, Any]]:
        for name, below in getattr(command, "commands", {}).items():
            yield from verbs(below, f"{words} {name}".strip())
        yield words, command

    missing = [
        f"{words} {parameter.metavar}"
        for words, command in verbs(typer.main.get_command(app), "")
        for parameter in command.params
        if parameter.param_type_name == "argument"
        and parameter.metavar in ("AGENT", "NAME", "NUMBER")
        and words not in ("render", "projects add", "create agent")
        and getattr(parameter, "_custom_shell_complete", None) is None
    ]
    assert missing == []
