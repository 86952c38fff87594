"""Agents of one ElevenLabs account on the line: coded audio passed on as it is.

Nothing is queued here: whoever takes no events lets the platform wait, and the platform's own
socket is what holds it back. What is said meanwhile is the bridge's business.
"""

import base64
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Final

from websockets.exceptions import ConnectionClosed

from trunkline.adapters.elevenlabs.client import ElevenLabsClient
from trunkline.adapters.elevenlabs.conversation_sockets import (
    ConversationSocket,
    ConversationSockets,
)
from trunkline.adapters.elevenlabs.talk_messages import (
    Begun,
    Complained,
    Pinged,
    Reader,
    as_coded,
    client_tool_result,
    contextual_update,
    initiation,
    malformed,
    pong,
    unknown_audio,
)
from trunkline.adapters.speech.formats import format_of
from trunkline.model.base import Json, JsonObject
from trunkline.model.calls.limits import LINE_CLOSE_TIMEOUT_S, PLATFORM_UNSENT_MAX_BYTES
from trunkline.model.calls.lines import AgentAudio, LineEvent, LineFormat, LineRequest
from trunkline.model.errors import ConversationLost, ConversationRefused, PlatformError
from trunkline.model.testing.talk import Interrupted, Opened

REGISTER_CALL = "/v1/convai/twilio/register-call"
CHUNK_HEAD: Final = '{"user_audio_chunk":"'
CHUNK_TAIL: Final = '"}'


class ElevenLabsLine:
    """``ports.AgentLine``. Audio the caller interrupted is left out."""

    def __init__(self, socket: ConversationSocket, request: LineRequest) -> None:
        self._socket = socket
        self._request = request
        self._reader = Reader(as_coded)
        self._begun: Begun | None = None
        self._early: list[LineEvent] = []
        self._caller_format = LineFormat("pcm", 16_000)
        self._end: PlatformError | None = None
        self._void_until = 0

    def __repr__(self) -> str:
        return f"ElevenLabsLine({self.conversation_id or 'not open'})"

    @property
    def conversation_id(self) -> str:
        """The platform's id."""
        return self._begun.conversation_id if self._begun is not None else ""

    @property
    def caller_format(self) -> LineFormat:
        """How the platform wants the caller's audio."""
        return self._caller_format

    @property
    def agent_format(self) -> LineFormat:
        """How the agent's audio comes. Raises ConversationLost for one nobody here reads."""
        if self._reader.format is None:
            raise unknown_audio()
        return self._reader.format

    async def begin(self) -> None:
        """Say what this conversation is, and wait until the platform has named it.

        Raises ConversationRefused, ConversationLost.
        """
        try:
            await self._socket.send(initiation(self._request.variables, text_only=False))
            while self._begun is None:
                event = await self._next()
                if event is not None:
                    self._early.append(event)
        except ConnectionClosed as error:
            raise self._socket.refusal_of(error) from None
        wanted = format_of(self._begun.caller_format)
        if wanted is None:
            raise ConversationRefused(
                f"the platform wants the caller's audio as {self._begun.caller_format}, "
                "which we cannot write",
                hint="use pcm or ulaw as the agent's input format",
            )
        self._caller_format = wanted
        self._socket.hold_little(PLATFORM_UNSENT_MAX_BYTES)

    async def events(self) -> AsyncIterator[LineEvent]:
        """What the platform says, up to ``Ended``. Raises ConversationRefused, ConversationLost."""
        yield Opened(conversation_id=self.conversation_id)
        for early in self._early:
            yield early
        try:
            while True:
                event = await self._next()
                if event is not None:
                    yield event
        except ConnectionClosed as error:
            end = self._socket.end_of(error)
        except ConversationLost as error:
            end = error
        if isinstance(end, PlatformError):
            self._end = end
            raise end from None
        yield end

    async def hear(self, content: bytes) -> None:
        """The caller's audio; waits while the platform takes nothing."""
        await self._send(f"{CHUNK_HEAD}{base64.b64encode(content).decode('ascii')}{CHUNK_TAIL}")

    async def inform(self, text: str, *, slot: str | None = None) -> None:
        """A contextual update; with ``slot`` it supersedes what the slot said before."""
        await self._tell(contextual_update(text, slot))

    async def answer_tool(self, call_id: str, answer: Json, *, is_error: bool) -> None:
        """The result of a client tool."""
        await self._tell(client_tool_result(call_id, answer, is_error=is_error))

    async def hang_up(self) -> None:
        """End the conversation."""
        await self._socket.hang_up()

    async def close(self) -> None:
        """Leave nothing open."""
        await self._socket.close()

    async def _next(self) -> LineEvent | None:
        """The next message as an event; None for one that is nobody's business but ours."""
        message = self._reader.read(await self._socket.receive())
        if isinstance(message, AgentAudio):
            return None if 0 < message.event_id <= self._void_until else message
        if isinstance(message, Begun):
            if self._begun is not None:
                raise malformed("a second beginning")
            self._begun = message
        elif isinstance(message, Pinged):
            await self._socket.send(pong(message.event_id))
        elif isinstance(message, Complained):
            self._socket.complained(message.words)
        else:
            if isinstance(message, Interrupted):
                self._void_until = max(self._void_until, message.event_id)
            return message
        return None

    async def _tell(self, message: JsonObject) -> None:
        self._check()
        await self._socket.send(message)

    async def _send(self, text: str) -> None:
        self._check()
        await self._socket.send_text(text)

    def _check(self) -> None:
        if self._end is not None:
            raise ConversationLost("the conversation is over", why="Over") from self._end


class ElevenLabsLines:
    """``ports.AgentLines`` of one account."""

    def __init__(self, client: ElevenLabsClient) -> None:
        self._client = client
        self._sockets = ConversationSockets(client, close_timeout_s=LINE_CLOSE_TIMEOUT_S)

    def open(self, request: LineRequest) -> AbstractAsyncContextManager[ElevenLabsLine]:
        """Connect and leave it behind closed, whatever happens.

        Raises ConversationRefused, ConversationLost, RateLimited, Unavailable, CredentialsRejected.
        """
        return self._sockets.begun(request, lambda socket: ElevenLabsLine(socket, request))

    async def register_call(self, request: LineRequest, *, direction: str, timeout_s: float) -> str:
        """What to answer the carrier with so that the platform takes the call itself.

        Raises what a write raises.
        """
        told: JsonObject = {"dynamic_variables": dict(request.variables)}
        if request.branch_id is not None:
            told["branch_id"] = request.branch_id
        body: JsonObject = {
            "agent_id": request.agent_id,
            "from_number": request.caller,
            "to_number": request.called,
            "direction": direction,
            "conversation_initiation_client_data": told,
        }
        return await self._client.text_of_write(REGISTER_CALL, body, timeout_s=timeout_s)
