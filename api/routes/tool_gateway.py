"""Where tools of agents under test lead: platforms call, and the test's script answers.

The token in the request belongs to one conversation and is no token of a person, so nothing here
asks who the caller is or which project is meant. Faults a script wants are really carried out.
"""

import asyncio
import json
import math
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Header, Path, Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse

from api.problems import problem_documents
from api.security import InstalledServices
from trunkline.model.base import Json, JsonObject
from trunkline.model.errors import InvalidInput
from trunkline.model.testing.desks import DeskCall
from trunkline.model.testing.limits import (
    TOOL_CALL_DEPTH_MAX,
    TOOL_CALL_MAX_BYTES,
    TOOL_CALL_READ_S,
    TOOL_HOLD_MAX_S,
    TOOL_QUERY_FIELDS_MAX,
    TOOL_QUERY_MAX_CHARACTERS,
)
from trunkline.model.testing.rendering import TOOLS_PATH

router = APIRouter(prefix=TOOLS_PATH.rstrip("/"), tags=["tests"])

BODILESS = frozenset({"GET", "DELETE"})
FORM = "application/x-www-form-urlencoded"
BROKEN = '{"answer": "this is not JSON'
"""What a service answers that sends something else than it promised."""

FunctionInPath = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Authorization = Annotated[
    str, Header(alias="Authorization", description="`Bearer` and the token of the conversation")
]


async def answer_tool(
    services: InstalledServices,
    request: Request,
    function: FunctionInPath,
    authorization: Authorization = "",
) -> Response:
    """Answers one call of a tool from the stubs of the conversation that makes it."""
    shown = await services.tools.admit(authorization)
    arguments, from_query = await _arguments(request)
    call = await services.tools.answer(shown, function, arguments, from_query=from_query)
    if call.after_ms and await _left(request, call.after_ms / 1000):
        return Response(status_code=499)
    return await _answer(request, call)


for _method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
    router.add_api_route(
        "/{function}",
        answer_tool,
        methods=[_method],
        operation_id=f"answer_tool_{_method.lower()}",
        response_class=Response,
        responses={
            200: {
                "content": {"application/json": {"schema": {}}},
                "description": "What the test prepared",
            },
            **problem_documents(400, 401, 408, 413, 422, 503),
        },
    )


async def _answer(request: Request, call: DeskCall) -> Response:
    if not call.stubbed:
        words = f"nothing is prepared for this call of {call.tool}"
        return JSONResponse({"error": words}, 400)
    if call.fail == "timeout":
        await _left(request, TOOL_HOLD_MAX_S)
        return Response(status_code=504)
    if call.fail == "error":
        return JSONResponse({"error": f"{call.tool} could not do that"}, 400)
    if call.fail == "http503":
        return JSONResponse({"error": "the service is not available"}, 503)
    if call.fail == "malformed":
        return Response(BROKEN, media_type="text/plain")
    return JSONResponse(call.answer)


async def _arguments(request: Request) -> tuple[JsonObject, bool]:
    """The arguments, and whether they are texts because of the way they came."""
    if request.method in BODILESS:
        return _fields(request.url.query), True
    body = await _body(request)
    if request.headers.get("content-type", "").startswith(FORM):
        return _fields(body.decode("utf-8", "replace")), True
    if not body:
        return {}, False
    try:
        value = json.loads(body, parse_float=_number, parse_constant=_number)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("The arguments are not JSON") from error
    if not isinstance(value, dict):
        raise InvalidInput("The arguments are no JSON object")
    if _is_deep(value):
        raise InvalidInput(f"The arguments are nested more than {TOOL_CALL_DEPTH_MAX} deep")
    return value, False


async def _body(request: Request) -> bytes:
    """All of the body, within its bounds of size and time."""
    body = bytearray()
    try:
        async with asyncio.timeout(TOOL_CALL_READ_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > TOOL_CALL_MAX_BYTES:
                    words = f"The arguments are larger than {TOOL_CALL_MAX_BYTES} bytes"
                    raise HTTPException(413, words)
    except TimeoutError as error:
        words = f"The arguments did not arrive within {TOOL_CALL_READ_S:.0f} s"
        raise HTTPException(408, words) from error
    except ClientDisconnect as error:
        raise InvalidInput("The caller hung up before its arguments were here") from error
    return bytes(body)


def _number(text: str) -> float:
    """A number JSON has: not NaN, nor one that is too large to be any. Raises ValueError."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _is_deep(value: Json) -> bool:
    level: list[Json] = [value]
    for _ in range(TOOL_CALL_DEPTH_MAX):
        inner: list[Json] = []
        for each in level:
            if isinstance(each, dict):
                inner += each.values()
            elif isinstance(each, list):
                inner += each
        level = inner
    return bool(level)


def _fields(text: str) -> JsonObject:
    if len(text) > TOOL_QUERY_MAX_CHARACTERS:
        raise InvalidInput(f"The arguments have more than {TOOL_QUERY_MAX_CHARACTERS} characters")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=TOOL_QUERY_FIELDS_MAX)
    except ValueError as error:
        raise InvalidInput(f"There are more than {TOOL_QUERY_FIELDS_MAX} arguments") from error
    return {**dict(pairs)}


async def _left(request: Request, wait_s: float) -> bool:
    """Wait; True as soon as the caller has hung up."""
    try:
        async with asyncio.timeout(min(wait_s, TOOL_HOLD_MAX_S)):
            while (await request.receive())["type"] != "http.disconnect":
                continue
    except TimeoutError:
        return False
    return True
