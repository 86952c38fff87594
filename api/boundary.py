"""The outermost layer of every request: an id, a bound on its body, a last resort for errors.

HEAD is answered as GET is, for whoever asks only whether something is there; the HTTP server leaves
the body out. Where a GET does something, HEAD is not offered.

It is plain ASGI and not a framework middleware, because it must also cover what the framework
itself answers and must count a body while it streams in.
"""

import asyncio
import logging
import re
import secrets
import time
from contextlib import AbstractContextManager, nullcontext

import structlog
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem_response
from trunkline import metrics, tracing
from trunkline.model import limits
from trunkline.model.ids import is_own_request

REQUEST_ID_HEADER = b"x-request-id"
WITHOUT_BODY = "trunkline.without_body"
"""Under this name a request says that nobody takes what it is answered with: it was HEAD."""
TRACE_HEADER = b"traceparent"
NO_ROUTE = "none"
"""What a path is called that nothing answers to: anybody can think of one."""
SERVER_ERROR = 500
WEBHOOK_PREFIX = "/v1/webhooks/"
ACTED_ON = ("/v1/tools/", "/v1/sign-in")
"""A GET here calls a tool or begins or ends a sign-in: nothing for who only looks."""

PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by machines: their answers are no news."""
SENDERS = frozenset({"github", "gitea", "gitlab", "twilio", "elevenlabs"})

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_log = logging.getLogger(__name__)


class RequestBoundary:
    """Wraps the application."""

    def __init__(
        self, app: ASGIApp, *, body_timeout_s: float = limits.REQUEST_BODY_TIMEOUT_S
    ) -> None:
        self._app = app
        self._body_timeout_s = body_timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        identifier = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = identifier
        answer = _Answer(send, identifier)
        began_s = time.monotonic()
        with structlog.contextvars.bound_contextvars(request_id=identifier), _span(scope) as span:
            try:
                await self._bounded(scope, receive, answer)
            except Exception:  # noqa: BLE001 - nothing may leave but an answer
                _log.exception("request %s %s failed", scope["method"], scope["path"])
                if not answer.started:
                    await _unforeseen(identifier)(scope, receive, answer)
            _note(scope, answer.status, time.monotonic() - began_s)
            _tell(span, scope, answer)

    async def _bounded(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        webhook = scope["path"].startswith(WEBHOOK_PREFIX)
        bound = limits.WEBHOOK_MAX_BYTES if webhook else limits.API_BODY_MAX_BYTES
        announced = _header(scope, b"content-length")
        if announced.isdecimal() and int(announced) > bound:
            refusal = _too_large(bound, answer.request_id)
            await refusal(scope, receive, answer)
            return
        taken, is_whole = 0, False
        until_s = asyncio.get_running_loop().time() + self._body_timeout_s

        async def counted() -> Message:
            nonlocal taken, is_whole
            if is_whole:
                return await receive()
            try:
                async with asyncio.timeout_at(until_s):
                    message = await receive()
            except TimeoutError as error:
                words = f"The body took longer than {self._body_timeout_s:.0f} s"
                raise HTTPException(408, words) from error
            taken += len(message.get("body", b""))
            is_whole = not message.get("more_body", False)
            if taken > bound:
                raise HTTPException(413, f"The body is larger than {bound} bytes")
            return message

        if scope["method"] != "HEAD" or scope["path"].startswith(ACTED_ON):
            await self._app(scope, counted, answer)
            return
        asked = {**scope, "method": "GET", WITHOUT_BODY: True}
        try:
            await self._app(asked, counted, answer)
        finally:
            scope["route"] = asked.get("route")


class _Answer:
    """The way out: adds the request id and remembers whether an answer has begun."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self.request_id = request_id
        self.started = False
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            headers = [*message.get("headers", ())]
            headers.append((REQUEST_ID_HEADER, self.request_id.encode()))
            message = {**message, "headers": headers}
        await self._send(message)


def _note(scope: Scope, status: int, duration_s: float) -> None:
    """One line and one count for an answer; a query may hold what is nobody's business."""
    method, path = scope["method"], scope["path"]
    if path in PROBES:
        return
    metrics.requested(method, status, _route(scope), duration_s)
    if path.startswith(WEBHOOK_PREFIX):
        sender = path.removeprefix(WEBHOOK_PREFIX).partition("/")[0]
        metrics.webhook(sender if sender in SENDERS else "other", status)
    _log.info(
        "%s %s: %s",
        method,
        path,
        status,
        extra={
            "method": method,
            "path": path,
            "status": status,
            "duration_s": round(duration_s, 4),
        },
    )


def _span(scope: Scope) -> AbstractContextManager[tracing.Span]:
    """The span of a request, below the caller's if it says which that is; none for a probe."""
    if scope["path"] in PROBES:
        return nullcontext(tracing.UNRECORDED)
    return tracing.span(
        metrics.http_method(scope["method"]),
        kind="server",
        attributes={"http.request.method": metrics.http_method(scope["method"])},
        parent=_header(scope, TRACE_HEADER),
    )


def _tell(span: tracing.Span, scope: Scope, answer: _Answer) -> None:
    """What is only known once a request was answered."""
    route = _route(scope)
    span.rename(f"{metrics.http_method(scope['method'])} {route}")
    span.say(
        {
            "http.route": route,
            "http.response.status_code": answer.status,
            "trunkline.request_id": answer.request_id,
        }
    )
    if answer.status >= SERVER_ERROR:
        span.fail(str(answer.status))


def _route(scope: Scope) -> str:
    """The template of the path that answered, never the path itself."""
    return str(getattr(scope.get("route"), "path", "")) or NO_ROUTE


def _header(scope: Scope, name: bytes) -> str:
    values: list[tuple[bytes, bytes]] = scope["headers"]
    return next((value.decode("latin-1") for key, value in values if key == name), "")


def _request_id(scope: Scope) -> str:
    given = _header(scope, REQUEST_ID_HEADER)
    usable = _REQUEST_ID.fullmatch(given) and not is_own_request(given)
    return given if usable else secrets.token_hex(8)


def _too_large(bound: int, request_id: str) -> Response:
    detail = f"The body is larger than {bound} bytes"
    return problem_response(413, "content-too-large", detail, request_id=request_id)


def _unforeseen(request_id: str) -> Response:
    return problem_response(
        500,
        "internal-server-error",
        "Something went wrong that should not have",
        hint="The server's log has the details under this request id",
        request_id=request_id,
    )
