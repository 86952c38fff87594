"""The socket of one conversation with an ElevenLabs agent: its address, its opening, its end.

Shared by talks, which hear the agent as sound, and by lines, which pass coded audio on. The address
of a conversation is signed, so it is a secret: it goes to the socket and nowhere else, and no
message of an error repeats it. Every end is one of three: the agent's, ours, or one that nobody
wished, and only the last is an error. What is said over the socket is not known here.
"""

import asyncio
import json
import logging
import socket as sockets
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Protocol, TypeVar
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
from trunkline.adapters.elevenlabs.refusals import BUSY_PAUSE_S
from trunkline.adapters.elevenlabs.talk_messages import malformed
from trunkline.adapters.retry_after import retry_after_s
from trunkline.model.base import Json, JsonObject
from trunkline.model.calls.lines import LineRequest
from trunkline.model.errors import (
    ConversationLost,
    ConversationRefused,
    PlatformError,
    RateLimited,
    Rejected,
    RemoteMissing,
    Unavailable,
)
from trunkline.model.hosts import is_this_machine
from trunkline.model.testing.limits import (
    TALK_CLOSE_TIMEOUT_S,
    TALK_MESSAGE_MAX_BYTES,
    TALK_PING_INTERVAL_S,
    TALK_QUOTE_MAX_CHARACTERS,
)
from trunkline.model.testing.talk import Ended, TalkRequest

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

_socket_log = logging.getLogger(__name__)
_socket_log.setLevel(logging.WARNING)  # at debug level the library writes addresses and messages


class SignedUrl(Answered):
    """The address of one conversation; whoever has it can have the conversation."""

    signed_url: SecretStr


class DirectConnection(connect):
    """A connection to the address that was given: a redirect would take the signature along."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """No redirect is followed."""
        return exc


class ConversationSocket:
    """An open socket to one conversation. Knows who closed it and what that means."""

    def __init__(self, socket: ClientConnection, hidden: Iterable[str]) -> None:
        self._socket = socket
        self._hidden = tuple(hidden)
        self._hung_up = False
        self.complaint = ""

    async def receive(self) -> str | bytes:
        """One message. Raises ConnectionClosed of the library: ``end_of`` says what it means."""
        return await self._socket.recv()

    async def send(self, message: JsonObject) -> None:
        """One message. Raises ConversationLost, ConversationRefused."""
        await self.send_text(json.dumps(message))

    async def send_text(self, text: str) -> None:
        """One message that is JSON already; waits while the platform takes nothing.

        Raises ConversationLost, ConversationRefused; after an end somebody wished it is nothing.
        """
        try:
            await self._socket.send(text)
        except ConnectionClosed as error:
            end = self.end_of(error)
            if isinstance(end, PlatformError):
                raise end from None

    async def hang_up(self) -> None:
        """Close the socket as a caller puts down the receiver."""
        self._hung_up = True
        await self._socket.close(NORMAL)

    async def close(self) -> None:
        """Close it, however far it is."""
        with suppress(WebSocketException, OSError):
            await self._socket.close(NORMAL)

    def hold_little(self, size_bytes: int) -> None:
        """Let the system keep no more unsent bytes than that, so that a platform that takes nothing
        is noticed while what waits is still worth hearing.
        """
        raw = self._socket.transport.get_extra_info("socket")
        if raw is not None:
            with suppress(OSError):
                raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_SNDBUF, size_bytes)

    def complained(self, words: str) -> None:
        """The platform said what is wrong; it usually closes the socket next."""
        self.complaint = self.plain(words)

    def end_of(self, closed: ConnectionClosed) -> Ended | PlatformError:
        """What a closed socket means; whoever closed it first says so."""
        said = closed.rcvd
        if self._hung_up and (said is None or said.code == NORMAL):
            return Ended(by="caller", code=NORMAL)
        if said is None or (closed.sent is not None and not closed.rcvd_then_sent):
            return _dropped(closed.sent.code if closed.sent is not None else None)
        words = self.plain(said.reason) or self.complaint
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

    def refusal_of(self, closed: ConnectionClosed) -> PlatformError:
        """What it means that the socket was closed before the conversation had a name."""
        end = self.end_of(closed)
        if isinstance(end, Ended):
            return ConversationRefused(f"ElevenLabs ended the conversation at once: {end.reason}")
        return end

    def plain(self, words: str) -> str:
        """The platform's words without what no message may repeat."""
        for value in self._hidden:
            words = words.replace(value, "[hidden]")
        return words[:TALK_QUOTE_MAX_CHARACTERS]


class Begins(Protocol):
    """Something that is had over a socket."""

    async def begin(self) -> None:
        """Wait until the platform has named it. Raises ConversationRefused, ConversationLost."""

    async def close(self) -> None:
        """Leave nothing open."""


Conversation = TypeVar("Conversation", bound=Begins)


class ConversationSockets:
    """Opens sockets to agents of one account. The platform says in passing how many it allows."""

    def __init__(
        self,
        client: ElevenLabsClient,
        *,
        ping_interval_s: float = TALK_PING_INTERVAL_S,
        close_timeout_s: float = TALK_CLOSE_TIMEOUT_S,
    ) -> None:
        self._client = client
        self._ping_interval_s = ping_interval_s
        self._close_timeout_s = close_timeout_s
        self.places: int | None = None

    async def open(
        self, agent_id: str, branch_id: str | None, variables: Mapping[str, Json]
    ) -> ConversationSocket:
        """A socket to the agent; nothing was said yet. Values of secret variables stay hidden.

        Raises ConversationRefused, RateLimited, Unavailable, CredentialsRejected.
        """
        address = await self._address(agent_id, branch_id)
        return ConversationSocket(await self._connected(address), _hidden(address, variables))

    @asynccontextmanager
    async def begun(
        self, request: LineRequest | TalkRequest, made: Callable[[ConversationSocket], Conversation]
    ) -> AsyncIterator[Conversation]:
        """What is made of a socket, once it has begun; left behind closed, whatever happens.

        Raises what ``open`` raises, and ConversationLost if it breaks off while it begins.
        """
        conversation: Conversation | None = None
        try:
            try:
                async with asyncio.timeout(request.connect_timeout_s):
                    socket = await self.open(request.agent_id, request.branch_id, request.variables)
                    conversation = made(socket)
                    await conversation.begin()
            except TimeoutError as error:
                raise Unavailable(
                    f"the conversation was not open within {request.connect_timeout_s:.0f} s",
                    hint="look at the platform's status page",
                ) from error
            yield conversation
        finally:
            if conversation is not None:
                await conversation.close()

    async def _address(self, agent_id: str, branch_id: str | None) -> str:
        params: list[tuple[str, str]] = [("agent_id", agent_id)]
        if branch_id is not None:
            params.append(("branch_id", branch_id))
        try:
            signed, places = await self._client.read_with(
                SignedUrl.model_validate, PLACES_HEADER, SIGNED_URL, params
            )
        except (RemoteMissing, Rejected) as error:
            raise ConversationRefused(
                error.message, hint=error.hint, status=error.status, request_id=error.request_id
            ) from error
        if places is not None and places.isdigit():
            self.places = int(places)
        return _socket_address(signed.signed_url.get_secret_value())

    async def _connected(self, address: str) -> ClientConnection:
        host = urlsplit(address).hostname or ""
        try:
            return await DirectConnection(
                address,
                open_timeout=None,
                close_timeout=self._close_timeout_s,
                ping_interval=self._ping_interval_s,
                ping_timeout=self._ping_interval_s,
                max_size=TALK_MESSAGE_MAX_BYTES,
                compression=None,
                proxy=None if is_this_machine(host) else True,
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
    if scheme == "ws" and not is_this_machine(host):
        raise Unavailable(
            "ElevenLabs gave an address without encryption",
            hint="a conversation in clear is only had on this machine",
        )
    return urlunsplit(parts._replace(scheme=scheme))


def _hidden(address: str, variables: Mapping[str, Json]) -> list[str]:
    """What no message may repeat: the signature and the secret variables."""
    signature = [value for name, value in parse_qsl(urlsplit(address).query) if "sign" in name]
    secrets = [
        value
        for name, value in variables.items()
        if name.startswith(SECRET_PREFIX) and isinstance(value, str)
    ]
    found = (address, *signature, *secrets)
    return [value for value in found if len(value) >= HIDDEN_MIN_CHARACTERS]
