"""What people may know of calls: pages of records, one call, its transcript and recording, exports.

Only read: steering a call that goes on, and placing one, are other rooms. What was said belongs to
the people who said it, so hearing a recording and taking many transcripts away need rights of
their own and are written down.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from trunkline.model import limits
from trunkline.model.base import JsonObject
from trunkline.model.calls.limits import CALL_EVENTS_READ_MAX, CALLS_EXPORTED_AT_ONCE
from trunkline.model.calls.recordings import TRACKS, side_by_side, wav_header, wav_length
from trunkline.model.calls.records import CallFilter, CallRecord
from trunkline.model.calls.transcripts import Utterance, transcript_of
from trunkline.model.errors import NotFound
from trunkline.model.errors.calls import NotAvailableInNative
from trunkline.ports import Projects
from trunkline.ports.calls import Calls
from trunkline.services.access import AccessService, Principal
from trunkline.services.engine import Engine
from trunkline.services.pages import Page, moment_cursor, parse_moment


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said in a call so far; ``complete`` is False if there was more than is read."""

    call: CallRecord
    turns: tuple[Utterance, ...]
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Recording:
    """A WAV file as long as the call was recorded so far: ``samples`` of each track."""

    call: CallRecord
    samples: int

    @property
    def length(self) -> int:
        """Its size in bytes."""
        return wav_length(self.samples)

    @property
    def tag(self) -> str:
        """The same bytes, the same tag: what was recorded only grows."""
        return f'"{self.call.id}-{self.samples}"'


class CallService:
    """Calls. Every method but the last takes a project that was found for the caller."""

    def __init__(
        self, calls: Calls, projects: Projects, *, access: AccessService, engine: Engine
    ) -> None:
        self._calls = calls
        self._projects = projects
        self._access = access
        self._engine = engine

    async def page(
        self,
        project: str,
        where: CallFilter,
        *,
        cursor: str | None = None,
        limit: int = limits.API_PAGE_DEFAULT,
    ) -> Page[CallRecord]:
        """The newest first. Raises InvalidInput for a cursor of somebody else's."""
        rows = await self._calls.calls(project, where, before=parse_moment(cursor), limit=limit)
        last = rows[-1] if len(rows) == limit else None
        return Page(rows, moment_cursor(last.started_at, last.id) if last else None)

    async def read(self, project: str, call_id: str) -> CallRecord:
        """One call. Raises NotFound."""
        found = await self._calls.call(project, call_id)
        if found is None:
            raise NotFound(f"Project {project!r} has no call {call_id}")
        return found

    async def transcript(self, project: str, call_id: str) -> Transcript:
        """What was said, as far as it is known yet. Raises NotFound, also for what is kept no
        longer.
        """
        call = await self.read(project, call_id)
        transcript = await self._transcript(call)
        if call.is_over and not transcript.turns:
            raise NotFound(
                f"There is no transcript of call {call_id}: nothing was said in it, or it is kept"
                " no longer",
                hint="spec.calls.retention of the Project manifest says how long it is kept",
            )
        return transcript

    async def recording(self, principal: Principal, project: str, call_id: str) -> Recording:
        """The audio of a call, as far as it is kept yet; nothing of it was heard with that.

        Raises Forbidden, NotFound where there is none, and NotAvailableInNative for a call whose
        audio went past us.
        """
        principal.require("call.listen")
        call = await self.read(project, call_id)
        if call.routing != "bridge":
            kept = f"conversation {call.conversation_id}" if call.conversation_id else "it"
            raise NotAvailableInNative(
                f"The audio of call {call_id} did not pass through Trunkline",
                hint=f"ElevenLabs keeps {kept}; route the number by bridge to record here",
            )
        samples = await self._calls.recorded_samples(project, call_id)
        if not samples:
            raise NotFound(
                f"There is no recording of call {call_id}: none was made, or it is kept no longer",
                hint="spec.calls.record and spec.calls.retention of the Project manifest say so",
            )
        return Recording(call, samples)

    async def hear(
        self, principal: Principal, recording: Recording, part: range, *, request_id: str
    ) -> AsyncIterator[bytes]:
        """Bytes of a recording, piece by piece; it is written down before the first."""
        call = recording.call
        details: JsonObject = {"recording": True}
        if len(part) < recording.length:
            details["bytes"] = f"{part.start}-{part.stop - 1}"
        await self._access.record(
            principal,
            "call.listen",
            project=call.project,
            subject=call.id,
            request_id=request_id,
            details=details,
        )
        return self._pieces(recording, part)

    async def export(
        self,
        principal: Principal,
        project: str,
        where: CallFilter,
        *,
        transcripts: bool,
        request_id: str,
    ) -> AsyncIterator[Transcript]:
        """Every call that is meant, newest first, with what was said if ``transcripts``.

        Raises Forbidden. It is written down before anything leaves.
        """
        principal.require("call.export")
        asked = where.model_dump(mode="json", exclude_none=True)
        details: JsonObject = {"transcripts": transcripts, "where": asked}
        await self._access.record(
            principal,
            "call.export",
            project=project,
            subject="calls",
            request_id=request_id,
            details=details,
        )
        return self._exported(project, where, transcripts=transcripts)

    async def heard_from_platform(self, conversation_id: str) -> None:
        """A voice platform says that a conversation ended: have it read soon, in its project or, as
        long as nobody knows whose it is, in every one. Raises EngineUnavailable.
        """
        known = await self._calls.call_of_conversation(conversation_id)
        if known is not None:
            await self._engine.keep_calls(known.project)
            return
        for project in await self._projects.projects():
            await self._engine.keep_calls(project.name)

    async def _exported(
        self, project: str, where: CallFilter, *, transcripts: bool
    ) -> AsyncIterator[Transcript]:
        before = None
        while rows := await self._calls.calls(
            project, where, before=before, limit=CALLS_EXPORTED_AT_ONCE
        ):
            for row in rows:
                yield await self._transcript(row) if transcripts else Transcript(row, ())
            before = (rows[-1].started_at, rows[-1].id)

    async def _transcript(self, call: CallRecord) -> Transcript:
        events = await self._calls.events_of(call.project, call.id, limit=CALL_EVENTS_READ_MAX)
        turns = transcript_of(events, call.answered_at)
        return Transcript(call, turns, complete=len(events) < CALL_EVENTS_READ_MAX)

    async def _pieces(self, recording: Recording, part: range) -> AsyncIterator[bytes]:
        """Exactly as much as was said there is: a call may go on while it is read."""
        call, header = recording.call, wav_header(recording.samples)
        if beginning := header[part.start : part.stop]:
            yield beginning
        at = max(part.start, len(header))
        first, skip = divmod(at - len(header), TRACKS)
        sound = self._calls.recording(call.project, call.id, first=first)
        async for caller, agent in sound:
            if at >= part.stop:
                break
            piece = side_by_side(caller, agent)[skip : skip + part.stop - at]
            skip = 0
            at += len(piece)
            if piece:
                yield piece
