"""A telephone call's stream as a client of a talk.

Twilio's Media Streams on one side, the events of a conversation on the other: audio in base64 goes
through as it is, an interruption becomes ``clear``, the end of a reply a ``mark``. Which call it is
and who answers it is decided elsewhere.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Final

from simulators.elevenlabs.talks.initiation import CONTRACT, Unacceptable
from simulators.elevenlabs.talks.link import NORMAL, OPERATIONAL, Link, TalkOver, parsed
from simulators.elevenlabs.talks.talk import Talk
from simulators.elevenlabs.talks.troubles import TalkFault
from simulators.limits import INITIATION_TIMEOUT_S
from simulators.wire import Json, Socket

ENDED_BY_CALLER: Final = "Call ended by remote party"
ENCODING: Final = "audio/x-mulaw"
# Keys pressed within so long of each other are one answer.
KEY_PAUSE_S: Final = 1.0
EVENTS: Final = frozenset({"audio", "interruption", "agent_response_complete"})


@dataclass(frozen=True, slots=True)
class Opened:
    """What a stream says of itself at its start."""

    stream_sid: str
    call_sid: str
    account_sid: str
    parameters: Json


async def opened(socket: Socket) -> Opened:
    """Read a stream's beginning. Raises Unacceptable, SocketClosed."""
    try:
        async with asyncio.timeout(INITIATION_TIMEOUT_S):
            if parsed(await socket.receive()).get("event") != "connected":
                raise Unacceptable(CONTRACT, "The AI agent you are trying to reach does not exist.")
            message = parsed(await socket.receive())
    except TimeoutError as error:
        raise Unacceptable(OPERATIONAL, "The stream did not start.") from error
    except TalkOver as error:
        raise Unacceptable(error.code, error.reason) from error
    start = message.get("start")
    if message.get("event") != "start" or not isinstance(start, dict):
        raise Unacceptable(CONTRACT, "The stream did not start.")
    if (start.get("mediaFormat") or {}).get("encoding") != ENCODING:
        raise Unacceptable(CONTRACT, f"The stream is not {ENCODING}.")
    return Opened(
        stream_sid=str(start.get("streamSid")),
        call_sid=str(start.get("callSid")),
        account_sid=str(start.get("accountSid")),
        parameters=start.get("customParameters") or {},
    )


class PhoneLine(Link):
    """Sends and receives for one talk by telephone."""

    def __init__(self, socket: Socket, fault: TalkFault | None, stream_sid: str) -> None:
        super().__init__(socket, fault)
        self.pings = False
        self._stream_sid = stream_sid
        self._chosen = EVENTS
        self._talk: Talk | None = None
        self._keys = ""
        self._pause: asyncio.TimerHandle | None = None

    def attend(self, talk: Talk) -> None:
        """Give the caller's keys to this talk from now on."""
        self._talk = talk

    def choose(self, client_events: list[str]) -> None:
        """A telephone hears, whatever the agent's list says."""

    async def receive(self) -> Json:
        """The caller's next piece of audio. Raises SocketClosed, TalkOver."""
        while True:
            message = parsed(await self._socket.receive())
            event = message.get("event")
            if event == "media":
                return {"user_audio_chunk": _within(message, "media", "payload")}
            if event == "dtmf":
                self._press(_within(message, "dtmf", "digit"))
            elif event == "stop":
                raise TalkOver(NORMAL, ENDED_BY_CALLER)

    def _press(self, key: str) -> None:
        self._keys += key
        if self._pause is not None:
            self._pause.cancel()
        self._pause = asyncio.get_running_loop().call_later(KEY_PAUSE_S, self._pressed)

    def _pressed(self) -> None:
        keys, self._keys, self._pause = self._keys, "", None
        if self._talk is not None:
            self._talk.later(partial(_take, self._talk, keys))

    def _written(self, event: Json) -> str:
        stream = f'"streamSid":"{self._stream_sid}"'
        if event["type"] == "audio":
            payload = event["audio_event"]["audio_base_64"]
            return f'{{"event":"media",{stream},"media":{{"payload":"{payload}"}}}}'
        if event["type"] == "interruption":
            return f'{{"event":"clear",{stream}}}'
        event_id = event["agent_response_complete_event"]["event_id"]
        return f'{{"event":"mark",{stream},"mark":{{"name":"{event_id}"}}}}'


async def _take(talk: Talk, keys: str) -> None:
    talk.caller_pressed(keys)


def _within(message: Json, part: str, name: str) -> str:
    inner = message.get(part)
    value = inner.get(name) if isinstance(inner, dict) else None
    if not isinstance(value, str):
        raise TalkOver(CONTRACT, f"A message {part} without {name}.")
    return value
