"""What carriers ask and report about calls: signed by the telephony account instead of tokened.

The addresses are those that were written to the carrier, and a signature holds for exactly that
address and those fields; they are read raw, because what was parsed cannot be checked any more.
"""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response
from fastapi.types import DecoratedCallable

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
from trunkline.model.calls.signed import SignedRequest
from trunkline.model.ids import NAME_PATTERN
from trunkline.model.number_planner import FALLBACK_ROUTE
from trunkline.services.carrier_requests import CallPlace

router = APIRouter(tags=["calls"])

PlaceInPath = Annotated[str, Path(pattern=NAME_PATTERN)]
SignedHere = Annotated[SignedRequest, Depends(signed_request)]
ANSWERED = {
    200: {"content": {"application/xml": {}}, "description": "TwiML that the call follows"},
    **problem_documents(400, 403, 404, 409, 413, 415, 422, 503),
}
REPORTED = problem_documents(400, 403, 413, 415, 503)


class Markup(Response):
    """What a call does next."""

    media_type = "application/xml"


async def _place(project: PlaceInPath, environment: PlaceInPath) -> CallPlace:
    return CallPlace(project, environment)


Place = Annotated[CallPlace, Depends(_place)]


def _answers(route: str, subject: str) -> Callable[[DecoratedCallable], DecoratedCallable]:
    """Registers what a carrier asks of one thing in an environment."""
    return router.post(
        route + "/{project}/{environment}/{" + subject + "}",
        response_class=Response,
        responses=ANSWERED,
        openapi_extra=CARRIER_BODY,
    )


def _heeds(route: str) -> Callable[[DecoratedCallable], DecoratedCallable]:
    """Registers what a carrier reports, wherever the call is."""
    return router.post(
        route,
        status_code=204,
        response_class=Response,
        responses=REPORTED,
        openapi_extra=CARRIER_BODY,
    )


@_answers(FALLBACK_ROUTE, "name")
async def answer_fallback(
    services: InstalledServices, place: Place, name: NameInPath, asked: SignedHere
) -> Markup:
    """Sends the call on to the number's fallback."""
    return Markup(
        await services.numbers.fallback(place.project, place.environment, name, request=asked)
    )


@_answers(VOICE_ROUTE, "name")
async def answer_call(
    services: InstalledServices, place: Place, name: NameInPath, asked: SignedHere
) -> Markup:
    """Decides which agent takes a call and connects them; asked again, it answers the same.

    `language` and `skill` in the query are what a menu before us found out.
    """
    return Markup(await services.call_routing.answer(place, name, asked))


@_answers(AFTER_ROUTE, "name")
async def answer_after(
    services: InstalledServices, place: Place, name: NameInPath, asked: SignedHere
) -> Markup:
    """What a call does whose media stream, or whose time with a person, has ended: hang up, or hear
    that nobody can answer.
    """
    return Markup(await services.call_routing.after(place, name, asked))


@_answers(WHISPER_ROUTE, "call")
async def answer_whisper(
    services: InstalledServices, place: Place, call: IdInPath, asked: SignedHere
) -> Markup:
    """What the person who takes a call over hears before the caller is connected: the summary."""
    return Markup(await services.call_routing.whisper(place, call, asked))


@_heeds(STATUS_ROUTE)
async def report_status(services: InstalledServices, asked: SignedHere) -> None:
    """How a call is. A report that comes late, twice or out of order takes nothing back."""
    await services.call_reports.status(asked)


@_heeds(STREAM_ROUTE)
async def report_stream(services: InstalledServices, asked: SignedHere) -> None:
    """How a call's media stream is."""
    await services.call_reports.stream(asked)
