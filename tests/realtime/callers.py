"""A carrier's side of a media stream by a plain WebSocket client that speaks its messages."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

STREAM = "MZ00000000000000000000000000000001"
DEADLINE_S = 60.0
FRAME_BYTES = 160


@dataclass
class Line:
    """One stream as its carrier has it: what it was told, in order, and what it can say.

    Marks are answered at once, as if everything had been played, unless ``plays`` is False.
    """

    connection: ClientConnection
    told: list[dict[str, Any]] = field(default_factory=list)
    plays: bool = True
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    reads: asyncio.Event = field(default_factory=asyncio.Event)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _chunk: int = 0

    async def begin(self, call: str, account: str, sid: str, ticket: str) -> None:
        """The two messages every stream begins with."""
        await self.say(event="connected", protocol="Call", version="1.0.0")
        start = {
            "streamSid": STREAM,
            "accountSid": account,
            "callSid": sid,
            "tracks": ["inbound"],
            "customParameters": {"call": call, "ticket": ticket},
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        }
        await self.say(event="start", sequenceNumber="1", streamSid=STREAM, start=start)

    async def speak(self, *frames: bytes) -> None:
        """Frames of the caller, as fast as the socket takes them."""
        for frame in frames:
            self._chunk += 1
            payload = base64.b64encode(frame).decode()
            media = {"track": "inbound", "chunk": str(self._chunk), "payload": payload}
            await self.say(event="media", sequenceNumber="3", streamSid=STREAM, media=media)

    async def stop(self) -> None:
        """The caller hung up."""
        await self.say(event="stop", sequenceNumber="9", streamSid=STREAM, stop={})

    async def say(self, **message: Any) -> None:
        """Any message."""
        await self.connection.send(json.dumps(message))

    def heard(self) -> bytes:
        """All audio that came, whether or not it was cleared."""
        return b"".join(
            base64.b64decode(one["media"]["payload"])
            for one in self.told
            if one["event"] == "media"
        )

    def kinds(self) -> list[str]:
        """What it was told, by kind."""
        return [one["event"] for one in self.told]

    async def until(self, holds: Callable[[Line], bool]) -> None:
        """Wait until something holds of what it was told."""
        async with asyncio.timeout(DEADLINE_S):
            while not holds(self):
                self._news.clear()
                await self._news.wait()

    async def take(self) -> None:
        """Read what comes until the other side closes."""
        with suppress(ConnectionClosed):
            while True:
                await self.reads.wait()
                message = json.loads(await self.connection.recv())
                self.told.append(message)
                self._news.set()
                if message["event"] == "mark" and self.plays:
                    await self.say(event="mark", streamSid=STREAM, mark=message["mark"])
        self.closed.set()
        self._news.set()

    def drop(self) -> None:
        """The network is gone: no stop, no close."""
        self.connection.transport.abort()


@asynccontextmanager
async def line(url: str, signature: str = "") -> AsyncIterator[Line]:
    """An open stream."""
    headers = {"x-twilio-signature": signature} if signature else {}
    async with connect(
        url, additional_headers=headers, compression=None, open_timeout=DEADLINE_S
    ) as connection:
        one = Line(connection)
        one.reads.set()
        reading = asyncio.create_task(one.take())
        try:
            yield one
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading


def frame(number: int) -> bytes:
    """20 ms that say which they are."""
    return number.to_bytes(4, "big").ljust(FRAME_BYTES, b"\x55")


def numbers(content: bytes) -> list[int]:
    """Which frames a piece of audio is made of."""
    assert len(content) % FRAME_BYTES == 0
    pieces = (content[at : at + 4] for at in range(0, len(content), FRAME_BYTES))
    return [int.from_bytes(piece, "big") for piece in pieces]
