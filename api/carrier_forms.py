"""Requests of carriers and of the voice platform, read raw, bounded and with one of each header.

Their bodies are signed as they came, so nothing may have parsed them before, and a sender that is
not known yet is not read longer than the longest honest one.
"""

from http import HTTPStatus
from typing import Any

from fastapi import Request
from starlette.exceptions import HTTPException

from trunkline.model.calls.limits import CALL_FORM_MAX_BYTES
from trunkline.model.calls.signed import FORM, JSON_TYPE, SignedRequest

SIGNATURE_HEADER = "x-twilio-signature"
SETTINGS_HEADER = "x-twilio-webhooks-signature-settings"

CARRIER_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "What Twilio says about the call; of JSON, `bodySHA256` in the address says"
        " which body was signed",
        "content": {kind: {"schema": {"type": "object"}} for kind in (FORM, JSON_TYPE)},
    },
    "parameters": [
        {
            "name": "X-Twilio-Signature",
            "in": "header",
            "required": True,
            "schema": {"type": "string"},
            "description": "The account's signature of the request",
        },
        {
            "name": "X-Twilio-Webhooks-Signature-Settings",
            "in": "header",
            "required": False,
            "schema": {"type": "string"},
            "description": "`key=<id>,algorithm=HMAC_SHA256` where a shared key signed",
        },
    ],
}
"""A carrier's request in the API's description."""


async def bounded_body(request: Request, limit: int) -> bytes:
    """The body. Raises HTTPException 413 before more than ``limit`` bytes were read."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise _too_large(limit)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


def one_header(request: Request, name: str) -> str:
    """A header's value, "" for none. Raises HTTPException 400 if it comes twice."""
    found = request.headers.getlist(name)
    if len(found) > 1:
        raise HTTPException(HTTPStatus.BAD_REQUEST, f"The header {name} comes more than once")
    return found[0] if found else ""


async def signed_request(request: Request) -> SignedRequest:
    """A carrier's request as it came. Raises HTTPException 400, 413, 415."""
    content_type = one_header(request, "content-type")
    if content_type.partition(";")[0].strip().lower() not in (FORM, JSON_TYPE):
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "A carrier sends a form or JSON")
    body = await bounded_body(request, CALL_FORM_MAX_BYTES)
    raw_path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    query: bytes = request.scope["query_string"]
    target = raw_path.partition(b"?")[0] + (b"?" + query if query else b"")
    return SignedRequest(
        target=target.decode("latin-1"),
        content=body,
        content_type=content_type,
        signature=one_header(request, SIGNATURE_HEADER),
        settings=one_header(request, SETTINGS_HEADER),
    )


def _too_large(limit: int) -> HTTPException:
    return HTTPException(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body is larger than {limit} bytes"
    )
