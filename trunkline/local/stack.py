"""Everything Trunkline needs on one machine, started in order and stopped as one.

A real Temporal server, a real PostgreSQL, the two simulators, a bare Git repository, the worker and
the API: each in a process of its own, all told about each other by the same environment variables
an installation on servers uses. What is set there already (TEMPORAL_ADDRESS, DATABASE_URL) is used
instead of starting one. Knows how to start things and nothing of what they do.
"""

import asyncio
import os
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from types import TracebackType
from typing import Self

import httpx

from activities.names import SEARCH_ATTRIBUTES
from simulators.server import (
    DEFAULT_ELEVENLABS_KEY,
    DEFAULT_TWILIO_ACCOUNT_SID,
    DEFAULT_TWILIO_AUTH_TOKEN,
)
from trunkline.adapters.credentials import variable_prefix
from trunkline.adapters.postgres.migrating import migrate
from trunkline.listening import LOOPBACK
from trunkline.local import postgres, signing, temporal, tokens
from trunkline.local.locks import held
from trunkline.local.ports import OPTIONS, StackPorts, free_port, resolve
from trunkline.local.processes import Child, ServerFailed, Supervisor
from trunkline.local.repository import BRANCH, LocalRepository
from trunkline.manifests import DirectoryTree, load
from trunkline.model.errors import InvalidSettings
from trunkline.model.manifests import Manifests
from trunkline.settings import load_settings

READY_TIMEOUT_S = 60.0
_LOCAL_SECRET = "a-value-for-the-simulators-only"  # noqa: S105 - opens nothing
START_CLI = "import sys; from trunkline.cli.main import main; sys.exit(main())"

Say = Callable[[str], None]
"""Takes one line of progress."""


@dataclass(frozen=True, slots=True)
class StackOptions:
    """How a local stack starts.

    ``manifests`` is the folder the repository is made from when ``home`` has none yet; with
    ``seeded`` False the repository stays empty until somebody pushes.
    """

    home: Path
    manifests: Path
    ports: StackPorts = field(default_factory=StackPorts)
    poll_interval: str = "2s"
    seeded: bool = True


@dataclass(frozen=True, slots=True)
class StackAddresses:
    """Where the parts of a running stack are."""

    api: str
    temporal: str
    temporal_ui: str | None
    elevenlabs: str
    twilio: str


class LocalStack:
    """A running stack; a context manager that leaves no process behind."""

    def __init__(self, options: StackOptions, say: Say) -> None:
        self._options = options
        self._say = say
        self._settings = load_settings()
        self._exits = ExitStack()
        self._supervisor = Supervisor(options.home / "logs")
        self.repository = LocalRepository(options.home)
        self.project = ""
        self.tokens: Mapping[str, str] = {}
        configured = self._settings.webhook_secret
        self.webhook_secret = configured.get_secret_value() if configured else token_hex(32)
        self._ports = options.ports
        self._signing_key = ""

    @property
    def addresses(self) -> StackAddresses:
        """Where everything listens."""
        ports = self._ports
        external = os.environ.get("TEMPORAL_ADDRESS")
        return StackAddresses(
            api=f"http://{LOOPBACK}:{ports.api}",
            temporal=external or f"{LOOPBACK}:{ports.temporal}",
            temporal_ui=None if external else f"http://{LOOPBACK}:{ports.temporal_ui}",
            elevenlabs=f"http://{LOOPBACK}:{ports.elevenlabs}",
            twilio=f"http://{LOOPBACK}:{ports.twilio}",
        )

    @property
    def logs(self) -> Path:
        """The folder with one log file for each server."""
        return self._options.home / "logs"

    def __enter__(self) -> Self:
        self._settings.require_simulators()
        self._options.home.mkdir(parents=True, exist_ok=True)
        with self._exits:
            if not self._exits.enter_context(held(self._options.home / "lock")):
                raise InvalidSettings(
                    f"another local stack runs in {self._options.home}",
                    hint="stop it, or give this one a folder of its own: --home PATH",
                )
            self._exits.enter_context(self._supervisor)
            self._start()
            self._exits = self._exits.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._exits.close()

    def client_environment(self, person: str) -> dict[str, str]:
        """What a person's shell needs to talk to this stack."""
        return {"TRUNKLINE_URL": self.addresses.api, "TRUNKLINE_TOKEN": self.tokens[person]}

    def platform_environment(self) -> dict[str, str]:
        """What a process needs to reach the simulators."""
        return {
            "TRUNKLINE_PROVIDERS": "simulators",
            "ELEVENLABS_BASE_URL": self.addresses.elevenlabs,
            "ELEVENLABS_API_KEY": DEFAULT_ELEVENLABS_KEY,
            "TWILIO_BASE_URL": self.addresses.twilio,
            "TWILIO_ACCOUNT_SID": DEFAULT_TWILIO_ACCOUNT_SID,
            "TWILIO_AUTH_TOKEN": DEFAULT_TWILIO_AUTH_TOKEN,
        }

    @property
    def children(self) -> tuple[Child, ...]:
        """The running servers."""
        return self._supervisor.children

    def ended(self) -> ServerFailed | None:
        """What to say about a server that is no longer running, if there is one."""
        child = self._supervisor.first_ended()
        if child is None:
            return None
        return child.failure(f"{child.name} ended with exit code {child.exit_code}")

    def _start(self) -> None:
        external = {name for name in ("TEMPORAL_ADDRESS", "DATABASE_URL") if os.environ.get(name)}
        without = {"temporal", "temporal_ui"} if "TEMPORAL_ADDRESS" in external else set()
        self._ports = resolve(self._options.ports, needed=frozenset(OPTIONS) - without)
        configured = self._settings.signing_key
        home = self._options.home
        self._signing_key = configured.get_secret_value() if configured else signing.ensure(home)
        manifests = self._manifests()
        unlisted = signing.unlisted_key(manifests, self._signing_key)
        if unlisted:
            self._say(f"to promote, add to spec.signing.publicKeys of trunkline.yaml: {unlisted}")
        self.project = manifests.project.manifest.metadata.name
        program = None if without else temporal.obtain_program(self._say)
        simulators = self._start_simulators(manifests)
        engine, is_engine_up = self._start_temporal(program) if program else (None, bool)
        database_url = self._database_url()
        self._say("PostgreSQL is up")
        api = self._start_ours(database_url)
        asyncio.run(migrate(database_url))
        self.tokens = asyncio.run(tokens.ensure(self._options.home, database_url, self.project))
        if engine is not None:
            engine.wait_until(is_engine_up, timeout_s=temporal.START_TIMEOUT_S)
            self._say("Temporal is up")
        simulators.wait_until(self._simulators_answer, timeout_s=READY_TIMEOUT_S)
        self._say("the simulators of ElevenLabs and Twilio are up")
        api.wait_until(self._api_is_ready, timeout_s=READY_TIMEOUT_S)
        self._say("the worker and the API are up")

    def _manifests(self) -> Manifests:
        self.repository.create(
            self._options.manifests,
            seeded=self._options.seeded,
            texts=lambda: signing.texts_with_key(self._options.manifests, self._signing_key),
        )
        clone = self.repository.clone
        folder = clone if (clone / "trunkline.yaml").exists() else self._options.manifests
        return load(DirectoryTree(folder))

    def _start_simulators(self, manifests: Manifests) -> Child:
        command: list[str | Path] = [sys.executable, "-m", "simulators"]
        command += ["--elevenlabs-port", str(self._ports.elevenlabs)]
        command += ["--twilio-port", str(self._ports.twilio)]
        command += ["--state", self._options.home / "simulators"]
        for number in manifests.numbers.values():
            command += ["--number", number.manifest.spec.number]
        (self._options.home / "simulators").mkdir(exist_ok=True)
        return self._supervisor.start("simulators", command)

    def _start_temporal(self, program: Path) -> tuple[Child, Callable[[], bool]]:
        http_port = free_port()
        child = temporal.start_server(
            self._supervisor,
            program,
            database=self._options.home / "temporal.db",
            port=self._ports.temporal,
            http_port=http_port,
            ui_port=self._ports.temporal_ui,
            search_attributes=SEARCH_ATTRIBUTES,
        )
        return child, lambda: temporal.is_healthy(http_port)

    def _database_url(self) -> str:
        if self._settings.database_url is not None:
            return self._settings.database()
        cluster = postgres.prepare(self._options.home / "postgres")
        _, url = postgres.start_server(self._supervisor, cluster)
        return url

    def _start_ours(self, database_url: str) -> Child:
        """Start worker and API; both wait by themselves for what they stand on."""
        environment = {
            **self.platform_environment(),
            **self._secrets(),
            "DATABASE_URL": database_url,
            "TEMPORAL_ADDRESS": self.addresses.temporal,
            "TRUNKLINE_PROJECT": self.project,
            "TRUNKLINE_REPOSITORY": str(self.repository.bare),
            "TRUNKLINE_BRANCH": BRANCH,
            "TRUNKLINE_POLL_INTERVAL": self._options.poll_interval,
            "TRUNKLINE_WEBHOOK_SECRET": self.webhook_secret,
            "TRUNKLINE_SIGNING_KEY": self._signing_key,
            "TRUNKLINE_PUBLIC_URL": self.addresses.api,
            "TRUNKLINE_HOME": str(self._options.home),
        }
        cli = [sys.executable, "-c", START_CLI]
        self._supervisor.start("worker", [*cli, "worker"], environment=environment)
        serve = [*cli, "serve", "--host", LOOPBACK, "--port", str(self._ports.api)]
        return self._supervisor.start("api", serve, environment=environment)

    def _secrets(self) -> dict[str, str]:
        """A value for every secret the manifests name, unless this shell has one."""
        prefix = variable_prefix(self.project)
        named: set[str] = set()
        for path in self._options.manifests.rglob("*.y*ml"):
            named |= set(re.findall(rf"\b{prefix}[A-Z0-9_]+", path.read_text("utf-8")))
        return {name: _LOCAL_SECRET for name in named if not os.environ.get(name)}

    def _simulators_answer(self) -> bool:
        addresses = self.addresses
        return all(
            answers(f"{url}/_sim/counters") for url in (addresses.elevenlabs, addresses.twilio)
        )

    def _api_is_ready(self) -> bool:
        return answers(f"{self.addresses.api}/readyz")


def answers(url: str) -> bool:
    """True if a server answers there with success within a second."""
    try:
        return httpx.get(url, timeout=1.0).is_success
    except httpx.TransportError:
        return False
