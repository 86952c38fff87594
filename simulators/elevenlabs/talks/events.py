"""What the platform says over a conversation's socket, message by message.

The shapes are the ones the vendor's clients read. Nothing here knows when a message is sent.
"""

from __future__ import annotations

from simulators.wire import Json

# Sent whatever the agent's list says: no client can do without them.
ALWAYS = frozenset({"conversation_initiation_metadata", "ping"})
# What an agent sends whose list is empty; a list that is given replaces this one.
BY_DEFAULT = frozenset(
    {
        "audio",
        "interruption",
        "user_transcript",
        "agent_response",
        "agent_response_correction",
        "client_tool_call",
    }
)


def chosen(client_events: list[str]) -> frozenset[str]:
    """Which events an agent with this list sends."""
    return ALWAYS | (frozenset(client_events) if client_events else BY_DEFAULT)


def metadata(conversation_id: str, agent_format: str, user_format: str) -> Json:
    """The conversation is open."""
    event = {
        "conversation_id": conversation_id,
        "agent_output_audio_format": agent_format,
        "user_input_audio_format": user_format,
    }
    return {
        "type": "conversation_initiation_metadata",
        "conversation_initiation_metadata_event": event,
    }


def ping(event_id: int, ping_ms: int | None) -> Json:
    """Wants a pong with the same number; ``ping_ms`` is what the last one took."""
    return {"type": "ping", "ping_event": {"event_id": event_id, "ping_ms": ping_ms}}


def agent_response(text: str, event_id: int) -> Json:
    """A whole reply."""
    event = {"agent_response": text, "event_id": event_id}
    return {"type": "agent_response", "agent_response_event": event}


def agent_response_part(text: str, kind: str, event_id: int) -> Json:
    """A piece of a reply while it is being written: ``start``, ``delta`` or ``stop``."""
    part = {"text": text, "type": kind, "event_id": event_id}
    return {"type": "agent_chat_response_part", "text_response_part": part}


def agent_response_complete(event_id: int) -> Json:
    """Nothing more belongs to the reply."""
    return {
        "type": "agent_response_complete",
        "agent_response_complete_event": {"event_id": event_id},
    }


def agent_response_correction(original: str, corrected: str, event_id: int) -> Json:
    """Of a reply only so much was spoken."""
    event = {
        "original_agent_response": original,
        "corrected_agent_response": corrected,
        "event_id": event_id,
    }
    return {"type": "agent_response_correction", "agent_response_correction_event": event}


def audio(content: str, event_id: int, alignment: Json) -> Json:
    """A piece of the agent's voice, in base64, with where its letters are in time."""
    event = {"audio_base_64": content, "event_id": event_id, "alignment": alignment}
    return {"type": "audio", "audio_event": event}


def interruption(event_id: int) -> Json:
    """The caller speaks; audio up to this number is void."""
    return {"type": "interruption", "interruption_event": {"event_id": event_id}}


def user_transcript(text: str, event_id: int) -> Json:
    """What was understood of the caller's audio."""
    event = {"user_transcript": text, "event_id": event_id}
    return {"type": "user_transcript", "user_transcription_event": event}


def vad_score(score: float) -> Json:
    """How likely it is that the caller speaks."""
    return {"type": "vad_score", "vad_score_event": {"vad_score": score}}


def client_tool_call(name: str, call_id: str, parameters: Json, event_id: int) -> Json:
    """The client is to do something and, if the tool says so, to answer."""
    call = {
        "tool_name": name,
        "tool_call_id": call_id,
        "parameters": parameters,
        "event_id": event_id,
    }
    return {"type": "client_tool_call", "client_tool_call": call}


def agent_tool_request(name: str, call_id: str, kind: str, event_id: int) -> Json:
    """The agent is about to use a tool."""
    request = {
        "tool_name": name,
        "tool_call_id": call_id,
        "tool_type": kind,
        "event_id": event_id,
    }
    return {"type": "agent_tool_request", "agent_tool_request": request}


def agent_tool_response(
    name: str, call_id: str, kind: str, event_id: int, *, is_error: bool, is_called: bool
) -> Json:
    """The agent has used a tool, or tried to."""
    response = {
        "tool_name": name,
        "tool_call_id": call_id,
        "tool_type": kind,
        "is_error": is_error,
        "is_called": is_called,
        "event_id": event_id,
    }
    return {"type": "agent_tool_response", "agent_tool_response": response}


def error(code: int, reason: str) -> Json:
    """Why the conversation is about to be closed."""
    kind = {1002: "operational", 1008: "contract", 1011: "server"}.get(code, "normal")
    event = {"code": code, "message": reason, "error_type": kind, "reason": reason}
    return {"type": "error", "error_event": event}
