"""One process at a time, across processes, with no lock left behind by a dead one.

The kernel holds the lock for as long as the file is open, so that a killed holder frees it. The
lock file itself stays: removing it would let two processes lock two different files.
"""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusive(path: Path, say: Callable[[str], None], busy: str) -> Iterator[None]:
    """Hold the lock; while another process has it, say ``busy`` once and wait."""
    with path.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(busy)
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield


@contextmanager
def held(path: Path) -> Iterator[bool]:
    """Try to hold the lock; answers False at once if another process has it."""
    with path.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
