"""A call that goes on, hubs of several processes on one real PostgreSQL, and a server in front."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx
import pytest
import uvicorn
from starlette.routing import Router
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from websockets.asyncio.client import connect

from api.app import create_app
from api.problems import error_response
from api.rates import HandshakeGuard, Rates
from realtime.hub import Hub
from realtime.watching import watching_routes
from trunkline.adapters.postgres import PostgresStore
from trunkline.adapters.postgres.call_news import PostgresChannels
from trunkline.model.calls.records import CallRecord
from trunkline.model.records import ProjectRecord, Role
from trunkline.services.catalogue import build_services

PROJECT = "acme"
FOREIGN = "other"
FAILURES_BURST = 8
"""Handshakes without a valid token until an address is stopped."""
PAGE_ORIGIN = "https://status.example.com"
HEARTBEAT_S = 0.5
DEADLINE_S = 90.0
ROLES: tuple[Role, ...] = ("viewer", "operator", "admin")
Found = TypeVar("Found")
Hubs = Callable[..., AbstractAsyncContextManager[Hub]]


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[PostgresStore]:
    """An open store with two projects."""
    async with PostgresStore(postgres_url) as opened:
        for name in (PROJECT, FOREIGN):
            address = f"https://git.example.com/{name}.git"
            await opened.register(ProjectRecord(name=name, repository=address))
        yield opened


@pytest.fixture
def hubs(postgres_url: str, store: PostgresStore) -> Hubs:
    """Opens a hub as a process of its own would have it."""

    @asynccontextmanager
    async def opened(**known: float) -> AsyncIterator[Hub]:
        channels = PostgresChannels(postgres_url, store, reconnect_s=0.05)
        async with Hub(channels, **known) as hub:
            await asyncio.wait_for(hub.connected.wait(), DEADLINE_S)
            yield hub

    return opened


@pytest.fixture
def new_call(store: PostgresStore) -> Callable[..., Awaitable[CallRecord]]:
    """Opens a call that is going on."""
    counted = iter(range(1, 100))

    async def opened(project: str = PROJECT, **said: object) -> CallRecord:
        number = next(counted)
        return await store.open_call(
            CallRecord.model_validate(
                {
                    "id": f"call_15005550006_{number:08x}",
                    "project": project,
                    "environment": "testing",
                    "agent": "front-desk",
                    "state": "in-progress",
                    "carrier_account": "AC1",
                    "carrier_call_id": f"CA{number}",
                    "started_at": datetime.now(UTC),
                    "answered_at": datetime.now(UTC),
                    **said,
                }
            )
        )

    return opened


@pytest.fixture
async def call(store: PostgresStore, new_call: Callable[..., Awaitable[CallRecord]]) -> CallRecord:
    """A call that a process carries."""
    record = await new_call()
    await store.hold_call(PROJECT, record.id, "bridge-1")
    return record


@pytest.fixture
def until() -> Callable[[Callable[[], Awaitable[Found | None]]], Awaitable[Found]]:
    """Asks again and again until there is an answer."""

    async def ask(question: Callable[[], Awaitable[Found | None]]) -> Found:
        async with asyncio.timeout(DEADLINE_S):
            while (found := await question()) is None:  # noqa: ASYNC110 - asks the outside
                await asyncio.sleep(0.02)
            return found

    return ask


@dataclass(frozen=True, slots=True)
class LiveServer:
    """A server with the streams of people who watch; nobody carries calls in it."""

    url: str
    hub: Hub
    tokens: dict[str, str]

    def headers(self, who: str) -> dict[str, str]:
        """What ``viewer``, ``operator``, ``admin`` or ``foreign`` (an admin elsewhere) show."""
        return {"Authorization": f"Bearer {self.tokens[who]}"}

    def stream(self, path: str, who: str = "", **options: Any) -> connect:
        """A WebSocket below the project."""
        headers = self.headers(who) if who else {}
        address = f"{self.url.replace('http', 'ws')}/v1/projects/{PROJECT}/{path}"
        waits = {"open_timeout": DEADLINE_S, **options}
        return connect(address, additional_headers=headers, compression=None, **waits)

    def person(self, who: str) -> httpx.AsyncClient:
        """An HTTP client below the project."""
        return httpx.AsyncClient(
            base_url=f"{self.url}/v1/projects/{PROJECT}/",
            headers=self.headers(who),
            timeout=DEADLINE_S,
        )

    async def command(self, *arguments: str, who: str = "operator") -> tuple[int, bytes, str]:
        """Run ``trunkline`` as a person would; exit code, stdout and stderr."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "trunkline.cli.main", *arguments),
            env={
                **os.environ,
                "TRUNKLINE_URL": self.url,
                "TRUNKLINE_TOKEN": self.tokens[who],
                "TRUNKLINE_PROJECT": PROJECT,
            },
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), DEADLINE_S)
        return process.returncode or 0, out, err.decode()


@pytest.fixture
async def server(store: PostgresStore, hubs: Hubs) -> AsyncIterator[LiveServer]:
    """The API and the streams on a socket of their own."""
    client = await Client.connect("127.0.0.1:1", data_converter=pydantic_data_converter, lazy=True)
    services = build_services(store, client)
    access = services.access
    tokens: dict[str, str] = {
        role: (await access.issue(f"{role}@example.com", role)).secret for role in ROLES
    }
    foreign = await access.issue("foreign@example.com", "admin", project=FOREIGN)
    async with hubs() as hub:
        watching = watching_routes(
            services,
            hub,
            calls=store,
            happenings=store,
            refusal=error_response,
            public_url="https://trunkline.example.com",
            origins=[PAGE_ORIGIN],
            heartbeat_s=HEARTBEAT_S,
            send_max_s=DEADLINE_S,
        )
        http = create_app(services, version="0")
        listener = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(
            HandshakeGuard(
                Router(watching, default=http, redirect_slashes=False),
                rates=Rates(failures_per_s=0.01, failures_burst=FAILURES_BURST),
            ),
            log_config=None,
            lifespan="off",
            access_log=False,
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=2,
        )
        running = uvicorn.Server(config)
        serving = asyncio.create_task(running.serve(sockets=[listener]))
        yield LiveServer(
            f"http://127.0.0.1:{listener.getsockname()[1]}",
            hub,
            {**tokens, "foreign": foreign.secret},
        )
        running.should_exit = True
        await serving
