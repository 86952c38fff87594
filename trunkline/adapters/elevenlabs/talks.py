"""Conversations with agents of one ElevenLabs account, heard and spoken as sound or text.

One task reads, another is the caller's line; what goes over the wire and what its end means is the
socket's business. What a conversation is for is not known here.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from websockets.exceptions import ConnectionClosed

from trunkline.adapters.elevenlabs.client import ElevenLabsClient
from trunkline.adapters.elevenlabs.conversation_sockets import (
    ConversationSocket,
    ConversationSockets,
)
from trunkline.adapters.elevenlabs.deleting import CONVERSATION_LINES, CONVERSATIONS, LIVE
from trunkline.adapters.elevenlabs.talk_messages import (
    Begun,
    Complained,
    Pinged,
    Reader,
    as_sound,
    client_tool_result,
    contextual_update,
    initiation,
    malformed,
    pong,
    user_audio,
    user_message,
)
from trunkline.adapters.elevenlabs.talk_records import variables_of
from trunkline.adapters.speech.formats import format_of
from trunkline.model.base import Json, JsonObject
from trunkline.model.calls.lines import LineFormat
from trunkline.model.errors import (
    ConversationLost,
    ConversationRefused,
    InvalidInput,
    PlatformError,
)
from trunkline.model.limits import LIVE_CALL_MAX_S
from trunkline.model.testing.limits import TALK_PING_INTERVAL_S
from trunkline.model.testing.talk import (
    AgentSounded,
    Ended,
    Interrupted,
    Opened,
    Sound,
    TalkEvent,
    TalkRequest,
)
from trunkline.talk_events import TalkEvents

if TYPE_CHECKING:
    from trunkline.adapters.speech.encoding import Samples
    from trunkline.adapters.speech.lines import CallerLine

logger = logging.getLogger(__name__)


class ElevenLabsTalks:
    """``ports.Talks`` of one account. The platform says in passing how many places it has."""

    def __init__(
        self, client: ElevenLabsClient, *, ping_interval_s: float = TALK_PING_INTERVAL_S
    ) -> None:
        self._client = client
        self._sockets = ConversationSockets(client, ping_interval_s=ping_interval_s)

    def open(self, request: TalkRequest) -> AbstractAsyncContextManager["ElevenLabsTalk"]:
        """Begin a conversation and leave it behind closed, whatever happens.

        Raises ConversationRefused, RateLimited, Unavailable, CredentialsRejected, and
        ConversationLost if it breaks off while it begins.
        """
        return self._sockets.begun(request, lambda socket: ElevenLabsTalk(socket, request))

    async def in_progress(self) -> int:
        """Conversations of the account that have not ended, whoever began them."""
        since = datetime.now(UTC) - timedelta(seconds=LIVE_CALL_MAX_S)
        params = [("call_start_after_unix", str(int(since.timestamp())))]
        params += [("exclude_statuses", over) for over in ("done", "failed", "processing")]
        count = 0
        pages = self._client.pages(CONVERSATION_LINES, CONVERSATIONS, "conversations", params)
        async for page in pages:
            count += sum(1 for line in page if line.status in LIVE)
        return count

    async def concurrency(self) -> int | None:
        """Conversations at once without a burst, as the platform said at the last signing."""
        return self._sockets.places

    async def variables(self, conversation_id: str) -> dict[str, Json] | None:
        """The variables a conversation ended with; None if the platform does not say in time."""
        return await variables_of(self._client, conversation_id)


class ElevenLabsTalk:
    """``ports.Talk``. One task reads and answers pings, in audio another one is the caller's line.

    Reading waits while nobody takes events, so that a talk never holds more than a bounded number.
    """

    def __init__(self, socket: ConversationSocket, request: TalkRequest) -> None:
        self._socket = socket
        self._request = request
        self._reader = Reader(as_sound)
        self._events = TalkEvents()
        self._reading: asyncio.Task[None] | None = None
        self._speaking: asyncio.Task[None] | None = None
        self._begun: Begun | None = None
        self._end: Ended | PlatformError | None = None
        self._line: CallerLine | None = None
        self._void_until = 0

    def __repr__(self) -> str:
        return f"ElevenLabsTalk({self._begun.conversation_id if self._begun else 'not open'})"

    @property
    def conversation_id(self) -> str:
        """The platform's id."""
        return self._begun.conversation_id if self._begun is not None else ""

    async def begin(self) -> None:
        """Say what this conversation is, and wait until the platform has named it.

        Raises ConversationRefused, ConversationLost.
        """
        try:
            await self._socket.send(
                initiation(self._request.variables, text_only=self._request.text_only)
            )
            while self._begun is None:
                await self._take(await self._socket.receive())
        except ConnectionClosed as error:
            raise self._socket.refusal_of(error) from None
        await self._events.put(Opened(conversation_id=self._begun.conversation_id))
        if not self._request.text_only:
            self._speak_as(self._begun.caller_format)
        self._reading = asyncio.create_task(self._read())

    def events(self) -> AsyncIterator[TalkEvent]:
        """What happens, up to ``Ended``. Raises ConversationRefused, ConversationLost instead."""
        return self._events.followed()

    async def say(self, text: str) -> None:
        """The caller's words as text."""
        await self._send(user_message(text))

    async def play(self, sound: Sound) -> None:
        """Send a sound as it would be spoken; returns when it is over.

        Raises InvalidInput in text.
        """
        if self._line is None:
            raise InvalidInput("there is no sound in a conversation in text")
        self._check()
        await self._line.play(sound)
        self._check()

    async def press(self, keys: str) -> None:
        """The tones of the keys, as the protocol has no message for them.

        Raises InvalidInput in text.
        """
        from trunkline.adapters.speech.tones import tones  # noqa: PLC0415 - it takes memory

        rate = self._caller_format().rate
        await self.play(tones(keys, rate))

    async def inform(self, text: str) -> None:
        """A contextual update."""
        await self._send(contextual_update(text))

    async def answer_tool(self, call_id: str, answer: Json, *, is_error: bool) -> None:
        """The result of a client tool."""
        await self._send(client_tool_result(call_id, answer, is_error=is_error))

    async def hang_up(self) -> None:
        """Close the socket as a caller puts down the receiver."""
        await self._socket.hang_up()

    async def close(self) -> None:
        """End every task and the socket; the tasks first, so that nobody reads a closed socket."""
        tasks = [task for task in (self._speaking, self._reading) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._socket.close()

    async def _read(self) -> None:
        try:
            while True:
                await self._take(await self._socket.receive())
        except ConnectionClosed as error:
            self._end = self._socket.end_of(error)
        except ConversationLost as error:
            self._end = error
            logger.warning("conversation %s: %s", self.conversation_id, error.message)
        if self._speaking is not None:
            self._speaking.cancel()
        await self._events.put(self._end)

    async def _take(self, raw: str | bytes) -> None:
        message = self._reader.read(raw)
        if message is None:
            return
        if isinstance(message, Begun):
            if self._begun is not None:
                raise malformed("a second beginning")
            self._begun = message
        elif isinstance(message, Pinged):
            await self._socket.send(pong(message.event_id))
        elif isinstance(message, Complained):
            self._socket.complained(message.words)
        elif not (isinstance(message, AgentSounded) and self._is_void(message)):
            if isinstance(message, Interrupted):
                self._void_until = max(self._void_until, message.event_id)
            await self._events.put(message)

    def _is_void(self, heard: AgentSounded) -> bool:
        return 0 < heard.event_id <= self._void_until

    def _speak_as(self, name: str) -> None:
        from trunkline.adapters.speech.encoding import encoded  # noqa: PLC0415 - it takes memory
        from trunkline.adapters.speech.lines import CallerLine  # noqa: PLC0415

        wire = format_of(name)
        if wire is None:
            raise ConversationRefused(
                f"the platform wants the caller's audio as {name}, which we cannot write",
                hint="use pcm or ulaw as the agent's input format",
            )
        self._line = line = CallerLine(wire.rate, self._request.background)

        async def send(frame: "Samples") -> None:
            await self._send(user_audio(encoded(frame, wire)))

        async def speak() -> None:
            with suppress(PlatformError):
                await line.run(send)

        self._speaking = asyncio.create_task(speak())

    def _caller_format(self) -> LineFormat:
        wire = format_of(self._begun.caller_format) if self._begun is not None else None
        if wire is None or self._line is None:
            raise InvalidInput("there are no keys to press in a conversation in text")
        return wire

    async def _send(self, message: JsonObject) -> None:
        self._check()
        await self._socket.send(message)

    def _check(self) -> None:
        if isinstance(self._end, PlatformError):
            raise ConversationLost("the conversation is over", why="Over") from self._end
