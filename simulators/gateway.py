"""The ASGI application in front of a look-alike: faults, latency, limits, counters.

Everything that can go wrong between a client and a vendor happens here, so that the look-alikes
stay plain. A request is read whole first; then it can be dropped, repeated, or made to take effect
long after it was answered. This module knows no vendor.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import MutableMapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, unquote

from simulators.clock import Clock
from simulators.connections import Connections
from simulators.faults import DEFAULT_STATUS, Fault, FaultKind, FaultPlan
from simulators.limits import MAX_BODY_BYTES, MAX_PENDING_EFFECTS, MAX_UPLOAD_BYTES
from simulators.passing import HANG_BY_DEFAULT_S, Passing, Receive, Send
from simulators.sockets import SocketGateway
from simulators.traffic import RateLimit, Traffic
from simulators.wire import UNMATCHED, Answer, Json, Request, Route, RouteTable, Vendor

Scope = MutableMapping[str, Any]

CONTROL_PREFIX = "/_sim/"
REQUEST_ID_HEADER = "x-request-id"
REQUEST_ID_MAX = 128
"""What a client may say a request is for is kept in the log, so far."""
DELAY_BY_DEFAULT_S = 1.0


class _BodyTooLarge(Exception):
    pass


class _ClientGone(Exception):
    pass


@dataclass(slots=True)
class Pressure:
    """What every request meets before its effect; None and 0 mean nothing."""

    rate: RateLimit
    latency_ms: float = 0.0
    tells_when: bool = True
    concurrency: int | None = None


@dataclass(slots=True, kw_only=True)
class _Exchange(Passing):
    route: Route | None


class Gateway:
    """ASGI application of one simulator."""

    def __init__(
        self,
        vendor: Vendor,
        *,
        clock: Clock,
        faults: FaultPlan,
        traffic: Traffic,
        pressure: Pressure,
        connections: Connections,
    ) -> None:
        self._vendor = vendor
        self._clock = clock
        self._faults = faults
        self._traffic = traffic
        self._pressure = pressure
        self._connections = connections
        self._control: RouteTable | None = None
        self._sockets = SocketGateway(
            vendor, clock=clock, faults=faults, traffic=traffic, connections=connections
        )
        self._late: set[asyncio.Task[None]] = set()

    def control_with(self, routes: list[Route]) -> None:
        """Serve these routes under ``/_sim/``, outside all faults and counters."""
        self._control = RouteTable(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request, or one WebSocket connection from beginning to end."""
        path = unquote(scope["path"])
        if scope["type"] == "websocket":
            request = _request({**scope, "method": "GET"}, path, UNMATCHED, {})
            await self._sockets.serve(
                request,
                tuple(scope["client"]),
                receive,
                send,
                rate=self._pressure.rate,
                latency_ms=self._pressure.latency_ms,
            )
            return
        if path.startswith(CONTROL_PREFIX):
            await self._serve_control(scope, path, receive, send)
            return
        found = self._vendor.routes.find(scope["method"], path)
        route, values = found or (None, {})
        template = route.template if route else UNMATCHED
        begun = self._traffic.begin(scope["method"], template)
        exchange = _Exchange(
            request=_request(scope, path, template, values),
            route=route,
            address=tuple(scope["client"]),
            receive=receive,
            send=send,
        )
        try:
            await self._serve(exchange)
        except _ClientGone:
            exchange.effect += ", client gone"
        finally:
            self._traffic.end(self._entry(exchange), begun)

    async def _serve(self, exchange: _Exchange) -> None:
        limit_bytes = _limit_bytes(exchange.request)
        try:
            body = await _read_body(exchange.receive, limit_bytes)
        except _BodyTooLarge:
            await self._reply(exchange, self._vendor.refuse_size(limit_bytes))
            return
        exchange.request = _with_body(exchange.request, body)
        refusal = self._refusal(exchange)
        if refusal is not None:
            await self._reply(exchange, refusal)
            return
        request = exchange.request
        fault = self._faults.choose(request.method, request.path, request.route)
        exchange.fault = fault
        if self._pressure.latency_ms:
            await asyncio.sleep(self._pressure.latency_ms / 1000)
        if fault is None:
            await self._reply(exchange, await self._effect(exchange))
        elif fault.kind in _BEFORE:
            await self._serve_before(exchange, fault)
        else:
            await self._serve_after(exchange, fault)

    def _refusal(self, exchange: _Exchange) -> Answer | None:
        limit = self._pressure.concurrency
        if limit is not None and self._traffic.in_flight > limit:
            return self._vendor.refuse_concurrency(limit)
        retry_after_s = self._pressure.rate.refusal_s()
        if retry_after_s is not None:
            answer = self._vendor.refuse_rate(retry_after_s)
            return answer if self._pressure.tells_when else replace(answer, headers={})
        if exchange.route is None:
            allowed = self._vendor.routes.methods(exchange.request.path)
            return self._vendor.refuse_route(exchange.request, allowed)
        return None

    async def _effect(self, exchange: _Exchange) -> Answer:
        if exchange.route is None:
            raise RuntimeError("a request without a route has no effect")
        ids = list(exchange.request.path_values.values())
        if self._is_stale(exchange, ids):
            exchange.effect = "stale"
            with self._vendor.past.before_last_write(ids):
                return await self._vendor.answer(exchange.route, exchange.request)
        answer = await self._vendor.answer(exchange.route, exchange.request)
        exchange.effect = "applied" if answer.status < 400 else "refused"  # noqa: PLR2004
        return answer

    def _is_stale(self, exchange: _Exchange, ids: list[str]) -> bool:
        if exchange.request.method != "GET":
            return False
        missed = self._vendor.past.misses(ids)
        return missed or (exchange.fault is not None and exchange.fault.kind is FaultKind.STALE)

    async def _serve_before(self, exchange: _Exchange, fault: Fault) -> None:
        if fault.kind is FaultKind.STATUS_BEFORE:
            await self._reply(exchange, self._fault_answer(fault))
        elif fault.kind is FaultKind.DROP_BEFORE:
            await self._drop(exchange)
        elif fault.kind is FaultKind.HANG_BEFORE:
            await self._linger(exchange, fault, HANG_BY_DEFAULT_S)
            await self._drop(exchange)
        else:
            self._apply_late(exchange, fault)
            if fault.status is None:
                await self._drop(exchange)
            else:
                await self._reply(exchange, self._fault_answer(fault))

    async def _serve_after(self, exchange: _Exchange, fault: Fault) -> None:
        answer = await self._effect(exchange)
        if fault.kind is FaultKind.STATUS_AFTER:
            await self._reply(exchange, self._fault_answer(fault))
        elif fault.kind is FaultKind.DROP_AFTER:
            await self._drop(exchange)
        elif fault.kind is FaultKind.HANG_AFTER:
            await self._linger(exchange, fault, HANG_BY_DEFAULT_S)
            await self._drop(exchange)
        elif fault.kind is FaultKind.SLOW:
            await self._linger(exchange, fault, DELAY_BY_DEFAULT_S)
            await self._reply(exchange, answer)
        elif fault.kind in (FaultKind.TRUNCATE, FaultKind.RESET):
            await self._reply(exchange, answer, bytes_kept=max(1, len(answer.body) // 2))
            if fault.kind is FaultKind.RESET:
                self._connections.reset(exchange.address)
            else:
                self._connections.finish(exchange.address)
            await _until_gone(exchange.receive)
        elif fault.kind is FaultKind.STALE:
            await self._reply(exchange, answer)
        elif fault.kind is FaultKind.MALFORMED:
            half = answer.body[: max(1, len(answer.body) // 2)]
            await self._reply(exchange, Answer(status=200, body=b"<" + half))
        elif fault.seconds is None:
            await self._effect(exchange)
            exchange.effect = "applied twice"
            await self._reply(exchange, answer)
        else:
            self._apply_late(exchange, fault)
            await self._reply(exchange, answer)

    def _fault_answer(self, fault: Fault) -> Answer:
        return fault.answer(self._vendor.fail(fault.status or DEFAULT_STATUS))

    def _apply_late(self, exchange: _Exchange, fault: Fault) -> None:
        if len(self._late) >= MAX_PENDING_EFFECTS:
            raise RuntimeError("too many requests are waiting to take effect")
        seconds = DELAY_BY_DEFAULT_S if fault.seconds is None else fault.seconds
        task = asyncio.create_task(self._late_effect(exchange, seconds))
        self._late.add(task)
        task.add_done_callback(self._late.discard)
        exchange.effect = f"{exchange.effect}, late" if exchange.effect != "none" else "late"

    async def _late_effect(self, exchange: _Exchange, seconds: float) -> None:
        await self._clock.wait(seconds)
        if exchange.route is not None:
            answer = await self._vendor.answer(exchange.route, exchange.request)
            entry = self._entry(exchange)
            self._traffic.note({**entry, "status": answer.status, "effect": "took effect late"})

    async def _linger(self, exchange: _Exchange, fault: Fault, default_s: float) -> None:
        """Wait as long as the fault says, but not for a client that is gone."""
        seconds = default_s if fault.seconds is None else fault.seconds
        waits = [
            asyncio.create_task(asyncio.sleep(seconds)),
            asyncio.create_task(_until_gone(exchange.receive)),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _drop(self, exchange: _Exchange) -> None:
        self._connections.abort(exchange.address)
        await _until_gone(exchange.receive)

    async def _reply(
        self, exchange: _Exchange, answer: Answer, *, bytes_kept: int | None = None
    ) -> None:
        exchange.status = answer.status
        await _send(exchange.send, answer, bytes_kept=bytes_kept)

    def _entry(self, exchange: _Exchange) -> Json:
        return {
            **exchange.entry(self._clock.now()),
            "request_id": exchange.request.headers.get(REQUEST_ID_HEADER, "")[:REQUEST_ID_MAX],
        }

    async def _serve_control(self, scope: Scope, path: str, receive: Receive, send: Send) -> None:
        found = self._control.find(scope["method"], path) if self._control else None
        if found is None:
            body = b'{"error":"no such control; see docs/simulators.md"}'
            await _send(send, Answer(status=404, body=body))
            return
        route, values = found
        try:
            body = await _read_body(receive, MAX_BODY_BYTES)
        except (_BodyTooLarge, _ClientGone):
            return
        request = _with_body(_request(scope, path, route.template, values), body)
        outcome = route.handle(request)
        await _send(send, await outcome if inspect.isawaitable(outcome) else outcome)

    async def close_sockets(self) -> None:
        """Close every WebSocket connection and wait until nobody speaks over one."""
        await self._sockets.close_all()

    async def forget_late_effects(self) -> None:
        """Cancel effects that have not happened yet, and what goes on beside requests."""
        await self._vendor.stop()
        late = list(self._late)
        for task in late:
            task.cancel()
        for task in late:
            with contextlib.suppress(asyncio.CancelledError):
                await task


_BEFORE = frozenset(
    {
        FaultKind.STATUS_BEFORE,
        FaultKind.DROP_BEFORE,
        FaultKind.HANG_BEFORE,
        FaultKind.DELAYED,
    }
)


def _request(scope: Scope, path: str, template: str, values: dict[str, str]) -> Request:
    return Request(
        method=scope["method"],
        path=path,
        route=template,
        path_values=values,
        query=tuple(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
        headers={
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        },
        body=b"",
    )


def _with_body(request: Request, body: bytes) -> Request:
    return Request(
        method=request.method,
        path=request.path,
        route=request.route,
        path_values=request.path_values,
        query=request.query,
        headers=request.headers,
        body=body,
    )


def _limit_bytes(request: Request) -> int:
    is_form = request.headers.get("content-type", "").startswith("multipart/form-data")
    return MAX_UPLOAD_BYTES if is_form else MAX_BODY_BYTES


async def _read_body(receive: Receive, limit_bytes: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _ClientGone
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit_bytes:
            raise _BodyTooLarge
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


async def _send(send: Send, answer: Answer, *, bytes_kept: int | None = None) -> None:
    headers = [(b"content-length", str(len(answer.body)).encode())]
    if answer.body:
        headers.append((b"content-type", answer.content_type.encode()))
    headers.extend(
        (name.lower().encode(), value.encode()) for name, value in answer.headers.items()
    )
    if answer.status == 204:  # noqa: PLR2004
        headers = headers[1:]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if bytes_kept is None:
        await send({"type": "http.response.body", "body": answer.body})
    else:
        await send(
            {"type": "http.response.body", "body": answer.body[:bytes_kept], "more_body": True}
        )
