"""A server that carries calls, between a platform that plays a part and a carrier's simulator."""

from __future__ import annotations

import asyncio
import hashlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psycopg
import pytest
import uvicorn

from activities.clocks import SystemClock
from realtime.hub import Hub
from realtime.media import MediaStreams
from realtime.switchboard import Switchboard, SwitchboardPorts
from simulators.server import RunningSimulators
from tests.calls.rows import enforced, project_manifest
from tests.conversing.conftest import platform, platform_client, wire
from tests.patient_loop import LoopFactory, loops_for
from tests.realtime.callers import Line, line
from tests.realtime.houses import House, Houses, ServerProcess, server_process
from tests.simulator_threads import SimulatorThread
from tests.stack.conftest import home
from trunkline.adapters.elevenlabs.client import ElevenLabsClient
from trunkline.adapters.elevenlabs.lines import ElevenLabsLines
from trunkline.adapters.postgres import PostgresStore
from trunkline.adapters.postgres.call_news import PostgresChannels
from trunkline.adapters.redaction import redactor
from trunkline.adapters.speech.converting import SteadyConversions
from trunkline.model.base import Json, JsonObject
from trunkline.model.calls.events import CallEvent
from trunkline.model.calls.limits import JOURNAL_SETTLE_S
from trunkline.model.calls.records import CallRecord
from trunkline.model.calls.signed import SignedRequest
from trunkline.model.ids import ExternalId, Revision
from trunkline.model.records import ProjectRecord, SourceState
from trunkline.observing import EmbeddedServer
from trunkline.ports.calls import AgentLines, Carrier
from trunkline.services.carrier_requests import CallPlace

__all__ = ["home", "platform", "platform_client", "wire"]

PROJECT, ENVIRONMENT = "acme", "testing"
ACCOUNT = "AC00000000000000000000000000000001"
SID = "CA00000000000000000000000000000001"
TICKET = "one-time-ticket"
SIGNATURE = "signed"
DEADLINE_S = 60.0


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, LoopFactory]:
    """A server that runs in the test shares a loop with the platform and the carrier's side."""
    return loops_for(item, "platform")


@dataclass
class Ends:
    """Both ends of calls, as one account each."""

    agents: AgentLines
    telephony: Carrier | None = None

    async def lines(self, _project: str, _environment: str) -> AgentLines:
        """The agents."""
        return self.agents

    async def carrier(self, _project: str, _environment: str) -> Carrier:
        """The carrier."""
        assert self.telephony is not None
        return self.telephony


@dataclass
class Server:
    """A process's calls behind a real WebSocket server."""

    store: PostgresStore
    board: Switchboard
    hub: Hub
    port: int
    records: list[CallRecord] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where media streams are opened."""
        return f"ws://127.0.0.1:{self.port}/v1/media"

    async def opened(self, **said: object) -> CallRecord:
        """A call that was routed to the bridge."""
        record = await self.store.open_call(
            CallRecord.model_validate(
                {
                    "id": "call_15005550006_00000001",
                    "project": PROJECT,
                    "environment": ENVIRONMENT,
                    "agent": "front-desk",
                    "agent_id": ExternalId("agent_1"),
                    "from_number": "+15005550001",
                    "to_number": "+15005550006",
                    "carrier_account": ACCOUNT,
                    "carrier_call_id": SID,
                    "ticket_digest": hashlib.sha256(TICKET.encode()).hexdigest(),
                    "started_at": datetime.now(UTC),
                    **said,
                }
            )
        )
        self.records.append(record)
        return record

    async def rule(self, **calls: Json) -> None:
        """What the project in force says of calls."""
        head = Revision("0" * 40)
        source = SourceState(project=PROJECT, seen_revision=head, applied_revision=head)
        manifest = project_manifest(PROJECT, enforced(ENVIRONMENT), calls=calls)
        await self.store.store_tree(source, [], {}, manifest)

    @asynccontextmanager
    async def called(self, **said: object) -> AsyncIterator[Line]:
        """A call whose media stream is open and says which call it is."""
        record = await self.opened(**said)
        async with line(self.url, SIGNATURE) as caller:
            await caller.begin(record.id, ACCOUNT, SID, TICKET)
            yield caller

    async def record(self) -> CallRecord:
        """The last call as it is remembered."""
        found = await self.store.call(PROJECT, self.records[-1].id)
        assert found is not None
        return found

    async def until(self, holds: Callable[[CallRecord], bool]) -> CallRecord:
        """Wait until something holds of the last call's record."""
        async with asyncio.timeout(DEADLINE_S):
            while not holds(found := await self.record()):  # noqa: ASYNC110 - asks the outside
                await asyncio.sleep(0.02)
        return found

    async def until_recorded(self, *, parts: int) -> None:
        """Wait until so many parts of the last call's recording are kept."""
        call = self.records[-1].id

        async def kept() -> int:
            return len([part async for part in self.store.recording(PROJECT, call)])

        async with asyncio.timeout(DEADLINE_S):
            while await kept() < parts:  # noqa: ASYNC110 - asks the outside
                await asyncio.sleep(0.02)

    async def events(self) -> tuple[CallEvent, ...]:
        """What happened in the last call."""
        return await self.store.events_of(PROJECT, self.records[-1].id, limit=1_000)


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[PostgresStore]:
    """An open store with one project."""
    async with PostgresStore(postgres_url) as opened:
        await opened.register(
            ProjectRecord(name=PROJECT, repository="https://git.example.com/acme.git")
        )
        yield opened


@pytest.fixture
def ends(platform_client: ElevenLabsClient) -> Ends:
    """The platform and a carrier that nobody asked for yet."""
    return Ends(ElevenLabsLines(platform_client))


@asynccontextmanager
async def served(
    database_url: str, store: PostgresStore, ends: Ends, *, settle_s: float = JOURNAL_SETTLE_S
) -> AsyncIterator[Server]:
    """A server that carries calls until the block ends."""
    async with AsyncExitStack() as stack:
        channels = PostgresChannels(database_url, store, reconnect_s=0.05)
        hub = await stack.enter_async_context(Hub(channels))
        ports = SwitchboardPorts(
            store, ends, hub, store, SteadyConversions(), redactor, SystemClock()
        )
        board = await stack.enter_async_context(
            Switchboard(ports, holder="server-1", settle_s=settle_s)
        )
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        config = uvicorn.Config(
            MediaStreams(board, signers),
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="websockets-sansio",
            timeout_graceful_shutdown=1,
        )
        running = EmbeddedServer(config)
        serving = asyncio.create_task(running.serve(sockets=[listening]))
        yield Server(store, board, hub, listening.getsockname()[1])
        running.should_exit = True
        await serving


@pytest.fixture
async def server(postgres_url: str, store: PostgresStore, ends: Ends) -> AsyncIterator[Server]:
    """Carries calls until the test is over; each call's end waits for its record."""
    async with served(postgres_url, store, ends, settle_s=DEADLINE_S) as running:
        yield running


async def signers(request: SignedRequest) -> frozenset[CallPlace]:
    """Whoever knows the word is the account of the one place there is."""
    known = request.signature == SIGNATURE
    return frozenset({CallPlace(PROJECT, ENVIRONMENT)} if known else ())


@pytest.fixture(scope="session")
def simulator_thread() -> Iterator[SimulatorThread]:
    """Both simulators, started once."""
    thread = SimulatorThread()
    thread.start()
    yield thread
    thread.end()


@pytest.fixture
def simulators(simulator_thread: SimulatorThread) -> Iterator[RunningSimulators]:
    """The same, as new."""
    running = simulator_thread.started.result(120)
    with httpx.Client(timeout=120.0) as http:
        for url in (running.elevenlabs_url, running.twilio_url):
            http.post(f"{url}/_sim/reset").raise_for_status()
        yield running
        for url in (running.elevenlabs_url, running.twilio_url):
            http.post(f"{url}/_sim/reset").raise_for_status()


@pytest.fixture
async def houses(
    postgres_url: str, simulators: RunningSimulators, tmp_path: Path
) -> AsyncIterator[Houses]:
    """Builds an installation with a server of its own."""
    async with PostgresStore(postgres_url) as store:

        @asynccontextmanager
        async def built(
            *, calls: JsonObject | None = None, **settings: str
        ) -> AsyncIterator[House]:
            exits = ExitStack()
            process = server_process(simulators, postgres_url, tmp_path, settings)
            try:
                serving = exits.enter_context(process)
                await asyncio.to_thread(serving.ready)
                async with House(store, simulators, serving, calls or {}) as house:
                    yield house
            finally:
                await asyncio.to_thread(exits.close)

        yield built


@pytest.fixture(scope="session")
def lasting_server(
    lasting_postgres_url: str,
    simulator_thread: SimulatorThread,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ServerProcess]:
    """A server of many tests, one after another."""
    running, home = simulator_thread.started.result(120), tmp_path_factory.mktemp("server")
    with server_process(running, lasting_postgres_url, home, {}) as serving:
        serving.ready()
        yield serving


@pytest.fixture
async def shared_houses(
    lasting_postgres_url: str, lasting_server: ServerProcess, simulators: RunningSimulators
) -> AsyncIterator[Houses]:
    """The same for tests that leave the server as it was: it knows no calls, and stays."""
    with psycopg.connect(lasting_postgres_url) as connection:
        connection.execute("TRUNCATE calls, call_recordings, seen_requests CASCADE")
    async with PostgresStore(lasting_postgres_url) as store:

        def built(*, calls: JsonObject | None = None) -> House:
            return House(store, simulators, lasting_server, calls or {})

        yield built
