"""An API server in a process of its own, that may be killed, and a forge as a process."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.warm_programs import WarmPrograms
from tests.workflows.killable_processes import OwnProcess, started
from trunkline.local.ports import free_port

START_TIMEOUT_S = 90


@contextmanager
def api_process(
    programs: WarmPrograms, environment: Mapping[str, str], log: Path
) -> Iterator[tuple[OwnProcess, str]]:
    """``trunkline serve`` as a process of its own; killed at the end."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    deadline_s = time.monotonic() + START_TIMEOUT_S
    with (
        log.open("wb") as written,
        started(
            programs,
            *("serve", "--port", str(port)),
            env={**os.environ, **environment},
            err=written,
        ) as process,
    ):
        while not _answers(address):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline_s, log.read_text()
            time.sleep(0.05)
        yield process, address


@contextmanager
def forge_process(root: Path) -> Iterator[dict[str, Any]]:
    """A GitHub look-alike; answers its addresses."""
    with subprocess.Popen(
        [sys.executable, "-m", "simulators.forges", "--port", "0", "--root", str(root)],
        stdout=subprocess.PIPE,
    ) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz", timeout=5).is_success
    except httpx.TransportError:
        return False
