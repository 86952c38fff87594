"""News of the voice platform about conversations: signed with a time instead of tokened."""

from fastapi import APIRouter, Request
from pydantic import ConfigDict, RootModel

from api.carrier_forms import bounded_body, one_header
from api.problems import problem_documents
from api.security import InstalledServices
from trunkline.model.base import JsonObject
from trunkline.model.calls.limits import PLATFORM_NEWS_MAX_BYTES
from trunkline.services.platform_news import PlatformDelivery

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])

SIGNATURE_HEADER = "elevenlabs-signature"
_DESCRIBED = {
    "requestBody": {
        "required": True,
        "description": "`post_call_transcription`, `post_call_audio` or `call_initiation_failure`;"
        " or a call that is about to begin, with `caller_id`, `agent_id`, `called_number` and"
        " `call_sid`",
        "content": {"application/json": {"schema": {"type": "object"}}},
    },
    "parameters": [
        {
            "name": "ElevenLabs-Signature",
            "in": "header",
            "required": True,
            "schema": {"type": "string"},
            "description": "`t=<seconds>,v0=<HMAC-SHA256>` over the time, a dot and the body",
        }
    ],
}


class PlatformNewsAnswer(RootModel[JsonObject]):
    """In the platform's words: what the agent of a call that begins is to know; else nothing."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "conversation_initiation_client_data",
                "dynamic_variables": {"business_hours": "9-18"},
            }
        }
    )


@router.post(
    "/elevenlabs",
    responses=problem_documents(400, 401, 403, 413, 503),
    openapi_extra=_DESCRIBED,
)
async def receive_elevenlabs(services: InstalledServices, request: Request) -> PlatformNewsAnswer:
    """Has a conversation read that has ended; answers one that is about to begin."""
    delivery = PlatformDelivery(
        signature=one_header(request, SIGNATURE_HEADER),
        body=await bounded_body(request, PLATFORM_NEWS_MAX_BYTES),
    )
    return PlatformNewsAnswer(await services.platform_news.receive(delivery) or {})
