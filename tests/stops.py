"""Run a command while random processes of it are stopped for a moment, again and again.

A busy host does that to whole machines; a test that goes by even time shows it here first. Whatever
the command starts carries a mark in its environment, and nothing without the mark is ever stopped.
Needs ``/proc``. Knows nothing of tests.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import threading
import uuid
from pathlib import Path
from typing import Final

MARK: Final = "TRUNKLINE_STOPPED"
STOPS_S: Final = (0.1, 0.2, 0.3, 0.5, 0.8, 1.2)
"""How long one process is stopped: from a busy processor to a machine that is moved."""
BETWEEN_S: Final = (0.05, 0.4)
STOPPED_ALREADY: Final = frozenset("TZ")
"""States a process is in that somebody else stopped, or that is dead: none of ours to touch."""


def marked(mark: bytes) -> list[int]:
    """Running processes that carry the mark."""
    return [int(place.name) for place in Path("/proc").glob("[0-9]*") if _has(place, mark)]


def _has(place: Path, mark: bytes) -> bool:
    try:
        if mark not in (place / "environ").read_bytes().split(b"\0"):
            return False
        state = (place / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in STOPPED_ALREADY


def stop_one(pids: list[int], rng: random.Random, over: threading.Event) -> bool:
    """Stop one of them for a moment; False if it was gone."""
    pid = rng.choice(pids)
    try:
        os.kill(pid, signal.SIGSTOP)
        over.wait(rng.choice(STOPS_S))
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        return False
    return True


def main() -> int:
    """Ends as the command ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="another one stops others")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    rng = random.Random(given.seed)  # noqa: S311 - which one is stopped is no secret
    over, mark = threading.Event(), uuid.uuid4().hex
    running = subprocess.Popen(given.command, env={**os.environ, MARK: mark})

    def end() -> None:
        running.wait()
        over.set()

    waiting = threading.Thread(target=end)
    waiting.start()
    stops = 0
    while not over.wait(rng.uniform(*BETWEEN_S)):
        if pids := marked(f"{MARK}={mark}".encode()):
            stops += stop_one(pids, rng, over)
    waiting.join()
    sys.stderr.write(f"stopped a process {stops} times, seed {given.seed}\n")
    return running.returncode


if __name__ == "__main__":
    sys.exit(main())
