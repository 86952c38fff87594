"""The JSON Schema of a tool's parameters, as far as every platform can say it.

A misspelt or unsayable keyword would otherwise be found only when the tool is created, on behalf
of somebody who has long gone on to other things.
"""

from trunkline.model.base import Json, JsonObject
from trunkline.model.kinds.base import refuse
from trunkline.model.limits import YAML_MAX_DEPTH

TYPES = ("array", "boolean", "integer", "number", "object", "string")
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


def check_parameters(schema: JsonObject) -> JsonObject:
    """The schema itself. Raises a pydantic error that names the part that is wrong."""
    if schema:
        _check(schema, ())
        if schema["type"] != "object":
            raise refuse("`parameters` must be a JSON Schema with `type: object`", at=("type",))
    return schema


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
    if kind == "object":
        _check_object(schema, at)
    elif kind == "array":
        if "items" not in schema:
            raise refuse("an array needs `items`", at=at)
        _check(schema["items"], (*at, "items"))


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
