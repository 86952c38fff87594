"""The messages of a carrier's media stream, both ways, as data.

Pure, and cheap on purpose: a call is a hundred of these a second. Numbers come as texts, unknown
messages are nothing, and a known one without what belongs into it is malformed. What a message
means for a call is not known here.
"""

import binascii
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from trunkline.model.calls.lines import LineFormat
from trunkline.model.errors import StreamMalformed

CODINGS: Final = {"audio/x-mulaw": "ulaw"}
SAMPLE_RATE: Final = 8_000
STREAM_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
TELEPHONE: Final = LineFormat("ulaw", SAMPLE_RATE)
PARAMETERS_MAX: Final = 100
"""More than a carrier allows."""
_UNREADABLE: Final = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    OverflowError,
    RecursionError,
)


@dataclass(frozen=True, slots=True)
class StreamBegun:
    """The first message that says anything: whose stream this is, and what its sender was given."""

    stream: str
    account: str
    call: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    coding: LineFormat = TELEPHONE


@dataclass(slots=True)
class Heard:
    """A frame of the caller. ``number`` counts from 1 without gaps, 0 if the carrier says none."""

    content: bytes
    number: int


@dataclass(frozen=True, slots=True)
class Pressed:
    """The caller pressed a key."""

    key: str


@dataclass(frozen=True, slots=True)
class Marked:
    """Everything sent before the mark was played, or taken away by ``clear``."""

    name: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """The carrier ends the stream: the caller hung up, or the call went on elsewhere."""


StreamMessage = StreamBegun | Heard | Pressed | Marked | Stopped


def read(text: str) -> StreamMessage | None:
    """One message; None for one that says nothing to us. Raises StreamMalformed."""
    try:
        message = json.loads(text)
        reader = _READERS.get(message["event"])
        return reader(message) if reader is not None else None
    except _UNREADABLE as error:
        raise StreamMalformed("a media stream sent a message nobody can read") from error


class StreamWriter:
    """What one stream is told, as JSON that is ready to be sent."""

    def __init__(self, stream: str) -> None:
        if not STREAM_NAME.fullmatch(stream):
            raise StreamMalformed("a media stream has a name no stream has")
        self._media = f'{{"event":"media","streamSid":"{stream}","media":{{"payload":"'
        self._mark = f'{{"event":"mark","streamSid":"{stream}","mark":{{"name":"'
        self.clear = f'{{"event":"clear","streamSid":"{stream}"}}'

    def media(self, content: bytes) -> str:
        """Audio to be played behind what waits already."""
        return f'{self._media}{b64encode(content).decode("ascii")}"}}}}'

    def mark(self, number: int) -> str:
        """To be answered once everything before it was played."""
        return f'{self._mark}{number}"}}}}'


def _media(message: Any) -> StreamMessage:
    media = message["media"]
    try:
        content = b64decode(media["payload"], validate=True)
    except binascii.Error as error:
        raise StreamMalformed("a media stream sent audio that is no base64") from error
    return Heard(content, int(media.get("chunk", 0)))


def _begun(message: Any) -> StreamMessage:
    start = message["start"]
    json.dumps(start, ensure_ascii=False).encode()  # half a character is no text
    wire = start["mediaFormat"]
    coding = CODINGS.get(wire["encoding"])
    rate, channels = int(wire["sampleRate"]), int(wire.get("channels", 1))
    if coding != "ulaw" or channels != 1 or rate != SAMPLE_RATE:
        raise StreamMalformed("a media stream is coded in a way nobody here reads")
    given = start.get("customParameters") or {}
    if len(given) > PARAMETERS_MAX:
        raise StreamMalformed("a media stream was given more than anybody gives")
    return StreamBegun(
        stream=str(start["streamSid"]),
        account=str(start["accountSid"]),
        call=str(start["callSid"]),
        parameters={str(name): str(value) for name, value in given.items()},
    )


def _pressed(message: Any) -> StreamMessage:
    return Pressed(str(message["dtmf"]["digit"]))


def _marked(message: Any) -> StreamMessage:
    return Marked(str(message["mark"]["name"]))


def _stopped(_: Any) -> StreamMessage:
    return Stopped()


_READERS: Final[Mapping[str, Callable[[Any], StreamMessage]]] = {
    "media": _media,
    "mark": _marked,
    "start": _begun,
    "dtmf": _pressed,
    "stop": _stopped,
}
