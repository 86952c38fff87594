"""Puts the parts of one process together: the only place that knows every adapter.

A worker and an API server are compositions of the same pieces, made from settings and closed in
reverse order. Nothing here decides anything about agents; whoever needs a port gets it from here.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import platformdirs
import uvicorn
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from activities.clocks import SystemClock
from api.app import create_app
from trunkline import __version__
from trunkline.adapters.accounts import AccountOptions, ProjectAccounts, ProjectManifest
from trunkline.adapters.credentials import Credentials
from trunkline.adapters.git import GitSource
from trunkline.adapters.postgres import PostgresStore
from trunkline.adapters.rate_limits import Rates
from trunkline.listening import PortInUse, is_free
from trunkline.model.errors import EngineUnavailable, InvalidSettings, NotFound, TrunklineError
from trunkline.model.records import ProjectRecord
from trunkline.ports import Projects
from trunkline.services.catalogue import Services, build_services
from trunkline.settings import Settings
from trunkline.telemetry import LogShape, configure_logging
from trunkline.worker import WorkerPorts, build_workers, ensure_search_attributes

Main = Callable[[asyncio.Event], Coroutine[Any, Any, None]]
"""What a process does until the event is set."""

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 60.0
"""A worker may start before Temporal does; longer than that is a wrong address."""
SHUTDOWN_TIMEOUT_S = 5
"""Requests in flight get that long when the server is asked to stop."""
STOP_TIMEOUT_S = 8.0
"""Whoever asked us to stop kills after ten seconds; what we hold should be closed by then."""
_ELEVENLABS_RATES = Rates(requests_per_second=400.0, burst=40, concurrency=20)
"""ElevenLabs limits requests in flight, not per second; a 429 pauses the whole account anyway."""
_RETRY_INTERVAL_S = 1.0
_REGISTRATION_INTERVAL_S = 2.0


@dataclass(frozen=True, slots=True)
class Connections:
    """What a process holds open: the store and Temporal."""

    store: PostgresStore
    client: Client


def first_project(settings: Settings) -> ProjectRecord | None:
    """The project that the settings register, or None if they name none.

    Raises InvalidSettings if they name half of one.
    """
    if not settings.project and not settings.repository:
        return None
    if not settings.project or not settings.repository:
        absent = "TRUNKLINE_REPOSITORY" if settings.project else "TRUNKLINE_PROJECT"
        raise InvalidSettings(
            f"{absent} is not set",
            hint="TRUNKLINE_PROJECT and TRUNKLINE_REPOSITORY register the first project together",
        )
    return ProjectRecord(
        name=settings.project,
        repository=settings.repository,
        branch=settings.branch,
        poll_interval_s=settings.poll_interval.total_seconds(),
    )


@asynccontextmanager
async def connections(
    settings: Settings, *, stopping: asyncio.Event | None = None
) -> AsyncIterator[Connections]:
    """Open the store and Temporal; closed when the block ends.

    With ``stopping`` Temporal is waited for until that is set; without, the first call connects, so
    that a server can say that Temporal is down. Raises EngineUnavailable after CONNECT_TIMEOUT_S.
    """
    async with PostgresStore(settings.database()) as store:
        yield Connections(store, await _temporal(settings, stopping))


async def _temporal(settings: Settings, stopping: asyncio.Event | None) -> Client:
    deadline = asyncio.get_running_loop().time() + CONNECT_TIMEOUT_S
    while True:
        try:
            return await Client.connect(
                settings.temporal_address,
                namespace=settings.temporal_namespace,
                data_converter=pydantic_data_converter,
                lazy=stopping is None,
            )
        except RuntimeError as error:
            if asyncio.get_running_loop().time() > deadline:
                raise EngineUnavailable(
                    f"no Temporal server answers at {settings.temporal_address}",
                    hint="check TEMPORAL_ADDRESS, or run `trunkline dev`",
                ) from error
            logger.info("waiting for Temporal at %s", settings.temporal_address)
            await _pause(stopping)


async def _pause(stopping: asyncio.Event | None) -> None:
    """Wait a moment; ends the task if it is asked to stop meanwhile."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for((stopping or asyncio.Event()).wait(), _RETRY_INTERVAL_S)
        raise asyncio.CancelledError


@asynccontextmanager
async def accounts(settings: Settings, manifest: ProjectManifest) -> AsyncIterator[ProjectAccounts]:
    """The vendors' accounts; ``manifest`` answers the Project manifest in force.

    Raises Blocked where a real account could be reached.
    """
    settings.require_simulators()
    options = AccountOptions(
        elevenlabs_url=settings.elevenlabs_base_url,
        elevenlabs_rates=_ELEVENLABS_RATES,
        twilio_url=settings.twilio_base_url,
    )
    credentials = Credentials(first_project=settings.project)
    held = ProjectAccounts(options, credentials, manifest)
    try:
        yield held
    finally:
        await held.close()


class ProjectSources:
    """``ports.Sources``: the repository of each registered project.

    The token of the settings is the first project's and goes to that repository only. A repository
    on this machine's disk is allowed inside TRUNKLINE_HOME, which only the operator sets.
    """

    def __init__(self, settings: Settings, projects: Projects) -> None:
        self._settings = settings
        self._projects = projects
        home = settings.home or platformdirs.user_cache_path("trunkline", appauthor=False)
        self._cache = home / "git"

    async def source(self, project: str) -> GitSource:
        """The repository of a project. Raises NotFound, InvalidSettings."""
        record = await self._projects.project(project)
        if record is None:
            raise NotFound(f"project {project} is not registered")
        return GitSource(
            record.repository,
            record.branch,
            cache=self._cache,
            token=lambda: self._token(record),
            allow_local=self._is_at_home(record.repository),
        )

    def _token(self, record: ProjectRecord) -> str:
        token = self._settings.git_token
        is_first = (record.name, record.repository) == (
            self._settings.project,
            self._settings.repository,
        )
        return token.get_secret_value() if token and is_first else ""

    def _is_at_home(self, repository: str) -> bool:
        home = self._settings.home
        return home is not None and Path(repository).resolve().is_relative_to(home.resolve())


def services(settings: Settings, held: Connections) -> Services:
    """What API and command line ask for."""
    secret = settings.webhook_secret
    return build_services(
        held.store,
        held.client,
        webhook_secret=secret.get_secret_value() if secret else None,
    )


async def _work(settings: Settings, stopping: asyncio.Event, *, queues: Sequence[str]) -> None:
    async with connections(settings, stopping=stopping) as held:
        store = held.store
        async with accounts(settings, store.project_manifest) as vendors:
            ports = WorkerPorts(
                sources=ProjectSources(settings, store),
                projects=store,
                wishes=store,
                ledger=store,
                statuses=store,
                operations=store,
                accounts=vendors,
                clock=SystemClock(),
            )
            workers = build_workers(held.client, ports, queues=queues)
            await ensure_search_attributes(held.client)
            logger.info("working on %s", ", ".join(worker.task_queue for worker in workers))
            async with asyncio.TaskGroup() as group:
                for worker in workers:
                    group.create_task(worker.run())
                await stopping.wait()
                for worker in workers:
                    group.create_task(worker.shutdown())


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling, which ends the process before ours has closed."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _serve(settings: Settings, stopping: asyncio.Event, *, host: str, port: int) -> None:
    async with connections(settings) as held:
        offered = services(settings, held)
        config = uvicorn.Config(
            create_app(offered, version=__version__),
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_S,
        )
        server = _Server(config)
        async with asyncio.TaskGroup() as group:
            registering = group.create_task(_register(offered, first_project(settings)))
            serving = group.create_task(server.serve())
            await _first_of(stopping, serving)
            registering.cancel()
            server.should_exit = True


async def _first_of(stopping: asyncio.Event, task: "asyncio.Task[None]") -> None:
    """Wait for the signal to stop or the end of the task, whichever comes first."""
    waiting = asyncio.create_task(stopping.wait())
    await asyncio.wait({waiting, task}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


async def _register(offered: Services, project: ProjectRecord | None) -> None:
    """Register the first project as soon as the store and Temporal are there."""
    while project is not None:
        try:
            await offered.projects.register(project)
        except TrunklineError as error:
            logger.warning("project %s is not registered yet: %s", project.name, error)
            await asyncio.sleep(_REGISTRATION_INTERVAL_S)
        else:
            logger.info("project %s is registered", project.name)
            return


def run_server(settings: Settings, *, host: str, port: int) -> NoReturn:
    """Serve the API until SIGINT or SIGTERM. Raises Blocked, InvalidSettings, PortInUse."""
    settings.require_simulators()
    settings.database()
    first_project(settings)
    if port and not is_free(port, host):
        raise PortInUse(port, purpose="the API", option="--port")
    _run(settings, lambda stopping: _serve(settings, stopping, host=host, port=port))


def run_worker(settings: Settings, *, queues: Sequence[str] = ()) -> NoReturn:
    """Work until SIGINT or SIGTERM; ``queues`` empty means all of them.

    Raises Blocked, InvalidSettings, EngineUnavailable.
    """
    settings.require_simulators()
    settings.database()
    _run(settings, lambda stopping: _work(settings, stopping, queues=queues))


def _run(settings: Settings, main: Main) -> NoReturn:
    """Run until a signal, then leave without the interpreter's farewell.

    Temporal's runtime keeps threads of its own, and finalising the interpreter under them aborts
    the process now and then; everything of ours is closed by then.
    """
    shape: LogShape = "text" if sys.stderr.isatty() else "json"
    configure_logging(secrets=settings.secret_values(), shape=shape)
    asyncio.run(_until_signal(main))
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


async def _until_signal(main: Main) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    running = asyncio.create_task(main(stopping))
    await _first_of(stopping, running)
    await asyncio.wait({running}, timeout=STOP_TIMEOUT_S)
    if running.cancel():
        logger.warning("cut short: it did not stop within %s s", STOP_TIMEOUT_S)
    with contextlib.suppress(asyncio.CancelledError):
        await running
