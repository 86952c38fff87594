"""Answers that did not change are not sent again: a tag over the bytes of every JSON answer to GET.

Plain ASGI around all routes, so that none has to think of it. Without a tag go: probes, which
machines ask for their status; answers that are no JSON; and answers beyond a bound, which are sent
as they come instead of being held back. The work of making an answer is done either way: what is
saved is the way to the client and its parsing.
"""

import hashlib
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trunkline.model.limits import TAGGED_ANSWER_MAX_BYTES

TAGGED_PREFIXES = ("/v1/", "/openapi.json")
UNTAGGED_PREFIX = "/v1/tools/"
"""Answers of stand-ins in tests: a platform must get exactly what the test prepared."""
REVALIDATED = "private, no-cache"
"""May be kept by the client alone, which asks each time whether it still holds."""

_DROPPED_WHEN_UNCHANGED = ("content-length", "content-type")


class EntityTags:
    """Wraps the application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or not path.startswith(TAGGED_PREFIXES):
            await self._app(scope, receive, send)
            return
        tagged = scope["method"] == "GET" and not path.startswith(UNTAGGED_PREFIX)
        wanted = ",".join(Headers(scope=scope).getlist("if-none-match")) if tagged else None
        answer = _Answer(send, wanted)
        await self._app(scope, receive, answer)


class _Answer:
    """The way out: holds a JSON answer back until its tag is known.

    ``wanted`` is If-None-Match; None means that the request is none that gets a tag.
    """

    def __init__(self, send: Send, wanted: str | None) -> None:
        self._send = send
        self._wanted = wanted
        self._start: Message | None = None
        self._body = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if self._wanted is not None and _is_plain_json(message):
                self._start = message
                return
            MutableHeaders(scope=message).setdefault("Cache-Control", "no-store")
        elif self._start is not None and message["type"] == "http.response.body":
            await self._hold(self._start, message)
            return
        await self._send(message)

    async def _hold(self, start: Message, message: Message) -> None:
        self._body += message.get("body", b"")
        more = message.get("more_body", False)
        if more and len(self._body) <= TAGGED_ANSWER_MAX_BYTES:
            return
        headers = MutableHeaders(scope=start)
        headers.setdefault("Cache-Control", REVALIDATED)
        body = bytes(self._body)
        if not more:
            tag = entity_tag(body)
            headers["ETag"] = tag
            if matches(self._wanted or "", tag):
                for name in _DROPPED_WHEN_UNCHANGED:
                    del headers[name]
                start["status"] = int(HTTPStatus.NOT_MODIFIED)
                body = b""
        self._start = None
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body, "more_body": more})


def entity_tag(body: bytes) -> str:
    """A strong tag: the same bytes, the same tag."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def matches(wanted: str, tag: str) -> bool:
    """True if If-None-Match names the tag; proxies may have weakened it on the way (RFC 9110)."""
    named = [each.strip().removeprefix("W/") for each in wanted.split(",")]
    return "*" in named or tag in named


def _is_plain_json(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    return bool(
        start["status"] == HTTPStatus.OK
        and headers.get("content-type", "").partition(";")[0] == "application/json"
        and "etag" not in headers
    )
