"""The terminals of the demo's people: ``trunkline`` in processes of its own, with their tokens.

Knows how to start a command, tell what it says and hold it to the exit code that is expected. What
the commands mean is the chapters' business.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from threading import Timer

from trunkline.local.demo.story import DemoFailed, Story, shortened
from trunkline.local.stack import START_CLI

COMMAND_TIMEOUT_S = 180.0


class Terminal:
    """One person's shell; ``who`` stands before the prompt."""

    def __init__(self, story: Story, environment: Mapping[str, str], who: str = "") -> None:
        self._story = story
        self._environment = environment
        self._prompt = f"{who}$"

    def of(self, who: str, token: str) -> "Terminal":
        """The same, as somebody else."""
        return Terminal(self._story, {**self._environment, "TRUNKLINE_TOKEN": token}, who)

    def run(self, *arguments: str) -> None:
        """Run one command and show everything it says. Raises DemoFailed unless it ends with 0."""
        self._tell_command(arguments)
        done = subprocess.run(  # noqa: S603 - our own command line, no shell
            _command(arguments),
            env=self._environment,
            stdin=subprocess.DEVNULL,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
        _expect(arguments, done.returncode, 0)

    def read(self, *arguments: str) -> str:
        """Run one command and answer what it prints, showing only its complaints."""
        done = subprocess.run(  # noqa: S603 - our own command line, no shell
            _command(arguments),
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
        _expect(arguments, done.returncode, 0)
        return done.stdout

    def show(self, *arguments: str, first: int, last: int = 0) -> str:
        """Run one command and show the first and last lines of what it prints; answers it all."""
        self._tell_command(arguments)
        printed = self.read(*arguments).rstrip()
        self._story.tell_some(printed.splitlines(), first=first, last=last)
        return printed

    def start(self, *arguments: str) -> "Running":
        """Begin a command that takes its time."""
        self._tell_command(arguments)
        return Running(self._story, arguments, self._environment)

    def _tell_command(self, arguments: Sequence[str]) -> None:
        self._story.tell(f"{self._prompt} trunkline {readable(arguments)}")


class Running:
    """A command that goes on; what it says is told as it comes."""

    def __init__(
        self, story: Story, arguments: Sequence[str], environment: Mapping[str, str]
    ) -> None:
        self._story = story
        self._arguments = arguments
        self._said: list[str] = []
        self._process = subprocess.Popen(  # noqa: S603 - our own command line, no shell
            _command(arguments),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._fuse = Timer(COMMAND_TIMEOUT_S, self._process.kill)
        self._fuse.daemon = True
        self._fuse.start()

    def until(self, words: str) -> None:
        """Tell its lines up to the one with these words. Raises DemoFailed if none comes."""
        while line := self._next():
            if words in line:
                return
        raise DemoFailed(
            f"trunkline {self._arguments[0]} ended with exit code {self._ended()}"
            f' before it said "{words}"'
        )

    def end(self, code: int) -> str:
        """Tell the rest; answers all it said. Raises DemoFailed unless it ends with ``code``."""
        while self._next():
            pass
        _expect(self._arguments, self._ended(), code)
        return "\n".join(self._said)

    def _next(self) -> str:
        stream = self._process.stdout
        line = stream.readline() if stream is not None else ""
        if line.strip():
            self._said.append(line.rstrip())
            self._story.tell(f"  {shortened(line.rstrip())}")
        return line

    def _ended(self) -> int:
        self._fuse.cancel()
        if self._process.stdout is not None:
            self._process.stdout.close()
        return self._process.wait(COMMAND_TIMEOUT_S)


def readable(arguments: Sequence[str]) -> str:
    """The command as a person types it, with no folder of this machine in it."""
    named = ("manifests" if os.sep in part else part for part in arguments)
    return " ".join(f'"{part}"' if " " in part else part for part in named)


def _command(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-c", START_CLI, *arguments]


def _expect(arguments: Sequence[str], code: int, wanted: int) -> None:
    if code != wanted:
        raise DemoFailed(
            f"trunkline {arguments[0]} ended with exit code {code} instead of {wanted}"
        )
