"""Conversations with agents of one ElevenLabs account, over the platform's own socket.

The address of a conversation is signed, so it is a secret: it goes to the socket and nowhere else,
and no message of an error repeats it. Every end is one of three: the agent's, ours, or one that
nobody wished, and only the last is an error. What a conversation is for is not known here.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from pydantic import SecretStr
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
    WebSocketException,
)

from trunkline.adapters.elevenlabs.answers import Answered
from trunkline.adapters.elevenlabs.client import ElevenLabsClient
from trunkline.adapters.elevenlabs.deleting import CONVERSATION_LINES, CONVERSATIONS, LIVE
from trunkline.adapters.elevenlabs.refusals import BUSY_PAUSE_S
from trunkline.adapters.elevenlabs.talk_messages import (
    Begun,
    Complained,
    Pinged,
    Reader,
    client_tool_result,
    contextual_update,
    initiation,
    malformed,
    pong,
    user_audio,
    user_message,
)
from trunkline.adapters.elevenlabs.talk_records import variables_of
from trunkline.adapters.retry_after import retry_after_s
from trunkline.adapters.speech.formats import Format, format_of
from trunkline.model.base import Json, JsonObject
from trunkline.model.errors import (
    ConversationLost,
    ConversationRefused,
    InvalidInput,
    PlatformError,
    RateLimited,
    Rejected,
    RemoteMissing,
    Unavailable,
)
from trunkline.model.limits import LIVE_CALL_MAX_S
from trunkline.model.testing.limits import (
    TALK_CLOSE_TIMEOUT_S,
    TALK_EVENTS_MAX,
    TALK_MESSAGE_MAX_BYTES,
    TALK_PING_INTERVAL_S,
    TALK_QUOTE_MAX_CHARACTERS,
)
from trunkline.model.testing.talk import (
    AgentSounded,
    Ended,
    Interrupted,
    Opened,
    Sound,
    TalkEvent,
    TalkRequest,
)

if TYPE_CHECKING:
    from trunkline.adapters.speech.encoding import Samples
    from trunkline.adapters.speech.lines import CallerLine

SIGNED_URL = "/v1/convai/conversation/get-signed-url"
PLACES_HEADER = "maximum-concurrent-requests"
SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
SECRET_PREFIX = "secret__"  # noqa: S105 - how the vendor names variables that models never see
HIDDEN_MIN_CHARACTERS = 6

NORMAL, LEAVING, PROTOCOL, UNSUPPORTED, REFUSED, TOO_LARGE, SERVER = (
    1000,
    1001,
    1002,
    1007,
    1008,
    1009,
    1011,
)
LOST = {
    LEAVING: ("ServerLeft", "its server went away"),
    PROTOCOL: ("OperationalError", "the platform could not go on"),
    SERVER: ("ServerError", "the platform failed"),
}
"""Ends by the platform that say nothing about the agent, by the code of the close frame."""

logger = logging.getLogger(__name__)
_socket_log = logging.getLogger(f"{__name__}.socket")
_socket_log.setLevel(logging.WARNING)  # at debug level the library writes addresses and messages


class SignedUrl(Answered):
    """The address of one conversation; whoever has it can have the conversation."""

    signed_url: SecretStr


class DirectConnection(connect):
    """A connection to the address that was given: a redirect would take the signature along."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """No redirect is followed."""
        return exc


class ElevenLabsTalks:
    """``ports.Talks`` of one account. The platform says in passing how many places it has."""

    def __init__(
        self, client: ElevenLabsClient, *, ping_interval_s: float = TALK_PING_INTERVAL_S
    ) -> None:
        self._client = client
        self._ping_interval_s = ping_interval_s
        self._places: int | None = None

    @asynccontextmanager
    async def open(self, request: TalkRequest) -> AsyncIterator["ElevenLabsTalk"]:
        """Begin a conversation and leave it behind closed, whatever happens.

        Raises ConversationRefused, RateLimited, Unavailable, CredentialsRejected, and
        ConversationLost if it breaks off while it begins.
        """
        talk: ElevenLabsTalk | None = None
        try:
            try:
                async with asyncio.timeout(request.connect_timeout_s):
                    address = await self._address(request)
                    socket = await self._connected(address)
                    talk = ElevenLabsTalk(socket, request, hidden=_hidden(address, request))
                    await talk.begin()
            except TimeoutError as error:
                raise Unavailable(
                    f"the conversation was not open within {request.connect_timeout_s:.0f} s",
                    hint="look at the platform's status page",
                ) from error
            yield talk
        finally:
            if talk is not None:
                await talk.close()

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
        return self._places

    async def variables(self, conversation_id: str) -> dict[str, Json] | None:
        """The variables a conversation ended with; None if the platform does not say in time."""
        return await variables_of(self._client, conversation_id)

    async def _address(self, request: TalkRequest) -> str:
        params: list[tuple[str, str]] = [("agent_id", request.agent_id)]
        if request.branch_id is not None:
            params.append(("branch_id", request.branch_id))
        try:
            signed, places = await self._client.read_with(
                SignedUrl.model_validate, PLACES_HEADER, SIGNED_URL, params
            )
        except (RemoteMissing, Rejected) as error:
            raise ConversationRefused(
                error.message, hint=error.hint, status=error.status, request_id=error.request_id
            ) from error
        if places is not None and places.isdigit():
            self._places = int(places)
        return _socket_address(signed.signed_url.get_secret_value())

    async def _connected(self, address: str) -> ClientConnection:
        host = urlsplit(address).hostname or ""
        try:
            return await DirectConnection(
                address,
                open_timeout=None,
                close_timeout=TALK_CLOSE_TIMEOUT_S,
                ping_interval=self._ping_interval_s,
                ping_timeout=self._ping_interval_s,
                max_size=TALK_MESSAGE_MAX_BYTES,
                compression=None,
                proxy=None if _is_this_machine(host) else True,
                logger=_socket_log,
                user_agent_header="trunkline",
            )
        except InvalidStatus as error:
            retry_after = error.response.headers.get("retry-after")
            raise _handshake_refused(error.response.status_code, retry_after) from None
        except InvalidURI:
            raise Unavailable("ElevenLabs gave an address that is none") from None
        except (OSError, InvalidHandshake, WebSocketException) as error:
            raise Unavailable(
                f"the socket of the conversation could not be opened ({type(error).__name__})",
                hint=f"check that {host} can be reached by WebSocket",
            ) from None


class ElevenLabsTalk:
    """``ports.Talk``. One task reads and answers pings, in audio another one is the caller's line.

    Reading waits while nobody takes events, so that a talk never holds more than a bounded number.
    """

    def __init__(
        self, socket: ClientConnection, request: TalkRequest, *, hidden: Iterable[str]
    ) -> None:
        self._socket = socket
        self._request = request
        self._hidden = tuple(hidden)
        self._reader = Reader()
        self._events: asyncio.Queue[TalkEvent | PlatformError] = asyncio.Queue(TALK_EVENTS_MAX)
        self._reading: asyncio.Task[None] | None = None
        self._speaking: asyncio.Task[None] | None = None
        self._begun: Begun | None = None
        self._end: Ended | PlatformError | None = None
        self._line: CallerLine | None = None
        self._complaint = ""
        self._void_until = 0
        self._hung_up = False

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
            await self._socket.send(json.dumps(initiation(self._request)))
            while self._begun is None:
                await self._take(await self._socket.recv())
        except ConnectionClosed as error:
            end = self._end_of(error)
            if isinstance(end, Ended):
                end = ConversationRefused(
                    f"ElevenLabs ended the conversation at once: {end.reason}"
                )
            raise end from None
        await self._events.put(Opened(conversation_id=self._begun.conversation_id))
        if not self._request.text_only:
            self._speak_as(self._begun.caller_format)
        self._reading = asyncio.create_task(self._read())

    async def events(self) -> AsyncIterator[TalkEvent]:
        """What happens, up to ``Ended``. Raises ConversationRefused, ConversationLost instead."""
        while True:
            event = await self._events.get()
            if isinstance(event, PlatformError):
                raise event
            yield event
            if isinstance(event, Ended):
                return

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
        self._hung_up = True
        await self._socket.close(NORMAL)

    async def close(self) -> None:
        """End every task and the socket; the tasks first, so that nobody reads a closed socket."""
        tasks = [task for task in (self._speaking, self._reading) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(WebSocketException, OSError):
            await self._socket.close(NORMAL)

    async def _read(self) -> None:
        try:
            while True:
                await self._take(await self._socket.recv())
        except ConnectionClosed as error:
            self._end = self._end_of(error)
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
            await self._socket.send(json.dumps(pong(message.event_id)))
        elif isinstance(message, Complained):
            self._complaint = self._plain(message.words)
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

    def _caller_format(self) -> Format:
        wire = format_of(self._begun.caller_format) if self._begun is not None else None
        if wire is None or self._line is None:
            raise InvalidInput("there are no keys to press in a conversation in text")
        return wire

    async def _send(self, message: JsonObject) -> None:
        self._check()
        try:
            await self._socket.send(json.dumps(message))
        except ConnectionClosed as error:
            end = self._end_of(error)
            if isinstance(end, PlatformError):
                raise end from None

    def _check(self) -> None:
        if isinstance(self._end, PlatformError):
            raise ConversationLost("the conversation is over", why="Over") from self._end

    def _end_of(self, closed: ConnectionClosed) -> Ended | PlatformError:
        """What a closed socket means; whoever closed it first says so."""
        said = closed.rcvd
        if self._hung_up and (said is None or said.code == NORMAL):
            return Ended(by="caller", code=NORMAL)
        if said is None or (closed.sent is not None and not closed.rcvd_then_sent):
            return _dropped(closed.sent.code if closed.sent is not None else None)
        words = self._plain(said.reason) or self._complaint
        if said.code == NORMAL:
            return Ended(by="agent", code=NORMAL, reason=words)
        if said.code == REFUSED:
            return ConversationRefused(
                f"ElevenLabs refuses the conversation: {words or 'no explanation'}",
                status=said.code,
            )
        why, what = LOST.get(said.code, ("Closed", "the platform closed it"))
        shown = f": {words}" if words else ""
        return ConversationLost(
            f"the conversation was lost, {what} ({said.code}){shown}", why=why, status=said.code
        )

    def _plain(self, words: str) -> str:
        for value in self._hidden:
            words = words.replace(value, "[hidden]")
        return words[:TALK_QUOTE_MAX_CHARACTERS]


def _dropped(sent: int | None) -> ConversationLost:
    """The other side did not close: the socket broke, or we had to close it ourselves."""
    if sent == SERVER:
        return ConversationLost("ElevenLabs did not answer a ping any more", why="PongMissing")
    if sent == TOO_LARGE:
        return ConversationLost("ElevenLabs sent a message that is too large", why="TooLarge")
    if sent in {PROTOCOL, UNSUPPORTED}:
        return malformed("a frame that breaks the protocol")
    return ConversationLost("the socket of the conversation was dropped", why="SocketDropped")


def _handshake_refused(status: int, retry_after: str | None) -> PlatformError:
    said = f"ElevenLabs answered {status} to the opening of the conversation's socket"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited(
            said, retry_after_s=retry_after_s(retry_after, default_s=BUSY_PAUSE_S), status=status
        )
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return ConversationRefused(said, status=status)
    return Unavailable(said, status=status)


def _socket_address(signed: str) -> str:
    """The signed address with the scheme of a socket. Raises Unavailable without repeating it."""
    try:
        parts = urlsplit(signed)
        scheme, host = SCHEMES.get(parts.scheme), parts.hostname
    except ValueError:
        scheme = host = None
    if scheme is None or not host:
        raise Unavailable("ElevenLabs gave an address that is none")
    if scheme == "ws" and not _is_this_machine(host):
        raise Unavailable(
            "ElevenLabs gave an address without encryption",
            hint="a conversation in clear is only had on this machine",
        )
    return urlunsplit(parts._replace(scheme=scheme))


def _hidden(address: str, request: TalkRequest) -> list[str]:
    """What no message may repeat: the signature and the secret variables."""
    signature = [value for name, value in parse_qsl(urlsplit(address).query) if "sign" in name]
    secrets = [
        value
        for name, value in request.variables.items()
        if name.startswith(SECRET_PREFIX) and isinstance(value, str)
    ]
    found = (address, *signature, *secrets)
    return [value for value in found if len(value) >= HIDDEN_MIN_CHARACTERS]


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
