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
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import platformdirs
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.runtime import Runtime

from activities.origins import OriginHeaders
from activities.pull_request_types import PullRequestPace
from activities.types import Timing
from trunkline import tracing
from trunkline.adapters.accounts import AccountOptions, ProjectAccounts, ProjectManifest
from trunkline.adapters.credentials import Credentials
from trunkline.adapters.git import CommitSigner, GitReleases, GitSource, Repository
from trunkline.adapters.judges.room import InstalledJudges, JudgeOptions
from trunkline.adapters.postgres import PostgresStore
from trunkline.adapters.rate_limits import Rates
from trunkline.adapters.signing import Ed25519Keys
from trunkline.model.errors import (
    EngineUnavailable,
    InvalidSettings,
    NotFound,
    StoreUnavailable,
    TablesUnfit,
    TrunklineError,
)
from trunkline.model.ids import git_token_variable
from trunkline.model.records import ProjectRecord
from trunkline.ports import Projects, Wishes
from trunkline.ports.talking import Studio
from trunkline.ports.testing import JudgeAnswers
from trunkline.settings import Settings
from trunkline.telemetry import LogShape, configure_logging, hide

Main = Callable[[asyncio.Event], Coroutine[Any, Any, None]]
"""What a process does until the event is set."""

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 60.0
"""A worker may start before Temporal does; longer than that is a wrong address."""
SHUTDOWN_TIMEOUT_S = 5
"""Requests in flight get that long when the server is asked to stop."""
SPANS_TIMEOUT_S = 2.0
"""What a collector gets to take the last spans; whoever stops us does not wait for long."""
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


def timing(settings: Settings) -> Timing:
    """Waits and bounds of the reconciler that workflows are started with."""
    return Timing(heartbeat_timeout_s=settings.heartbeat_timeout.total_seconds())


def review_pace(settings: Settings) -> PullRequestPace:
    """How often pull requests are looked at and told of."""
    return PullRequestPace(comment_interval_s=settings.comment_interval.total_seconds())


@asynccontextmanager
async def connections(
    settings: Settings, *, stopping: asyncio.Event | None = None, runtime: Runtime | None = None
) -> AsyncIterator[Connections]:
    """Open the store and Temporal; closed when the block ends.

    With ``stopping`` Temporal is waited for until that is set; without, the first call connects, so
    that a server can say that Temporal is down. Raises EngineUnavailable after CONNECT_TIMEOUT_S,
    and TablesUnfit for a database of another release.
    """
    async with PostgresStore(settings.database()) as store:
        await _fitting_tables(store, stopping)
        yield Connections(store, await _temporal(settings, stopping, runtime))


async def _temporal(
    settings: Settings, stopping: asyncio.Event | None, runtime: Runtime | None
) -> Client:
    deadline = asyncio.get_running_loop().time() + CONNECT_TIMEOUT_S
    while True:
        try:
            return await Client.connect(
                settings.temporal_address,
                namespace=settings.temporal_namespace,
                data_converter=pydantic_data_converter,
                interceptors=[OriginHeaders()],
                lazy=stopping is None,
                runtime=runtime,
            )
        except RuntimeError as error:
            if asyncio.get_running_loop().time() > deadline:
                raise EngineUnavailable(
                    f"no Temporal server answers at {settings.temporal_address}",
                    hint="check TEMPORAL_ADDRESS, or run `trunkline dev`",
                ) from error
            logger.info("waiting for Temporal at %s", settings.temporal_address)
            await _pause(stopping)


async def _fitting_tables(store: PostgresStore, stopping: asyncio.Event | None = None) -> None:
    """Make sure that the tables are of this release. Raises TablesUnfit.

    With ``stopping`` PostgreSQL is waited for until that is set; without, a server may begin that
    says itself what it waits for.
    """
    while True:
        try:
            await store.check()
        except TablesUnfit:
            raise
        except StoreUnavailable as error:
            if stopping is None:
                return
            logger.info("waiting for PostgreSQL: %s", error)
            await _pause(stopping)
        else:
            return


async def _pause(stopping: asyncio.Event | None) -> None:
    """Wait a moment; ends the task if it is asked to stop meanwhile."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for((stopping or asyncio.Event()).wait(), _RETRY_INTERVAL_S)
        raise asyncio.CancelledError


@asynccontextmanager
async def accounts(
    settings: Settings, manifest: ProjectManifest, *, shared: PostgresStore | None = None
) -> AsyncIterator[ProjectAccounts]:
    """The vendors' accounts; ``manifest`` answers the Project manifest in force.

    By way of ``shared`` their budgets are shared with the other processes of the installation.
    Raises Blocked where a real account could be reached.
    """
    settings.require_providers()
    options = AccountOptions(
        elevenlabs_url=settings.elevenlabs_base_url,
        elevenlabs_rates=_ELEVENLABS_RATES,
        twilio_url=settings.twilio_base_url,
        live=settings.live,
        twilio_shared_keys=settings.shared_keys(),
    )
    credentials = Credentials(first_project=settings.project, handed_out=hide)
    held = ProjectAccounts(options, credentials, manifest, shared=shared, statuses=shared)
    try:
        yield held
    finally:
        await held.close()


def evidence_keys(settings: Settings) -> Ed25519Keys:
    """Who signs and verifies evidence here. Raises InvalidSettings for a key that is none."""
    key = settings.signing_key
    return Ed25519Keys(key.get_secret_value() if key is not None else "")


def studio() -> Studio:
    """Whatever has to do with sound, once somebody needs it."""
    from trunkline.adapters.speech.studio import SpeechStudio  # noqa: PLC0415 - it takes memory

    return SpeechStudio()


@asynccontextmanager
async def judge_of(
    settings: Settings, *, answers: JudgeAnswers | None = None
) -> AsyncIterator[InstalledJudges]:
    """Who judges conversations here; ``answers`` remembers what was judged before.

    Raises InvalidSettings and Blocked for settings that name no usable judge.
    """
    settings.require_judge()
    key = settings.judge_key.get_secret_value() if settings.judge_key else ""
    options = JudgeOptions(
        url=settings.judge_url,
        model=settings.judge_model,
        key=key,
        usd_per_million_tokens=settings.judge_price,
    )
    judges = InstalledJudges(options, answers=answers)
    try:
        yield judges
    finally:
        await judges.close()


class ProjectSources:
    """``Sources`` and ``ReleaseRepositories``: the repository of each registered project.

    The token of the settings is the first project's and goes to that repository only; any project
    may have a variable of its own, which no manifest may name. A repository
    on this machine's disk is allowed inside TRUNKLINE_HOME, which only the operator sets.
    """

    def __init__(self, settings: Settings, projects: Projects, wishes: Wishes) -> None:
        self._settings = settings
        self._projects = projects
        self._signer = CommitSigner(evidence_keys(settings), projects, wishes)
        home = settings.home or state_folder()
        self._cache = home / "git"

    async def source(self, project: str, *, branch: str = "") -> GitSource:
        """The repository of a project. Raises NotFound, InvalidSettings."""
        record = await self._record(project)
        return GitSource(
            record.repository,
            branch or record.branch,
            cache=self._cache,
            token=lambda: self._token(record),
            allow_local=self._is_at_home(record.repository),
        )

    async def repository(self, project: str) -> GitReleases:
        """The repository that a project's releases are written to. Raises NotFound."""
        record = await self._record(project)
        repository = Repository(
            record.repository,
            record.branch,
            cache=self._cache,
            token=lambda: self._token(record),
            allow_local=self._is_at_home(record.repository),
        )
        return GitReleases(project, repository, self._signer)

    def require_allowed(self, project: ProjectRecord) -> None:
        """Raises InvalidSettings for an address or a branch that Git may not be given."""
        GitSource(
            project.repository,
            project.branch,
            cache=self._cache,
            allow_local=self._is_at_home(project.repository),
        )

    async def _record(self, project: str) -> ProjectRecord:
        record = await self._projects.project(project)
        if record is None:
            raise NotFound(f"project {project} is not registered")
        return record

    def _token(self, record: ProjectRecord) -> str:
        own = os.environ.get(git_token_variable(record.name), "")
        if own:
            return own
        token = self._settings.git_token
        is_first = (record.name, record.repository) == (
            self._settings.project,
            self._settings.repository,
        )
        return token.get_secret_value() if token and is_first else ""

    def _is_at_home(self, repository: str) -> bool:
        home = self._settings.home
        return home is not None and Path(repository).resolve().is_relative_to(home.resolve())


def state_folder() -> Path:
    """Where a process keeps what may be lost, unless TRUNKLINE_HOME says otherwise."""
    return platformdirs.user_cache_path("trunkline", appauthor=False)


async def first_of(stopping: asyncio.Event, task: "asyncio.Task[None]") -> None:
    """Wait for the signal to stop or the end of the task, whichever comes first."""
    waiting = asyncio.create_task(stopping.wait())
    await asyncio.wait({waiting, task}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


def trace(settings: Settings, service: str) -> None:
    """Record spans from now on if the settings name a collector."""
    if settings.traced:
        from trunkline.otlp import OtlpTracer  # noqa: PLC0415 - it takes memory and time

        tracing.install(
            OtlpTracer(endpoint=settings.otlp_endpoint, ratio=settings.trace_ratio, service=service)
        )


def run(
    settings: Settings,
    main: Main,
    *,
    service: str = "trunkline",
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
    stop_timeout_s: float = STOP_TIMEOUT_S,
) -> NoReturn:
    """Run until a signal, then leave without the interpreter's farewell.

    ``service`` is the name that the process's spans go by; ``stop_timeout_s`` is how long it may
    take to stop before it is cut short.

    Temporal's runtime keeps threads of its own, and finalising the interpreter under them aborts
    the process now and then; everything of ours is closed by then.
    """
    shape: LogShape = "text" if sys.stderr.isatty() else "json"
    configure_logging(secrets=settings.secret_values(), shape=shape, level=settings.log_level)
    trace(settings, service)
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(_until_signal(main, stop_timeout_s))
    except TrunklineError:
        raise
    except Exception:
        logger.critical("this process ends for a reason nobody foresaw", exc_info=True)
        os._exit(1)
    tracing.close(SPANS_TIMEOUT_S)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


async def _until_signal(main: Main, stop_timeout_s: float) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    running = asyncio.create_task(main(stopping))
    await first_of(stopping, running)
    await asyncio.wait({running}, timeout=stop_timeout_s)
    if running.cancel():
        logger.warning("cut short: it did not stop within %s s", stop_timeout_s)
    with contextlib.suppress(asyncio.CancelledError):
        await running
