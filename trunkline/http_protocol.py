"""How HTTP is read from a connection: bounded in size and in time before anything else looks at it.

The library's parser takes a head of any length, waits for the rest of it for ever, and says what
is wrong as plain text. Everybody who reaches the port could fill the memory with that, so here the
bounds are, and refusals in the one shape of all errors. Knows nothing of routes.
"""

import asyncio
import secrets
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.problems import problem_response
from trunkline.model.limits import REQUEST_HEAD_MAX_BYTES, REQUEST_HEAD_TIMEOUT_S

LINGER_S = 5.0
"""Whoever is refused in the middle of sending gets the answer only if they may go on for a bit."""
_LINE_END = b"\r\n"
_AROUND_A_HEADER = len(": \r\n")
_REQUEST_ID_BYTES = 8


class HeadTooLong(Exception):
    """The line and headers of a request are longer than any may be."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection. A WebSocket takes it over once its head is whole, and nothing here counts
    from then on.
    """

    head_timeout_s = REQUEST_HEAD_TIMEOUT_S

    _taken_bytes = 0
    _in_head = False
    _refused = False
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, and wait for a head."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._leave_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came; a head that does not end is refused before there is more of it."""
        if self._refused:
            return
        self._taken_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._taken_bytes > REQUEST_HEAD_MAX_BYTES:
            self._refuse_length()

    def on_message_begin(self) -> None:
        """A further request on the connection has the same bounds."""
        super().on_message_begin()
        if not self._in_head:
            self._expect_head()

    def on_headers_complete(self) -> None:
        """The head is whole. Raises HeadTooLong, which the parser wraps in an error of its own."""
        self._leave_head()
        if self._head_bytes() > REQUEST_HEAD_MAX_BYTES:
            raise HeadTooLong
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser does not understand, or was told not to take."""
        if self._refused:
            return
        if self._head_bytes() > REQUEST_HEAD_MAX_BYTES:
            self._refuse_length()
        else:
            self._refuse(HTTPStatus.BAD_REQUEST, "malformed-request", msg.rstrip("."))

    def _expect_head(self) -> None:
        self._in_head = True
        self._taken_bytes = 0
        self._patience = self.loop.call_later(self.head_timeout_s, self._lose_patience)

    def _leave_head(self) -> None:
        self._in_head = False
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _lose_patience(self) -> None:
        """Nothing is said to whoever said nothing: such a connection is held in reserve."""
        if self._taken_bytes:
            detail = f"The request's headers took longer than {self.head_timeout_s:.0f} s"
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "request-timeout", detail)
        else:
            self.transport.close()

    def _head_bytes(self) -> int:
        """How long the head is, as far as it was understood."""
        headers: list[tuple[bytes, bytes]] = self.headers or []
        values = sum(len(name) + len(value) + _AROUND_A_HEADER for name, value in headers)
        return len(self._address()) + values

    def _address(self) -> bytes:
        """What was asked for so far; nothing before the first line began."""
        address: bytes = getattr(self, "url", b"")
        return address

    def _refuse_length(self) -> None:
        bound = f"longer than {REQUEST_HEAD_MAX_BYTES} bytes"
        if len(self._address()) > REQUEST_HEAD_MAX_BYTES:
            self._refuse(HTTPStatus.REQUEST_URI_TOO_LONG, "uri-too-long", f"The address is {bound}")
        else:
            self._refuse(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                "headers-too-large",
                f"The request's headers are {bound}",
            )

    def _refuse(self, status: HTTPStatus, name: str, detail: str) -> None:
        """Answer and hang up: what comes behind it on this connection is not looked at any more."""
        self._refused = True
        self._leave_head()
        if self.transport.is_closing():
            return
        identifier = secrets.token_hex(_REQUEST_ID_BYTES)
        answer = problem_response(int(status), name, detail, request_id=identifier)
        own = {"x-request-id": identifier, "cache-control": "no-store", "connection": "close"}
        headers = {**answer.headers, **own}
        lines = [f"HTTP/1.1 {status} {status.phrase}"]
        lines += [f"{key}: {value}" for key, value in headers.items()]
        head = _LINE_END.join(line.encode("latin-1") for line in [*lines, "", ""])
        self.transport.write(head + bytes(answer.body))
        self.transport.write_eof()
        self._patience = self.loop.call_later(LINGER_S, self.transport.close)
