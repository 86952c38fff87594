"""A server people sign in at, with a provider others wrote and with one that lies."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import uvicorn
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from api.app import create_app
from tests.access.browsers import Browser, Place, Serve
from tests.access.identity_forger import CLIENT, SECRET, Forger, forging
from tests.held_ports import held_port
from trunkline.adapters.oidc.provider import OpenIdProvider
from trunkline.adapters.postgres import PostgresStore
from trunkline.model.records import ProjectRecord
from trunkline.model.sign_in import SignInRules
from trunkline.services.catalogue import build_services
from trunkline.services.sign_in import SignInSettings

RULES = SignInRules.model_validate(
    {
        "groups": {
            "voice-admins": "admin",
            "acme-ops": "operator@acme",
            "acme-admins": "admin@acme",
            "viewers": "viewer",
        },
        "emails": {"grace@example.com": "approver@beta"},
    }
)


@pytest.fixture(scope="session")
def provider_address() -> Iterator[str]:
    """The provider that others wrote, as a process of its own."""
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port"]
    environment = {**os.environ, "AUTHLIB_INSECURE_TRANSPORT": "1"}
    with (
        held_port() as port,
        subprocess.Popen(
            [*command, str(port)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process,
    ):
        address = f"http://127.0.0.1:{port}"
        try:
            _until_it_answers(address)
            yield address
        finally:
            process.kill()


def _until_it_answers(address: str) -> None:
    deadline_s = time.monotonic() + 120
    while True:
        try:
            httpx.get(f"{address}/.well-known/openid-configuration", timeout=60).raise_for_status()
        except httpx.HTTPError:
            assert time.monotonic() < deadline_s, "the provider does not start"
            time.sleep(0.05)
        else:
            return


@pytest.fixture
async def person(provider_address: str) -> Callable[..., Awaitable[str]]:
    """Makes a person known to the provider; answers what they type there."""

    async def add(sub: str, **claims: Any) -> str:
        known = {"email": sub, "email_verified": True, **claims}
        async with httpx.AsyncClient(timeout=60) as client:
            done = await client.put(f"{provider_address}/users/{sub}", json=known)
        assert done.status_code == 204
        return sub

    return add


@pytest.fixture
def forger() -> Iterator[Forger]:
    """A provider that lies."""
    with forging() as found:
        yield found


@pytest.fixture
def nobody() -> Iterator[int]:
    """A port where nobody listens."""
    with held_port() as port:
        yield port


@pytest.fixture
def serve(
    postgres_url: str,
    nobody: int,
    tmp_path: Path,  # noqa: ARG001 - one folder a test
) -> Serve:
    """Serves the API on a socket, with projects acme and beta and nobody who works."""

    @asynccontextmanager
    async def run(
        issuer: str, *, public_url: str = "", age: timedelta = timedelta(hours=8), **more: Any
    ) -> AsyncIterator[Place]:
        listener = socket.create_server(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        client = await Client.connect(
            f"127.0.0.1:{nobody}", data_converter=pydantic_data_converter, lazy=True
        )
        async with (
            PostgresStore(postgres_url) as store,
            OpenIdProvider(issuer, CLIENT, SECRET, "openid email profile") as provider,
        ):
            for name in ("acme", "beta"):
                repository = f"https://git.example.com/{name}.git"
                await store.register(ProjectRecord(name=name, repository=repository))
            settings = SignInSettings(
                provider=provider,
                rules=more.pop("rules", RULES),
                public_url=public_url or url,
                seal=SECRET,
                session_age=age,
            )
            services = build_services(store, client, sign_in=settings, **more)
            config = uvicorn.Config(
                create_app(services, version="0"),
                log_config=None,
                lifespan="off",
                access_log=False,
                timeout_keep_alive=3_600,
            )
            server = uvicorn.Server(config)
            running = asyncio.create_task(server.serve(sockets=[listener]))
            try:
                yield Place(url, services, store)
            finally:
                server.should_exit = True
                await running

    return run


@pytest.fixture
async def place(serve: Serve, provider_address: str) -> AsyncIterator[Place]:
    """The server, with the provider others wrote."""
    async with serve(provider_address) as found:
        yield found


@pytest.fixture
async def browser(place: Place) -> AsyncIterator[Browser]:
    """A browser of somebody."""
    async with httpx.AsyncClient(timeout=60) as client:
        yield Browser(place, client)


@pytest.fixture
async def admin(place: Place) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody with an admin's token."""
    issued = await place.services.access.issue("admin@example.com", "admin")
    headers = {"Authorization": f"Bearer {issued.secret}"}
    async with httpx.AsyncClient(base_url=place.url, headers=headers, timeout=60) as client:
        yield client


@pytest.fixture
async def place_without_log(serve: Serve, postgres_url: str, nobody: int) -> AsyncIterator[Place]:
    """A server whose audit log cannot be written."""
    async with serve(f"http://127.0.0.1:{nobody}") as found:
        async with await psycopg.AsyncConnection.connect(
            postgres_url, autocommit=True
        ) as connection:
            await connection.execute("ALTER TABLE audit RENAME TO gone")
        yield found
