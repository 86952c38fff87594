"""The platform's side of a conversation by a real WebSocket server that speaks its protocol."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from trunkline.model.ids import ExternalId
from trunkline.model.testing.talk import TalkEvent, TalkRequest

SIGNATURE = "signature-that-nobody-may-see"
AGENT = ExternalId("agent_1")
TOKEN = "token-of-the-desk-that-nobody-may-see"
DEADLINE_S = 60.0


@dataclass
class Side:
    """The platform in one conversation: what it heard, and what it can say."""

    connection: ServerConnection
    heard: list[dict[str, Any]] = field(default_factory=list)
    chunks: list[tuple[float, bytes]] = field(default_factory=list)

    async def send(self, message: dict[str, Any] | str) -> None:
        """One message, or a frame as it is."""
        await self.connection.send(message if isinstance(message, str) else json.dumps(message))

    async def begin(self, agent: str = "pcm_16000", caller: str = "pcm_16000") -> dict[str, Any]:
        """Take the initiation and name the conversation; what the caller said first."""
        first = await self.hear("conversation_initiation_client_data")
        event = {
            "conversation_id": "conv_1",
            "agent_output_audio_format": agent,
            "user_input_audio_format": caller,
        }
        await self.send(
            {
                "type": "conversation_initiation_metadata",
                "conversation_initiation_metadata_event": event,
            }
        )
        return first

    async def say(self, text: str, event_id: int = 1) -> None:
        """A reply."""
        event = {"agent_response": text, "event_id": event_id}
        await self.send({"type": "agent_response", "agent_response_event": event})

    async def sound(self, content: bytes, event_id: int = 1) -> None:
        """A piece of audio."""
        event = {"audio_base_64": base64.b64encode(content).decode(), "event_id": event_id}
        await self.send({"type": "audio", "audio_event": event})

    async def hear(self, kind: str) -> dict[str, Any]:
        """The next message of a kind; the caller's audio on the way is kept."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                message: dict[str, Any] = json.loads(await self.connection.recv())
                if "user_audio_chunk" in message:
                    content = base64.b64decode(message["user_audio_chunk"])
                    self.chunks.append((asyncio.get_running_loop().time(), content))
                    if kind == "user_audio_chunk":
                        return message
                    continue
                self.heard.append(message)
                if message["type"] == kind:
                    return message


Part = Callable[[Side], Awaitable[None]]


class Platform:
    """Signs addresses and plays a part in every conversation that is opened with one."""

    def __init__(self) -> None:
        self.part: Part = _silence
        self.asked: list[dict[str, list[str]]] = []
        self.signing: tuple[int, object] | None = None
        self.address: Callable[[str], str] = lambda address: address
        self.handshake: tuple[int, dict[str, str]] | None = None
        self.records: dict[str, object] = {}
        self.sides: list[Side] = []
        self.deaf: list[Side] = []
        self._server: Server | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        assert self._server is not None
        port = next(iter(self._server.sockets)).getsockname()[1]
        return f"http://127.0.0.1:{port}"

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await serve(
            self._talk, "127.0.0.1", 0, process_request=self._request, ping_interval=None
        )

    async def stop(self) -> None:
        """Hang up everywhere."""
        assert self._server is not None
        for side in self.deaf:
            side.connection.transport.abort()
        self._server.close()
        await self._server.wait_closed()

    def _request(self, connection: ServerConnection, request: Request) -> Response | None:
        parts = urlsplit(request.path)
        if parts.path == "/v1/convai/conversation":
            if self.handshake is None:
                return None
            status, headers = self.handshake
            response = connection.respond(HTTPStatus(status), "no")
            for name, value in headers.items():
                response.headers[name] = value
            return response
        if parts.path in self.records:
            return connection.respond(HTTPStatus.OK, json.dumps(self.records[parts.path]))
        self.asked.append(parse_qs(parts.query))
        signed = f"{self.url}/v1/convai/conversation?agent_id=x&conversation_signature={SIGNATURE}"
        answer = {"signed_url": self.address(signed)}
        status, body = self.signing or (HTTPStatus.OK, answer)
        return connection.respond(HTTPStatus(status), json.dumps(body))

    async def _talk(self, connection: ServerConnection) -> None:
        side = Side(connection)
        self.sides.append(side)
        with suppress(ConnectionClosed):
            await self.part(side)


async def _silence(side: Side) -> None:
    await side.connection.wait_closed()


def answering(*replies: str, greeting: str = "") -> Part:
    """An agent that gives its replies one after the other, after its greeting, and stays."""

    async def part(side: Side) -> None:
        await side.begin()
        await side.say(greeting)
        for reply in replies:
            await side.hear("user_message")
            await side.say(reply)
        await side.connection.wait_closed()

    return part


def in_text(**changes: Any) -> TalkRequest:
    """A request for a conversation in text."""
    given = {"agent_id": AGENT, "variables": {"secret__trunkline_test": TOKEN}}
    return TalkRequest.model_validate({**given, **changes})


async def all_of(events: AsyncIterator[TalkEvent]) -> list[TalkEvent]:
    """Every event up to the end."""
    async with asyncio.timeout(DEADLINE_S):
        return [event async for event in events]
