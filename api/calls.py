"""What the API answers of calls: records, and what was said in them."""

from datetime import datetime
from typing import Any

from pydantic import ConfigDict

from api.answers import Answer
from trunkline.model.calls.outcomes import outcome_of
from trunkline.model.calls.records import (
    CallRecord,
    CallState,
    Direction,
    EndedBy,
    RouteTaken,
    Routing,
    Verdict,
)
from trunkline.model.calls.transcripts import Speaker, Utterance
from trunkline.services.calls import Transcript

_ID = "call_15005550009_3f0c9a1be7"
_TIME = "2026-03-02T09:15:00Z"
_TURN: dict[str, Any] = {
    "seq": 2,
    "speaker": "agent",
    "text": "Good morning, ACME, how can I help?",
    "at": _TIME,
    "atMs": 1200,
    "meant": "Good morning, ACME, how can I help you today?",
    "interrupted": True,
    "heardMs": 1800,
    "isError": False,
}
_CALL: dict[str, Any] = {
    "id": _ID,
    "environment": "production",
    "agent": "front-desk",
    "version": 7,
    "revision": "3f0c9a1be7d24c55a0f1c2d3e4f5061728394a5b",
    "digest": "sha256:" + "5e" * 32,
    "direction": "inbound",
    "routing": "bridge",
    "state": "completed",
    "number": "main-line",
    "fromNumber": "+15005550009",
    "toNumber": "+15005550006",
    "carrierCallId": "CA" + "3f0c" * 8,
    "conversationId": "conv_7101k5zvyjhmfg983brhmhkd98n6",
    "route": {"line": 0, "words": "Mon-Fri 09:00-17:00 Europe/London: front-desk"},
    "order": "",
    "test": "",
    "attempt": 1,
    "startedAt": _TIME,
    "answeredAt": "2026-03-02T09:15:02Z",
    "endedAt": "2026-03-02T09:17:32Z",
    "durationS": 150.0,
    "endedBy": "caller",
    "outcome": "talked",
    "verdict": "unknown",
    "message": "",
    "summary": "",
    "transferredTo": "",
    "recorded": True,
    "redacted": False,
    "context": {"business_hours": "9-18"},
    "cost": {
        "carrierUsd": 0.042,
        "platformUsd": 0.25,
        "totalUsd": 0.292,
        "source": "0.014 USD a begun minute for the carrier, 0.1 USD a minute for the platform",
    },
    "interruptions": 1,
    "lostFrames": 0,
    "settled": False,
}


class CallCostAnswer(Answer):
    """What a call is estimated to have cost, in US dollars; ``source`` says by which rates."""

    carrier_usd: float
    platform_usd: float
    total_usd: float
    source: str


class CallRecordAnswer(Answer):
    """One call. ``version``, ``revision`` and ``digest`` are those of the agent when it began.

    ``durationS`` is from the answer to the end, ``outcome`` one word for how it ended, ``verdict``
    what the platform's own analysis thinks. ``cost`` and ``interruptions`` are known some moments
    after the end; ``settled`` says that nothing will change any more. ``test`` is the conversation
    test it is part of, as run, name and number; such calls are in no statistics.
    """

    model_config = ConfigDict(json_schema_extra={"example": _CALL})

    id: str
    environment: str
    agent: str
    version: int
    revision: str | None
    digest: str | None
    direction: Direction
    routing: Routing
    state: CallState
    number: str
    from_number: str
    to_number: str
    carrier_call_id: str
    conversation_id: str
    route: RouteTaken
    order: str
    test: str
    attempt: int
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    duration_s: float
    ended_by: EndedBy | None
    outcome: str
    verdict: Verdict
    message: str
    summary: str
    transferred_to: str
    recorded: bool
    redacted: bool
    context: dict[str, str]
    cost: CallCostAnswer | None
    interruptions: int
    lost_frames: int
    settled: bool


class UtteranceAnswer(Answer):
    """One turn. ``atMs`` is since the call was answered. Of a reply the caller cut in on, ``text``
    is what was heard and ``meant`` what would have been said; a ``tool`` is one the agent used.
    """

    model_config = ConfigDict(json_schema_extra={"example": _TURN})

    seq: int
    speaker: Speaker
    text: str
    at: datetime
    at_ms: int | None
    meant: str
    interrupted: bool
    heard_ms: int | None
    is_error: bool


class TranscriptAnswer(Answer):
    """What was said, as far as it is known; ``complete`` is false if there is more than is shown.

    While ``over`` is false the call goes on, and more is said.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "call": _ID,
                "agent": "front-desk",
                "over": True,
                "redacted": False,
                "complete": True,
                "turns": [_TURN],
            }
        }
    )

    call: str
    agent: str
    over: bool
    redacted: bool
    complete: bool
    turns: tuple[UtteranceAnswer, ...]


class ExportedCall(CallRecordAnswer):
    """One line of an export: a call, and what was said in it."""

    model_config = ConfigDict(json_schema_extra={"example": {**_CALL, "transcript": [_TURN]}})

    transcript: tuple[UtteranceAnswer, ...]


class ExportEnd(Answer):
    """The last line of an export; where it is missing, the export was cut short."""

    end: bool = True
    calls: int


def call_record_answer(record: CallRecord) -> CallRecordAnswer:
    """A record as the API shows it, without what only processes need."""
    return CallRecordAnswer(**_shown(record))


def transcript_answer(transcript: Transcript) -> TranscriptAnswer:
    """What was said in a call."""
    call = transcript.call
    return TranscriptAnswer(
        call=call.id,
        agent=call.agent,
        over=call.is_over,
        redacted=call.redacted,
        complete=transcript.complete,
        turns=tuple(map(_turn, transcript.turns)),
    )


def exported_call(transcript: Transcript) -> ExportedCall:
    """A call with what was said in it."""
    turns = tuple(map(_turn, transcript.turns))
    return ExportedCall(**_shown(transcript.call), transcript=turns)


def _turn(turn: Utterance) -> UtteranceAnswer:
    return UtteranceAnswer(**turn.model_dump(by_alias=False))


def _shown(record: CallRecord) -> dict[str, Any]:
    cost = record.cost
    return {
        **record.model_dump(by_alias=False, exclude={"cost", "outcome"}),
        "duration_s": record.talked.total_seconds(),
        "outcome": record.outcome or outcome_of(record),
        "cost": {**cost.model_dump(by_alias=False), "total_usd": cost.total_usd} if cost else None,
    }
