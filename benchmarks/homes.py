"""Where a figure of the API alone is taken: a PostgreSQL, servers beside it, and no Temporal.

What is asked of them, and by whom, is each benchmark's own.
"""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from trunkline.adapters.postgres.migrating import migrate
from trunkline.listening import LOOPBACK
from trunkline.local import postgres
from trunkline.local.ports import free_port
from trunkline.local.processes import Child, Supervisor
from trunkline.local.stack import READY_TIMEOUT_S, START_CLI, answers


class ServedHome:
    """A folder with a migrated database, and processes that end with it."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._supervisor = Supervisor(home / "logs")
        self._exits = ExitStack()
        self._database_url = ""

    def __enter__(self) -> Self:
        self._home.mkdir(parents=True)
        self._exits.enter_context(self._supervisor)
        cluster = postgres.prepare(self._home / "postgres")
        _, self._database_url = postgres.start_server(self._supervisor, cluster)
        asyncio.run(migrate(self._database_url))
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()

    def _serve_api(self, name: str, settings: Mapping[str, str]) -> tuple[Child, int]:
        """The API process as ``trunkline serve`` runs it, once it answers, and its port."""
        port = free_port()
        environment = {
            "DATABASE_URL": self._database_url,
            "TEMPORAL_ADDRESS": f"{LOOPBACK}:{free_port()}",
            "TRUNKLINE_PROVIDERS": "simulators",
            "TRUNKLINE_PROJECT": "",
            "TRUNKLINE_REPOSITORY": "",
            "TRUNKLINE_PUBLIC_URL": f"http://{LOOPBACK}:{port}",
            "TRUNKLINE_HOME": str(self._home),
            **settings,
        }
        serve = [sys.executable, "-c", START_CLI, "serve", "--host", LOOPBACK, "--port", str(port)]
        api = self._supervisor.start(name, serve, environment=environment)
        address = f"http://{LOOPBACK}:{port}/healthz"
        api.wait_until(lambda: answers(address), timeout_s=READY_TIMEOUT_S)
        return api, port
