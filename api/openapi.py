"""The description of the API: what every route has in common is added here, and forgotten nowhere.

Routes describe what is theirs. That a JSON answer has a tag, that a token has a pace and a write a
key, that errors are problem documents, is true of all and therefore said once, by code that reads
the finished description.
"""

import re
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from api import problems
from api.etags import TAGGED_PREFIXES, UNTAGGED_PREFIX
from api.examples import give_examples
from api.idempotency import COVERED, KEY_HEADER, KEY_MAX_CHARACTERS, REPLAYED_HEADER
from api.problems import framework_problem

DESCRIPTION = """\
GitOps for voice agents. What is wished for lives in Git; this API says how things are, plans,
and asks for a look at Git now. Send a token as `Authorization: Bearer tl_…`. Errors are RFC 9457
documents whose `type` is stable. Lists come in pages: pass `nextCursor` as `cursor`. Every answer
carries `X-Request-ID`, yours if you sent one. JSON answers have an `ETag`; a POST with an
`Idempotency-Key` may be sent again; `RateLimit` says how much a token may still ask.
"""
TAGS = (
    ("projects", "Manifests repositories, and the state of their Git"),
    ("status", "How agents and numbers are, and what happened to them"),
    ("operations", "Plans, diffs and syncs, and how far they are"),
    ("control", "What people decide about carrying wishes out, and why something is not done"),
    ("promotions", "From a tested agent to a release, and back"),
    ("tests", "Scripted conversations, manual results, behaviour of what is released"),
    ("changes", "Changes from outside of Git, which become commits or pull requests"),
    ("pull-requests", "What is planned and tested of a pull request"),
    ("notifications", "Who is told what"),
    ("imports", "What is on an account already, and taking it over"),
    ("ejections", "Leaving an environment to itself"),
    ("calls", "Calls: who speaks, what was said, and what carriers ask"),
    ("tokens", "Who may do what"),
    ("sign-in", "Browsers that sign in, and who it is that asks"),
    ("audit", "Who did what"),
    ("webhooks", "What forges tell"),
    ("health", "Whether the server and everything it needs is well"),
)
_PARAMETER = re.compile(r"\\{[^}]*\\}")
"""A parameter of a path, as ``re.escape`` leaves it."""
_ETAG = {"description": "The tag of this answer", "schema": {"type": "string"}}
_RETRY_AFTER = {"description": "Seconds to wait", "schema": {"type": "integer", "minimum": 0}}
_RATE = {
    "description": 'How much this token may still ask: `"token";r=<requests>;t=<seconds>`',
    "schema": {"type": "string"},
}
_REPLAYED = {
    "description": "`true` if this was answered before, to the same request",
    "schema": {"type": "string"},
}
_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "`ETag` of an answer the client still has; 304 if it is still the answer",
    "schema": {"type": "string"},
}
_KEY = {
    "name": KEY_HEADER,
    "in": "header",
    "required": False,
    "description": "A new UUID for each request; the same request sent again is not done again",
    "schema": {
        "type": "string",
        "maxLength": KEY_MAX_CHARACTERS + 2,
        "pattern": '^("[ !#-\\[\\]-~]+"|[!#-~]+)$',
        "examples": ["8e03978e-40d5-43e8-bc93-6894a57f9324"],
    },
}


class TrunklineAPI(FastAPI):
    """FastAPI that describes what its wrappers do, and error answers under their media type."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        if self.openapi_schema is None:
            self.openapi_schema = _described(self)
        return self.openapi_schema


async def method_not_offered(request: Request, error: Exception) -> Response:
    """405 with every method of the path: the framework knows only those of one route."""
    if isinstance(error, HTTPException):
        said = {word.strip() for word in (error.headers or {}).get("Allow", "").split(",")}
        offered = _methods_of(request.app.openapi(), request.url.path) or said - {""}
        offered |= {"HEAD"} if "GET" in offered else set()
        error.headers = {"Allow": ", ".join(sorted(offered))}
    return await framework_problem(request, error)


def _methods_of(document: dict[str, Any], path: str) -> set[str]:
    """The methods of the path with the fewest parameters that fits."""
    fitting = [
        (template.count("{"), operations)
        for template, operations in document["paths"].items()
        if re.fullmatch(_PARAMETER.sub("[^/]+", re.escape(template)), path)
    ]
    _, methods = min(fitting, key=lambda each: each[0], default=(0, {}))
    return {method.upper() for method in methods}


def operation_name(route: APIRoute) -> str:
    """The stable name of an operation: what its function is called."""
    return route.name


def _described(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=DESCRIPTION,
        routes=app.routes,
        tags=[{"name": name, "description": words} for name, words in TAGS],
    )
    shapes = document["components"]["schemas"] | problems.problem_shapes()
    document["components"]["schemas"] = dict(sorted(shapes.items()))
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _say_what_all_share(method, path, operation)
    give_examples(document)
    return document


def _say_what_callers_get(operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    takes_json = "application/json" in operation.get("requestBody", {}).get("content", {})
    shared = (400, 415, 429, 503) if takes_json else (429, 503)
    for status, answer in problems.problem_documents(*shared).items():
        responses.setdefault(str(status), answer)
    responses["429"]["headers"] = {"Retry-After": _RETRY_AFTER}
    for answer in responses.values():
        answer.setdefault("headers", {})["RateLimit"] = _RATE


def _say_what_all_share(method: str, path: str, operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    parameters = operation.setdefault("parameters", [])
    if "security" in operation:
        _say_what_callers_get(operation)
    if method == "post" and "security" in operation and COVERED.fullmatch(path):
        parameters.append(_KEY)
        for status, answer in problems.problem_documents(400, 409, 422).items():
            responses.setdefault(str(status), answer)
        for status, answer in responses.items():
            if status.startswith("2"):
                answer["headers"][REPLAYED_HEADER] = _REPLAYED
    json = "application/json" in responses.get("200", {}).get("content", {})
    tagged = path.startswith(TAGGED_PREFIXES) and not path.startswith(UNTAGGED_PREFIX)
    if method == "get" and json and tagged:
        parameters.append(_IF_NONE_MATCH)
        responses["200"].setdefault("headers", {})["ETag"] = _ETAG
        responses["304"] = {"description": "Not changed", "headers": {"ETag": _ETAG}}
    if not parameters:
        del operation["parameters"]
