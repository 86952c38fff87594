"""What the streams for watching and hearing calls send, message by message.

Public shapes: they may gain keys, and whoever reads one ignores those it does not know.
"""

from datetime import datetime
from typing import Final, Literal, TypeAlias

from pydantic import ConfigDict

from trunkline.model.base import Frozen, JsonObject
from trunkline.model.calls.events import EventName
from trunkline.model.calls.happenings import CallHappening, Happening
from trunkline.model.calls.limits import STREAM_HEARTBEAT_S

TRACKS: Final = ("caller", "agent")
"""Sides of a call; in binary frames the first byte is the place in this list."""


class Message(Frozen):
    """The base of every message."""

    model_config = ConfigDict(extra="ignore")

    def document(self) -> JsonObject:
        """The message as it is sent."""
        return self.model_dump(mode="json")


class StreamBegun(Message):
    """The first message. ``id`` is where the stream begins: what comes has a higher one."""

    type: Literal["stream_begun"] = "stream_begun"
    project: str
    id: int
    heartbeat_s: float = STREAM_HEARTBEAT_S


class Heartbeat(Message):
    """Nothing happened. ``id`` is what to resume from, null where nothing can be."""

    type: Literal["heartbeat"] = "heartbeat"
    id: int | None = None


class ProjectHappened(Message):
    """An event of the project, as ``GET …/events`` lists it."""

    type: Literal["project_event"] = "project_event"
    id: int
    at: datetime | None
    environment: str
    kind: str
    name: str
    severity: Literal["Normal", "Warning"]
    reason: str
    message: str
    revision: str | None
    details: JsonObject


class CallHappened(Message):
    """An event of a call; ``seq`` counts within the call, ``data`` is by ``type``."""

    type: EventName
    id: int
    at: datetime
    call: str
    seq: int
    environment: str
    agent: str
    data: JsonObject


class SoundFormat(Message):
    """How audio is coded."""

    coding: Literal["ulaw"] = "ulaw"
    rate: Literal[8000] = 8000


class ListeningBegun(Message):
    """The first message to a listener. Audio follows: by ``frames`` as binary messages, whose first
    byte is the place of the track in ``tracks``, or as messages ``audio``.
    """

    type: Literal["listening_begun"] = "listening_begun"
    call: str
    environment: str
    agent: str
    started_at: datetime
    answered_at: datetime | None
    format: SoundFormat = SoundFormat()
    tracks: tuple[str, ...] = TRACKS
    frames: Literal["binary", "json"]
    heartbeat_s: float = STREAM_HEARTBEAT_S


class AudioHeard(Message):
    """A piece of one track; ``audio`` is base64."""

    type: Literal["audio"] = "audio"
    track: str
    audio: str


class CallEnded(Message):
    """The last message to a listener."""

    type: Literal["call_ended"] = "call_ended"
    call: str


StreamMessage: TypeAlias = StreamBegun | Heartbeat | ProjectHappened | CallHappened
ListeningMessage: TypeAlias = ListeningBegun | Heartbeat | AudioHeard | CallEnded


def happened(happening: Happening) -> CallHappened | ProjectHappened:
    """What happened as a message."""
    if isinstance(happening, CallHappening):
        event = happening.event
        return CallHappened(
            type=event.name,
            id=happening.id,
            at=event.at,
            call=happening.call,
            seq=event.seq,
            environment=happening.environment,
            agent=happening.agent,
            data=event.data,
        )
    return ProjectHappened(
        id=happening.id or 0,
        at=happening.at,
        environment=happening.environment,
        kind=happening.kind,
        name=happening.name,
        severity=happening.type,
        reason=happening.reason,
        message=happening.message,
        revision=happening.revision,
        details=happening.details,
    )
