"""A call's two legs as the bridge speaks about them: coded frames, and what a platform says.

Audio stays in the wire's own coding as long as nobody has to hear it, so that a frame costs as
little as possible; no vendor's message names.
"""

from dataclasses import dataclass, field
from typing import Literal

from pydantic import Field

from trunkline.model.base import Frozen, Json
from trunkline.model.ids import ExternalId
from trunkline.model.testing.talk import (
    AgentCorrected,
    AgentSaid,
    CallerUnderstood,
    Ended,
    Interrupted,
    Opened,
    ToolAsked,
    ToolBegun,
    ToolDone,
)

Coding = Literal["ulaw", "pcm"]


@dataclass(frozen=True, slots=True)
class LineFormat:
    """How a leg's audio is coded: G.711 µ-law or signed 16-bit little-endian, at ``rate`` Hz."""

    coding: Coding
    rate: int


@dataclass(frozen=True, slots=True)
class AgentAudio:
    """A piece of the agent's audio in the line's format. ``event_id`` orders it with
    interruptions: what is not above the last interruption is void.
    """

    content: bytes = field(repr=False)
    event_id: int = 0


class LineRequest(Frozen):
    """Which agent a call is connected with. ``branch_id`` None is the agent's live traffic.

    ``variables`` are dynamic variables; ``caller`` and ``called`` are the numbers, ``call_sid`` the
    carrier's id of the call, as far as they are known.
    """

    agent_id: ExternalId
    branch_id: str | None = None
    variables: dict[str, Json] = Field(default_factory=dict)
    caller: str = ""
    called: str = ""
    call_sid: str = ""
    connect_timeout_s: float = 10.0


LineEvent = (
    Opened
    | AgentAudio
    | AgentSaid
    | AgentCorrected
    | CallerUnderstood
    | Interrupted
    | ToolAsked
    | ToolBegun
    | ToolDone
    | Ended
)
