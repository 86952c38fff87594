"""Workers and API servers in processes of their own, so that a test can kill one."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from trunkline.local.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.workflows.conftest import Stack


@contextmanager
def process(stack: Stack, database_url: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """``trunkline ARGUMENTS`` on the parts of a stack; killed at the end at the latest."""
    environment = stack.worker_environment(database_url)
    if stack.public_url:
        environment = {**environment, "TRUNKLINE_PUBLIC_URL": stack.public_url}
    with subprocess.Popen(
        [sys.executable, "-m", "trunkline.cli.main", *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as started:
        try:
            yield started
        finally:
            started.kill()


@contextmanager
def api_server(stack: Stack, database_url: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """An API server, and its address."""
    port = free_port()
    with process(stack, database_url, "serve", "--port", str(port)) as started:
        yield started, f"http://127.0.0.1:{port}"
