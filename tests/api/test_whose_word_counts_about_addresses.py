"""Who guesses has one address, whatever they say of it, unless a proxy we named says so."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from api.boundary import RequestBoundary
from api.rates import Rates, RequestGuard
from trunkline.model.errors import InvalidSettings
from trunkline.serving import http_server
from trunkline.settings import Settings, load_settings

GUESSES = 5


async def refuses(scope: Scope, receive: Receive, send: Send) -> None:
    """No token is right here."""
    await PlainTextResponse(str(scope["client"][0]), 401)(scope, receive, send)


@asynccontextmanager
async def guarded_server(**variables: str) -> AsyncIterator[httpx.AsyncClient]:
    """A server with these settings, where an address may be wrong only so often."""
    rates = Rates(failures_per_s=0.001, failures_burst=GUESSES)
    app = RequestBoundary(RequestGuard(refuses, rates=rates))
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(http_server(Settings.model_validate(variables), app))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            yield client
    finally:
        server.should_exit = True
        await serving


async def guess(client: httpx.AsyncClient, forwarded: str) -> int:
    headers = {"X-Forwarded-For": forwarded, "Authorization": "Bearer tl_guess"}
    return (await client.get("/v1/projects", headers=headers)).status_code


async def test_a_new_address_for_every_guess_is_not_believed() -> None:
    async with guarded_server() as client:
        statuses = [await guess(client, f"203.0.113.{n}") for n in range(GUESSES + 2)]
    assert statuses == [401] * GUESSES + [429] * 2


async def test_a_proxy_somewhere_else_is_not_believed() -> None:
    async with guarded_server(TRUNKLINE_TRUSTED_PROXIES="10.0.0.0/8, 192.0.2.1") as client:
        statuses = [await guess(client, f"203.0.113.{n}") for n in range(GUESSES + 1)]
    assert statuses == [401] * GUESSES + [429]


async def test_a_proxy_that_was_named_says_who_asks() -> None:
    async with guarded_server(TRUNKLINE_TRUSTED_PROXIES="127.0.0.1, 10.0.0.0/8") as client:
        for n in range(GUESSES + 1):
            assert await guess(client, f"203.0.113.{n}") == 401
        own = [await guess(client, f"198.51.100.{n}, 203.0.113.77") for n in range(GUESSES)]
        assert own == [401] * GUESSES
        assert await guess(client, "198.51.100.99, 203.0.113.77") == 429
        assert await guess(client, "203.0.113.77, 10.1.2.3") == 429
        assert await guess(client, "203.0.113.78") == 401


@pytest.mark.parametrize("listed", ["*", "proxy.internal", "0.0.0.0/0", "::/0", "10.0.0.1/8"])
def test_proxies_are_named_by_address(listed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUNKLINE_TRUSTED_PROXIES", listed)
    with pytest.raises(InvalidSettings, match="TRUNKLINE_TRUSTED_PROXIES"):
        load_settings()
