"""Whatever comes down a connection is answered as a problem document, by the server itself too.

Requests are written byte by byte, for no client would send most of them.
"""

import asyncio
import gzip
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Request
from starlette.types import Message, Receive, Scope, Send

from api import problems
from api.boundary import RequestBoundary
from trunkline.http_protocol import BoundedProtocol
from trunkline.model.limits import API_BODY_MAX_BYTES, REQUEST_HEAD_MAX_BYTES
from trunkline.serving import http_server
from trunkline.settings import Settings

PATIENCE_S = 60
PROXIES_KEEP_S = 60
"""What proxies keep a connection that nobody uses, unless they are told otherwise."""


@dataclass(frozen=True)
class Answer:
    """An answer as it came."""

    status: int
    headers: dict[str, str]
    body: bytes


Ask = Callable[..., Any]


async def exchange(host: str, port: int, request: bytes) -> Answer:
    """Write bytes and read until the other side hangs up."""
    reader, writer = await asyncio.open_connection(host, port)
    async with asyncio.timeout(PATIENCE_S):
        writer.write(request)
        await writer.drain()
        came = await reader.read()
        writer.close()
    return understood(came)


def understood(came: bytes) -> Answer:
    """The bytes as an answer."""
    head, _, body = came.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Answer(int(status.split(" ")[1]), headers, body)


@pytest.fixture
def ask(http: httpx.AsyncClient, token: Callable[[str], str], project: str) -> Ask:
    """Send a request of an operator; ``path`` is below the project unless it begins with a /."""
    place = f"/v1/projects/{project}/".encode()
    authority = f"Authorization: Bearer {token('operator')}\r\n".encode()

    async def send(method: bytes, path: bytes, headers: bytes = b"", body: bytes = b"") -> Answer:
        whole = path if path.startswith((b"/", b"*")) else place + path
        first = method + b" " + whole + b" HTTP/1.1\r\nHost: api\r\nConnection: close\r\n"
        request = first + authority + headers + b"\r\n" + body
        return await exchange(http.base_url.host, http.base_url.port or 80, request)

    return send


def assert_problem(answer: Answer, status: int, name: str) -> dict[str, Any]:
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    problem: dict[str, Any] = json.loads(answer.body)
    assert problem["type"] == f"urn:trunkline:problem:{name}"
    assert problem["status"] == status
    assert problem["detail"]
    assert problem["requestId"] == answer.headers["x-request-id"]
    return problem


FIRST_LINES = (
    (b"GET", b"/nope", 404, "not-found"),
    (b"GET", b"//v1/projects", 404, "not-found"),
    (b"GET", b"/agents", 404, "not-found"),
    (b"GET", b"agents/front%2Fdesk", 404, "not-found"),
    (b"GET", b"agents/../agents", 404, "not-found"),
    (b"GET", b"agents/", 404, "not-found"),
    (b"GET", b"agents/a%00b", 422, "invalid-request"),
    (b"GET", b"agents/%ff%fe", 422, "invalid-request"),
    (b"GET", b"agents?environment=%00", 422, "invalid-request"),
    (b"GET", b"agents?limit=" + b"9" * 5_000, 422, "invalid-request"),
    (b"OPTIONS", b"*", 404, "not-found"),
    (b"OPTIONS", b"agents", 405, "method-not-allowed"),
    (b"TRACE", b"agents", 405, "method-not-allowed"),
    (b"PROPFIND", b"agents", 405, "method-not-allowed"),
    (b"NONSENSE", b"agents", 400, "malformed-request"),
    (b"GET", b"agents/\x00", 400, "malformed-request"),
    (b"GET", b"agents?x=" + b"a" * REQUEST_HEAD_MAX_BYTES, 414, "uri-too-long"),
)
HEADERS = (
    (b"X-Long: " + b"a" * REQUEST_HEAD_MAX_BYTES + b"\r\n", b"", 431, "headers-too-large"),
    (b"".join(b"X%d: 1\r\n" % n for n in range(9_000)), b"", 431, "headers-too-large"),
    (b"Content-Length: 2\r\nContent-Length: 5\r\n", b"{}", 400, "malformed-request"),
    (
        b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        b"0\r\n\r\n",
        400,
        "malformed-request",
    ),
    (b"Transfer-Encoding: chunked\r\n", b"zz\r\n", 400, "malformed-request"),
    (b"Content-Length: 99999999999\r\n", b"", 413, "content-too-large"),
)
TESTING = b'{"environment":"testing"}'
BODIES = (
    (b"Content-Type: application/json\r\n", b"{oops", 400, "malformed-json"),
    (b"Content-Type: application/json\r\n", b"[" * 200_000, 400, "malformed-json"),
    (b"Content-Type: application/json\r\n", b'{"environment":"\xff"}', 400, "malformed-json"),
    (
        b"Content-Type: application/json; charset=latin-1\r\n",
        b'{"environment":"\xe9"}',
        400,
        "malformed-json",
    ),
    (b"Content-Type: application/json\r\n", b"1" * 5_000, 400, "malformed-json"),
    (b"Content-Type: application/json\r\n", b"", 422, "invalid-request"),
    (b"Content-Type: application/json\r\n", b'"\\ud800"', 422, "invalid-request"),
    (b"Content-Type: application/vnd.api+json\r\n", b"{}", 422, "invalid-request"),
    (b"Content-Type: text/plain\r\n", TESTING, 415, "unsupported-media-type"),
    (b"", TESTING, 415, "unsupported-media-type"),
    (
        b"Content-Type: application/x-www-form-urlencoded\r\n",
        TESTING,
        415,
        "unsupported-media-type",
    ),
    (
        b"Content-Type: application/json\r\nContent-Encoding: gzip\r\n",
        gzip.compress(TESTING),
        415,
        "unsupported-media-type",
    ),
)


async def test_first_lines_nobody_expects(ask: Ask) -> None:
    for method, path, status, name in FIRST_LINES:
        answer = await ask(method, path)
        assert_problem(answer, status, name)
        if status == 405:
            assert answer.headers["allow"] == "GET, HEAD, POST"


async def test_headers_nobody_expects(ask: Ask) -> None:
    for headers, body, status, name in HEADERS:
        assert_problem(await ask(b"POST", b"sync", headers, body), status, name)


async def test_headers_that_do_not_end_are_not_kept(http: httpx.AsyncClient) -> None:
    beginning = b"GET /healthz HTTP/1.1\r\nX-Endless: "
    request = beginning + b"a" * (4 * REQUEST_HEAD_MAX_BYTES)
    answer = await exchange(http.base_url.host, http.base_url.port or 80, request)
    assert_problem(answer, 431, "headers-too-large")


async def test_a_further_request_on_a_connection_has_the_same_bounds(
    http: httpx.AsyncClient,
) -> None:
    well = b"GET /healthz HTTP/1.1\r\nHost: api\r\n\r\n"
    reader, writer = await asyncio.open_connection(http.base_url.host, http.base_url.port)
    async with asyncio.timeout(PATIENCE_S):
        for _ in range(2):
            writer.write(well)
            assert b"200 OK" in await reader.readuntil(b"}")
        writer.write(well[:-2] + b"X: " + b"a" * REQUEST_HEAD_MAX_BYTES + b"\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 431 ")
        writer.close()


async def test_bodies_nobody_expects(ask: Ask) -> None:
    for headers, body, status, name in BODIES:
        length = b"Content-Length: %d\r\n" % len(body)
        assert_problem(await ask(b"POST", b"plans", headers + length, body), status, name)


async def test_a_body_in_pieces_that_does_not_end(ask: Ask) -> None:
    """The last byte is one too many: nothing is on its way any more when the server hangs up."""
    piece = b"%x\r\n%s\r\n" % (32_768, b"x" * 32_768)
    pieces = piece * (API_BODY_MAX_BYTES // 32_768) + b"8000\r\nx"
    answer = await ask(b"POST", b"plans", b"Transfer-Encoding: chunked\r\n", pieces)
    assert_problem(answer, 413, "content-too-large")


async def test_head_is_answered_as_get_is_without_a_body(
    ask: Ask, viewer: httpx.AsyncClient
) -> None:
    for path in (b"agents", b"/healthz", b"/v1/projects"):
        got, asked = await ask(b"GET", path), await ask(b"HEAD", path)
        assert (asked.status, asked.body) == (200, b"")
        for name in ("content-type", "content-length", "etag"):
            assert asked.headers.get(name) == got.headers.get(name)
    assert (await ask(b"HEAD", b"agents/nobody")).status == 404
    assert (await ask(b"HEAD", b"plans")).status == 405
    tag = (await viewer.get("agents")).headers["etag"]
    unchanged = await ask(b"HEAD", b"agents", f"If-None-Match: {tag}\r\n".encode())
    assert unchanged.status == 304


@asynccontextmanager
async def hasty_server(
    *, head_s: float = 60.0, body_s: float = 60.0, written: bytes = b""
) -> AsyncIterator[asyncio.StreamReader]:
    """What a server that loses patience soon says to somebody who wrote this before it looked."""
    app = FastAPI()
    problems.install(app)
    app.add_middleware(RequestBoundary, body_timeout_s=body_s)

    @app.post("/")
    async def read(request: Request) -> int:
        return len(await request.body())

    class Hasty(BoundedProtocol):
        head_timeout_s = head_s

    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, lifespan="off", http=Hasty)
    server = uvicorn.Server(config)
    reader, writer = await asyncio.open_connection(*listener.getsockname()[:2])
    writer.write(written)
    await writer.drain()
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield reader
    finally:
        writer.close()
        server.should_exit = True
        await serving


async def test_half_a_head_is_not_waited_for_for_ever() -> None:
    half = b"GET / HTTP/1.1\r\nHost:"
    async with hasty_server(head_s=0.1, written=half) as reader:
        answer = understood(await reader.read())
    assert_problem(answer, 408, "request-timeout")


async def test_half_a_body_is_not_waited_for_for_ever() -> None:
    unfinished = b"POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: 9\r\n\r\n1234"
    async with hasty_server(body_s=0.1, written=unfinished) as reader:
        answer = understood(await reader.read())
    assert_problem(answer, 408, "request-timeout")


async def test_who_says_nothing_is_hung_up_on() -> None:
    async with hasty_server(head_s=0.1) as reader:
        assert await reader.read() == b""


def test_a_connection_nobody_uses_is_closed_by_whoever_opened_it() -> None:
    """A request that is sent while the server closes is lost, and a delivery is not sent twice."""
    assert http_server(Settings(), FastAPI()).timeout_keep_alive > PROXIES_KEEP_S


async def test_an_answer_may_take_longer_than_its_question() -> None:
    """The bound is on what comes in: a stream that is listened to has none."""
    seen: list[Message] = []
    gone = asyncio.Event()

    async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
        seen.append(await receive())
        seen.append(await receive())

    messages = iter(({"type": "http.request", "body": b"", "more_body": False},))

    async def receive() -> Message:
        message = next(messages, None)
        if message is None:
            asyncio.get_running_loop().call_later(0.3, gone.set)
            await gone.wait()
            return {"type": "http.disconnect"}
        return message

    async def send(message: Message) -> None:
        seen.append(message)

    scope = {"type": "http", "method": "GET", "path": "/healthz", "headers": []}
    await RequestBoundary(app, body_timeout_s=0.05)(scope, receive, send)
    assert [message["type"] for message in seen] == ["http.request", "http.disconnect"]
