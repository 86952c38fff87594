"""One WebSocket connection to a server, without tasks of its own: texts go out as they are sent.

A telephone call sends fifty frames a second, and a machine carries scores of calls; so this
speaks the protocol without queues between the call and its socket. It knows nothing of what is
said over it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidURI
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

from simulators.twilio.calls.bounds import (
    MAX_STREAM_MESSAGE_BYTES,
    MAX_UNREAD_BYTES,
    STREAM_CLOSE_TIMEOUT_S,
    STREAM_GONE_S,
    STREAM_OPEN_TIMEOUT_S,
)
from simulators.twilio.calls.web import Place

CONNECT_TIMEOUT = 31901
CONNECT_REFUSED = 31902
HANDSHAKE = 31920
CLOSED_BADLY = 31921
MALFORMED_URL = 31923
LOST = 1006
NO_CODE = 1005


class NotOpened(Exception):
    """The connection could not be opened; carries the vendor's code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Listener:
    """What a connection tells: a text, something in bytes, its end with code and reason."""

    text: Callable[[str], None]
    binary: Callable[[], None]
    closed: Callable[[int, str], None]


class Connection(asyncio.Protocol):
    """An open connection; see ``opened``."""

    def __init__(
        self, protocol: ClientProtocol, headers: Mapping[str, str], listener: Listener
    ) -> None:
        self._protocol = protocol
        self._headers = headers
        self._listener = listener
        self._transport: asyncio.Transport | None = None
        self._parts: list[bytes] = []
        self._is_accepted = False
        self._cutter: asyncio.TimerHandle | None = None
        loop = asyncio.get_running_loop()
        self.handshake: asyncio.Future[None] = loop.create_future()
        self.lost: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        self._transport = cast("asyncio.Transport", transport)
        request = self._protocol.connect()
        for name, value in self._headers.items():
            request.headers[name] = value
        self._protocol.send_request(request)
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Whatever came, in whole messages."""
        self._protocol.receive_data(data)
        self._flush()
        for event in self._protocol.events_received():
            if isinstance(event, Response):
                self._shake()
            elif isinstance(event, Frame):
                self._take(event)

    def _shake(self) -> None:
        error = self._protocol.handshake_exc
        if self.handshake.done():
            return
        if error is None:
            self._is_accepted = True
            self.handshake.set_result(None)
        else:
            self.handshake.set_exception(NotOpened(HANDSHAKE, str(error)))

    def _take(self, frame: Frame) -> None:
        if frame.opcode is Opcode.CLOSE:
            return
        if frame.opcode is Opcode.BINARY:
            self._listener.binary()
        elif frame.opcode is Opcode.TEXT and frame.fin:
            self._listener.text(bytes(frame.data).decode("utf-8", "replace"))
        elif frame.opcode in (Opcode.TEXT, Opcode.CONT):
            self._parts.append(bytes(frame.data))
            if frame.fin:
                whole, self._parts = b"".join(self._parts), []
                self._listener.text(whole.decode("utf-8", "replace"))

    def eof_received(self) -> bool:
        """The server ended its side; the transport closes."""
        self._protocol.receive_eof()
        self._flush()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over, however it ended."""
        del exc
        if self._cutter is not None:
            self._cutter.cancel()
        if not self.handshake.done():
            self.handshake.set_exception(NotOpened(HANDSHAKE, "closed during the handshake"))
            self.handshake.exception()
        if not self.lost.done():
            self.lost.set_result(None)
        self._tell_end()

    def _tell_end(self) -> None:
        if not self._is_accepted:
            return
        self._is_accepted = False
        frame = self._protocol.close_rcvd
        if frame is None:
            self._listener.closed(LOST, "")
        else:
            self._listener.closed(frame.code or NO_CODE, frame.reason)

    def _flush(self) -> None:
        transport = self._transport
        if transport is None:
            return
        for data in self._protocol.data_to_send():
            if data:
                transport.write(data)
            elif transport.can_write_eof():
                transport.write_eof()
        if self._protocol.close_expected() and self._cutter is None:
            loop = asyncio.get_running_loop()
            self._cutter = loop.call_later(STREAM_CLOSE_TIMEOUT_S, transport.abort)

    @property
    def is_open(self) -> bool:
        """True while texts can be sent."""
        return self._protocol.state is State.OPEN

    def send(self, text: bytes) -> None:
        """One message, in UTF-8; a server that no longer reads is cut off."""
        if self._protocol.state is not State.OPEN or self._transport is None:
            return
        self._protocol.send_text(text)
        self._flush()
        if self._transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            self.cut()

    def close(self, code: int = CloseCode.NORMAL_CLOSURE) -> None:
        """Begin the closing handshake."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(code)
            self._flush()

    async def gone(self) -> None:
        """Return when nothing is left of it; cut it if that takes long."""
        await asyncio.wait([self.lost], timeout=STREAM_GONE_S)
        if not self.lost.done():
            self.cut()
            await self.lost

    def cut(self) -> None:
        """End the connection of TCP without a word."""
        if self._transport is not None:
            self._transport.abort()


async def opened(
    url: str, place: Place, headers: Mapping[str, str], listener: Listener
) -> Connection:
    """Open a connection to a place, as the server of ``url``. Raises NotOpened."""
    try:
        protocol = ClientProtocol(parse_uri(url), max_size=MAX_STREAM_MESSAGE_BYTES)
    except InvalidURI as error:
        raise NotOpened(MALFORMED_URL, str(error)) from error
    loop = asyncio.get_running_loop()
    connection = Connection(protocol, headers, listener)
    try:
        async with asyncio.timeout(STREAM_OPEN_TIMEOUT_S):
            await loop.create_connection(lambda: connection, place.host, place.port)
            await connection.handshake
    except TimeoutError as error:
        connection.cut()
        raise NotOpened(CONNECT_TIMEOUT, "the server did not answer in time") from error
    except OSError as error:
        raise NotOpened(CONNECT_REFUSED, str(error)) from error
    except NotOpened:
        connection.cut()
        raise
    except asyncio.CancelledError:
        connection.cut()
        raise
    return connection
