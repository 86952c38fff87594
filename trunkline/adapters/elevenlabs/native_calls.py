"""Phone calls ElevenLabs carried, as it lists and keeps them: ``ports.NativeCalls``.

A conversation is a phone call if the platform says which way it went. It appears in the list
while it goes on, and is whole only once it was processed. Nothing is concluded here.
"""

from datetime import UTC, datetime, timedelta
from typing import Final, Literal
from urllib.parse import quote

from pydantic import Field, TypeAdapter

from trunkline.adapters.elevenlabs.answers import Answered
from trunkline.adapters.elevenlabs.client import ElevenLabsClient
from trunkline.adapters.elevenlabs.deleting import CONVERSATIONS, LIVE
from trunkline.model.calls.native import (
    NativeCall,
    NativeCallLine,
    NativeState,
    NativeTurn,
)
from trunkline.model.calls.records import Direction, Verdict
from trunkline.model.ids import ExternalId
from trunkline.model.limits import LIVE_CALL_MAX_S

_STATES: Final[dict[str, NativeState]] = {
    "initiated": "going-on",
    "in-progress": "going-on",
    "processing": "processing",
    "failed": "failed",
}


class Line(Answered):
    """One conversation in the list; ``direction`` is of phone calls only."""

    conversation_id: str
    agent_id: ExternalId
    start_time_unix_secs: int
    status: str
    direction: str | None = None


class ToolResult(Answered):
    """A tool has answered."""

    tool_name: str = ""
    is_error: bool = False


class TranscriptTurn(Answered):
    """One turn."""

    role: Literal["user", "agent"]
    message: str | None = None
    time_in_call_secs: float = 0.0
    interrupted: bool = False
    original_message: str | None = None
    tool_results: tuple[ToolResult, ...] | None = None


class PhoneCall(Answered):
    """How a conversation came by telephone."""

    direction: Direction = "inbound"
    agent_number: str = ""
    external_number: str = ""
    call_sid: str = ""


class Fault(Answered):
    """Why a conversation failed."""

    code: int | None = None
    reason: str | None = None


class Metadata(Answered):
    """When and how long it was, and how it ended."""

    start_time_unix_secs: int
    call_duration_secs: float = 0.0
    termination_reason: str | None = None
    error: Fault | None = None
    phone_call: PhoneCall | None = None


class Analysis(Answered):
    """What the platform thinks of it."""

    call_successful: Verdict = "unknown"
    transcript_summary: str | None = None


class Conversation(Answered):
    """A conversation as it is kept."""

    conversation_id: str
    agent_id: ExternalId
    status: str
    branch_id: str | None = None
    version_id: str | None = None
    metadata: Metadata
    analysis: Analysis | None = None
    transcript: tuple[TranscriptTurn, ...] = Field(default=())


LINES = TypeAdapter(tuple[Line, ...]).validate_python


class ElevenLabsNativeCalls:
    """Phone calls of one account."""

    def __init__(self, client: ElevenLabsClient) -> None:
        self._client = client

    async def active_calls(self, agent_id: ExternalId) -> int:
        """Phone calls with an agent that are going on."""
        since = datetime.now(UTC) - timedelta(seconds=LIVE_CALL_MAX_S)
        params = [
            ("agent_id", str(agent_id)),
            ("call_start_after_unix", str(int(since.timestamp()))),
            *(("exclude_statuses", over) for over in ("done", "failed", "processing")),
        ]
        count = 0
        async for page in self._client.pages(LINES, CONVERSATIONS, "conversations", params):
            count += sum(
                line.direction is not None and line.status in LIVE and line.agent_id == agent_id
                for line in page
            )
        return count

    async def listed(
        self, since: datetime, until: datetime, *, limit: int
    ) -> tuple[NativeCallLine, ...] | None:
        """Phone calls that began in that time, newest first; None if the list has more than
        ``limit`` conversations of any kind.
        """
        params = [
            ("call_start_after_unix", str(int(since.timestamp()))),
            ("call_start_before_unix", str(int(until.timestamp()) + 1)),
        ]
        found: list[NativeCallLine] = []
        count = 0
        async for page in self._client.pages(LINES, CONVERSATIONS, "conversations", params):
            count += len(page)
            if count > limit:
                return None
            found += [_line(each) for each in page if each.direction is not None]
        return tuple(found)

    async def native_call(self, conversation_id: str) -> NativeCall | None:
        """One phone call; None for a conversation that is none. Raises RemoteMissing."""
        path = f"{CONVERSATIONS}/{quote(conversation_id, safe='')}"
        found = await self._client.read(Conversation.model_validate, path)
        return _call(found, found.metadata.phone_call) if found.metadata.phone_call else None


def _line(line: Line) -> NativeCallLine:
    return NativeCallLine(
        conversation_id=line.conversation_id,
        agent_id=line.agent_id,
        started_at=_moment(line.start_time_unix_secs),
        state=_STATES.get(line.status, "done"),
    )


def _call(found: Conversation, phone: PhoneCall) -> NativeCall:
    analysis = found.analysis or Analysis()
    fault = found.metadata.error
    return NativeCall(
        conversation_id=found.conversation_id,
        agent_id=found.agent_id,
        branch_id=found.branch_id or "",
        version_id=found.version_id or "",
        state=_STATES.get(found.status, "done"),
        started_at=_moment(found.metadata.start_time_unix_secs),
        duration_s=found.metadata.call_duration_secs,
        direction=phone.direction,
        agent_number=phone.agent_number,
        external_number=phone.external_number,
        call_sid=phone.call_sid,
        ended_because=found.metadata.termination_reason or "",
        failure=(fault.reason or "it failed") if fault is not None else "",
        summary=analysis.transcript_summary or "",
        verdict=analysis.call_successful,
        turns=tuple(map(_turn, found.transcript)),
    )


def _turn(turn: TranscriptTurn) -> NativeTurn:
    return NativeTurn(
        role=turn.role,
        text=turn.message or "",
        at_s=turn.time_in_call_secs,
        interrupted=turn.interrupted,
        meant=turn.original_message or "",
        tools=tuple((one.tool_name, one.is_error) for one in turn.tool_results or ()),
    )


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
