"""Calls as they are remembered: what happened, what was said, and how it sounded."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.responses import PlainTextResponse, StreamingResponse

from api.actions import needs
from api.answers import PageAnswer, page_answer
from api.boundary import WITHOUT_BODY
from api.calls import (
    CallRecordAnswer,
    ExportedCall,
    ExportEnd,
    TranscriptAnswer,
    call_record_answer,
    exported_call,
    transcript_answer,
)
from api.etags import REVALIDATED
from api.parameters import Cursor, EnvironmentFilter, Limit, Moment, RequestId
from api.problems import problem_documents
from api.ranges import asked_part, content_range, has_it
from api.security import Caller, InstalledServices, ProjectOfCaller
from trunkline.model import limits
from trunkline.model.calls.records import CallFilter, CallState, Direction
from trunkline.model.calls.transcripts import plain_text
from trunkline.model.ids import NAME_PATTERN
from trunkline.services.calls import Transcript

router = APIRouter(prefix="/v1/projects/{project}", tags=["calls"])

WAV = "audio/wav"
NDJSON = "application/x-ndjson"
CallId = Annotated[
    str, Path(pattern=r"^[A-Za-z0-9._-]{1,128}$", examples=["call_15005550009_3f0c9a1be7"])
]
_READ = problem_documents(400, 401, 404, 422, 503)


def _asked(
    *,
    agent: Annotated[
        str | None, Query(pattern=NAME_PATTERN, description="Only calls with this agent")
    ] = None,
    environment: EnvironmentFilter = None,
    version: Annotated[
        int | None, Query(ge=0, le=2**31 - 1, description="Only with this version of the agent")
    ] = None,
    direction: Annotated[Direction | None, Query(description="Only calls of this way")] = None,
    state: Annotated[CallState | None, Query(description="Only calls in this state")] = None,
    active: Annotated[
        bool | None, Query(description="`true`: only calls that go on, `false`: that are over")
    ] = None,
    since: Annotated[
        Moment | None, Query(description="Only calls that began at or after this time")
    ] = None,
    until: Annotated[
        Moment | None, Query(description="Only calls that began before this time")
    ] = None,
) -> CallFilter:
    return CallFilter(
        environment=environment,
        agent=agent,
        version=version,
        direction=direction,
        state=state,
        active=active,
        since=since,
        until=until,
    )


Asked = Annotated[CallFilter, Depends(_asked)]


@router.get("/calls", responses=_READ)
async def list_calls(
    services: InstalledServices,
    project: ProjectOfCaller,
    where: Asked,
    cursor: Cursor = None,
    limit: Limit = limits.API_PAGE_DEFAULT,
) -> PageAnswer[CallRecordAnswer]:
    """Calls, those that go on and those that are over, the newest first."""
    page = await services.calls.page(project, where, cursor=cursor, limit=limit)
    return page_answer(page, call_record_answer, PageAnswer[CallRecordAnswer])


@router.get(
    "/calls/export",
    responses={
        **problem_documents(400, 401, 403, 404, 422, 503),
        200: {
            "description": "A line of JSON for each call, and a last one that says how many",
            "content": {NDJSON: {"schema": {"type": "string"}}},
        },
    },
    response_class=StreamingResponse,
    openapi_extra=needs("call.export"),
)
async def export_calls(
    *,
    services: InstalledServices,
    caller: Caller,
    project: ProjectOfCaller,
    where: Asked,
    transcripts: Annotated[bool, Query(description="With what was said in each call")] = True,
    request_id: RequestId,
) -> StreamingResponse:
    """Every call that is asked for, newest first, a line each. Needs the role admin."""
    found = await services.calls.export(
        caller, project, where, transcripts=transcripts, request_id=request_id
    )
    return StreamingResponse(_lines(found), media_type=NDJSON)


@router.get("/calls/{call}", responses=_READ)
async def read_call(
    services: InstalledServices, project: ProjectOfCaller, call: CallId
) -> CallRecordAnswer:
    """One call: who spoke with which version of which agent, by which way, and how it ended."""
    return call_record_answer(await services.calls.read(project, call))


@router.get(
    "/calls/{call}/transcript",
    responses={
        **_READ,
        200: {
            "description": "As JSON, or as text for `Accept: text/plain`",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        },
    },
    response_model=TranscriptAnswer,
)
async def read_transcript(
    request: Request, services: InstalledServices, project: ProjectOfCaller, call: CallId
) -> TranscriptAnswer | Response:
    """What was said in a call, also while it goes on."""
    found = await services.calls.transcript(project, call)
    if _prefers_text(request.headers.get("accept", "")):
        return PlainTextResponse(plain_text(found.turns), headers={"Vary": "Accept"})
    return transcript_answer(found)


_BINARY = {"type": "string", "format": "binary"}
_SOUND: dict[int | str, dict[str, Any]] = {
    **problem_documents(400, 401, 403, 404, 409, 416, 422, 503),
    **{
        status: {"description": words, "content": {WAV: {"schema": _BINARY}}}
        for status, words in (
            (200, "WAV in G.711 µ-law at 8,000 Hz: the caller left, the agent right"),
            (206, "The part of it that `Range` names"),
        )
    },
    304: {"description": "Not changed"},
}


@dataclass(frozen=True)
class _Asking:
    """How much of a recording is asked for, and what the client has of it."""

    request: Request
    part: Annotated[str, Header(alias="Range", description="One range of bytes")] = ""
    if_range: Annotated[str, Header(description="`ETag` of what the client has a part of")] = ""
    if_none_match: Annotated[str, Header(description="`ETag` of what the client has")] = ""


@router.get(
    "/calls/{call}/recording",
    responses=_SOUND,
    response_class=StreamingResponse,
    openapi_extra=needs("call.listen"),
)
async def read_recording(
    services: InstalledServices,
    caller: Caller,
    project: ProjectOfCaller,
    call: CallId,
    request_id: RequestId,
    asking: Annotated[_Asking, Depends()],
) -> Response:
    """How a call sounded, as far as it was recorded. Needs the role operator or admin.

    404 where nothing was recorded or is kept; 409 `not-available-in-native` where the audio did not
    pass through Trunkline: the voice platform may have it.
    """
    found = await services.calls.recording(caller, project, call)
    headers = {"Accept-Ranges": "bytes", "ETag": found.tag, "Cache-Control": REVALIDATED}
    if has_it(asking.if_none_match, found.tag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    whole = range(found.length)
    asked = asked_part(asking.part, asking.if_range, tag=found.tag, length=found.length)
    headers["Content-Disposition"] = f'attachment; filename="{call}.wav"'
    headers["Content-Length"] = str(len(asked or whole))
    status = HTTPStatus.OK
    if asked is not None:
        status = HTTPStatus.PARTIAL_CONTENT
        headers["Content-Range"] = content_range(asked, found.length)
    if WITHOUT_BODY in asking.request.scope:
        return Response(status_code=status, media_type=WAV, headers=headers)
    pieces = await services.calls.hear(caller, found, asked or whole, request_id=request_id)
    return StreamingResponse(pieces, status_code=status, media_type=WAV, headers=headers)


async def _lines(found: AsyncIterator[Transcript]) -> AsyncIterator[str]:
    count = 0
    async for each in found:
        line: ExportedCall = exported_call(each)
        count += 1
        yield f"{line.model_dump_json(by_alias=True)}\n"
    yield f"{ExportEnd(calls=count).model_dump_json(by_alias=True)}\n"


def _prefers_text(accept: str) -> bool:
    """True if text is named before JSON; whoever takes anything gets JSON."""
    named = [each.partition(";")[0].strip().lower() for each in accept.split(",")]
    wanted = [each for each in named if each in ("text/plain", "application/json", "*/*")]
    return bool(wanted) and wanted[0] == "text/plain"
