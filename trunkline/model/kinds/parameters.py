"""The JSON Schema of a tool's parameters, as far as every platform can say it.

A misspelt or unsayable keyword would otherwise be found only when the tool is created, on behalf
of somebody who has long gone on to other things.
"""

import re

from trunkline.model.base import Json, JsonObject
from trunkline.model.kinds.base import refuse
from trunkline.model.limits import YAML_MAX_DEPTH

TYPES = ("array", "boolean", "integer", "number", "object", "string")
LITERALS = frozenset(TYPES) - {"array", "object"}
BODYLESS_METHODS = frozenset({"GET", "DELETE"})
"""Methods whose parameters travel in the address."""
KEYWORDS = (
    "$comment",
    "additionalProperties",
    "const",
    "constant_value",
    "description",
    "dynamic_variable",
    "enum",
    "examples",
    "is_system_provided",
    "items",
    "properties",
    "required",
    "title",
    "type",
)

_TEXTS = ("$comment", "description", "dynamic_variable", "title")
_CONSTANTS = ("const", "constant_value")
_SOURCES = (*_CONSTANTS, "dynamic_variable", "is_system_provided")
_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


def check_parameters(schema: JsonObject) -> JsonObject:
    """The schema itself. Raises a pydantic error that names the part that is wrong."""
    if schema:
        _check(schema, ())
        if schema["type"] != "object":
            raise refuse("`parameters` must be a JSON Schema with `type: object`", at=("type",))
    return schema


def path_parameters(url: str) -> frozenset[str]:
    """Names of the parameters that an address holds, as in ``/slots/{day}``."""
    return frozenset(_PLACEHOLDER.findall(url))


def check_address(url: str, method: str, schema: JsonObject) -> None:
    """Raises a pydantic error for parameters that cannot travel in the address they are for."""
    given = schema.get("properties")
    properties: JsonObject = given if isinstance(given, dict) else {}
    in_path = path_parameters(url)
    for name in sorted(in_path - properties.keys()):
        raise refuse(
            f"the address names {{{name}}}, which is no parameter",
            at=("url",),
            known=tuple(url.replace(f"{{{name}}}", f"{{{each}}}") for each in properties),
        )
    for name, below in properties.items():
        kind = below.get("type") if isinstance(below, dict) else None
        if kind in LITERALS or not (name in in_path or method in BODYLESS_METHODS):
            continue
        where = "the address" if name in in_path else f"the address of a {method} request"
        raise refuse(
            f"`{name}` goes into {where} and must be {', '.join(sorted(LITERALS))}",
            at=("parameters", "properties", name, "type"),
        )


def _check(schema: Json, at: tuple[str, ...]) -> None:
    if not isinstance(schema, dict) or len(at) > YAML_MAX_DEPTH:
        raise refuse("a parameter is described by an object with `type` and `description`", at=at)
    for keyword in schema:
        if keyword not in KEYWORDS:
            raise refuse(
                f"unknown keyword `{keyword}`; known here: {', '.join(KEYWORDS)}",
                at=(*at, keyword),
                key=True,
                known=KEYWORDS,
            )
    kind = schema.get("type")
    if not isinstance(kind, str):
        raise refuse(f"needs `type`, one of {', '.join(TYPES)}", at=at)
    if kind not in TYPES:
        message = f'must be one of {", ".join(TYPES)}; found "{kind}"'
        raise refuse(message, at=(*at, "type"), known=TYPES)
    _check_words(schema, at)
    if kind in LITERALS:
        _check_literal(schema, kind, at)
        return
    _check_no_value(schema, at)
    if kind == "object":
        _check_object(schema, at)
    elif "items" in schema:
        _check(schema["items"], (*at, "items"))
    else:
        raise refuse("an array needs `items`", at=at)


def _check_no_value(schema: JsonObject, at: tuple[str, ...]) -> None:
    for keyword in (*_SOURCES, "enum"):
        if keyword in schema:
            raise refuse(
                f"`{keyword}` is for texts, numbers and booleans; describe the values below",
                at=(*at, keyword),
                key=True,
            )


def _check_words(schema: JsonObject, at: tuple[str, ...]) -> None:
    for keyword in _TEXTS:
        if keyword in schema and not isinstance(schema[keyword], str):
            raise refuse(f"`{keyword}` must be text", at=(*at, keyword))
    if schema.get("additionalProperties", False) is not False:
        raise refuse(
            "name every parameter below `properties`; no platform takes others",
            at=(*at, "additionalProperties"),
            key=True,
        )


def _check_literal(schema: JsonObject, kind: str, at: tuple[str, ...]) -> None:
    choices = schema.get("enum", [""])
    are_texts = isinstance(choices, list) and choices and all(isinstance(c, str) for c in choices)
    if not are_texts or ("enum" in schema and kind != "string"):
        raise refuse(
            "`enum` lists texts of a `type: string`; name other values in `description`",
            at=(*at, "enum"),
        )
    for keyword in _CONSTANTS:
        if keyword in schema and not _is_of(schema[keyword], kind):
            raise refuse(f"must be a value of `type: {kind}`", at=(*at, keyword))
    if not isinstance(schema.get("is_system_provided", False), bool):
        message = "`is_system_provided` must be true or false"
        raise refuse(message, at=(*at, "is_system_provided"))
    said = [each for each in _SOURCES if each in schema and schema[each] is not False]
    said += [each for each in _CONSTANTS if schema.get(each) is False]
    if len(said) > 1:
        raise refuse(f"has two values at once: `{said[0]}` and `{said[1]}`", at=at)


def _is_of(value: Json, kind: str) -> bool:
    if isinstance(value, bool) or kind == "boolean":
        return isinstance(value, bool) and kind == "boolean"
    if kind == "string":
        return isinstance(value, str)
    return isinstance(value, int) or (kind == "number" and isinstance(value, float))


def _check_object(schema: JsonObject, at: tuple[str, ...]) -> None:
    properties = schema.get("properties", {})
    if not isinstance(properties, dict):
        raise refuse("`properties` must be an object", at=(*at, "properties"))
    for name, below in properties.items():
        _check(below, (*at, "properties", name))
    required = schema.get("required", [])
    if not isinstance(required, list):
        raise refuse("`required` must be a list", at=(*at, "required"))
    for index, each in enumerate(required):
        if not isinstance(each, str) or each not in properties:
            raise refuse(
                f"`required` names `{each}`, which is no property",
                at=(*at, "required", str(index)),
                known=tuple(properties),
            )
