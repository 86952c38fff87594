"""``Idempotency-Key``: a POST that is sent twice is carried out once (the IETF's draft of it).

Two halves, so that no route thinks of it. The dependency runs behind authentication and claims the
key; the wrapper around the application sees what is answered and keeps it, or lets the claim go.
Webhooks, the tool gateway and what carriers ask have no key: their senders repeat in ways of their
own, and nobody signs in there.
"""

import logging
import re
from http import HTTPStatus

from fastapi import FastAPI, Request
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.security import SESSION_COOKIE, cookie_name, services_of
from trunkline.model.errors import InvalidInput, TrunklineError
from trunkline.model.limits import IDEMPOTENCY_ANSWER_MAX_BYTES
from trunkline.services.access import Principal
from trunkline.services.catalogue import Services
from trunkline.services.idempotency import Asked, GivenAnswer, HeldClaim

KEY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotent-Replayed"
KEY_MAX_CHARACTERS = 255
COVERED = re.compile(r"/v1/(projects|tokens)(/.*)?")
"""Paths whose POST takes a key."""

_KEY = re.compile(
    rf'"[\x20\x21\x23-\x5b\x5d-\x7e]{{1,{KEY_MAX_CHARACTERS}}}"'
    rf"|[\x21\x23-\x7e]{{1,{KEY_MAX_CHARACTERS}}}"
)
"""In quotes, as the draft has it, or bare, as most send it."""
_REPEATED_HEADERS = ("content-type", "location", "etag")
_NOT_KEPT = frozenset(
    {HTTPStatus.UNAUTHORIZED, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
)
"""Answers that say nothing about the request itself, and change when it is sent again."""
_MEANINGFUL_HEADERS = ("content-type", "if-match")
_log = logging.getLogger(__name__)


class AnsweredBefore(Exception):
    """The request came before; ``answer`` is what it was answered."""

    def __init__(self, answer: GivenAnswer) -> None:
        super().__init__("answered before")
        self.answer = answer


async def claim_request(request: Request, caller: Principal) -> None:
    """Claim the request's key, if it has one.

    Raises AnsweredBefore, IdempotencyKeyReused, IdempotencyKeyInUse, and InvalidInput for a key
    nobody could have meant.
    """
    given = request.headers.get(KEY_HEADER)
    if given is None or request.method != "POST" or not COVERED.fullmatch(request.url.path):
        return
    if not _KEY.fullmatch(given):
        raise InvalidInput(
            f"{KEY_HEADER} is no key",
            hint=f"Send 1 to {KEY_MAX_CHARACTERS} printable characters, such as a UUID",
        )
    services = services_of(request)
    meaningful = [request.headers.get(name, "") for name in _MEANINGFUL_HEADERS]
    asked = Asked(
        token_id=caller.token_id,
        key=given.strip('"'),
        credential=_credential(request, services),
        parts=(
            request.method.encode(),
            request.url.path.encode(),
            request.url.query.encode(),
            *(value.encode() for value in meaningful),
            await request.body(),
        ),
    )
    begun = await services.idempotency.begin(asked)
    if isinstance(begun, GivenAnswer):
        raise AnsweredBefore(begun)
    request.state.claim = begun


def install(app: FastAPI) -> None:
    """Answer requests that came before."""
    app.add_exception_handler(AnsweredBefore, _replay)


async def _replay(_request: Request, error: Exception) -> Response:
    if not isinstance(error, AnsweredBefore):
        raise error
    answer = error.answer
    return Response(answer.body, answer.status, headers={**answer.headers, REPLAYED_HEADER: "true"})


class AnswerKeeper:
    """Wraps the application: keeps what is answered to a claimed request before it is sent."""

    def __init__(self, app: ASGIApp, *, services: Services) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or KEY_HEADER not in Headers(scope=scope):
            await self._app(scope, receive, send)
            return
        held = _HeldBack(scope, send, self._services)
        try:
            await self._app(scope, receive, held)
        finally:
            await held.let_go()


class _HeldBack:
    """The way out of a request that may be claimed: the answer is kept first and sent then."""

    def __init__(self, scope: Scope, send: Send, services: Services) -> None:
        self._scope = scope
        self._send = send
        self._service = services.idempotency
        self._messages: list[Message] = []
        self._settled = False

    async def __call__(self, message: Message) -> None:
        if self._claim is None:
            await self._send(message)
            return
        self._messages.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            await self._keep(self._claim)
            await self.let_go()
            for held in self._messages:
                await self._send(held)
            self._messages.clear()

    @property
    def _claim(self) -> HeldClaim | None:
        claim: HeldClaim | None = self._scope.get("state", {}).get("claim")
        return claim

    async def _keep(self, claim: HeldClaim) -> None:
        start = self._messages[0]
        body = b"".join(message.get("body", b"") for message in self._messages[1:])
        status = start["status"]
        passing = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _NOT_KEPT
        if passing or len(body) > IDEMPOTENCY_ANSWER_MAX_BYTES:
            return
        headers = Headers(raw=start["headers"])
        repeated = {name: headers[name] for name in _REPEATED_HEADERS if name in headers}
        try:
            await self._service.keep(claim, GivenAnswer(status, repeated, body))
        except TrunklineError as error:
            _log.warning("the answer to a request with a key is not kept: %s", error)
        else:
            self._settled = True

    async def let_go(self) -> None:
        """Forget the claim, unless its answer was kept."""
        if self._claim is None or self._settled:
            return
        self._settled = True
        try:
            await self._service.let_go(self._claim)
        except TrunklineError as error:
            _log.warning("the claim of a request with a key is not let go: %s", error)


def _credential(request: Request, services: Services) -> str:
    """What the caller authenticated with: a token, else the cookie of a session."""
    shown = request.headers.get("authorization")
    if shown is not None:
        return shown.partition(" ")[2].strip()
    return request.cookies.get(cookie_name(services.sign_in.public_url, SESSION_COOKIE), "")
