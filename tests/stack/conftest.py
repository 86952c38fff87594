"""What the tests of the local stack share: waiting with a deadline, and looking at processes."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import psutil  # it comes without annotations
import pytest

from trunkline.local.places import default_home

POLL_INTERVAL_S = 0.05


class Eventually(Protocol):
    """Polls a condition until it holds; False after the deadline."""

    def __call__(self, is_true: Callable[[], bool], *, within_s: float = 120.0) -> bool: ...


@pytest.fixture
def eventually() -> Eventually:
    def poll(is_true: Callable[[], bool], *, within_s: float = 120.0) -> bool:
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if is_true():
                return True
            time.sleep(POLL_INTERVAL_S)
        return False

    return poll


@pytest.fixture
def is_running() -> Callable[[int], bool]:
    def look(pid: int) -> bool:
        try:
            return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    return look


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder whose parents the account of PostgreSQL can walk through."""
    default_home().mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="test-", dir=default_home()))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
