"""The sample with something changed in it, talked to by its own tests over real WebSockets."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

import uvicorn
from fastapi import FastAPI

from activities.clocks import SystemClock
from activities.conversing import Company, converse
from activities.run_results import impossible_run, run_result
from api import problems
from api.boundary import RequestBoundary
from api.routes import tool_gateway
from simulators.server import RunningSimulators
from trunkline.adapters.accounts import AccountOptions, ProjectAccounts
from trunkline.adapters.credentials import Credentials
from trunkline.adapters.judges.room import InstalledJudges, JudgeOptions
from trunkline.adapters.rate_limits import Rates
from trunkline.manifests import DirectoryTree, load
from trunkline.model.base import JsonObject
from trunkline.model.canonical import digest_of_bytes
from trunkline.model.desired import DesiredAgent
from trunkline.model.errors import TrunklineError
from trunkline.model.ids import ExternalId, Revision
from trunkline.model.manifests import Manifests
from trunkline.model.resolution import agent_wish, wishes
from trunkline.model.testing.costs import TestRates
from trunkline.model.testing.desks import Desk, parameter_types
from trunkline.model.testing.rendering import TOKEN_VARIABLE
from trunkline.model.testing.results import RunResult
from trunkline.model.testing.scripts import Script, compile_script
from trunkline.model.testing.talk import TalkRequest
from trunkline.model.tokens import token_digest
from trunkline.observing import EmbeddedServer
from trunkline.ports import VoicePlatform
from trunkline.services.carriers import Carriers
from trunkline.services.passing_desks import PassingDesks
from trunkline.services.tool_gateway import ToolGatewayService

SAMPLE: Final = Path(__file__).parents[2] / "manifests"
ENVIRONMENT: Final = "testing"
TESTS: Final = "/tests/"
SECRETS: Final = ("TRUNKLINE_SECRET_BRINDLE_BOOKING", "TRUNKLINE_SECRET_BRINDLE_PAGING")
CONVERSATIONS_AT_ONCE: Final = 48
ANSWER_S: Final = 600.0
"""Whoever is asked shares the processor with whoever asks."""
RATES: Final = Rates(requests_per_second=10_000, burst=1_000, concurrency=100)


class Steer(Protocol):
    """Changes how the simulated agents talk."""

    async def __call__(self, **settings: object) -> None:
        """Takes what ``POST /_sim/talks`` takes."""


class ChangedTree:
    """A folder with other bytes in some of its files."""

    def __init__(self, changed: Mapping[str, str], *, without: str | None = None) -> None:
        self._without = without
        self._folder = DirectoryTree(SAMPLE)
        self._changed = {path: text.encode() for path, text in changed.items()}

    @property
    def revision(self) -> Revision | None:
        """None, as of any folder."""
        return None

    def paths(self) -> Sequence[str]:
        """Those of the folder, and new ones."""
        paths = sorted({*self._folder.paths(), *self._changed})
        return [path for path in paths if self._without is None or self._without not in path]

    def links(self) -> AbstractSet[str]:
        """Those of the folder."""
        return self._folder.links()

    def identity(self, path: str) -> str:
        """The digest of the bytes."""
        return digest_of_bytes(self.read(path))

    def size(self, path: str) -> int:
        """Bytes as they are read."""
        return len(self.read(path))

    def read(self, path: str) -> bytes:
        """Changed bytes, or the folder's."""
        return self._changed.get(path) or self._folder.read(path)


@dataclass(frozen=True, slots=True)
class _Answering:
    """What the gateway needs of a server."""

    tools: ToolGatewayService


@dataclass
class Workbench:
    """Everything conversations need beside the sample itself. See ``workbench``."""

    accounts: ProjectAccounts
    judges: InstalledJudges
    desks: PassingDesks
    gateway_url: str
    places: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(CONVERSATIONS_AT_ONCE)
    )

    async def results(
        self,
        changed: Mapping[str, str],
        agents: Sequence[str],
        *,
        tests: Sequence[str] = (),
        patience_s: float | None = None,
    ) -> dict[str, RunResult]:
        """Run the tests of some agents once each, or those named; results by test.

        Agents are as the changed files want them, and tests as they are: a test that names what is
        not there any more talks to the agent all the same. ``patience_s`` is how long a turn waits
        for what a changed agent may never do; left out, as long as for anybody.

        Raises InvalidManifests for a sample that nobody could deploy.
        """
        told = load(ChangedTree({path: text for path, text in changed.items() if TESTS in path}))
        manifests = load(ChangedTree(changed, without=TESTS))
        project = manifests.project.manifest
        voice = await self.accounts.voice(project.name, ENVIRONMENT)
        environment = next(e for e in project.spec.environments if e.name == ENVIRONMENT)
        person = f"bench-{secrets.token_hex(6)}"
        carriers = Carriers(self.accounts, wishes(manifests).contents, person=person)
        runs: dict[str, asyncio.Task[RunResult]] = {}
        try:
            async with asyncio.TaskGroup() as group:
                for name in agents:
                    desired = agent_wish(manifests, environment, name)
                    assert desired is not None
                    rendering = voice.render_for_tests(
                        desired, public_url=self.gateway_url, stubbed=None
                    )
                    agent_id = await carriers.make(voice, rendering)
                    for script in _scripts(voice, told, desired, tests):
                        talking = self._run(voice, script, desired, agent_id, patience_s)
                        runs[script.name] = group.create_task(talking)
        finally:
            left = await carriers.clear()
        assert not left
        return {name: run.result() for name, run in runs.items()}

    async def _run(
        self,
        voice: VoicePlatform,
        script: Script,
        desired: DesiredAgent,
        agent_id: ExternalId,
        patience_s: float | None,
    ) -> RunResult:
        token = secrets.token_urlsafe(32)
        desk = Desk(
            id=token[:12],
            project=desired.project,
            token_digest=token_digest(token),
            stubs=script.spec.tools.stubs,
            types=parameter_types(desired.tools),
            expires_at=datetime.now(UTC) + timedelta(minutes=10),
        )
        variables: JsonObject = {TOKEN_VARIABLE: f"Bearer {token}"}
        company = Company(
            talks=voice.talks, clock=SystemClock(), desks=self.desks, patience_s=patience_s
        )
        async with self.places:
            await self.desks.open_desk(desk)
            try:
                request = TalkRequest(agent_id=agent_id, variables=variables)
                talk = await converse(script, request, company, desk_id=desk.id)
            except TrunklineError as error:
                return impossible_run(script, error, number=1)
            finally:
                await self.desks.close_desk(desk.id)
        return await run_result(script, talk, self.judges, TestRates(), number=1)


def _scripts(
    voice: VoicePlatform, manifests: Manifests, desired: DesiredAgent, tests: Sequence[str]
) -> list[Script]:
    return [
        compile_script(
            manifests,
            name,
            environment=ENVIRONMENT,
            first_message=desired.first_message,
            agent_digest=desired.digest,
            rendered_digest=voice.render(desired).digest,
            repeat=1,
        )
        for name, test in sorted(manifests.tests.items())
        if test.manifest.spec.agent == desired.name and (not tests or name in tests)
    ]


@asynccontextmanager
async def workbench(simulators: RunningSimulators) -> AsyncIterator[Workbench]:
    """A place to talk to the sample; the simulators run elsewhere."""
    project = load(DirectoryTree(SAMPLE)).project.manifest
    environment = {
        "ELEVENLABS_API_KEY": simulators.elevenlabs_key,
        "TWILIO_ACCOUNT_SID": simulators.twilio_account_sid,
        "TWILIO_AUTH_TOKEN": simulators.twilio_auth_token,
        **dict.fromkeys(SECRETS, "a secret"),
    }
    options = AccountOptions(
        elevenlabs_url=simulators.elevenlabs_url,
        twilio_url=simulators.twilio_url,
        elevenlabs_rates=RATES,
        read_timeout_s=ANSWER_S,
        listing_timeout_s=ANSWER_S,
    )

    async def manifest(_project: str) -> JsonObject:
        return project.model_dump(mode="json")

    credentials = Credentials(first_project=project.name, environment=environment)
    accounts = ProjectAccounts(options, credentials, manifest)
    judges = InstalledJudges(JudgeOptions())
    desks = PassingDesks()
    try:
        async with _gateway(desks) as url:
            yield Workbench(accounts, judges, desks, url)
    finally:
        await judges.close()
        await accounts.close()


@asynccontextmanager
async def _gateway(desks: PassingDesks) -> AsyncIterator[str]:
    """Tools of agents under test, answered on loopback while the block runs."""
    app = FastAPI(openapi_url=None)
    app.state.services = _Answering(ToolGatewayService(desks))
    problems.install(app)
    app.include_router(tool_gateway.router)
    app.add_middleware(RequestBoundary)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=2
    )
    server = EmbeddedServer(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        with contextlib.suppress(asyncio.CancelledError):
            await serving
        listener.close()
