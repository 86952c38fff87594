"""Workers and API servers in processes of their own, so that a test can kill one."""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx

from tests.held_ports import held_port
from tests.workflows.conftest import eventually
from tests.workflows.killable_processes import OwnProcess, started

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.workflows.conftest import Stack

WORDS_MAX_CHARACTERS = 6_000


@contextmanager
def process(stack: Stack, database_url: str, *arguments: str) -> Iterator[OwnProcess]:
    """``trunkline ARGUMENTS`` on the parts of a stack; killed at the end at the latest."""
    environment = stack.worker_environment(database_url)
    if stack.public_url:
        environment = {**environment, "TRUNKLINE_PUBLIC_URL": stack.public_url}
    with tempfile.TemporaryFile() as said:
        try:
            with started(stack.programs(), *arguments, env=environment, err=said) as running:
                yield running
        except BaseException as error:
            said.seek(0)
            words = said.read().decode("utf-8", "replace")[-WORDS_MAX_CHARACTERS:]
            error.add_note(f"trunkline {' '.join(arguments)}: {words}")
            raise


@contextmanager
def api_server(stack: Stack, database_url: str) -> Iterator[tuple[OwnProcess, str]]:
    """An API server, and its address."""
    with (
        held_port() as port,
        process(stack, database_url, "serve", "--port", str(port)) as running,
    ):
        yield running, f"http://127.0.0.1:{port}"


async def ready(http: httpx.AsyncClient, url: str = "") -> None:
    """Wait until the API at this address, else the client's, says it is ready."""

    async def answers() -> bool:
        try:
            return (await http.get(f"{url}/readyz")).status_code == 200
        except httpx.TransportError:
            return False

    await eventually(answers, what="the API")


async def metrics_address(log: Path) -> str:
    """Where a process says in its log that its metrics are."""

    async def said() -> str | None:
        text = await asyncio.to_thread(log.read_text)
        found = re.search(r"metrics at (http://127\.0\.0\.1:\d+/metrics)", text)
        return found[1] if found else None

    address: str = await eventually(said, what="the address")
    return address


def log_lines(log: Path) -> list[dict[str, Any]]:
    """Every line of a process's log; each has to be JSON."""
    return [json.loads(line) for line in log.read_text().splitlines()]
