"""Calls that a voice platform carried, as it tells of them afterwards, and what we make of them.

Pure. A platform knows ids of its own; which agent and version of ours a call belongs to follows
from what was left on the platform when it began. What it says becomes the same record and the same
events as those of a call that passed through us, so that nobody has to read two kinds.
"""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from trunkline.model.base import Frozen
from trunkline.model.calls.events import NewEvent
from trunkline.model.calls.outcomes import outcome_of
from trunkline.model.calls.records import (
    OVER,
    CallRecord,
    Direction,
    EndedBy,
    RouteTaken,
    Verdict,
)
from trunkline.model.ids import Digest, ExternalId, Revision
from trunkline.model.ledger import LedgerEntry
from trunkline.model.records import StatusRecord
from trunkline.model.releases import ReleaseRecord, RolloutState

NativeState = Literal["going-on", "processing", "done", "failed"]
_SUFFIX_DIGITS: Final = 10
_MS: Final = 1_000


class NativeCallLine(Frozen):
    """One phone call in a platform's list."""

    conversation_id: str
    agent_id: ExternalId
    started_at: datetime
    state: NativeState


class NativeTurn(Frozen):
    """One turn of the platform's own transcript. ``meant`` is what was about to be said, where the
    caller cut in; ``tools`` were used in it, with whether they failed.
    """

    role: Literal["user", "agent"]
    text: str
    at_s: float = 0.0
    interrupted: bool = False
    meant: str = ""
    tools: tuple[tuple[str, bool], ...] = ()


class NativeCall(Frozen):
    """One phone call as the platform keeps it. ``call_sid`` is the carrier's id, "" where the call
    did not come by one that has such ids.
    """

    conversation_id: str
    agent_id: ExternalId
    branch_id: str = ""
    version_id: str = ""
    state: NativeState
    started_at: datetime
    duration_s: float = 0.0
    direction: Direction = "inbound"
    agent_number: str = ""
    external_number: str = ""
    call_sid: str = ""
    ended_because: str = ""
    failure: str = ""
    summary: str = ""
    verdict: Verdict = "unknown"
    turns: tuple[NativeTurn, ...] = ()


class AgentAsKnown(Frozen):
    """What we know of the agent a call was with: the ledger's row, its status, how far a release
    is rolled out, and releases, the newest first.
    """

    entry: LedgerEntry
    status: StatusRecord | None = None
    rollout: RolloutState | None = None
    releases: tuple[ReleaseRecord, ...] = ()


class Attribution(Frozen):
    """Which version of ours a call was with, and how that is known."""

    version: int = 0
    revision: Revision | None = None
    digest: Digest | None = None
    words: str = ""


def attributed(call: NativeCall, known: AgentAsKnown) -> Attribution:
    """Which version of an agent a call was with.

    The branch of a rollout names it; else the platform's version, if it is the one we wrote last;
    else the newest release before the call began, which is as good as its clock.
    """
    rollout = known.rollout
    if rollout is not None and call.branch_id and call.branch_id == rollout.branch_id:
        return _of_release(known.releases, rollout.version, "by the branch it was rolled out on")
    entry, status = known.entry, known.status
    if status is not None and call.version_id and call.version_id == entry.version_id:
        return Attribution(
            version=status.version,
            revision=status.revision,
            digest=entry.digest or status.digest,
            words="by the version that was written last",
        )
    for release in known.releases:
        if release.released_at is not None and release.released_at <= call.started_at:
            return _of_release(known.releases, release.version, "by the time it began")
    return Attribution(words="the version it was with is not known any more")


def _of_release(releases: Sequence[ReleaseRecord], version: int, words: str) -> Attribution:
    found = next((each for each in releases if each.version == version), None)
    if found is None:
        return Attribution(version=version, words=words)
    return Attribution(version=version, revision=found.revision, digest=found.digest, words=words)


def native_call_id(call: NativeCall) -> str:
    """The id of its record: the same whenever it is read, so that it is written down once."""
    digits = "".join(character for character in call.external_number if character.isdigit())
    suffix = hashlib.sha256(call.conversation_id.encode()).hexdigest()[:_SUFFIX_DIGITS]
    return f"call_{digits or 'unknown'}_{suffix}"


def new_record(
    call: NativeCall, known: AgentAsKnown, *, number: str, carrier_account: str
) -> CallRecord:
    """A record of a call nobody here knew of; ``number`` is the manifest's name of ours."""
    version = attributed(call, known)
    inbound = call.direction == "inbound"
    record = CallRecord(
        id=native_call_id(call),
        project=known.entry.project,
        environment=known.entry.environment,
        agent=known.entry.name,
        direction=call.direction,
        routing="native",
        state="in-progress",
        number=number,
        from_number=call.external_number if inbound else call.agent_number,
        to_number=call.agent_number if inbound else call.external_number,
        carrier_account=carrier_account if call.call_sid else "",
        carrier_call_id=call.call_sid,
        version=version.version,
        revision=version.revision,
        digest=version.digest,
        route=RouteTaken(words=f"answered by ElevenLabs; {version.words}"),
        started_at=call.started_at,
    )
    return completed(record, call)


def completed(record: CallRecord, call: NativeCall) -> CallRecord:
    """The record with what the platform says; what is known already stays."""
    changes: dict[str, Any] = {
        "conversation_id": call.conversation_id,
        "agent_id": record.agent_id or call.agent_id,
        "branch_id": record.branch_id or call.branch_id or None,
        "summary": record.summary or call.summary,
        "verdict": call.verdict if record.verdict == "unknown" else record.verdict,
        "interruptions": record.interruptions or sum(turn.interrupted for turn in call.turns),
    }
    if call.state in ("done", "failed"):
        never_began = call.state == "failed" and not call.duration_s
        changes["answered_at"] = record.answered_at or (None if never_began else call.started_at)
        changes["ended_by"] = record.ended_by or _ended_by(call)
        changes["message"] = record.message or call.failure
        if record.state not in OVER:
            changes["state"] = "failed" if never_began else "completed"
            changes["ended_at"] = call.started_at + timedelta(seconds=call.duration_s)
    changed = record.model_copy(update=changes)
    return changed.model_copy(update={"outcome": changed.outcome or outcome_of(changed)})


def _ended_by(call: NativeCall) -> EndedBy | None:
    """Who ended it, as far as the platform's own words say."""
    words = call.ended_because.lower()
    if call.state == "failed" or call.failure:
        return "platform"
    for heard, ended_by in _ENDS:
        if heard in words:
            return ended_by
    return None


_ENDS: Final[tuple[tuple[str, EndedBy], ...]] = (
    ("max", "limit"),
    ("end_call", "agent"),
    ("agent", "agent"),
    ("client", "caller"),
    ("user", "caller"),
    ("caller", "caller"),
    ("remote", "caller"),
)
"""The platform explains an end in free words, in English."""


def events_of(call: NativeCall) -> Iterator[NewEvent]:
    """What happened in it, in the shape of a call that passed through us."""
    yield NewEvent(
        name="conversation_started",
        at=call.started_at,
        data={"conversationId": call.conversation_id, "atMs": 0},
    )
    for turn in call.turns:
        yield from _events_of_turn(call, turn)
    if call.state in ("done", "failed"):
        at = call.started_at + timedelta(seconds=call.duration_s)
        data: dict[str, Any] = {"by": _ended_by(call), "reason": call.ended_because}
        yield NewEvent(name="connection_closed", at=at, data=data)


def _events_of_turn(call: NativeCall, turn: NativeTurn) -> Iterator[NewEvent]:
    at = call.started_at + timedelta(seconds=turn.at_s)
    at_ms = int(turn.at_s * _MS)
    for tool, is_error in turn.tools:
        data: dict[str, Any] = {"tool": tool, "phase": "done", "isError": is_error, "atMs": at_ms}
        yield NewEvent(name="tool_call", at=at, data=data)
    if not turn.text and not turn.meant:
        return
    if turn.role == "user":
        yield NewEvent(name="user_transcript", at=at, data={"text": turn.text, "atMs": at_ms})
        return
    meant = turn.meant or turn.text
    yield NewEvent(name="agent_response", at=at, data={"text": meant, "atMs": at_ms})
    if turn.interrupted:
        yield NewEvent(name="interruption", at=at, data={"atMs": at_ms})
    if meant != turn.text:
        corrected = {"original": meant, "corrected": turn.text, "atMs": at_ms}
        yield NewEvent(name="agent_response_correction", at=at, data=corrected)
