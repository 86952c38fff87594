"""What the vendor does to every request before a handler sees it.

The order is the vendor's: the shape of query and body is checked first (422), then the key (401),
then the handler runs. Handlers get a `Call` and raise `Refused`.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulators.elevenlabs.errors import Refused, refused, unauthorized, unprocessable
from simulators.elevenlabs.forms import Form, Upload, parsed_form, tree_of
from simulators.elevenlabs.shapes import MISSING, TOLERATED_IN_PATCHES, Checker, Nulls, shape_named
from simulators.limits import ELEVENLABS_MAX_PAGE_SIZE, ELEVENLABS_PAGE_SIZE, MAX_BODY_DEPTH
from simulators.listing import InvalidCursor, ListIndex, Page
from simulators.wire import Answer, Json, Request

# ("body", field): what is missing deeper down may be stored already.
TOP_LEVEL = 2

TEXT: Json = {"kind": "string", "nullable": True}
REQUIRED_TEXT: Json = {"kind": "string", "required": True}
TEXTS: Json = {"kind": "list", "of": {"kind": "string"}, "nullable": True}
FLAG: Json = {"kind": "boolean", "default": False}
OPTIONAL_FLAG: Json = {"kind": "boolean", "nullable": True}
PAGE_SIZE: Json = {
    "kind": "integer",
    "default": ELEVENLABS_PAGE_SIZE,
    "min": 1,
    "max": ELEVENLABS_MAX_PAGE_SIZE,
}
PAGE_SIZE_OR_ALL: Json = {
    "kind": "integer",
    "nullable": True,
    "min": 1,
    "max": ELEVENLABS_MAX_PAGE_SIZE,
}
DIRECTION: Json = {"kind": "enum", "values": ["asc", "desc"], "default": "desc"}
SORT: Json = {
    "kind": "enum",
    "values": ["name", "created_at", "updated_at", "size", "call_count_7d"],
    "nullable": True,
}
PAGING: Mapping[str, Json] = {
    "page_size": PAGE_SIZE,
    "cursor": TEXT,
    "search": TEXT,
    "sort_by": SORT,
    "sort_direction": DIRECTION,
}


@dataclass(frozen=True, slots=True)
class Person:
    """Who a change is attributed to."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Call:
    """A checked request: placeholders, query and body as the vendor's handler would get them."""

    values: Mapping[str, str]
    query: Mapping[str, Any]
    body: Json
    person: Person
    files: Mapping[str, Upload] = field(default_factory=dict)
    host: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A route with what it checks: query shapes, and a body shape by name or a check of its own.

    ``partial`` bodies are merged into something stored; those with ``uploads`` are forms.
    """

    method: str
    template: str
    handle: Callable[[Call], Answer | Awaitable[Answer]]
    body: str | Callable[[object], Json] | None = None
    query: Mapping[str, Json] = field(default_factory=dict)
    partial: bool = False
    uploads: tuple[str, ...] = ()


class Caller:
    """Checks requests for endpoints and runs their handlers."""

    def __init__(self, keys: Mapping[str, Person]) -> None:
        self._keys = keys

    async def answer(self, endpoint: Endpoint, request: Request) -> Answer:
        """The endpoint's answer, or the vendor's refusal."""
        try:
            query = _checked_query(endpoint, request)
            form = parsed_form(request) if endpoint.uploads else Form()
            body = _checked_form(endpoint, form) or _checked_body(endpoint, request)
            person = self._person(request)
            host = request.headers.get("host", "")
            call = Call(request.path_values, query, body, person, form.files, host)
            outcome = endpoint.handle(call)
            return await outcome if inspect.isawaitable(outcome) else outcome
        except Refused as refusal:
            return refusal.answer

    def _person(self, request: Request) -> Person:
        key = request.headers.get("xi-api-key", "")
        bearer = request.headers.get("authorization", "")
        if key and bearer:
            raise refused(
                401, "unauthorized", "Only one of xi-api-key and authorization headers is allowed."
            )
        person = self._keys.get(key)
        if person is None:
            raise unauthorized(key_given=bool(key))
        return person


def _checked_query(endpoint: Endpoint, request: Request) -> Json:
    checker = Checker()
    flaws: list[Json] = []
    result: Json = {}
    for name, shape in endpoint.query.items():
        given = request.values(name)
        if not given and shape.get("required"):
            missing = {"type": "missing", "loc": ["query", name], "msg": "Field required"}
            flaws.append({**missing, "input": None})
        elif not given:
            filled = checker.absent(shape)
            result[name] = None if filled is MISSING else filled
        elif shape["kind"] == "list":
            result[name] = checker.complete(shape, given, ("query", name))
        elif given[-1] == "" and shape.get("nullable"):
            result[name] = None
        else:
            result[name] = checker.complete(shape, given[-1], ("query", name))
    if flaws := [*flaws, *checker.flaws]:
        raise unprocessable(flaws)
    return result


def _checked_form(endpoint: Endpoint, form: Form) -> Json:
    if not isinstance(endpoint.body, str) or not endpoint.uploads:
        return {}
    no_files = [
        {
            "type": "value_error",
            "loc": ["body", name],
            "msg": "Value error, Expected UploadFile, received: <class 'str'>",
            "input": form.fields[name],
        }
        for name in endpoint.uploads
        if name in form.fields
    ]
    if no_files:
        raise unprocessable(no_files)
    return checked(endpoint.body, tree_of(form))


def _checked_body(endpoint: Endpoint, request: Request) -> Json:
    if endpoint.body is None:
        return {}
    body: Json = parsed(request.body)
    if callable(endpoint.body):
        return endpoint.body(body)
    return checked(endpoint.body, body, partial=endpoint.partial)


def checked(shape: str, body: Any, *, partial: bool = False) -> Json:
    """A body in the named shape, completed unless it is partial. Raises Refused (422)."""
    checker = Checker(nulls=Nulls.STORE if partial else Nulls.REJECT)
    complete: Json = checker.complete(shape_named(shape), body, ("body",))
    flaws = checker.flaws
    if partial:
        flaws = [flaw for flaw in flaws if not _tolerated(flaw)]
    if flaws:
        raise unprocessable(flaws)
    given: Json = body
    return given if partial else complete


def _tolerated(flaw: Json) -> bool:
    return flaw["type"] in TOLERATED_IN_PATCHES and len(flaw["loc"]) > TOP_LEVEL


def parsed(text: bytes) -> Any:
    """The JSON of a body. Raises Refused (422) for none and for text that is not JSON."""
    if not text:
        missing = {"type": "missing", "loc": ["body"], "msg": "Field required", "input": None}
        raise unprocessable([missing])
    try:
        body = json.loads(text, parse_constant=_no_constant)
        _check_depth(body)
        if b"\\u" in text:
            json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        position = getattr(error, "pos", 0)
        flaw = {
            "type": "json_invalid",
            "loc": ["body", position],
            "msg": "JSON decode error",
            "input": {},
            "ctx": {"error": getattr(error, "msg", str(error))},
        }
        raise unprocessable([flaw]) from error
    return body


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _check_depth(tree: Any) -> None:
    depth, level = 0, [tree]
    while level := [item for item in level if isinstance(item, (dict, list))]:
        depth += 1
        if depth > MAX_BODY_DEPTH:
            raise ValueError("nested too deeply")
        level = [
            child for item in level for child in (item.values() if isinstance(item, dict) else item)
        ]


def page_of(
    index: ListIndex,
    query: Mapping[str, Any],
    *,
    tags: list[str] | None = None,
    wanted: Callable[[Json], bool] | None = None,
) -> Page:
    """The page a list request asks for. Raises Refused (400) for a foreign cursor."""
    try:
        return index.page(
            size=query.get("page_size"),
            cursor=query.get("cursor"),
            by_name=query.get("sort_by") == "name",
            descending=query.get("sort_direction", "desc") == "desc",
            tags=tags or (),
            wanted=wanted,
        )
    except InvalidCursor as error:
        raise invalid_cursor() from error


def invalid_cursor() -> Refused:
    """The refusal of a cursor that no list gave."""
    return refused(400, "invalid_cursor", "Invalid cursor.", param="cursor")
