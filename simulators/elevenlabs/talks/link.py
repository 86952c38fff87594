"""The way from a talk to its client: filtered by the agent's list of events, spoiled by its fault.

A talk says what happened; whether the client hears of it is decided here, and so is when a fault
of the talk comes due.
"""

from __future__ import annotations

import asyncio
import json

from simulators.elevenlabs.talks import events
from simulators.elevenlabs.talks.initiation import CONTRACT
from simulators.elevenlabs.talks.troubles import TalkFault, TalkFaultKind
from simulators.wire import LOST, Json, Socket, SocketClosed

NORMAL = 1000
OPERATIONAL = 1002
SERVER = 1011
NOT_COUNTED = frozenset({"ping", "conversation_initiation_metadata"})
BROKEN_JSON = '{"type": "agent_response", "agent_respo'


class TalkOver(Exception):
    """The platform's side ends the talk with this closing code and these words."""

    def __init__(self, code: int, reason: str, *, by_agent: bool = False) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.by_agent = by_agent


class Link:
    """Sends events of one talk."""

    def __init__(self, socket: Socket, fault: TalkFault | None) -> None:
        self._socket = socket
        self._fault = fault
        self._chosen = events.ALWAYS
        self._sent = 0
        self._event_id = 0
        self.silenced = False
        self.pings = fault is None or fault.kind is not TalkFaultKind.NO_PING

    def choose(self, client_events: list[str]) -> None:
        """Send what an agent with this list sends."""
        self._chosen = events.chosen(client_events)

    def has(self, name: str) -> bool:
        """True if events of this type reach the client."""
        return name in self._chosen

    def next_id(self) -> int:
        """The number of the next event of the conversation."""
        self._event_id += 1
        return self._event_id

    async def receive(self) -> Json:
        """The client's next message. Raises SocketClosed, TalkOver."""
        return parsed(await self._socket.receive())

    async def chunk(self) -> str:
        """The client's next piece of audio, in base64. Raises SocketClosed, TalkOver."""
        while True:
            message = await self.receive()
            if "user_audio_chunk" in message:
                return str(message["user_audio_chunk"])

    async def send(self, event: Json) -> None:
        """One event, if the client is to have it. Raises SocketClosed, TalkOver."""
        if event["type"] not in self._chosen:
            return
        if event["type"] not in NOT_COUNTED:
            await self.suffer()
            if self.silenced:
                return
            self._sent += 1
        await self._socket.send(self._written(event))

    def _written(self, event: Json) -> str:
        """An event as this kind of client reads it."""
        return json.dumps(event)

    async def suffer(self) -> None:
        """Let the talk's fault happen once it is due. Raises SocketClosed, TalkOver."""
        fault = self._fault
        if fault is None or self._sent < fault.after_events:
            return
        if fault.kind is TalkFaultKind.SILENT:
            self.silenced = True
            return
        if fault.kind is TalkFaultKind.SLOW:
            await asyncio.sleep(fault.seconds)
            return
        self._fault = None
        if fault.kind is TalkFaultKind.DROP:
            self._socket.cut()
            raise SocketClosed(LOST)
        if fault.kind is TalkFaultKind.MALFORMED_JSON:
            await self._socket.send(BROKEN_JSON)
        elif fault.kind is TalkFaultKind.MALFORMED_FRAME:
            self._socket.spoil()
        elif fault.kind is TalkFaultKind.LATE_PONG:
            self._socket.delay_pongs(fault.seconds)
        elif fault.kind is TalkFaultKind.SERVER_ERROR:
            raise TalkOver(SERVER, "An internal server error occurred.")
        elif fault.kind is TalkFaultKind.OPERATIONAL:
            raise TalkOver(OPERATIONAL, "The language model did not answer in time.")

    async def close(self, over: TalkOver) -> None:
        """End the conversation; an error is told before, where the client wants to know."""
        if over.code != NORMAL and self.has("client_error"):
            await self._socket.send(json.dumps(events.error(over.code, over.reason)))
        await self._socket.close(over.code, over.reason)


def parsed(text: str) -> Json:
    """A client's message. Raises TalkOver (1008) for what is none."""
    try:
        message = json.loads(text)
    except ValueError as error:
        raise TalkOver(CONTRACT, "Invalid message received.") from error
    if not isinstance(message, dict):
        raise TalkOver(CONTRACT, "Invalid message received.")
    return message
