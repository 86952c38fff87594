"""What happens in a call, event by event, in the order it happened.

The nine names are public: whoever follows a call by WebSocket sees them, whoever reads a transcript
later reads the same rows. Audio itself is no row; its event says only how much there was.
"""

from datetime import datetime
from typing import Final, Literal

from pydantic import Field

from trunkline.model.base import Frozen, JsonObject

EventName = Literal[
    "conversation_started",
    "audio",
    "user_transcript",
    "agent_response",
    "agent_response_correction",
    "interruption",
    "tool_call",
    "error",
    "connection_closed",
]
SPOKEN: Final[frozenset[EventName]] = frozenset(
    {"user_transcript", "agent_response", "agent_response_correction"}
)
"""The events a transcript is made of."""


class CallEvent(Frozen):
    """One thing that happened. ``seq`` counts from 1 within its call, without gaps.

    ``data`` by name: ``conversation_started`` {conversationId, agent, version, revision, callId};
    ``audio`` {track: caller|agent, ms} (the first audio of a turn, and how long the turn was at
    its end); ``user_transcript`` {text}; ``agent_response`` {text}; ``agent_response_correction``
    {original, corrected}; ``interruption`` {heardMs} (how much of the reply the caller heard);
    ``tool_call`` {tool, place, callId, isError, phase: begun|done}; ``error`` {reason, message};
    ``connection_closed`` {by, reason}. ``data`` of any may hold ``atMs``: since the call was
    answered.
    """

    seq: int = Field(ge=1)
    name: EventName
    at: datetime
    data: JsonObject = Field(default_factory=dict)


class NewEvent(Frozen):
    """An event before it has its place in the order."""

    name: EventName
    at: datetime
    data: JsonObject = Field(default_factory=dict)


class CallNews(Frozen):
    """What listeners of every process are told: where to look, never what happened."""

    project: str
    call: str
    seq: int
    name: EventName
