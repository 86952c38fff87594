"""Programs of ours as processes that need not import first.

Starting ``trunkline`` is for two thirds importing, which every start repeats. One process of each
test run has done it and forks: what comes out is a process like any other, with arguments,
environment, streams, exit code and signals of its own. How a program starts from nothing is shown
by tests that start it as people do (``tests/cli``, ``tests/stack``, the demo); they do not come
here.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import multiprocessing
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, NoReturn

ROOT: Final = Path(__file__).resolve().parent.parent
IMPORTED: Final = (
    "httpx",
    "trunkline.cli.describing",
    "trunkline.cli.main",
    "trunkline.cli.promoting",
    "trunkline.cli.server",
    "trunkline.cli.testing.runs",
    "trunkline.serving",
    "trunkline.worker",
    "trunkline.working",
)
"""What is ready when a program starts; the rest it imports by itself."""
READY_WITHIN_S: Final = 120
READY: Final = b"ready\n"
LENGTH_DIGITS: Final = 8
STREAMS: Final = (0, 1, 2)
FORK: Final = multiprocessing.get_context("fork")


@dataclass(frozen=True, slots=True)
class Ended:
    """A program that is over: its exit code, minus the signal that ended it, and its streams."""

    code: int
    out: str
    err: str


class Running:
    """A program that may be waited for once, and killed."""

    def __init__(self, pid: int, line: socket.socket, out: BinaryIO, err: BinaryIO) -> None:
        self.pid = pid
        self._line = line
        self._out = out
        self._err = err

    def kill(self) -> None:
        """End it at once, as the system does when memory is short."""
        os.kill(self.pid, signal.SIGKILL)

    async def ended(self, *, timeout_s: float = READY_WITHIN_S) -> Ended:
        """Wait for its end; one that takes longer is killed and raises TimeoutError."""
        try:
            return await asyncio.to_thread(self.wait, timeout_s=timeout_s)
        except asyncio.CancelledError:
            self.kill()
            raise

    def wait(self, *, timeout_s: float = READY_WITHIN_S) -> Ended:
        """As ``ended``, for tests that are no coroutines."""
        self._line.settimeout(timeout_s)
        with self._line, self._out, self._err:
            try:
                code = int(line_of(self._line))
            except TimeoutError:
                self.kill()
                raise
            return Ended(code, _text(self._out), _text(self._err))


class WarmPrograms:
    """Starts ``trunkline`` by forks of a process that has imported it."""

    def __init__(self, address: Path) -> None:
        self._address = address

    def start(self, *arguments: str, env: Mapping[str, str]) -> Running:
        """``trunkline`` with these arguments and nothing in its environment but ``env``."""
        out, err = (os.fdopen(os.memfd_create(name), "w+b") for name in ("out", "err"))
        return Running(*self.begin(*arguments, env=env, out=out, err=err), out, err)

    def begin(
        self, *arguments: str, env: Mapping[str, str], out: BinaryIO, err: BinaryIO
    ) -> tuple[int, socket.socket]:
        """The same with streams of the caller's: its number, and where its exit code is said."""
        line = socket.socket(socket.AF_UNIX)
        line.settimeout(READY_WITHIN_S)
        line.connect(str(self._address))
        order = json.dumps(
            {"arguments": arguments, "environment": dict(env), "folder": str(Path.cwd())}
        ).encode()
        with Path(os.devnull).open("rb") as nothing:
            streams = [nothing.fileno(), out.fileno(), err.fileno()]
            socket.send_fds(line, [b"%0*d" % (LENGTH_DIGITS, len(order))], streams)
            line.sendall(order)
        return int(line_of(line)), line


@contextmanager
def warm_programs() -> Iterator[WarmPrograms]:
    """The process that forks, until the tests that share it are over."""
    with tempfile.TemporaryDirectory(prefix="warm-") as folder:
        address = Path(folder) / "socket"
        command = [sys.executable, "-m", "tests.warm_programs", str(address)]
        with subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == READY
            yield WarmPrograms(address)


def line_of(line: socket.socket) -> str:
    """What the other end says next, in a line of its own."""
    said = bytearray()
    while not said.endswith(b"\n"):
        byte = line.recv(1)
        if not byte:
            raise EOFError(f"the process that forks went away after {bytes(said)!r}")
        said += byte
    return said.decode()


def _text(file: BinaryIO) -> str:
    file.seek(0)
    return file.read().decode()


def _fork_programs(address: str) -> None:
    """Fork for every order, until nobody is there to give one."""
    for name in IMPORTED:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen()
    sys.stdout.buffer.write(READY)
    sys.stdout.flush()
    gc.collect()
    gc.freeze()
    while True:
        readable, _, _ = select.select([listener, sys.stdin], [], [])
        if sys.stdin in readable:
            return
        line, _ = listener.accept()
        if os.fork() == 0:
            _keep(line)
        line.close()


def _keep(line: socket.socket) -> NoReturn:
    """Start what is ordered; tell its number and, when it is over, how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    head, streams, _, _ = socket.recv_fds(line, LENGTH_DIGITS, len(STREAMS))
    with line.makefile("rb") as sent:
        order = json.loads(sent.read(int(head)))
    program = FORK.Process(target=_run, args=(order, streams))
    program.start()
    with suppress(OSError):
        line.sendall(b"%d\n" % (program.pid or 0))
    program.join()
    with suppress(OSError):
        line.sendall(b"%d\n" % (program.exitcode or 0))
    os._exit(0)


def _run(order: Any, streams: Sequence[int]) -> None:
    """Be ``trunkline`` as the order has it."""
    for stream, given in zip(STREAMS, streams, strict=True):
        os.dup2(given, stream)
        os.close(given)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    sys.argv[1:] = order["arguments"]
    sys.modules["trunkline.cli.main"].main()


if __name__ == "__main__":
    _fork_programs(sys.argv[1])
