"""The messages of ElevenLabs' conversation socket, both ways, as data.

Pure: one message in, one event of ours or nothing out. The vendor adds message types all the time,
so an unknown one is nothing; a known one without what we rely on is a malformed frame, and the
conversation is lost rather than half understood. The format's source is the vendor's public
description of the protocol.
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import Field, ValidationError, model_validator

from trunkline.adapters.elevenlabs.answers import Answered
from trunkline.adapters.speech.formats import format_of
from trunkline.model.base import Json, JsonObject
from trunkline.model.calls.lines import AgentAudio, LineFormat
from trunkline.model.errors import ConversationLost
from trunkline.model.testing.limits import TALK_QUOTE_MAX_CHARACTERS
from trunkline.model.testing.talk import (
    AgentCorrected,
    AgentSaid,
    AgentSounded,
    CallerUnderstood,
    Interrupted,
    ToolAsked,
    ToolBegun,
    ToolDone,
    ToolPlace,
)

DEFAULT_FORMAT = "pcm_16000"
PLACES: dict[str, ToolPlace] = {"client": "caller", "system": "platform"}
"""Kinds of tools the platform names; every other kind is answered by a service."""


@dataclass(frozen=True, slots=True)
class Begun:
    """The conversation has a name, and the sound on both ways a format."""

    conversation_id: str
    agent_format: str
    caller_format: str


@dataclass(frozen=True, slots=True)
class Pinged:
    """The platform asks whether we are there."""

    event_id: int


@dataclass(frozen=True, slots=True)
class Complained:
    """The platform says what is wrong, usually just before it closes the socket."""

    code: int
    words: str


Told = (
    AgentSaid
    | AgentCorrected
    | CallerUnderstood
    | Interrupted
    | ToolAsked
    | ToolBegun
    | ToolDone
    | Begun
    | Pinged
    | Complained
)
"""Every message but audio."""
Audio = TypeVar("Audio")


class _Metadata(Answered):
    conversation_id: str = Field(min_length=1)
    agent_output_audio_format: str = DEFAULT_FORMAT
    user_input_audio_format: str | None = DEFAULT_FORMAT


class _Event(Answered):
    event_id: int = 0

    @model_validator(mode="before")
    @classmethod
    def _without_nothing(cls, told: object) -> object:
        """A member that is null is one that is not there."""
        if not isinstance(told, dict):
            return told
        return {name: value for name, value in told.items() if value is not None}


class _Audio(_Event):
    audio_base_64: str


class _Reply(_Event):
    agent_response: str


class _Correction(_Event):
    original_agent_response: str
    corrected_agent_response: str


class _Understood(_Event):
    user_transcript: str


class _Tool(_Event):
    tool_name: str
    tool_call_id: str
    tool_type: str = "webhook"
    is_error: bool = False
    is_called: bool = True
    parameters: JsonObject = Field(default_factory=dict)

    @property
    def place(self) -> ToolPlace:
        return PLACES.get(self.tool_type, "service")


class _Error(Answered):
    code: int = 0
    message: str = ""
    reason: str | None = None


class Reader(Generic[Audio]):
    """Reads what the platform sends; how audio is handed on is what readers differ in."""

    def __init__(self, hear: Callable[[object, LineFormat | None], Audio]) -> None:
        self._hear = hear
        self.format: LineFormat | None = format_of(DEFAULT_FORMAT)
        self._known: dict[str, tuple[str, Callable[[object], Audio | Told | None]]] = {
            "conversation_initiation_metadata": (
                "conversation_initiation_metadata_event",
                self._begun,
            ),
            "ping": ("ping_event", _pinged),
            "audio": ("audio_event", self._audio),
            "agent_response": ("agent_response_event", _reply),
            "agent_response_correction": ("agent_response_correction_event", _correction),
            "user_transcript": ("user_transcription_event", _understood),
            "interruption": ("interruption_event", _interrupted),
            "client_tool_call": ("client_tool_call", _asked),
            "agent_tool_request": ("agent_tool_request", _tool_begun),
            "agent_tool_response": ("agent_tool_response", _tool_done),
            "error": ("error_event", _complained),
        }

    def read(self, raw: str | bytes) -> Audio | Told | None:
        """One message; None for one that says nothing to us. Raises ConversationLost."""
        if isinstance(raw, bytes):
            raise malformed("a binary frame")
        try:
            message = json.loads(raw)
            if "\\u" in raw:
                json.dumps(message, ensure_ascii=False).encode()  # half a character is no text
        except (ValueError, RecursionError) as error:
            raise malformed("a frame that is no JSON") from error
        if not isinstance(message, dict):
            raise malformed("a frame that is no JSON object")
        kind = message.get("type")
        if not isinstance(kind, str) or kind not in self._known:
            return None
        key, read = self._known[kind]
        try:
            return read(message.get(key))
        except ValidationError as error:
            raise malformed(f"a message {kind} without what belongs into it") from error

    def _begun(self, told: object) -> Told:
        metadata = _Metadata.model_validate(told)
        self.format = format_of(metadata.agent_output_audio_format)
        return Begun(
            conversation_id=metadata.conversation_id,
            agent_format=metadata.agent_output_audio_format,
            caller_format=metadata.user_input_audio_format or DEFAULT_FORMAT,
        )

    def _audio(self, told: object) -> Audio:
        return self._hear(told, self.format)


def as_sound(told: object, wire: LineFormat | None) -> AgentSounded:
    """Audio as sound, for whoever listens to it."""
    from trunkline.adapters.speech.encoding import decoded  # noqa: PLC0415 - it takes memory

    audio = _Audio.model_validate(told)
    if wire is None:
        raise unknown_audio()
    try:
        content = base64.b64decode(audio.audio_base_64, validate=True)
    except binascii.Error as error:
        raise malformed("audio that is no base64") from error
    return AgentSounded(sound=decoded(content, wire), event_id=audio.event_id)


def as_coded(told: object, _: LineFormat | None) -> AgentAudio:
    """Audio as it is coded: a frame costs two look-ups and base64, once."""
    try:
        content = base64.b64decode(told["audio_base_64"], validate=True)  # type: ignore[index]
        event_id = told.get("event_id", 0)  # type: ignore[attr-defined]
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise malformed("a message audio without what belongs into it") from error
    return AgentAudio(content, event_id if isinstance(event_id, int) else 0)


def unknown_audio() -> ConversationLost:
    """The agent's audio comes in a format nobody here reads."""
    return ConversationLost(
        "the agent speaks in an audio format we cannot read",
        why="UnknownAudioFormat",
        hint="use pcm or ulaw as the agent's output format",
    )


def malformed(what: str) -> ConversationLost:
    """The platform sent what nobody can read."""
    return ConversationLost(f"ElevenLabs sent {what}", why="MalformedFrame")


def initiation(variables: Mapping[str, Json], *, text_only: bool) -> JsonObject:
    """What the caller says first: variables, and text only if that is wanted."""
    override: JsonObject = {"conversation": {"text_only": True}} if text_only else {}
    return {
        "type": "conversation_initiation_client_data",
        "custom_llm_extra_body": {},
        "conversation_config_override": override,
        "dynamic_variables": dict(variables),
    }


def pong(event_id: int) -> JsonObject:
    """The answer to a ping."""
    return {"type": "pong", "event_id": event_id}


def user_message(text: str) -> JsonObject:
    """The caller's words."""
    return {"type": "user_message", "text": text}


def user_audio(content: bytes) -> JsonObject:
    """A piece of the caller's audio; the one message without a type."""
    return {"user_audio_chunk": base64.b64encode(content).decode("ascii")}


def contextual_update(text: str, slot: str | None = None) -> JsonObject:
    """Something the agent should know; of one slot only the latest counts."""
    update: JsonObject = {"type": "contextual_update", "text": text}
    return update if slot is None else {**update, "context_id": slot}


def client_tool_result(call_id: str, answer: Json, *, is_error: bool) -> JsonObject:
    """The answer of a tool on the caller's side; what is no text goes as JSON."""
    result = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    return {
        "type": "client_tool_result",
        "tool_call_id": call_id,
        "result": result,
        "is_error": is_error,
    }


def _pinged(told: object) -> Told:
    return Pinged(_Event.model_validate(told).event_id)


def _reply(told: object) -> Told | None:
    reply = _Reply.model_validate(told)
    said = reply.agent_response.replace("\0", "").strip()
    return AgentSaid(text=said, event_id=reply.event_id) if said else None


def _correction(told: object) -> Told:
    correction = _Correction.model_validate(told)
    return AgentCorrected(
        original=correction.original_agent_response,
        corrected=correction.corrected_agent_response,
        event_id=correction.event_id,
    )


def _understood(told: object) -> Told:
    return CallerUnderstood(text=_Understood.model_validate(told).user_transcript)


def _interrupted(told: object) -> Told:
    return Interrupted(event_id=_Event.model_validate(told).event_id)


def _asked(told: object) -> Told:
    tool = _Tool.model_validate(told)
    return ToolAsked(tool=tool.tool_name, call_id=tool.tool_call_id, arguments=tool.parameters)


def _tool_begun(told: object) -> Told:
    tool = _Tool.model_validate(told)
    return ToolBegun(tool=tool.tool_name, call_id=tool.tool_call_id, place=tool.place)


def _tool_done(told: object) -> Told:
    tool = _Tool.model_validate(told)
    return ToolDone(
        tool=tool.tool_name,
        call_id=tool.tool_call_id,
        is_error=tool.is_error,
        place=tool.place,
        called=tool.is_called,
    )


def _complained(told: object) -> Told:
    error = _Error.model_validate(told)
    words = error.message or error.reason or ""
    return Complained(code=error.code, words=words[:TALK_QUOTE_MAX_CHARACTERS])
