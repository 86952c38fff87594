"""What carriers ask about calls: signed by the telephony account instead of tokened.

Only the answer to a call that nothing of ours took lives here. The address is the one that was
written to the carrier, and a signature holds for exactly that address and those form fields.
"""

from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Header, Path, Request, Response

from api.parameters import NameInPath
from api.problems import problem_documents
from api.security import InstalledServices
from trunkline.model.ids import NAME_PATTERN
from trunkline.model.limits import CARRIER_FORM_FIELDS_MAX
from trunkline.model.number_planner import FALLBACK_ROUTE

router = APIRouter(prefix=FALLBACK_ROUTE, tags=["calls"])

PlaceInPath = Annotated[str, Path(pattern=NAME_PATTERN)]
Signature = Annotated[
    str, Header(alias="X-Twilio-Signature", description="The account's signature of the request")
]

_FORM = {
    "requestBody": {
        "required": True,
        "description": "What Twilio says about the call",
        "content": {"application/x-www-form-urlencoded": {"schema": {"type": "object"}}},
    }
}


@router.post(
    "/{project}/{environment}/{name}",
    response_class=Response,
    responses={
        200: {"content": {"application/xml": {}}, "description": "TwiML that dials the fallback"},
        **problem_documents(400, 403, 404, 422, 503),
    },
    openapi_extra=_FORM,
)
async def answer_fallback(
    services: InstalledServices,
    request: Request,
    project: PlaceInPath,
    environment: PlaceInPath,
    name: NameInPath,
    signature: Signature = "",
) -> Response:
    """Sends the call on to the number's fallback."""
    body = (await request.body()).decode("utf-8", "replace")
    fields = parse_qsl(body, keep_blank_values=True, max_num_fields=CARRIER_FORM_FIELDS_MAX)
    answer = await services.numbers.fallback(
        project, environment, name, parameters=fields, signature=signature
    )
    return Response(answer, media_type="application/xml")
