"""Webhooks of forges: signed instead of tokened, read raw because the signature covers bytes."""

from fastapi import APIRouter, Request

from api.answers import DeliveryAnswer
from api.parameters import RequestId
from api.problems import problem_documents
from api.security import InstalledServices
from trunkline.services.webhooks import Delivery

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])

_BODY = {
    "requestBody": {
        "required": True,
        "description": "A delivery of GitHub; events other than `push` and `ping` are ignored",
        "content": {
            media_type: {"schema": {"type": "object"}}
            for media_type in ("application/json", "application/x-www-form-urlencoded")
        },
    },
    "parameters": [
        {
            "name": "X-Hub-Signature-256",
            "in": "header",
            "required": True,
            "schema": {"type": "string"},
            "description": "`sha256=` and the HMAC-SHA256 of the body in hexadecimal",
        },
        {
            "name": "X-GitHub-Event",
            "in": "header",
            "required": True,
            "schema": {"type": "string"},
        },
    ],
}


@router.post(
    "/github",
    status_code=202,
    responses=problem_documents(400, 401, 413, 503),
    openapi_extra=_BODY,
)
async def receive_github(
    services: InstalledServices, request: Request, request_id: RequestId
) -> DeliveryAnswer:
    """Wakes every project that follows the pushed branch; a repeated delivery is ignored."""
    delivery = Delivery(dict(request.headers), await request.body())
    done = await services.webhooks.receive(delivery, request_id=request_id)
    return DeliveryAnswer(result=done.result, reason=done.reason, projects=done.projects)
