"""A whole installation in one process: Temporal, PostgreSQL, Git, both vendors, workers.

Every test has a namespace, a database, a repository and simulators of its own. Time-outs and bounds
of lag are a second or less, given by workflow input as in production.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

import httpx
import pytest
from temporalio.client import Client, WorkflowHandle

from activities.clocks import SystemClock
from activities.names import (
    PLAN_WORKFLOW,
    PROJECT_WORKFLOW,
    REFRESH_SIGNAL,
    SWEEP_WORKFLOW,
    WORKFLOW_QUEUE,
)
from activities.types import (
    PlanInput,
    ProjectInput,
    RefreshRequest,
    SweepInput,
    SweepReport,
    Timing,
)
from simulators.server import RunningSimulators, SimulatorOptions, serve_simulators
from tests.conftest import PATIENT
from tests.replay.portable import portable
from tests.workflows.killable_processes import OwnProcess, started
from tests.workflows.own_repositories import OneRepository
from tests.workflows.vendors import Vendor
from trunkline.adapters.accounts import AccountOptions, ProjectAccounts
from trunkline.adapters.breakers import BreakerRules
from trunkline.adapters.credentials import Credentials
from trunkline.adapters.git.seed import commit, seed
from trunkline.adapters.judges.room import InstalledJudges, JudgeOptions
from trunkline.adapters.postgres import PostgresStore
from trunkline.adapters.rate_limits import Rates
from trunkline.adapters.signing import Ed25519Keys
from trunkline.adapters.speech.studio import SpeechStudio
from trunkline.model.ids import agent_workflow_id, project_workflow_id
from trunkline.model.promotions.facts import Pace
from trunkline.model.records import EventRecord, OperationRecord, ProjectRecord, StatusRow
from trunkline.worker import WorkerPorts, build_workers, ensure_search_attributes

if TYPE_CHECKING:
    from tests.conftest import TemporalServer
    from tests.warm_programs import WarmPrograms
    from trunkline.ports import Clock
    from trunkline.ports.forges import Forges

PROJECT = "acme"
ENVIRONMENT = "testing"
NUMBER = "+15005550006"
HISTORIES = Path(__file__).parent.parent / "replay" / "histories" / "next"
"""Those of releases are never recorded again."""
ACCOUNTS = """\
  accounts:
    elevenlabs: {{ apiKey: {{ env: {prefix}ELEVENLABS_API_KEY }} }}
    twilio:
      accountSid: {{ env: {prefix}TWILIO_ACCOUNT_SID }}
      authToken: {{ env: {prefix}TWILIO_AUTH_TOKEN }}
"""
ROWS = ("projects", "wishes", "ledger", "statuses", "operations", "interventions", "deletions")
KEPT = ("looks", "ejections", "tests", "promotions", "releases", "access", "pull_requests")
STORED = (*ROWS, *KEPT, "notifications", "calls")
RECORDING = "TRUNKLINE_RECORD_HISTORIES"
FAST = Rates(requests_per_second=10_000, burst=1_000, concurrency=50)
BREAKER = BreakerRules(spacing_s=0.1, hold_s=0.5, hold_max_s=1.0)
TIMING = Timing(
    poll_interval_s=3600,
    request_timeout_s=1.0,
    document_timeout_s=1.0,
    observe_timeout_s=5.0,
    apply_timeout_s=4.0,
    store_timeout_s=5.0,
    git_timeout_s=10.0,
    fanout_timeout_s=30.0,
    heartbeat_timeout_s=1.5,
    list_lag_bound_s=1.0,
    retry_initial_s=0.05,
    retry_max_s=0.5,
    resync_interval_s=3600,
)
UNHURRIED = TIMING.model_copy(
    update={
        "request_timeout_s": 20.0,
        "document_timeout_s": 20.0,
        "heartbeat_timeout_s": 30.0,
        "observe_timeout_s": 60.0,
        "apply_timeout_s": 60.0,
        "store_timeout_s": 60.0,
        "git_timeout_s": 60.0,
        "fanout_timeout_s": 120.0,
    }
)
"""For tests that count what is done: nothing is done again because a busy machine was late."""
READS_S, UNHURRIED_READS_S = (1.0, 3.0), (20.0, 60.0)
"""How long one read of an account may take, and a whole listing."""
ANSWER_TIMEOUT_S = 60.0
"""How long a test waits for one answer of its own."""

ANALYSIS_LAG_S = 0.2
"""A conversation's record is never whole at the first look at it, as with the vendor."""
PAUSE_S = 0.03
PAUSE_GROWTH = 1.25
PAUSE_MAX_S = 0.12
"""A look costs several processes work, so what takes long is looked at more seldom."""
PATIENCE_S = 90.0
"""What takes a second takes many on a machine with much else to do."""
PACE = Pace(test_pauses_s=(0.1, 0.1, 0.1), poll_s=5.0, push_pause_s=0.5, push_settle_s=0.5)


async def eventually(
    look: Callable[[], Awaitable[Any]], *, timeout_s: float = PATIENCE_S, what: str = "it"
) -> Any:
    """The first answer that is not None or False; fails with the last one after the deadline."""
    deadline = asyncio.get_running_loop().time() + timeout_s
    pause_s = PAUSE_S
    while True:
        answer = await look()
        if answer is not None and answer is not False:
            return answer
        if asyncio.get_running_loop().time() > deadline:
            pytest.fail(f"{what} did not happen within {timeout_s} s")
        await asyncio.sleep(pause_s)
        pause_s = min(PAUSE_GROWTH * pause_s, PAUSE_MAX_S)


@dataclass
class Stack:
    """Everything a test touches; ``programs`` starts processes of ours."""

    client: Client
    store: PostgresStore
    accounts: ProjectAccounts
    repository: Path
    simulators: RunningSimulators
    elevenlabs: Vendor
    twilio: Vendor
    secrets: dict[str, str]
    cache: Path
    programs: Callable[[], WarmPrograms]
    timing: Timing = TIMING
    project: str = PROJECT
    public_url: str | None = None
    clock: Clock = field(default_factory=SystemClock)
    judge: JudgeOptions = field(default_factory=JudgeOptions)
    keys: Ed25519Keys = field(default_factory=Ed25519Keys)
    pace: Pace = PACE
    forges: Forges | None = None

    async def neighbour(self, project: str, files: Mapping[str, str]) -> Stack:
        """Another project of the same server, with the same accounts at both vendors."""
        repository = self.repository.parent / f"{project}.git"
        folder = self.repository.parent / f"{project}-files"
        prefix = f"TRUNKLINE_SECRET_{project.upper()}_"
        names = ("ELEVENLABS_API_KEY", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")
        self.secrets.update({f"{prefix}{name}": self.secrets[name] for name in names})
        accounts = ACCOUNTS.format(prefix=prefix)
        for path, text in files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            named = text.replace("name: acme", f"name: {project}")
            target.write_text(named.replace("  people:", f"{accounts}  people:"))
        seed(repository, folder)
        await self.store.register(ProjectRecord(name=project, repository=str(repository)))
        return replace(self, project=project, repository=repository)

    def ports(self) -> WorkerPorts:
        """What workers are given."""
        stored: dict[str, Any] = dict.fromkeys(STORED, self.store)
        stored |= dict.fromkeys(("accounts", "carriers", "natives"), self.accounts)
        repositories = OneRepository(self.store, self.cache, self.keys)
        return WorkerPorts(
            sources=repositories,
            repositories=repositories,
            **stored,
            clock=self.clock,
            judges=InstalledJudges(self.judge, answers=self.store),
            studio=SpeechStudio,
            public_url=self.public_url,
            keys=self.keys,
            pace=self.pace,
            forges=self.forges,
        )

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Workers for every queue until the block ends."""
        async with AsyncExitStack() as running:
            for worker in build_workers(self.client, self.ports()):
                await running.enter_async_context(worker)
            yield

    def worker_environment(self, database_url: str) -> dict[str, str]:
        """Settings of ``trunkline worker`` for this installation."""
        return {
            **os.environ,
            **self.secrets,
            "DATABASE_URL": database_url,
            "TEMPORAL_ADDRESS": self.client.service_client.config.target_host,
            "TEMPORAL_NAMESPACE": self.client.namespace,
            "TRUNKLINE_PROJECT": PROJECT,
            "TRUNKLINE_REPOSITORY": str(self.repository),
            "TRUNKLINE_HOME": str(self.repository.parent),
            "TRUNKLINE_STICKY_TIMEOUT": "1s",
            "ELEVENLABS_BASE_URL": self.simulators.elevenlabs_url,
            "TWILIO_BASE_URL": self.simulators.twilio_url,
        }

    def push(self, edits: Mapping[str, str | None], message: str = "An edit") -> str:
        """Commit and push; answers the revision."""
        return commit(self.repository, edits, message=message)

    async def refresh(self, request: RefreshRequest | None = None) -> None:
        """Wake the project's workflow, starting it if need be."""
        await self.client.start_workflow(
            PROJECT_WORKFLOW,
            ProjectInput(project=self.project, timing=self.timing),
            id=project_workflow_id(self.project),
            task_queue=WORKFLOW_QUEUE,
            start_signal=REFRESH_SIGNAL,
            start_signal_args=[request or RefreshRequest()],
        )

    async def sync(
        self, *, hard: bool = False, names: tuple[str, ...] = (), timeout_s: float = PATIENCE_S
    ) -> OperationRecord:
        """Sync and wait for the operation to end."""
        operation_id = uuid4().hex
        await self.store.open_operation(
            OperationRecord(id=operation_id, project=self.project, kind="sync", requested_by="test")
        )
        await self.refresh(RefreshRequest(operation_id=operation_id, hard=hard, names=names))
        return await self.ended(operation_id, timeout_s=timeout_s)

    async def plan(self, *names: str) -> OperationRecord:
        """Plan the environment and wait for the operation to end."""
        operation_id = uuid4().hex
        await self.store.open_operation(
            OperationRecord(id=operation_id, project=self.project, kind="plan", requested_by="test")
        )
        await self.client.start_workflow(
            PLAN_WORKFLOW,
            PlanInput(
                operation_id=operation_id,
                project=self.project,
                environment=ENVIRONMENT,
                names=names,
                timing=self.timing,
            ),
            id=f"plan/{operation_id}",
            task_queue=WORKFLOW_QUEUE,
        )
        return await self.ended(operation_id)

    async def sweep(self) -> SweepReport:
        """Look over the environment once."""
        report: SweepReport = await self.client.execute_workflow(
            SWEEP_WORKFLOW,
            SweepInput(project=self.project, environment=ENVIRONMENT, timing=self.timing),
            id=f"sweep-{uuid4().hex}",
            task_queue=WORKFLOW_QUEUE,
            result_type=SweepReport,
        )
        return report

    async def ended(self, operation_id: str, *, timeout_s: float = PATIENCE_S) -> OperationRecord:
        """The operation once it is no longer running."""

        async def look() -> OperationRecord | None:
            operation = await self.store.operation(operation_id)
            assert operation is not None
            return operation if operation.state != "Running" else None

        found: OperationRecord = await eventually(look, timeout_s=timeout_s, what="the operation")
        return found

    async def status(self, name: str, kind: Any = "agent") -> StatusRow | None:
        """One status row."""
        return await self.store.status(self.project, ENVIRONMENT, kind, name)

    async def settled(
        self, name: str, wanted: Callable[[StatusRow], bool], kind: Any = "agent"
    ) -> StatusRow:
        """The status once it is as wanted."""

        async def look() -> StatusRow | None:
            row = await self.status(name, kind)
            return row if row is not None and wanted(row) else None

        found: StatusRow = await eventually(look, what=f"the status of {name}")
        return found

    async def until(
        self, look: Callable[[], Awaitable[Any]], *, timeout_s: float = PATIENCE_S
    ) -> Any:
        """The first answer of ``look`` that is not None or False."""
        return await eventually(look, timeout_s=timeout_s)

    async def events(self, reason: str, name: str | None = None) -> list[EventRecord]:
        """Events with a reason, newest first."""
        rows = await self.store.events(self.project, name=name, limit=200)
        return [row for row in rows if row.reason == reason]

    def agent_handle(self, name: str) -> WorkflowHandle[Any, Any]:
        """The workflow of an agent."""
        return self.client.get_workflow_handle(agent_workflow_id(self.project, ENVIRONMENT, name))

    def project_handle(self) -> WorkflowHandle[Any, Any]:
        """The workflow of the project."""
        return self.client.get_workflow_handle(project_workflow_id(self.project))

    async def record(self, handle: WorkflowHandle[Any, Any], workflow: str, scenario: str) -> None:
        """Keep a history for the replay gate, if this run is a recording."""
        if not os.environ.get(RECORDING):
            return
        history = await handle.fetch_history()
        target = HISTORIES / workflow / f"{scenario}.json"
        await asyncio.to_thread(target.parent.mkdir, parents=True, exist_ok=True)
        await asyncio.to_thread(target.write_text, json.dumps(portable(history.to_json_dict())))


class MakeStack(Protocol):
    """Makes the installation of a test from the files of its repository; no worker runs yet."""

    async def __call__(
        self,
        files: Mapping[str, str | bytes],
        *,
        temporal: TemporalServer | None = None,
        database_url: str | None = None,
        beside: Stack | None = None,
        unhurried: bool = False,
    ) -> Stack:
        """An installation that lasts as long as the test.

        ``beside`` another one it shares everything but the Temporal server. In an ``unhurried`` one
        nothing is given up, and done again, because the machine is late. A ``database_url`` of the
        test's own may fail; the one there always is may only be late.
        """


@pytest.fixture
async def make_stack(
    temporal_server: TemporalServer, postgres_url: str, request: pytest.FixtureRequest
) -> AsyncIterator[MakeStack]:
    """Whatever it made is closed after the test."""
    async with AsyncExitStack() as parts:

        async def make(
            files: Mapping[str, str | bytes],
            *,
            temporal: TemporalServer | None = None,
            database_url: str | None = None,
            beside: Stack | None = None,
            unhurried: bool = False,
        ) -> Stack:
            client = await (temporal or temporal_server).client()
            if beside is not None:
                return replace(beside, client=client)
            folder = Path(parts.enter_context(tempfile.TemporaryDirectory(prefix="stack-")))
            return await _stack(
                parts,
                folder,
                files,
                client=client,
                store=PostgresStore(database_url)
                if database_url
                else PostgresStore(postgres_url, PATIENT),
                programs=partial(request.getfixturevalue, "programs"),
                unhurried=unhurried,
            )

        yield make


async def _stack(
    parts: AsyncExitStack,
    folder: Path,
    files: Mapping[str, str | bytes],
    *,
    client: Client,
    store: PostgresStore,
    programs: Callable[[], WarmPrograms],
    unhurried: bool,
) -> Stack:
    for path, text in files.items():
        target = folder / "files" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())
    repository = folder / "manifests.git"
    seed(repository, folder / "files")
    await ensure_search_attributes(client)
    options = SimulatorOptions(elevenlabs_port=0, twilio_port=0, twilio_numbers=(NUMBER,))
    running = await parts.enter_async_context(serve_simulators(options))
    await parts.enter_async_context(store)
    await store.register(ProjectRecord(name=PROJECT, repository=str(repository)))
    secrets = {
        "ELEVENLABS_API_KEY": running.elevenlabs_key,
        "TWILIO_ACCOUNT_SID": running.twilio_account_sid,
        "TWILIO_AUTH_TOKEN": running.twilio_auth_token,
        "TRUNKLINE_SECRET_ACME_BOOKING": "a booking key",
    }
    read_timeout_s, listing_timeout_s = UNHURRIED_READS_S if unhurried else READS_S
    accounts = ProjectAccounts(
        AccountOptions(
            elevenlabs_url=running.elevenlabs_url,
            twilio_url=running.twilio_url,
            elevenlabs_rates=FAST,
            twilio_rates=FAST,
            breaker=BREAKER,
            read_timeout_s=read_timeout_s,
            listing_timeout_s=listing_timeout_s,
        ),
        Credentials(first_project=PROJECT, environment=secrets),
        store.project_manifest,
        shared=store,
        statuses=store,
    )
    parts.push_async_callback(accounts.close)
    key = {"xi-api-key": running.elevenlabs_key}
    elevenlabs = httpx.AsyncClient(
        base_url=running.elevenlabs_url, headers=key, timeout=ANSWER_TIMEOUT_S
    )
    twilio = httpx.AsyncClient(
        base_url=running.twilio_url,
        auth=(running.twilio_account_sid, running.twilio_auth_token),
        timeout=ANSWER_TIMEOUT_S,
    )
    await parts.enter_async_context(elevenlabs)
    await parts.enter_async_context(twilio)
    vendor = Vendor(elevenlabs)
    await vendor.control("talks", {"analysis_lag_s": ANALYSIS_LAG_S})
    return Stack(
        client=client,
        store=store,
        accounts=accounts,
        repository=repository,
        simulators=running,
        elevenlabs=vendor,
        twilio=Vendor(twilio),
        secrets=secrets,
        cache=folder / "cache",
        programs=programs,
        timing=UNHURRIED if unhurried else TIMING,
    )


class StartProcess(Protocol):
    """Starts ``trunkline`` with arguments; what it writes to stderr is in the answered file."""

    def __call__(
        self, stack: Stack, database_url: str, *arguments: str, **variables: str
    ) -> tuple[OwnProcess, Path]:
        """The process, killed at the end of the test unless it has ended."""


@pytest.fixture
def start_process(tmp_path: Path) -> Iterator[StartProcess]:
    """Processes of an installation, as an operator would start them."""
    with ExitStack() as running:

        def start(
            stack: Stack, database_url: str, *arguments: str, **variables: str
        ) -> tuple[OwnProcess, Path]:
            log = tmp_path / f"{arguments[0]}-{uuid4().hex[:6]}.log"
            environment = {**stack.worker_environment(database_url), **variables}
            with log.open("wb") as errors:
                begun = running.enter_context(
                    started(stack.programs(), *arguments, env=environment, err=errors)
                )
            return begun, log

        yield start
