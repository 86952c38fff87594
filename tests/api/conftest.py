"""A whole API on a socket of its own, over the real store and a real Temporal server."""

import asyncio
import os
import queue
import socket
import sys
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass

import httpx
import pytest
import uvicorn
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from activities.names import SEARCH_ATTRIBUTES
from api.app import create_app
from trunkline.adapters.postgres import PostgresStore
from trunkline.bootstrap import accounts
from trunkline.local.ports import free_port
from trunkline.local.processes import Supervisor
from trunkline.local.temporal import is_healthy, obtain_program, start_server
from trunkline.model.base import JsonObject
from trunkline.model.conditions import Condition
from trunkline.model.ids import Digest, Revision
from trunkline.model.plans import Plan, Step
from trunkline.model.records import (
    EventRecord,
    OperationRecord,
    PlanRecord,
    ProjectRecord,
    Role,
    SourceState,
    StatusRecord,
    WishRecord,
)
from trunkline.services.catalogue import build_services
from trunkline.serving import outside
from trunkline.settings import Settings

REVISION = Revision("3f0c" * 10)
DIGEST = Digest("sha256:" + "5e" * 32)
ROLES: tuple[Role, ...] = ("viewer", "operator", "approver", "admin")


@dataclass(frozen=True, slots=True)
class Installation:
    """An API on a real socket over a real store and Temporal; nobody works on its task queue.

    ``project`` is registered and its own in the shared Temporal server. Tokens: ``viewer``,
    ``operator``, ``approver`` and ``admin`` reach every project, ``foreign_admin`` another one.
    """

    url: str
    database_url: str
    temporal_address: str
    project: str
    foreign_project: str
    tokens: dict[str, str]
    webhook_secret: str


@pytest.fixture(scope="session")
def temporal_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Temporal server of this test process."""
    port, http_port = free_port(), free_port()
    with Supervisor(tmp_path_factory.mktemp("temporal")) as supervisor:
        server = start_server(
            supervisor,
            obtain_program(lambda _line: None),
            database=tmp_path_factory.mktemp("temporal-state") / "state.db",
            port=port,
            http_port=http_port,
            ui_port=None,
            search_attributes=SEARCH_ATTRIBUTES,
        )
        server.wait_until(lambda: is_healthy(http_port), timeout_s=60)
        yield f"127.0.0.1:{port}"


@pytest.fixture
def installation(postgres_url: str, temporal_address: str) -> Iterator[Installation]:
    """The API, served by a thread of its own as it is in production by a process of its own."""
    yield from _installed(postgres_url, temporal_address)


@pytest.fixture
def installation_without_temporal(postgres_url: str) -> Iterator[Installation]:
    """The same, where no Temporal server answers."""
    yield from _installed(postgres_url, f"127.0.0.1:{free_port()}")


def _installed(database_url: str, temporal_address: str) -> Iterator[Installation]:
    unique = uuid.uuid4().hex[:8]
    ready: queue.Queue[Installation] = queue.Queue()
    stopping = threading.Event()

    def serve() -> None:
        asyncio.run(_serve_installation(database_url, temporal_address, unique, ready, stopping))

    thread = threading.Thread(target=serve, name="api")
    thread.start()
    try:
        yield ready.get(timeout=30)
    finally:
        stopping.set()
        thread.join(timeout=30)


async def _serve_installation(
    database_url: str,
    temporal_address: str,
    unique: str,
    ready: "queue.Queue[Installation]",
    stopping: threading.Event,
) -> None:
    client = await Client.connect(
        temporal_address, data_converter=pydantic_data_converter, lazy=True
    )
    settings = Settings.model_validate({"TRUNKLINE_PUBLIC_URL": "http://trunkline.example.com"})
    async with (
        PostgresStore(database_url) as store,
        accounts(settings, store.project_manifest) as vendors,
    ):
        services = build_services(
            store,
            client,
            task_queue=f"nobody-{unique}",
            webhook_secret=f"secret-{unique}",
            outside=outside(settings, store, vendors),
        )
        names = [f"acme-{unique}", f"other-{unique}"]
        for name in names:
            address = f"https://git.example.com/team/{name}.git"
            await store.register(ProjectRecord(name=name, repository=address))
        tokens: dict[str, str] = {
            role: (await services.access.issue(f"{role}@example.com", role)).secret
            for role in ROLES
        }
        foreign = await services.access.issue("foreign@example.com", "admin", project=names[1])
        listener = socket.create_server(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        config = uvicorn.Config(
            create_app(services, version="0"), log_config=None, lifespan="off", access_log=False
        )
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        ready.put(
            Installation(
                url=f"http://127.0.0.1:{port}",
                database_url=database_url,
                temporal_address=temporal_address,
                project=names[0],
                foreign_project=names[1],
                tokens={**tokens, "foreign_admin": foreign.secret},
                webhook_secret=f"secret-{unique}",
            )
        )
        await asyncio.to_thread(stopping.wait)
        server.should_exit = True
        await running


@pytest.fixture
def project(installation: Installation) -> str:
    """A registered project of this test alone."""
    return installation.project


@pytest.fixture
def foreign_project(installation: Installation) -> str:
    """Another registered project."""
    return installation.foreign_project


@pytest.fixture
def webhook_secret(installation: Installation) -> str:
    """What GitHub signs with."""
    return installation.webhook_secret


@pytest.fixture
def database_url(installation: Installation) -> str:
    """The installation's database, for what no port shows."""
    return installation.database_url


@pytest.fixture
async def store(installation: Installation) -> AsyncIterator[PostgresStore]:
    """The installation's store, for what workers would write."""
    async with PostgresStore(installation.database_url) as held:
        yield held


@pytest.fixture
async def temporal(temporal_address: str) -> Client:
    """A client of the Temporal server, for what workers would see."""
    return await Client.connect(temporal_address, data_converter=pydantic_data_converter)


@pytest.fixture
def address(installation: Installation) -> str:
    """Where the API is."""
    return installation.url


@pytest.fixture
def token(installation: Installation) -> Callable[[str], str]:
    """The token of ``viewer``, ``operator``, ``admin`` or ``foreign_admin``."""
    return lambda who: installation.tokens[who]


@pytest.fixture
async def http(address: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a token."""
    async with httpx.AsyncClient(base_url=address, timeout=20) as client:
        yield client


@pytest.fixture
async def viewer(installation: Installation) -> AsyncIterator[httpx.AsyncClient]:
    """A viewer in the project."""
    async with _person(installation, "viewer") as client:
        yield client


@pytest.fixture
async def admin(installation: Installation) -> AsyncIterator[httpx.AsyncClient]:
    """An admin in the project."""
    async with _person(installation, "admin") as client:
        yield client


def _person(installation: Installation, who: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=f"{installation.url}/v1/projects/{installation.project}/",
        headers={"Authorization": f"Bearer {installation.tokens[who]}"},
        timeout=20,
    )


@pytest.fixture
async def fleet(project: str, store: PostgresStore) -> None:
    """What workers would have written: agent ``front-desk`` with number ``main-line`` in
    ``testing``, plan and operation ``plan-0001``; ``production`` waits for its first release.
    """
    manifest: JsonObject = {
        "apiVersion": "trunkline/v1alpha1",
        "kind": "Project",
        "metadata": {"name": project},
        "spec": {
            "environments": [
                {"name": "testing", "source": "head", "mode": "enforce"},
                {"name": "production", "source": "releases"},
            ]
        },
    }
    wish = WishRecord(
        project=project,
        environment="testing",
        kind="agent",
        name="front-desk",
        wish_digest=DIGEST,
        revision=REVISION,
        body={},
    )
    source = SourceState(project=project, seen_revision=REVISION, applied_revision=REVISION)
    await store.store_tree(source, [wish], {}, manifest)
    agent = StatusRecord(
        project=project,
        environment="testing",
        kind="agent",
        name="front-desk",
        sync="Synced",
        health="Healthy",
        revision=REVISION,
        numbers=("+15005550006",),
        labels={"team": "reception"},
        conditions=(Condition(type="Ready", status="True", reason="Synced"),),
    )
    event = EventRecord(
        project=project,
        environment="testing",
        name="front-desk",
        reason="Created",
        message="created on the platform",
    )
    await store.put_status(agent, [event])
    number = agent.model_copy(
        update={"kind": "number", "name": "main-line", "sync": "OutOfSync", "message": "taken"}
    )
    await store.put_status(number, [])
    operation = OperationRecord(
        id="plan-0001", project=project, kind="plan", requested_by="viewer@example.com"
    )
    await store.open_operation(operation)
    step = Step(action="create", subject="agent", name="front-desk", key="agent/front-desk")
    plan = Plan(project=project, environment="testing", digest=DIGEST, steps=(step,))
    await store.put_plan(
        PlanRecord(
            id="plan-0001", project=project, environment="testing", revision=REVISION, plan=plan
        )
    )
    await store.finish_operation(operation.id, "Succeeded", "", plan_id="plan-0001")


@pytest.fixture
def command(
    installation: Installation, project: str
) -> Callable[..., Coroutine[None, None, tuple[int, str, str]]]:
    """Runs ``trunkline`` as a person would; answers exit code, stdout and stderr."""

    async def run(*arguments: str, who: str = "viewer", url: str = "") -> tuple[int, str, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "trunkline.cli.main", *arguments),
            env={
                **os.environ,
                "TRUNKLINE_URL": url or installation.url,
                "TRUNKLINE_TOKEN": installation.tokens.get(who, "tl_unknown"),
                "TRUNKLINE_PROJECT": project,
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), 60)
        return process.returncode or 0, out.decode(), err.decode()

    return run
