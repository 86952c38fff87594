"""What carriers ask and report about calls: signed by the telephony account instead of tokened.

The addresses are those that were written to the carrier, and a signature holds for exactly that
address and those fields; they are read raw, because what was parsed cannot be checked any more.
"""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api.carrier_forms import CARRIER_BODY, signed_request
from api.parameters import IdInPath, NameInPath
from api.problems import problem_documents
from api.security import InstalledServices
from trunkline.model.calls.addresses import (
    AFTER_ROUTE,
    STATUS_ROUTE,
    STREAM_ROUTE,
    VOICE_ROUTE,
    WHISPER_ROUTE,
)
from trunkline.model.ids import NAME_PATTERN
from trunkline.model.number_planner import FALLBACK_ROUTE
from trunkline.services.carrier_requests import CallPlace

router = APIRouter(tags=["calls"])

PlaceInPath = Annotated[str, Path(pattern=NAME_PATTERN)]
MARKUP = "application/xml"
ANSWERED = {
    200: {"content": {MARKUP: {}}, "description": "TwiML that the call follows"},
    **problem_documents(400, 403, 404, 409, 413, 415, 422, 503),
}
REPORTED = problem_documents(400, 403, 413, 415, 503)


@router.post(
    FALLBACK_ROUTE + "/{project}/{environment}/{name}",
    response_class=Response,
    responses=ANSWERED,
    openapi_extra=CARRIER_BODY,
)
async def answer_fallback(
    services: InstalledServices,
    request: Request,
    project: PlaceInPath,
    environment: PlaceInPath,
    name: NameInPath,
) -> Response:
    """Sends the call on to the number's fallback."""
    asked = await signed_request(request)
    answer = await services.numbers.fallback(project, environment, name, request=asked)
    return Response(answer, media_type=MARKUP)


@router.post(
    VOICE_ROUTE + "/{project}/{environment}/{name}",
    response_class=Response,
    responses=ANSWERED,
    openapi_extra=CARRIER_BODY,
)
async def answer_call(
    services: InstalledServices,
    request: Request,
    project: PlaceInPath,
    environment: PlaceInPath,
    name: NameInPath,
) -> Response:
    """Decides which agent takes a call and connects them; asked again, it answers the same.

    `language` and `skill` in the query are what a menu before us found out.
    """
    asked = await signed_request(request)
    answer = await services.call_routing.answer(CallPlace(project, environment), name, asked)
    return Response(answer, media_type=MARKUP)


@router.post(
    AFTER_ROUTE + "/{project}/{environment}/{name}",
    response_class=Response,
    responses=ANSWERED,
    openapi_extra=CARRIER_BODY,
)
async def answer_after(
    services: InstalledServices,
    request: Request,
    project: PlaceInPath,
    environment: PlaceInPath,
    name: NameInPath,
) -> Response:
    """What a call does whose media stream, or whose time with a person, has ended: hang up, or hear
    that nobody can answer.
    """
    asked = await signed_request(request)
    answer = await services.call_routing.after(CallPlace(project, environment), name, asked)
    return Response(answer, media_type=MARKUP)


@router.post(
    WHISPER_ROUTE + "/{project}/{environment}/{call}",
    response_class=Response,
    responses=ANSWERED,
    openapi_extra=CARRIER_BODY,
)
async def answer_whisper(
    services: InstalledServices,
    request: Request,
    project: PlaceInPath,
    environment: PlaceInPath,
    call: IdInPath,
) -> Response:
    """What the person who takes a call over hears before the caller is connected: the summary."""
    asked = await signed_request(request)
    answer = await services.call_routing.whisper(CallPlace(project, environment), call, asked)
    return Response(answer, media_type=MARKUP)


@router.post(
    STATUS_ROUTE,
    status_code=204,
    response_class=Response,
    responses=REPORTED,
    openapi_extra=CARRIER_BODY,
)
async def report_status(services: InstalledServices, request: Request) -> None:
    """How a call is. A report that comes late, twice or out of order takes nothing back."""
    await services.call_reports.status(await signed_request(request))


@router.post(
    STREAM_ROUTE,
    status_code=204,
    response_class=Response,
    responses=REPORTED,
    openapi_extra=CARRIER_BODY,
)
async def report_stream(services: InstalledServices, request: Request) -> None:
    """How a call's media stream is."""
    await services.call_reports.stream(await signed_request(request))
