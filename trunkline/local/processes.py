"""Servers of the local stack as supervised child processes.

Each child gets a session of its own, so that Ctrl-C in a terminal reaches only the supervisor,
which then stops the children in the right order; the kernel stops them if the supervisor is
killed. What a child prints goes to a log file whose last lines explain an early end. Knows
processes and nothing of what they serve.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from trunkline.local import tether
from trunkline.model.errors import TrunklineError

STOP_TIMEOUT_S = 10.0
"""A server that has not ended that long after being asked is killed."""
_POLL_INTERVAL_S = 0.05
_LOG_TAIL_LINES = 15
_LOG_TAIL_BYTES = 8_192


class ServerFailed(TrunklineError):
    """A server of the local stack ended or did not become ready."""

    reason = "ServerFailed"


def tethered(
    command: Sequence[str | Path],
    *,
    user: str | None = None,
    on_parent_death: signal.Signals = signal.SIGTERM,
) -> list[str]:
    """The command line that runs ``command`` for as long as this process lives."""
    launcher = [sys.executable, "-I", "-S", tether.__file__, str(os.getpid())]
    return [*launcher, str(int(on_parent_death)), user or "-", *map(str, command)]


class Child:
    """One running server: its process, its log, and the way it is asked to stop."""

    def __init__(
        self, name: str, process: "subprocess.Popen[bytes]", log: Path, stop_signal: signal.Signals
    ) -> None:
        self.name = name
        self.log = log
        self._process = process
        self._stop_signal = stop_signal

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def wait_until(self, ready: Callable[[], bool], *, timeout_s: float) -> None:
        """Poll until ``ready`` answers True. Raises ServerFailed with the end of the log."""
        deadline = time.monotonic() + timeout_s
        while not ready():
            if self.exit_code is not None:
                raise self.failure(f"{self.name} ended with exit code {self.exit_code}")
            if time.monotonic() > deadline:
                raise self.failure(f"{self.name} is not ready after {timeout_s:.0f} s")
            time.sleep(_POLL_INTERVAL_S)

    def failure(self, message: str) -> ServerFailed:
        """The error that says what the server printed last and where the rest is."""
        lines = _tail(self.log)
        said = "\n".join(f"    {line}" for line in lines)
        return ServerFailed(f"{message}\n{said}" if lines else message, hint=f"see {self.log}")

    def request_stop(self) -> None:
        """Ask the whole process group to end; answers at once."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, self._stop_signal)

    def stop(self, *, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """End the process group: asked first, killed after the timeout, reaped always."""
        if self.exit_code is None:
            self.request_stop()
            try:
                self._process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.kill()
        self.kill()

    def kill(self) -> None:
        """SIGKILL to whatever is left of the group."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


class Supervisor:
    """Starts children and stops them in reverse order; a context manager."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        self._logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def children(self) -> tuple[Child, ...]:
        """Everything started so far, in that order."""
        return tuple(self._children)

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str] | None = None,
        user: str | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> Child:
        """Start a server; ``environment`` is added to this process's own.

        Must be called on the thread that lives as long as the stack: the kernel ties a child to
        the thread that started it.
        """
        log = self._logs / f"{name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 - our own command line, no shell
                tethered(command, user=user, on_parent_death=stop_signal),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
                cwd="/" if user else None,
            )
        child = Child(name, process, log, stop_signal)
        self._children.append(child)
        return child

    def first_ended(self) -> Child | None:
        """A child that is no longer running, if any."""
        return next((child for child in self._children if child.exit_code is not None), None)

    def stop(self) -> None:
        """Stop everything, the youngest first; a second interrupt kills what is left."""
        while self._children:
            child = self._children[-1]
            try:
                child.stop()
            except KeyboardInterrupt:
                for left in self._children:
                    left.kill()
                raise
            self._children.pop()


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Let a polite kill and a closed terminal end the block the way Ctrl-C does.

    SIGINT is asked for by name: a shell script starts its background jobs with it ignored, and
    Ctrl-C of that script would leave everything running. A closed terminal that was to be ignored
    (``nohup``) stays ignored.
    """
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, _interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _tail(log: Path) -> list[str]:
    if not log.exists():
        return []
    with log.open("rb") as stream:
        stream.seek(0, os.SEEK_END)
        stream.seek(max(0, stream.tell() - _LOG_TAIL_BYTES))
        text = stream.read().decode("utf-8", "replace")
    return text.splitlines()[-_LOG_TAIL_LINES:]
