"""A whole API on a socket of its own, over the real store and a real Temporal server."""

import asyncio
import queue
import socket
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from activities.names import SEARCH_ATTRIBUTES
from api.app import create_app
from api.rates import Rates
from tests.api.begun_commands import COMMAND_MAX_S, Begin, begun, environment
from tests.held_ports import held_port
from tests.warm_programs import WarmPrograms
from trunkline.adapters.postgres import PostgresStore
from trunkline.adapters.signing import Ed25519Keys, new_private_key
from trunkline.bootstrap import accounts
from trunkline.local.processes import Supervisor
from trunkline.local.temporal import is_healthy, obtain_program, start_server
from trunkline.model.base import JsonObject
from trunkline.model.conditions import Condition
from trunkline.model.ids import Digest, ExternalId, Revision
from trunkline.model.kinds.project import Person, Promotion
from trunkline.model.kinds.release import ReleaseSpec
from trunkline.model.plans import Plan, Step
from trunkline.model.promotions.policies import PromotionRules
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
from trunkline.model.releases import ReleaseRecord, ReleaseStanding
from trunkline.services.catalogue import build_services
from trunkline.serving import http_server, outside
from trunkline.settings import Settings

REVISION = Revision("3f0c" * 10)
DIGEST = Digest("sha256:" + "5e" * 32)
ROLES: tuple[Role, ...] = ("viewer", "operator", "approver", "admin")
SIGNING_KEY = new_private_key()
PAGE_ORIGIN = "https://status.example.com"
"""Where a page may ask the API from."""


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
    home: Path


@pytest.fixture(scope="session")
def temporal_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Temporal server of this test process."""
    with (
        held_port() as port,
        held_port() as http_port,
        Supervisor(tmp_path_factory.mktemp("temporal")) as supervisor,
    ):
        server = start_server(
            supervisor,
            obtain_program(lambda _line: None),
            database=tmp_path_factory.mktemp("temporal-state") / "state.db",
            port=port,
            http_port=http_port,
            ui_port=None,
            search_attributes=SEARCH_ATTRIBUTES,
        )
        server.wait_until(lambda: is_healthy(http_port), timeout_s=120)
        yield f"127.0.0.1:{port}"


@pytest.fixture
def rates() -> Rates:
    """How fast the API may be asked; a module that needs others has a fixture of this name."""
    return Rates()


@pytest.fixture
def installation(
    postgres_url: str, temporal_address: str, tmp_path: Path, rates: Rates
) -> Iterator[Installation]:
    """The API, served by a thread of its own as it is in production by a process of its own.

    Repositories below ``home`` may be on disk.
    """
    yield from _installed(postgres_url, temporal_address, tmp_path, rates=rates)


@pytest.fixture
def installation_without_temporal(postgres_url: str, tmp_path: Path) -> Iterator[Installation]:
    """The same, where no Temporal server answers."""
    with held_port() as port:
        yield from _installed(postgres_url, f"127.0.0.1:{port}", tmp_path)


@pytest.fixture
def installation_without_key(
    postgres_url: str, temporal_address: str, tmp_path: Path
) -> Iterator[Installation]:
    """The same, where no key to sign evidence with was given."""
    yield from _installed(postgres_url, temporal_address, tmp_path, signing_key="")


def _installed(
    database_url: str,
    temporal_address: str,
    home: Path,
    *,
    signing_key: str = SIGNING_KEY,
    rates: Rates | None = None,
) -> Iterator[Installation]:
    unique = uuid.uuid4().hex[:8]
    ready: queue.Queue[Installation] = queue.Queue()
    stopping = threading.Event()

    def serve() -> None:
        settings = Settings.model_validate(
            {
                "TRUNKLINE_PUBLIC_URL": "http://trunkline.example.com",
                "TRUNKLINE_HOME": str(home),
                "TRUNKLINE_CORS_ORIGINS": PAGE_ORIGIN,
                **({"TRUNKLINE_SIGNING_KEY": signing_key} if signing_key else {}),
            }
        )
        asyncio.run(
            _serve_installation(
                database_url, temporal_address, settings, unique, ready, stopping, rates
            )
        )

    thread = threading.Thread(target=serve, name="api")
    thread.start()
    try:
        yield ready.get(timeout=120)
    finally:
        stopping.set()
        thread.join(timeout=60)


async def _serve_installation(
    database_url: str,
    temporal_address: str,
    settings: Settings,
    unique: str,
    ready: "queue.Queue[Installation]",
    stopping: threading.Event,
    rates: Rates | None,
) -> None:
    client = await Client.connect(
        temporal_address, data_converter=pydantic_data_converter, lazy=True
    )
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
        app = create_app(services, version="0", rates=rates, origins=settings.allowed_origins)
        server = uvicorn.Server(http_server(settings, app))
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
                home=settings.home or Path(),
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
    async with httpx.AsyncClient(base_url=address, timeout=60) as client:
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
        timeout=60,
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
def rules() -> PromotionRules:
    """What production of ``promotable`` asks for: one approval of somebody else, nothing else."""
    promotion = Promotion.model_validate(
        {"from": "testing", "approvals": {"count": 1, "roles": ["approver"], "notAuthor": True}}
    )
    people = [
        Person.model_validate(
            {"name": name, "emails": [f"{name}@example.com", f"{name}@home.example"]}
        )
        for name in ("operator", "approver", "admin")
    ]
    return PromotionRules(
        promotion=promotion,
        people=tuple(people),
        public_keys=(Ed25519Keys(SIGNING_KEY).public_key,),
        revision=REVISION,
    )


@pytest.fixture
async def promotable(
    project: str,
    store: PostgresStore,
    fleet: None,  # noqa: ARG001 - what it stored is built on
    rules: PromotionRules,
) -> None:
    """The fleet, where ``front-desk`` may be promoted from ``testing`` to ``production``."""
    manifest = await store.project_manifest(project)
    wish = WishRecord(
        project=project,
        environment="testing",
        kind="agent",
        name="front-desk",
        wish_digest=DIGEST,
        revision=REVISION,
        body={"digest": DIGEST, "lifecycle": "active"},
    )
    source = SourceState(project=project, seen_revision=REVISION, applied_revision=REVISION)
    await store.store_tree(source, [wish], {}, manifest or {})
    row = await store.status(project, "testing", "agent", "front-desk")
    assert row is not None
    said = row.model_dump(by_alias=False, include=set(StatusRecord.model_fields))
    created = {**said, "external_id": ExternalId("agent_1"), "digest": DIGEST}
    await store.put_status(StatusRecord.model_validate(created), [])
    await store.put_rules(project, "production", rules)


@pytest.fixture
def released(
    project: str, store: PostgresStore
) -> Callable[..., Coroutine[None, None, ReleaseRecord]]:
    """Stores what a look at Git would have found: a release, and that it is in force."""

    async def put(
        version: int, digest: str, *, restores: int | None = None, hold: str = "", **said: Any
    ) -> ReleaseRecord:
        spec = ReleaseSpec.model_validate(
            {
                "environment": "production",
                "version": version,
                "revision": REVISION,
                "digest": digest,
                "changes": f"Change number {version}",
                "promotedBy": "author@example.com",
                "restores": restores,
                "hold": {"reason": hold, "by": "ada"} if hold else None,
            }
        )
        record = ReleaseRecord(
            project=project,
            environment="production",
            agent="front-desk",
            version=version,
            revision=REVISION,
            digest=Digest(digest),
            changes=spec.changes,
            promoted_by=spec.promoted_by,
            restores=restores,
            released_at=datetime(2026, 3, version, 9, tzinfo=UTC),
            **said,
        )
        standing = ReleaseStanding(
            project=project,
            environment="production",
            agent="front-desk",
            seen=spec,
            applied=spec,
            applied_version=version,
        )
        await store.put_releases([record])
        await store.store_released(project, [standing], [], {}, revision=Revision("a" * 40))
        return record

    return put


@pytest.fixture
async def operator(installation: Installation) -> AsyncIterator[httpx.AsyncClient]:
    """An operator in the project."""
    async with _person(installation, "operator") as client:
        yield client


@pytest.fixture
async def approver(installation: Installation) -> AsyncIterator[httpx.AsyncClient]:
    """An approver in the project."""
    async with _person(installation, "approver") as client:
        yield client


@pytest.fixture
def command(
    installation: Installation, programs: WarmPrograms
) -> Callable[..., Coroutine[None, None, tuple[int, str, str]]]:
    """Runs ``trunkline`` as a person would; answers exit code, stdout and stderr."""

    async def run(*arguments: str, who: str = "viewer", url: str = "") -> tuple[int, str, str]:
        place = environment(installation, who, url)
        ended = await programs.start(*arguments, env=place).ended(timeout_s=COMMAND_MAX_S)
        return ended.code, ended.out, ended.err

    return run


@pytest.fixture
def begin(installation: Installation, programs: WarmPrograms, tmp_path: Path) -> Begin:
    """Begins ``trunkline`` as ``command`` does; one that has not ended by then is killed."""
    return lambda *arguments, who="viewer": begun(
        programs, tmp_path, environment(installation, who), arguments
    )
