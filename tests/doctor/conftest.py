"""An installation with real parts, any of which a test may break, and the doctor who looks."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from temporalio import activity
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Worker

from simulators.server import RunningSimulators, SimulatorOptions, serve_simulators
from tests.held_ports import held_port
from tests.notifications.worlds import eventually
from trunkline.adapters.git.seed import seed
from trunkline.adapters.postgres import PostgresStore
from trunkline.adapters.postgres.pool import StoreBounds
from trunkline.adapters.signing import new_private_key
from trunkline.bootstrap import accounts
from trunkline.model.base import JsonObject
from trunkline.model.errors import EngineUnavailable
from trunkline.model.findings import Finding
from trunkline.model.ids import Revision
from trunkline.model.records import ProjectRecord, SourceState
from trunkline.queues import QUEUES
from trunkline.services.access import Principal
from trunkline.services.catalogue import build_services
from trunkline.services.engine_examination import EngineExamination
from trunkline.serving import outside
from trunkline.settings import Settings
from trunkline.worker import workflow_runner
from workflows.planning import PlanWorkflow

if TYPE_CHECKING:
    from tests.conftest import TemporalServer

OPERATOR = Principal("ops@example.com", "operator")
MANIFEST: JsonObject = {"spec": {"environments": [{"name": "testing", "source": "head"}]}}
SIGNING_KEY = new_private_key()
SOON = StoreBounds(connect_timeout_s=1, wait_timeout_s=1.0, call_timeout_s=3.0)
"""For a store that is not there: what is waited for then has no need to be in time."""

Examine = Callable[["Installation"], Awaitable[dict[str, Finding]]]


@dataclass
class Installation:
    """What the doctor will find; a test changes a part before it looks."""

    home: Path
    repository: Path
    database_url: str
    vendors: RunningSimulators
    temporal: Client
    branch: str = "main"
    bounds: StoreBounds = field(default_factory=StoreBounds)
    variables: dict[str, str] = field(default_factory=dict)

    def settings(self) -> Settings:
        """The environment of the server."""
        variables = {
            "TRUNKLINE_PROJECT": "acme",
            "TRUNKLINE_REPOSITORY": str(self.repository),
            "TRUNKLINE_HOME": self.home,
            "TRUNKLINE_PUBLIC_URL": "https://trunkline.example.com",
            "TRUNKLINE_WEBHOOK_SECRET": "w",
            "TRUNKLINE_SIGNING_KEY": SIGNING_KEY,
            "ELEVENLABS_BASE_URL": self.vendors.elevenlabs_url,
            "TWILIO_BASE_URL": self.vendors.twilio_url,
            **self.variables,
        }
        given = {name: value for name, value in variables.items() if value}
        return Settings.model_validate(given)


@pytest.fixture
async def installation(
    tmp_path: Path,
    postgres_url: str,
    temporal_server: "TemporalServer",
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Installation]:
    """Everything is well; nobody works on the queues."""
    repository = tmp_path / "manifests.git"
    folder = tmp_path / "manifests"
    folder.mkdir()
    (folder / "trunkline.yaml").write_text("kind: Project\n")
    seed(repository, folder)
    options = SimulatorOptions(elevenlabs_port=0, twilio_port=0)
    async with serve_simulators(options) as vendors:
        monkeypatch.setenv("ELEVENLABS_API_KEY", vendors.elevenlabs_key)
        monkeypatch.setenv("TWILIO_ACCOUNT_SID", vendors.twilio_account_sid)
        monkeypatch.setenv("TWILIO_AUTH_TOKEN", vendors.twilio_auth_token)
        temporal = await temporal_server.client()
        yield Installation(tmp_path, repository, postgres_url, vendors, temporal)


@pytest.fixture
def examine() -> Examine:
    """Look at an installation once; answers the findings by name."""

    async def look(installation: Installation) -> dict[str, Finding]:
        settings = installation.settings()
        async with AsyncExitStack() as parts:
            store = await parts.enter_async_context(
                PostgresStore(installation.database_url, installation.bounds)
            )
            vendors = await parts.enter_async_context(accounts(settings, store.project_manifest))
            services = build_services(
                store, installation.temporal, outside=outside(settings, store, vendors)
            )
            found = await services.doctor.examine(OPERATOR)
        assert len({finding.name for finding in found}) == len(found)
        return {finding.name: finding for finding in found}

    return look


@pytest.fixture
async def registered(installation: Installation) -> Installation:
    """The same after the project was registered and its manifests were read."""
    async with PostgresStore(installation.database_url) as store:
        await store.register(
            ProjectRecord(name="acme", repository=str(installation.repository), branch="main")
        )
        revision = Revision("a" * 40)
        state = SourceState(project="acme", seen_revision=revision, applied_revision=revision)
        await store.store_tree(state, [], {}, MANIFEST)
    return installation


@pytest.fixture
async def workers(installation: Installation) -> AsyncIterator[None]:
    """Somebody asks for work on every queue."""
    async with AsyncExitStack() as running:
        for queue in QUEUES:
            worker = Worker(
                installation.temporal,
                task_queue=queue.name,
                workflows=[PlanWorkflow] if queue.serves_workflows else [],
                activities=[do_nothing],
                workflow_runner=workflow_runner(),
            )
            await running.enter_async_context(worker)
        await eventually(
            lambda: _all_are_asked(installation.temporal), what="work is asked for on every queue"
        )
        yield


async def _all_are_asked(client: Client) -> bool:
    """A worker that has begun is known to the server only once it has asked it."""
    try:
        return not (await EngineExamination(client).facts()).silent_queues
    except EngineUnavailable:
        return False


@activity.defn
async def do_nothing() -> None:
    """Work that never comes."""
    await asyncio.sleep(0)


@pytest.fixture
def refused() -> Iterator[int]:
    """A port where nobody listens."""
    with held_port() as port:
        yield port


@pytest.fixture
async def nobody(refused: int) -> Client:
    """A client of a Temporal server that is not there."""
    return await Client.connect(
        f"127.0.0.1:{refused}", data_converter=pydantic_data_converter, lazy=True
    )
