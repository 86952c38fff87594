"""Every error answer in one shape, RFC 9457, with names that never change.

The type is a name for programs, title and detail are for people, the hint says what to do. What
was not foreseen becomes a plain 500 with a request id: the stack trace goes to the log alone.
"""

import math
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import ConfigDict
from starlette.exceptions import HTTPException

from trunkline.model import errors
from trunkline.model.base import Frozen

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:trunkline:problem:"
RETRY_AFTER_S = 5
"""What a client is told to wait when a dependency is down: it comes back in seconds or not soon."""

_STATUS: tuple[tuple[type[errors.TrunklineError], int], ...] = (
    (errors.IdempotencyKeyReused, 422),
    (errors.InvalidManifests, 422),
    (errors.BaseRequired, 428),
    (errors.InvalidInput, 400),
    (errors.Unauthenticated, 401),
    (errors.Forbidden, 403),
    (errors.NotFound, 404),
    (errors.TooManyRequests, 429),
    (errors.Blocked, 409),
    (errors.ForgeMissing, 404),
    (errors.ForgeRefused, 409),
    (errors.ForgeError, 503),
    (errors.NotConfigured, 503),
    (errors.PushRefused, 409),
    (errors.SourceError, 503),
    (errors.StoreUnavailable, 503),
    (errors.EngineUnavailable, 503),
    (errors.IdentityProviderUnavailable, 503),
)
_FRAMEWORK_NAMES = {
    400: "malformed-request",
    404: "not-found",
    405: "method-not-allowed",
    408: "request-timeout",
    413: "content-too-large",
    416: "range-not-satisfiable",
}
_UNREAD_BODY = "There was an error parsing the body"
"""What the framework says of a body that breaks its parser in any other way than as bad JSON."""
_SHAPE = "#/components/schemas/{model}"
_NOT_READ = frozenset({"model_attributes_type", "dict_type", "list_type"})
"""How a body is refused that was not taken for JSON: as text where an object was expected."""
_IS_JSON = re.compile(r"application/([^;]+\+)?json\s*(;|$)", re.IGNORECASE)
_WORD_START = re.compile(r"(?<=[a-z])(?=[A-Z])")


class InvalidPart(Frozen):
    """One part of a request that is wrong; ``where`` is dotted, as in ``body.environment``. Of a
    manifest it is the place in the file, as it would be after the change.
    """

    where: str
    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None


class ProblemAnswer(Frozen):
    """An error. ``type`` is stable; ``requestId`` finds the request in the server's log. A change
    that others were faster with says what they changed (``diff``) and the revision to look at.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": TYPE_PREFIX + "not-found",
                "title": "Not Found",
                "status": 404,
                "detail": "There is no agent 'front-dest' in project 'acme'",
                "hint": "",
                "requestId": "8d5f3c1b7a2e4d60",
                "errors": [],
            }
        }
    )

    type: str
    title: str
    status: int
    detail: str
    hint: str = ""
    request_id: str = ""
    errors: tuple[InvalidPart, ...] = ()
    diff: str | None = None
    current: str | None = None


def problem_documents(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error answers of a route, for its OpenAPI description.

    They refer to the shape by its name: the framework would build each of them a validator.
    """
    return {status: _documented(status) for status in (*statuses, 500)}


def problem_shapes() -> dict[str, Any]:
    """What the error answers of an OpenAPI description refer to: JSON schemas by name."""
    schema = ProblemAnswer.model_json_schema(mode="serialization", ref_template=_SHAPE)
    shapes = {**schema.pop("$defs"), ProblemAnswer.__name__: schema}
    return {name: jsonable_encoder(shape, exclude_none=True) for name, shape in shapes.items()}


def _documented(status: int) -> dict[str, Any]:
    reference = {"$ref": _SHAPE.format(model=ProblemAnswer.__name__)}
    return {
        "description": HTTPStatus(status).phrase,
        "content": {MEDIA_TYPE: {"schema": reference}},
    }


def problem_response(
    status: int,
    name: str,
    detail: str,
    *,
    request_id: str,
    hint: str = "",
    parts: Sequence[InvalidPart] = (),
    headers: Mapping[str, str] | None = None,
    conflict: errors.ChangeConflict | None = None,
) -> Response:
    """An answer in the shape of RFC 9457."""
    problem = ProblemAnswer(
        type=TYPE_PREFIX + name,
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        hint=hint,
        request_id=request_id,
        errors=tuple(parts),
        diff=conflict.diff if conflict else None,
        current=(conflict.current or None) if conflict else None,
    )
    return Response(
        problem.model_dump_json(exclude_none=True),
        status,
        media_type=MEDIA_TYPE,
        headers=dict(headers or {}),
    )


def request_id(request: Request) -> str:
    """The id of this request, as the boundary gave it."""
    return str(request.state.request_id)


def install(app: FastAPI) -> None:
    """Answer every known error of ours and of the framework in this shape."""
    app.add_exception_handler(errors.TrunklineError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, framework_problem)


def status_of(error: errors.TrunklineError) -> int | None:
    """What an error of ours is answered with; None for one that should not come this far."""
    return next((code for kind, code in _STATUS if isinstance(error, kind)), None)


def error_response(error: errors.TrunklineError, request_id: str) -> Response:
    """An error of ours as an answer; one that should not come this far is raised again."""
    status = status_of(error)
    if status is None:
        raise error
    headers = {}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, errors.TooManyRequests | errors.IdempotencyKeyInUse):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
    elif error.retryable:
        headers["Retry-After"] = str(RETRY_AFTER_S)
    return problem_response(
        status,
        _WORD_START.sub("-", error.reason).lower(),
        error.message,
        hint=error.hint,
        request_id=request_id,
        headers=headers,
        parts=_manifest_parts(error) if isinstance(error, errors.InvalidManifests) else (),
        conflict=error if isinstance(error, errors.ChangeConflict) else None,
    )


async def _ours(request: Request, error: Exception) -> Response:
    if not isinstance(error, errors.TrunklineError):
        raise error
    return error_response(error, request_id(request))


def _manifest_parts(error: errors.InvalidManifests) -> tuple[InvalidPart, ...]:
    """Every problem of a tree, with its place."""
    return tuple(
        InvalidPart(
            where=str(problem.position),
            message=problem.message
            + (f" (did you mean {problem.suggestion}?)" if problem.suggestion else ""),
            file=problem.position.file,
            line=problem.position.line,
            column=problem.position.column,
        )
        for problem in error.problems
    )


async def _invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    found = error.errors()
    foreign = _foreign_body(request, found)
    if foreign is not None:
        return foreign
    parts = [
        InvalidPart(where=".".join(str(step) for step in part["loc"]), message=part["msg"])
        for part in found
    ]
    if any(part["type"] == "json_invalid" for part in found):
        return _malformed(request, parts)
    return problem_response(
        422,
        "invalid-request",
        "The request does not fit its description",
        request_id=request_id(request),
        hint="GET /openapi.json describes every request",
        parts=parts,
    )


def _malformed(request: Request, parts: Sequence[InvalidPart] = ()) -> Response:
    return problem_response(
        400,
        "malformed-json",
        "The body is not JSON",
        request_id=request_id(request),
        hint="GET /openapi.json describes every request",
        parts=parts,
    )


def _foreign_body(request: Request, found: Sequence[Any] = ()) -> Response | None:
    """The refusal of a body that is packed, or that does not say it is JSON; None for another."""
    packed = request.headers.get("content-encoding", "identity").lower()
    said = request.headers.get("content-type", "")
    whole = any(part["loc"] == ("body",) and part["type"] in _NOT_READ for part in found)
    if packed != "identity":
        detail, hint = f"The body is packed by {packed[:40]!r}", "Send it as it is"
    elif whole and not _IS_JSON.match(said):
        detail = f"The body is of the type {said[:100]!r}" if said else "The body has no type"
        hint = "Send 'Content-Type: application/json'"
    else:
        return None
    answer = problem_response(
        415, "unsupported-media-type", detail, request_id=request_id(request), hint=hint
    )
    answer.headers["Accept-Encoding"] = "identity"
    return answer


async def framework_problem(request: Request, error: Exception) -> Response:
    """What the framework itself answers, as a problem."""
    if not isinstance(error, HTTPException):
        raise error
    if error.detail == _UNREAD_BODY:
        return _foreign_body(request) or _malformed(request)
    phrase = HTTPStatus(error.status_code).phrase
    return problem_response(
        error.status_code,
        _FRAMEWORK_NAMES.get(error.status_code, "http-error"),
        error.detail if error.detail != phrase else f"{phrase}: {request.url.path}",
        request_id=request_id(request),
        headers=error.headers,
    )
