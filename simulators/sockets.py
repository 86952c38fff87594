"""WebSocket connections to a look-alike: the same faults, latency, limits and journal as requests.

A handshake is a request like any other until it is accepted. From then on the look-alike holds a
socket and speaks over it; this module only carries texts, and can close, cut or spoil the
connection. It knows no vendor and nothing of what is said.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, replace
from typing import Any

from simulators.clock import Clock
from simulators.connections import Connections
from simulators.faults import DEFAULT_STATUS, Fault, FaultKind, FaultPlan
from simulators.limits import MAX_CLOSE_REASON_BYTES, SHUTDOWN_GRACE_S
from simulators.passing import HANG_BY_DEFAULT_S, Passing, Receive, Send
from simulators.traffic import RateLimit, Traffic
from simulators.wire import LOST, UNMATCHED, Admission, Answer, Request, SocketClosed, Vendor

SWITCHING_PROTOCOLS = 101
RESTART = 1012
# A text frame whose reserved bits are set: no WebSocket implementation takes it.
BROKEN_FRAME = b"\xf1\x05break"


class AcceptedSocket:
    """One accepted connection. Every method raises SocketClosed once it is over."""

    def __init__(
        self, receive: Receive, send: Send, connections: Connections, address: tuple[str, int]
    ) -> None:
        self._receive = receive
        self._send = send
        self._connections = connections
        self._address = address
        self.over: SocketClosed | None = None

    async def receive(self) -> str:
        """The next message; one in bytes reads as an empty text."""
        if self.over is not None:
            raise self.over
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            raise self._ended(message.get("code") or LOST, message.get("reason") or "")
        return message.get("text") or ""

    async def send(self, text: str) -> None:
        """One message."""
        if self.over is not None:
            raise self.over
        try:
            await self._send({"type": "websocket.send", "text": text})
        except OSError as error:
            raise self._ended(LOST, "") from error

    async def close(self, code: int, reason: str = "") -> None:
        """End it with a closing frame; nothing if it is over already."""
        if self.over is None:
            shown = reason.encode()[:MAX_CLOSE_REASON_BYTES].decode(errors="ignore")
            self._ended(code, shown)
            with contextlib.suppress(OSError):
                await self._send({"type": "websocket.close", "code": code, "reason": shown})

    def cut(self) -> None:
        """Close the connection without a closing frame."""
        self._ended(LOST, "")
        self._connections.abort(self._address)

    def spoil(self) -> None:
        """Send bytes that are no frame; the client has to give up."""
        self._connections.write(self._address, BROKEN_FRAME)

    def delay_pongs(self, seconds: float) -> None:
        """Answer the protocol's own pings that much later from now on."""
        self._connections.delay_pongs(self._address, seconds)

    def _ended(self, code: int, reason: str) -> SocketClosed:
        if self.over is None:
            self.over = SocketClosed(code, reason)
        return self.over


@dataclass(slots=True, kw_only=True)
class _Handshake(Passing):
    known: bool


class SocketGateway:
    """Serves the WebSocket connections of one simulator."""

    def __init__(
        self,
        vendor: Vendor,
        *,
        clock: Clock,
        faults: FaultPlan,
        traffic: Traffic,
        connections: Connections,
    ) -> None:
        self._vendor = vendor
        self._clock = clock
        self._faults = faults
        self._traffic = traffic
        self._connections = connections
        self._open: dict[AcceptedSocket, asyncio.Task[Any]] = {}

    async def serve(
        self,
        request: Request,
        address: tuple[str, int],
        receive: Receive,
        send: Send,
        *,
        rate: RateLimit,
        latency_ms: float,
    ) -> None:
        """Serve one connection from its handshake to its end."""
        found = self._vendor.socket_routes.find("GET", request.path)
        template = found[0].template if found else UNMATCHED
        begun = self._traffic.begin("GET", template)
        shake = _Handshake(
            request=replace(request, route=template),
            known=found is not None,
            address=address,
            receive=receive,
            send=send,
        )
        admission: Admission | None = None
        try:
            await receive()
            admission = await self._admitted(shake, rate, latency_ms)
        finally:
            self._traffic.end(shake.entry(self._clock.now()), begun)
        if admission is not None:
            await self._spoken(shake, admission)

    async def _admitted(
        self, shake: _Handshake, rate: RateLimit, latency_ms: float
    ) -> Admission | None:
        retry_after_s = rate.refusal_s()
        if retry_after_s is not None:
            await self._deny(shake, self._vendor.refuse_rate(retry_after_s))
            return None
        if not shake.known:
            await self._deny(shake, self._vendor.refuse_route(shake.request, []))
            return None
        request = shake.request
        shake.fault = self._faults.choose(request.method, request.path, request.route)
        if latency_ms:
            await asyncio.sleep(latency_ms / 1000)
        if await self._stopped_by(shake.fault, shake):
            return None
        outcome = await self._vendor.admit(request)
        if isinstance(outcome, Answer):
            shake.effect = "refused"
            await self._deny(shake, outcome)
            return None
        try:
            await shake.send({"type": "websocket.accept", "subprotocol": outcome.subprotocol})
        except OSError:
            outcome.leave()
            return None
        shake.status, shake.effect = SWITCHING_PROTOCOLS, "applied"
        return outcome

    async def _stopped_by(self, fault: Fault | None, shake: _Handshake) -> bool:
        """Let a fault happen to the handshake; True if nothing comes after it."""
        if fault is None:
            return False
        seconds = HANG_BY_DEFAULT_S if fault.seconds is None else fault.seconds
        if fault.kind in (FaultKind.STATUS_BEFORE, FaultKind.STATUS_AFTER):
            answer = self._vendor.fail(fault.status or DEFAULT_STATUS)
            await self._deny(shake, fault.answer(answer))
        elif fault.kind is FaultKind.DELAYED:
            await self._clock.wait(seconds)
            return False
        elif fault.kind in (FaultKind.DROP_BEFORE, FaultKind.HANG_BEFORE):
            if fault.kind is FaultKind.HANG_BEFORE:
                await asyncio.sleep(seconds)
            self._connections.abort(shake.address)
        else:
            return False
        return True

    async def _deny(self, shake: _Handshake, answer: Answer) -> None:
        shake.status = answer.status
        headers = [(b"content-type", answer.content_type.encode())]
        headers.extend((k.lower().encode(), v.encode()) for k, v in answer.headers.items())
        start = {"status": answer.status, "headers": headers}
        await shake.send({"type": "websocket.http.response.start", **start})
        await shake.send({"type": "websocket.http.response.body", "body": answer.body})

    async def _spoken(self, shake: _Handshake, admission: Admission) -> None:
        socket = AcceptedSocket(shake.receive, shake.send, self._connections, shake.address)
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a socket is served in a task")
        self._open[socket] = task
        try:
            if not await self._spoiled_by(shake.fault, socket):
                await admission.speak(socket)
        except SocketClosed:
            shake.effect = "closed"
        finally:
            admission.leave()
            del self._open[socket]
            over = socket.over or SocketClosed(LOST)
            self._traffic.note({**shake.entry(self._clock.now()), "effect": f"closed {over.code}"})

    async def _spoiled_by(self, fault: Fault | None, socket: AcceptedSocket) -> bool:
        """Let a fault happen right after the acceptance; True if nothing comes after it."""
        kind = fault.kind if fault else None
        if fault is None or kind not in _AFTER_ACCEPTANCE:
            return False
        if kind is FaultKind.HANG_AFTER:
            await asyncio.sleep(HANG_BY_DEFAULT_S if fault.seconds is None else fault.seconds)
        if kind in (FaultKind.MALFORMED, FaultKind.TRUNCATE):
            socket.spoil()
            await socket.receive()
        socket.cut()
        return True

    async def close_all(self) -> None:
        """Close every connection; returns when whoever spoke over them has finished."""
        ours = asyncio.current_task()
        tasks = [task for task in self._open.values() if task is not ours]
        for socket in list(self._open):
            await socket.close(RESTART, "The service restarts.")
        if tasks:
            _, busy = await asyncio.wait(tasks, timeout=SHUTDOWN_GRACE_S)
            for task in busy:
                task.cancel()
            await asyncio.gather(*busy, return_exceptions=True)


_AFTER_ACCEPTANCE = frozenset(
    {
        FaultKind.DROP_AFTER,
        FaultKind.HANG_AFTER,
        FaultKind.TRUNCATE,
        FaultKind.RESET,
        FaultKind.MALFORMED,
    }
)
