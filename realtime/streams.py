"""A carrier's media stream as a leg of a call: messages in, audio out, over a WebSocket.

It speaks ASGI itself, because a frame every 20 ms of every call pays for each layer between. Waits
while the carrier takes nothing; what that means is the bridge's to say.
"""

import asyncio
from collections import deque
from contextlib import suppress

from starlette.types import Receive, Send

from realtime.frames import Stopped, StreamMessage, read
from trunkline.model.calls.limits import CALL_LEAVE_TIMEOUT_S, STREAM_AHEAD_MAX
from trunkline.model.errors import CarrierLost, StreamMalformed

NORMAL = 1000


class CarrierStream:
    """One accepted stream."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._closed = False
        self._ahead: deque[StreamMessage] = deque(maxlen=STREAM_AHEAD_MAX)
        self.broken: CarrierLost | StreamMalformed | None = None

    async def next(self) -> StreamMessage:
        """The next message that says something to us.

        Raises CarrierLost once the socket is gone without a word, and StreamMalformed.
        """
        return self._ahead.popleft() if self._ahead else await self._read()

    async def left(self) -> None:
        """Wait until the carrier ends the stream; ``broken`` says how if it did so without a word.

        What it says until then waits for ``next``, the newest of it.
        """
        while True:
            try:
                message = await self._read()
            except (CarrierLost, StreamMalformed) as error:
                self.broken = error
                return
            self._ahead.append(message)
            if isinstance(message, Stopped):
                return

    async def _read(self) -> StreamMessage:
        while True:
            told = await self._receive()
            if told["type"] != "websocket.receive":
                self._closed = True
                raise CarrierLost(
                    f"the carrier's stream broke off ({told.get('code', 'no code')})",
                )
            text = told.get("text")
            if text is None:
                raise StreamMalformed("a media stream sent a binary message")
            message = read(text)
            if message is not None:
                return message

    async def send(self, text: str) -> None:
        """One message. Raises CarrierLost."""
        if self._closed:
            raise CarrierLost("the carrier's stream is closed")
        try:
            await self._send({"type": "websocket.send", "text": text})
        except OSError as error:
            self._closed = True
            raise CarrierLost("the carrier's stream broke off") from error

    async def close(self, code: int = NORMAL) -> None:
        """End the stream; the carrier goes on with what it was told to do then. One that takes
        nothing is not waited for.
        """
        if self._closed:
            return
        self._closed = True
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(CALL_LEAVE_TIMEOUT_S):
                await self._send({"type": "websocket.close", "code": code})
