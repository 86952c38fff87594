"""Starts and stops one forge; the public entry of this package.

In a program: ``async with serve_forge(ForgeOptions(root=folder)) as running``, which then says
``running.url`` and ``running.api_url``. In a process of its own: ``python -m simulators.forges``.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from simulators.clock import Clock
from simulators.forges import gitea_bodies, github_bodies
from simulators.forges.app import ForgeLookAlike
from simulators.forges.space import Kind
from simulators.hosting import Hosting, address, listening, serving, until_stopped
from simulators.store import Store
from simulators.wire import Vendor

DEFAULT_PORT = 8813
STATE_NAME = "forge.sqlite"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ForgeOptions:
    """How a forge starts; port 0 picks a free one.

    ``root`` holds the bare repositories and the journal: a forge that starts on it again has what
    it had.
    """

    root: Path
    kind: Kind = "github"
    port: int = 0
    host: str = "127.0.0.1"
    latency_ms: float = 0.0
    requests_per_second: float | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class RunningForge:
    """Where a forge is: ``url`` for Git and people, ``api_url`` for programs."""

    kind: Kind
    url: str
    api_url: str


@contextlib.asynccontextmanager
async def serve_forge(options: ForgeOptions) -> AsyncIterator[RunningForge]:
    """Serve a forge until the block ends. Raises SimulatorPortInUse, OSError."""
    options.root.mkdir(parents=True, exist_ok=True)
    with listening(options.host, options.port) as listener:
        url = address(listener)

        def forge(store: Store, clock: Clock) -> Vendor:
            root = options.root.resolve()
            return ForgeLookAlike(store, clock, kind=options.kind, root=root, url=url)

        hosting = Hosting(
            state=options.root / STATE_NAME,
            seed=options.seed,
            latency_ms=options.latency_ms,
            requests_per_second=options.requests_per_second,
        )
        bodies = github_bodies if options.kind == "github" else gitea_bodies
        async with serving(hosting, listener, forge):
            yield RunningForge(options.kind, url, url + bodies.PREFIX)


def run(options: ForgeOptions, *, started: Callable[[RunningForge], None] | None = None) -> None:
    """Serve until SIGINT or SIGTERM; ``started`` is called once it answers.

    Raises SimulatorPortInUse when the port is taken.
    """

    async def serve(stopped: asyncio.Event) -> None:
        async with serve_forge(options) as running:
            logger.info("%s at %s", running.kind, running.url)
            if started is not None:
                started(running)
            await stopped.wait()

    asyncio.run(until_stopped(serve))
