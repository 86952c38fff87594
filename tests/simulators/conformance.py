"""Holds recorded requests and answers against a vendor's published OpenAPI document.

Stricter than the document where that finds mistakes: an object with named properties may have no
others, and a discriminator picks the one schema a value is checked by. Where the vendors themselves
depart from their documents, the departure is named here with its reason; nothing else passes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl

from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.validators import extend
from python_multipart import FormParser
from python_multipart.multipart import parse_options_header
from referencing import Registry
from referencing.jsonschema import DRAFT202012

Json = dict[str, Any]

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
UPLOAD = "multipart/form-data"
SUCCESS = range(200, 300)
CLOSED = "x-closed"
HERE = "urn:described"
FORMATS = FormatChecker(formats=())


@FORMATS.checks("date-time-rfc-2822", raises=(ValueError, TypeError))
def _is_rfc_2822(value: object) -> bool:
    return not isinstance(value, str) or parsedate_to_datetime(value) is not None


@dataclass(frozen=True)
class Exchange:
    """One request with its answer, as they went over the wire."""

    method: str
    path: str
    query: str
    request_type: str
    request: bytes
    status: int
    answer_type: str
    answer: bytes

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status}"

    @property
    def request_media(self) -> str:
        """The request's content type without parameters."""
        return self.request_type.partition(";")[0]

    @property
    def answer_media(self) -> str:
        """The answer's content type without parameters."""
        return self.answer_type.partition(";")[0]


@dataclass(frozen=True)
class Departures:
    """What a vendor does that its document does not say, each with a reason beside its use.

    ``routes`` are served and not described; ``keys`` may appear in any object; ``errors`` are the
    schemas of statuses that are not described, by status; ``aliases`` are references that lead
    nowhere, with the component that is meant.
    """

    routes: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    errors: Mapping[int, Json] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)


class Described:
    """A published document made ready to check exchanges."""

    def __init__(self, document: Json, departures: Departures) -> None:
        self.departures = departures
        tree: Json = json.loads(json.dumps(document))
        schemas = tree["components"]["schemas"]
        for missing, meant in departures.aliases.items():
            if missing in schemas:
                raise LookupError(f"{missing} is described by now: drop the alias")
            schemas[missing] = {"$ref": f"#/components/schemas/{meant}"}
        old_dialect = tree["openapi"].startswith("3.0")
        empty = set(_empty_in_examples(tree)) if old_dialect else set()
        _prepare(tree, old_dialect=old_dialect, empty=empty)
        self._paths: Json = tree["paths"]
        self._patterns = {template: _pattern(template) for template in self._paths}
        self._registry: Registry[Any] = Registry().with_resource(
            HERE, DRAFT202012.create_resource(tree)
        )
        make: Any = extend
        self._validator = make(Draft202012Validator, {"oneOf": _one_of, CLOSED: self._closed})

    def _closed(
        self, validator: Any, names: Iterable[str], value: Any, schema: Json
    ) -> Iterator[ValidationError]:
        del validator, schema
        if isinstance(value, dict):
            for name in sorted(set(value) - set(names) - self.departures.keys):
                yield ValidationError(f"{name!r} is not described")

    def undescribed(self, served: Iterable[str]) -> set[str]:
        """Routes, as ``METHOD template``, that neither the document nor a departure has."""
        unknown = {route for route in served if self._operation(*route.split(" ")) is None}
        return unknown - self.departures.routes

    def _operation(self, method: str, path: str) -> tuple[str, Json, dict[str, str]] | None:
        found: list[tuple[int, str, dict[str, str]]] = []
        for template, pattern in self._patterns.items():
            match = pattern.fullmatch(path)
            if match and method.lower() in self._paths[template]:
                found.append((template.count("{"), template, match.groupdict()))
        if not found:
            return None
        _, template, values = min(found, key=lambda candidate: candidate[0])
        return template, self._paths[template][method.lower()], values

    def problems(self, exchange: Exchange) -> list[str]:
        """What is wrong with an exchange; a request that was refused may be as it likes."""
        found = self._operation(exchange.method, exchange.path)
        if found is None:
            known = exchange.status in (404, 405) or self._departs(exchange)
            return [] if known else [f"{exchange}: the document has no such route"]
        template, operation, values = found
        place = ["paths", template, exchange.method.lower()]
        problems = list(self._answer_problems(exchange, operation, place))
        if exchange.status in SUCCESS:
            problems += self._request_problems(exchange, operation, place, values)
        return [f"{exchange}: {problem}" for problem in problems]

    def request_problems(self, exchange: Exchange) -> list[str]:
        """What is wrong with a request, whatever it was answered."""
        found = self._operation(exchange.method, exchange.path)
        if found is None:
            return ["the document has no such route"]
        template, operation, values = found
        place = ["paths", template, exchange.method.lower()]
        return list(self._request_problems(exchange, operation, place, values))

    def _departs(self, exchange: Exchange) -> bool:
        return any(
            re.fullmatch(re.sub(r"{\w+}", "[^/]+", route), f"{exchange.method} {exchange.path}")
            for route in self.departures.routes
        )

    def _answer_problems(
        self, exchange: Exchange, operation: Json, place: list[str]
    ) -> Iterator[str]:
        response = operation["responses"].get(str(exchange.status))
        if response is None:
            schema = self.departures.errors.get(exchange.status)
            if schema is None:
                yield "the document has no such status"
            else:
                yield from self._flaws(schema, _parsed(exchange.answer), "answer")
            return
        content = response.get("content")
        if content is None:
            if exchange.answer:
                yield "the document says there is no body"
        elif exchange.answer_media not in content:
            yield f"answered as {exchange.answer_media!r}, not {sorted(content)}"
        elif "schema" in content[exchange.answer_media]:
            where = [*place, "responses", str(exchange.status), "content", exchange.answer_media]
            is_json = exchange.answer_media == JSON
            value = _parsed(exchange.answer) if is_json else exchange.answer.decode("latin-1")
            yield from self._flaws(_reference([*where, "schema"]), value, "answer")

    def _request_problems(
        self, exchange: Exchange, operation: Json, place: list[str], values: Mapping[str, str]
    ) -> Iterator[str]:
        yield from self._parameter_problems(exchange, operation, place, values)
        body = operation.get("requestBody")
        if body is None:
            if exchange.request not in (b"", b"{}"):
                yield "the document knows no request body"
            return
        if not exchange.request:
            if body.get("required"):
                yield "the request body is missing"
            return
        media = exchange.request_media
        if media not in body["content"]:
            yield f"sent as {media!r}, not {sorted(body['content'])}"
            return
        where = [*place, "requestBody", "content", media, "schema"]
        readers: dict[str, Callable[[], object]] = {
            JSON: lambda: _parsed(exchange.request),
            FORM: lambda: self._form(body["content"][media]["schema"], exchange.request),
            UPLOAD: lambda: _upload(exchange),
        }
        yield from self._flaws(_reference(where), readers[media](), "request")

    def _form(self, schema: Json, body: bytes) -> Json:
        fields = parse_qsl(body.decode(), keep_blank_values=True)
        properties = schema.get("properties", {})
        # An empty value clears a setting; the patterns of ids do not say so.
        return {
            name: _coerced(self._resolved(properties.get(name, {})), [value])
            for name, value in fields
            if value or name not in properties
        }

    def _parameter_problems(
        self, exchange: Exchange, operation: Json, place: list[str], values: Mapping[str, str]
    ) -> Iterator[str]:
        given: dict[str, list[str]] = {}
        for name, value in parse_qsl(exchange.query, keep_blank_values=True):
            given.setdefault(name, []).append(value)
        declared = operation.get("parameters", [])
        known = {parameter["name"] for parameter in declared if parameter["in"] == "query"}
        for name in sorted(set(given) - known):
            yield f"the document knows no query parameter {name}"
        for position, parameter in enumerate(declared):
            name, kind = parameter["name"], parameter["in"]
            texts = [values[name]] if kind == "path" else given.get(name)
            if kind not in ("path", "query") or texts is None:
                continue
            read = _coerced(self._resolved(parameter["schema"]), texts)
            where = _reference([*place, "parameters", str(position), "schema"])
            yield from self._flaws(where, read, f"parameter {name}")

    def _resolved(self, schema: Json) -> Json:
        while "$ref" in schema:
            schema = self._registry.resolver(HERE).lookup(schema["$ref"]).contents
        for option in schema.get("anyOf", ()):
            if option.get("type") != "null":
                return self._resolved(option)
        return schema

    def _flaws(self, schema: Json, value: object, what: str) -> Iterator[str]:
        validator = self._validator(schema, registry=self._registry, format_checker=FORMATS)
        for error in validator.iter_errors(value):
            deepest: ValidationError = error
            while deepest.context:
                deepest = max(deepest.context, key=lambda inner: len(inner.absolute_path))
            path = "/".join(str(part) for part in deepest.absolute_path)
            yield f"{what} /{path}: {deepest.message[:300]}"


def _pattern(template: str) -> re.Pattern[str]:
    """What a path of a template looks like, with a group for each of its parameters."""
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template)))


def _parsed(body: bytes) -> object:
    try:
        content: object = json.loads(body)
    except ValueError:
        return "this is no JSON"
    return content


def _reference(place: Iterable[str]) -> Json:
    parts = (part.replace("~", "~0").replace("/", "~1") for part in place)
    return {
        "$ref": f"{HERE}#/"
        + "/".join(part.replace("{", "%7B").replace("}", "%7D") for part in parts)
    }


def _coerced(schema: Json, texts: list[str]) -> object:
    """Text from a query, path or form in the type the schema wants, or as it is."""
    kind = schema.get("type")
    if kind == "array":
        return [_coerced(schema.get("items", {}), [text]) for text in texts]
    text = texts[-1]
    if kind == "integer" and re.fullmatch(r"-?\d+", text):
        return int(text)
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    return text


def _one_of(
    validator: Any, options: list[Json], value: Any, schema: Json
) -> Iterator[ValidationError]:
    discriminator = schema.get("discriminator")
    tagged = discriminator is not None and isinstance(value, dict)
    tag = value.get(discriminator["propertyName"]) if discriminator and tagged else None
    if discriminator is None or tag is None:
        yield from Draft202012Validator.VALIDATORS["oneOf"](validator, options, value, schema)
        return
    target = discriminator["mapping"].get(tag) if isinstance(tag, str) else None
    if target is None:
        yield ValidationError(f"{tag!r} is none of {sorted(discriminator['mapping'])}")
    else:
        yield from validator.descend(value, {"$ref": target})


def _prepare(tree: Any, *, old_dialect: bool, empty: set[str]) -> None:
    if isinstance(tree, list):
        for item in tree:
            _prepare(item, old_dialect=old_dialect, empty=empty)
    if not isinstance(tree, dict):
        return
    for item in list(tree.values()):
        _prepare(item, old_dialect=old_dialect, empty=empty)
    properties = tree.get("properties")
    if isinstance(properties, dict) and tree.get("type") == "object":
        for name in empty & set(properties):
            properties[name] = {"anyOf": [properties[name], {"const": ""}]}
        if "additionalProperties" not in tree:
            tree[CLOSED] = list(properties)
    if old_dialect and tree.get("nullable") is True and "type" in tree:
        tree["type"] = [tree["type"], "null"]
        if "enum" in tree:
            tree["enum"] = [*tree["enum"], None]


def _empty_in_examples(tree: Any, *, inside: bool = False) -> Iterator[str]:
    """Properties the document's own examples show as an empty text."""
    if isinstance(tree, list):
        for item in tree:
            yield from _empty_in_examples(item, inside=inside)
    elif isinstance(tree, dict):
        for name, item in tree.items():
            if inside and item == "":
                yield name
            yield from _empty_in_examples(item, inside=inside or name == "examples")


def _text(part: bytes | None) -> str:
    return (part or b"").decode()


def _upload(exchange: Exchange) -> Json:
    """The parts of an uploaded form: texts of fields, names of files."""
    parts: Json = {}
    _, options = parse_options_header(exchange.request_type)
    parser = FormParser(
        UPLOAD,
        lambda part: parts.update({_text(part.field_name): _text(part.value)}),
        lambda part: parts.update({_text(part.field_name): _text(part.file_name)}),
        boundary=options[b"boundary"],
    )
    parser.write(exchange.request)
    parser.finalize()
    return parts
