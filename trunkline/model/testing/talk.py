"""One conversation with an agent, as the port of a voice platform speaks about it.

No vendor's message names, no audio formats but linear sound: adapters translate.
"""

from dataclasses import dataclass, field
from typing import Literal

from pydantic import Field

from trunkline.model.base import Frozen, Json, JsonObject
from trunkline.model.ids import ExternalId


@dataclass(frozen=True, slots=True)
class Sound:
    """Mono sound: signed 16-bit little-endian samples at ``rate`` samples a second."""

    samples: bytes = field(repr=False)
    rate: int

    @property
    def duration_s(self) -> float:
        """How long it lasts."""
        return len(self.samples) / 2 / self.rate


class TalkRequest(Frozen):
    """Whom to call and how. ``branch_id`` None is the live agent.

    ``variables`` are dynamic variables; names starting with ``secret__`` reach headers of tools
    and never the model. ``text_only`` asks for no audio at all; otherwise ``background`` is what
    the caller's line carries all the time, over and over (None: silence).
    """

    agent_id: ExternalId
    branch_id: str | None = None
    text_only: bool = True
    background: Sound | None = None
    variables: dict[str, Json] = Field(default_factory=dict)
    connect_timeout_s: float = 10.0


class Opened(Frozen):
    """The conversation is open."""

    conversation_id: str


class AgentSaid(Frozen):
    """A whole reply, as text. ``event_id`` orders replies and interruptions."""

    text: str
    event_id: int = 0


class AgentCorrected(Frozen):
    """Of a reply only this was spoken, since the caller interrupted."""

    original: str
    corrected: str
    event_id: int = 0


class AgentSounded(Frozen):
    """A piece of the agent's audio."""

    sound: Sound
    event_id: int = 0


class CallerUnderstood(Frozen):
    """What the platform understood of the caller's audio."""

    text: str


class Interrupted(Frozen):
    """The platform noticed that the caller speaks; audio up to the event is void."""

    event_id: int = 0


class ToolAsked(Frozen):
    """The agent calls a tool that the caller's side answers."""

    tool: str
    call_id: str
    arguments: JsonObject


ToolPlace = Literal["service", "platform", "caller"]
"""Who answers a tool: a service somewhere, the platform itself (``end_call``), the caller's side.
"""


class ToolBegun(Frozen):
    """The agent has decided to use a tool; of a service's tool the arguments are in its records."""

    tool: str
    call_id: str
    place: ToolPlace = "service"


class ToolDone(Frozen):
    """The agent used a tool that a service answers; its call is in the service's own records.

    ``called`` False: the platform decided otherwise and nobody was asked.
    """

    tool: str
    call_id: str
    is_error: bool = False
    place: ToolPlace = "service"
    called: bool = True


class Ended(Frozen):
    """It is over: the agent ended it, or the platform with a code and its words."""

    by: Literal["agent", "caller", "platform"]
    code: int
    reason: str = ""


TalkEvent = (
    Opened
    | AgentSaid
    | AgentCorrected
    | AgentSounded
    | CallerUnderstood
    | Interrupted
    | ToolAsked
    | ToolBegun
    | ToolDone
    | Ended
)
