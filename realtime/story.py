"""What happens in a call, told in the nine public events.

Audio is told by turns: the first of it, and how long it was once the turn is over. Whose turn it is
follows from what the platform says, for nobody here listens. Knows neither leg.
"""

import time
from typing import Final

from realtime.journal import Journal
from trunkline.model.calls.events import EventName
from trunkline.model.calls.records import CallRecord
from trunkline.model.testing.talk import (
    AgentCorrected,
    AgentSaid,
    CallerUnderstood,
    ToolAsked,
    ToolBegun,
    ToolDone,
)

Told = AgentSaid | AgentCorrected | CallerUnderstood | ToolAsked | ToolBegun | ToolDone
AGENT: Final = "agent"
CALLER: Final = "caller"


class Story:
    """One call's. ``at_ms`` of every event counts from when the story began."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._begun_s = time.monotonic()
        self._agent_ms: float | None = None
        self._caller_ms = 0.0
        self._caller_sounded = False

    def begun(self, record: CallRecord, conversation_id: str) -> None:
        """Both legs are there."""
        self._tell(
            "conversation_started",
            conversationId=conversation_id,
            agent=record.agent,
            version=record.version,
            revision=record.revision,
            callId=record.id,
        )

    def agent_sounded(self, duration_ms: float) -> None:
        """So much of the agent's audio went to the caller."""
        if self._agent_ms is None:
            self._agent_ms = 0.0
            self._tell("audio", track=AGENT, ms=0)
        self._agent_ms += duration_ms

    def caller_sounded(self, duration_ms: float) -> None:
        """So much of the caller's audio came; silence counts, as nobody here listens."""
        if not self._caller_sounded:
            self._caller_sounded = True
            self._tell("audio", track=CALLER, ms=0)
        self._caller_ms += duration_ms

    def interrupted(self, heard_ms: int) -> None:
        """The caller spoke into a reply, of which they had heard so much."""
        self._end_agent_turn()
        self._tell("interruption", heardMs=heard_ms)

    def told(self, event: Told) -> None:
        """The platform said what was spoken or done."""
        if isinstance(event, AgentSaid):
            self._tell("agent_response", text=event.text)
        elif isinstance(event, AgentCorrected):
            self._tell(
                "agent_response_correction", original=event.original, corrected=event.corrected
            )
        elif isinstance(event, CallerUnderstood):
            self._end_agent_turn()
            self._end_caller_turn()
            self._tell("user_transcript", text=event.text)
        else:
            self._tool(event)

    def failed(self, reason: str, message: str) -> None:
        """Something went wrong, whether or not the call goes on."""
        self._tell("error", reason=reason, message=message)

    def ended(self, by: str, reason: str) -> None:
        """It is over."""
        self._end_agent_turn()
        self._end_caller_turn()
        self._tell("connection_closed", by=by, reason=reason)

    def _tool(self, event: ToolAsked | ToolBegun | ToolDone) -> None:
        place = "caller" if isinstance(event, ToolAsked) else event.place
        self._tell(
            "tool_call",
            tool=event.tool,
            place=place,
            callId=event.call_id,
            isError=isinstance(event, ToolDone) and event.is_error,
            phase="done" if isinstance(event, ToolDone) else "begun",
        )

    def _end_agent_turn(self) -> None:
        if self._agent_ms is not None:
            self._tell("audio", track=AGENT, ms=round(self._agent_ms))
            self._agent_ms = None

    def _end_caller_turn(self) -> None:
        if self._caller_sounded:
            self._tell("audio", track=CALLER, ms=round(self._caller_ms))
            self._caller_sounded = False
            self._caller_ms = 0.0

    def _tell(self, name: EventName, **data: object) -> None:
        at_ms = round((time.monotonic() - self._begun_s) * 1000)
        self._journal.add(name, **data, atMs=at_ms)
