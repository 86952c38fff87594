"""Workers and servers that tests freeze and kill: real processes, forked of one that has imported
all of it, because a kill is shown a hundred times and the import only needs to be shown once.
"""

from __future__ import annotations

import os
import select
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from tests.warm_programs import line_of

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Mapping

    from tests.warm_programs import WarmPrograms


class OwnProcess:
    """A process of ours that a test may freeze, kill and wait for."""

    def __init__(self, pid: int, line: socket.socket) -> None:
        self.pid = pid
        self._line = line
        self._code: int | None = None

    def poll(self) -> int | None:
        """How it ended, minus the signal that ended it; None while it runs."""
        if self._code is None and select.select([self._line], [], [], 0)[0]:
            self._code = int(line_of(self._line))
        return self._code

    def wait(self, timeout_s: float | None = None) -> int:
        """The same once it has ended; raises TimeoutError."""
        if self._code is None:
            self._line.settimeout(timeout_s)
            self._code = int(line_of(self._line))
        return self._code

    def send_signal(self, number: signal.Signals) -> None:
        """Send it, unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it in whatever it does."""
        self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """It is over, and nobody asks about it any more."""
        self.kill()
        self.wait()
        self._line.close()


@contextmanager
def started(
    programs: WarmPrograms, *arguments: str, env: Mapping[str, str], err: BinaryIO | None = None
) -> Iterator[OwnProcess]:
    """``trunkline ARGUMENTS`` with nothing in its environment but ``env``; killed at the end at
    the latest.
    """
    with Path(os.devnull).open("wb") as nothing:
        begun = OwnProcess(*programs.begin(*arguments, env=env, out=nothing, err=err or nothing))
    try:
        yield begun
    finally:
        begun.close()
