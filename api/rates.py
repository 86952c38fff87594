"""How fast one token may ask, how often one address may be wrong, how much is answered at once.

All three are counted in this process alone: they keep one caller from taking a server away from
the others, and are no quota anybody is billed by. Token buckets, so that a burst is fine and a
stream is not. Probes pass always: a busy process is still alive.
"""

import hashlib
import math
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address, ip_network

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem_response
from trunkline.model import limits
from trunkline.model.errors import TooManyRequests
from trunkline.services.access import Principal

UNGUARDED = ("/v1/webhooks/", "/v1/tools/", "/v1/sign-in", "/v1/media")
"""Signed by senders that share addresses, shown a token of one conversation, or on the way to the
identity provider: no token of ours can be guessed there."""
_ANSWERS = frozenset({"http.response.start", "websocket.http.response.start"})
_OPENED = "websocket.accept"
_IPV6_SUBSCRIBER_BITS = 64
_REQUEST_ID_BYTES = 8


@dataclass(frozen=True, slots=True)
class Rates:
    """Bounds of one process. ``per_s`` and ``burst`` are of one token."""

    per_s: float = 50.0
    burst: int = 200
    failures_per_s: float = limits.FAILED_SIGN_INS_PER_S
    failures_burst: int = limits.FAILED_SIGN_INS_BURST
    in_flight_max: int = limits.REQUESTS_IN_FLIGHT_MAX


@dataclass(frozen=True, slots=True)
class Pace:
    """How a bucket is after a request: ``retry_after_s`` is 0 if there was room."""

    remaining: int
    full_in_s: float
    retry_after_s: float = 0.0


class Buckets:
    """A bounded number of token buckets of one size; seconds come from whoever asks."""

    def __init__(self, per_s: float, burst: int) -> None:
        self._per_s = per_s
        self._burst = burst
        self._held: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def look(self, key: str, now_s: float) -> Pace:
        """How a bucket is, without taking of it."""
        return self._pace(self._level(key, now_s), wanted=1)

    def take(self, key: str, now_s: float) -> Pace:
        """Take one, if there is one."""
        level = self._level(key, now_s)
        if level >= 1:
            level -= 1
            wanted = 0
        else:
            wanted = 1
        self._held[key] = (level, now_s)
        self._held.move_to_end(key)
        if len(self._held) > limits.RATE_BUCKETS_MAX:
            self._held.popitem(last=False)
        return self._pace(level, wanted=wanted)

    def _level(self, key: str, now_s: float) -> float:
        level, then_s = self._held.get(key, (float(self._burst), now_s))
        return min(float(self._burst), level + max(0.0, now_s - then_s) * self._per_s)

    def _pace(self, level: float, *, wanted: int) -> Pace:
        missing = max(0.0, wanted - level)
        return Pace(
            remaining=math.floor(level),
            full_in_s=(self._burst - level) / self._per_s,
            retry_after_s=missing / self._per_s,
        )


class TokenRates:
    """The pace of every token; ``keep_pace`` asks it on behalf of all routes that need one."""

    def __init__(self, rates: Rates, clock: Callable[[], float] = time.monotonic) -> None:
        self._buckets = Buckets(rates.per_s, rates.burst)
        self._clock = clock
        window_s = max(1, math.ceil(rates.burst / rates.per_s))
        self.policy = f'"token";q={rates.burst};w={window_s}'

    def take(self, token_id: str) -> Pace:
        """Count a request of a token."""
        return self._buckets.take(token_id, self._clock())


def keep_pace(request: Request, caller: Principal) -> None:
    """Count this request. Raises TooManyRequests."""
    held: TokenRates = request.app.state.rates
    pace = held.take(caller.token_id)
    request.state.rate_headers = {
        "RateLimit-Policy": held.policy,
        "RateLimit": f'"token";r={pace.remaining};t={math.ceil(pace.full_in_s)}',
    }
    if pace.retry_after_s:
        raise TooManyRequests(
            f"This token asked more often than it may ({held.policy})",
            retry_after_s=pace.retry_after_s,
            hint="Wait as long as Retry-After says; RateLimit says how much is left",
        )


class RequestGuard:
    """Wraps the application: bounds what is answered at once, and guesses of one address."""

    def __init__(
        self, app: ASGIApp, *, rates: Rates, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._rates = rates
        self._clock = clock
        self._failures = Buckets(rates.failures_per_s, rates.failures_burst)
        self._good: OrderedDict[bytes, None] = OrderedDict()
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
            await self._app(scope, receive, send)
            return
        if self._in_flight >= self._rates.in_flight_max:
            await _busy(scope)(scope, receive, send)
            return
        self._in_flight += 1
        try:
            await self._guarded(scope, receive, send)
        finally:
            self._in_flight -= 1

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        guarded = not scope["path"].startswith(UNGUARDED)
        address = _address(scope)
        shown = _shown(scope)
        if guarded and (shown is None or shown not in self._good):
            pace = self._failures.look(address, self._clock())
            if pace.retry_after_s:
                await _refused(scope, pace)(scope, receive, send)
                return

        async def noted(message: Message) -> None:
            if message["type"] == _OPENED and guarded:
                self._note(HTTPStatus.SWITCHING_PROTOCOLS, address, shown)
            elif message["type"] in _ANSWERS:
                if guarded:
                    self._note(message["status"], address, shown)
                headers = MutableHeaders(scope=message)
                for name, value in scope.get("state", {}).get("rate_headers", {}).items():
                    headers[name] = value
            await send(message)

        await self._app(scope, receive, noted)

    def _note(self, status: int, address: str, shown: bytes | None) -> None:
        if status == HTTPStatus.UNAUTHORIZED:
            self._failures.take(address, self._clock())
            if shown is not None:
                self._good.pop(shown, None)
        elif shown is not None and status < HTTPStatus.BAD_REQUEST:
            self._good[shown] = None
            self._good.move_to_end(shown)
            if len(self._good) > limits.RATE_BUCKETS_MAX:
                self._good.popitem(last=False)


class HandshakeGuard(RequestGuard):
    """Wraps everything that is served and looks at WebSockets alone, which stand beside the
    application: bounds guesses of one address. A stream is no answer that ends, so how many there
    are is bounded where they are let in.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and not scope["path"].startswith(UNGUARDED):
            await self._guarded(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _address(scope: Scope) -> str:
    """Who asks, as far as the network knows: of IPv6 the part a subscriber does not choose."""
    client = scope.get("client")
    if client is None:
        return ""
    try:
        found = ip_address(client[0])
    except ValueError:
        return str(client[0])
    if isinstance(found, IPv6Address):
        return str(ip_network((found, _IPV6_SUBSCRIBER_BITS), strict=False))
    return str(found)


def _shown(scope: Scope) -> bytes | None:
    """What the request authenticates with, as something that can be remembered; None is nothing.

    A page offers its token to a WebSocket as a subprotocol, and cookies count for nothing there.
    """
    headers = Headers(scope=scope)
    other = "sec-websocket-protocol" if scope["type"] == "websocket" else "cookie"
    shown = headers.get("authorization") or headers.get(other)
    return hashlib.sha256(shown.encode()).digest() if shown else None


def _request_id(scope: Scope) -> str:
    """The id of a request; a handshake has none yet."""
    return str(scope.get("state", {}).get("request_id") or secrets.token_hex(_REQUEST_ID_BYTES))


def _busy(scope: Scope) -> ASGIApp:
    return problem_response(
        int(HTTPStatus.SERVICE_UNAVAILABLE),
        "too-busy",
        "This server answers as many requests as it can at once",
        hint="Ask again in a second",
        request_id=scope["state"]["request_id"],
        headers={"Retry-After": "1"},
    )


def _refused(scope: Scope, pace: Pace) -> ASGIApp:
    return problem_response(
        int(HTTPStatus.TOO_MANY_REQUESTS),
        "too-many-requests",
        "Too many requests without a valid token came from this address",
        hint="Look at the token that is used there, and wait as long as Retry-After says",
        request_id=_request_id(scope),
        headers={"Retry-After": str(max(1, math.ceil(pace.retry_after_s)))},
    )
