"""Access to the connection under a request, which ASGI hides.

A dropped connection has to be a real one: the client must see its socket closed, not an answer
that says so. This is the only module that knows which HTTP server carries the simulators.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

Address = tuple[str, int]
# Linger on, for no time at all: the kernel answers with a reset instead of an orderly end.
NO_FAREWELL = struct.pack("ii", 1, 0)


class Connections:
    """Open connections by the client's address."""

    def __init__(self) -> None:
        self._open: dict[Address, asyncio.Transport] = {}
        self._pong_delays_s: dict[Address, float] = {}

    def add(self, address: Address, transport: asyncio.Transport) -> None:
        """A client connected."""
        self._open[address] = transport

    def remove(self, address: Address) -> None:
        """A client's connection is gone."""
        self._open.pop(address, None)
        self._pong_delays_s.pop(address, None)

    def abort(self, address: Address) -> None:
        """Close the connection without another byte."""
        transport = self._open.get(address)
        if transport is not None:
            transport.abort()

    def reset(self, address: Address) -> None:
        """Make the client's next read fail with a reset, once it has what was written already."""
        transport = self._open.get(address)
        if transport is not None:
            open_socket = transport.get_extra_info("socket")
            open_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_FAREWELL)
            transport.abort()

    def write(self, address: Address, content: bytes) -> None:
        """Put these very bytes on the wire."""
        transport = self._open.get(address)
        if transport is not None:
            transport.write(content)

    def delay_pongs(self, address: Address, seconds: float) -> None:
        """Answer pings of this WebSocket connection that much later."""
        self._pong_delays_s[address] = seconds

    def pong_delay_s(self, address: Address) -> float:
        """How much later pings of this connection are answered."""
        return self._pong_delays_s.get(address, 0.0)

    def finish(self, address: Address) -> None:
        """Send what is written already, then close."""
        transport = self._open.get(address)
        if transport is not None:
            transport.close()


def protocol_for(connections: Connections) -> Callable[..., asyncio.Protocol]:
    """The server's protocol class, keeping the given table of connections."""

    class TrackedProtocol(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if self.client is not None:
                connections.add(self.client, transport)

        def connection_lost(self, exc: Exception | None) -> None:
            if self.client is not None:
                connections.remove(self.client)
            super().connection_lost(exc)

    return TrackedProtocol


def socket_protocol_for(connections: Connections) -> Callable[..., asyncio.Protocol]:
    """The server's WebSocket protocol class; it takes connections over from the HTTP one."""

    class TrackedSocketProtocol(WebSocketsSansIOProtocol):
        def connection_lost(self, exc: Exception | None) -> None:
            if self.client is not None:
                connections.remove(self.client)
            super().connection_lost(exc)

        async def send(self, message: ASGISendEvent) -> None:
            await super().send(message)
            if message["type"] == "websocket.http.response.body":
                # The server takes a refused handshake for one that was forgotten.
                self.handshake_complete = True

        def handle_ping(self) -> None:
            delay_s = connections.pong_delay_s(self.client) if self.client else 0.0
            if not delay_s:
                super().handle_ping()
                return
            pong = b"".join(self.conn.data_to_send())
            self.loop.call_later(delay_s, self._answer_late, pong)

        def _answer_late(self, pong: bytes) -> None:
            if not self.transport.is_closing():
                self.transport.write(pong)

    return TrackedSocketProtocol
