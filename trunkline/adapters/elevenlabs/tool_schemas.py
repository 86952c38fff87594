"""A tool in ElevenLabs' own shape, its JSON Schema parameters in the vendor's dialect.

The dialect knows literals, objects and arrays, and wants each literal's value from exactly one
place: the model (by a description), a dynamic variable, the system, or a constant. What it cannot
say is refused with the place and a way out, because a constraint dropped in silence is a bug on
somebody's phone call.
"""

from collections.abc import Mapping
from typing import Final

from trunkline.model.base import Json, JsonObject
from trunkline.model.desired import DesiredTool, SecretReference
from trunkline.model.diffs import leaves
from trunkline.model.errors import ClaimPending, InvalidInput
from trunkline.model.ids import TOOL_OWNER_VARIABLE
from trunkline.model.kinds.parameters import BODYLESS_METHODS, LITERALS, path_parameters
from trunkline.model.paths import MISSING, find, put, split

SOURCES: Final = ("dynamic_variable", "is_system_provided", "constant_value")
"""Where a literal's value may come from other than the model, in the vendor's spelling."""

_KEYWORDS: Final = frozenset(
    {"type", "title", "description", "enum", "const", "examples", "$comment"}
    | {"properties", "required", "additionalProperties", "items"}
    | set(SOURCES)
)


def render_tool(tool: DesiredTool, mark: str, secret_ids: Mapping[str, str]) -> JsonObject:
    """The body that creates a tool. ``mark`` is its identity, ``secret_ids`` maps a secret's name
    to its id. Raises InvalidInput for what cannot be said, ClaimPending for a missing secret.
    """
    config: JsonObject = {
        "type": tool.type,
        "name": tool.function,
        "description": tool.description,
        "dynamic_variables": {"dynamic_variable_placeholders": {TOOL_OWNER_VARIABLE: mark}},
    }
    if tool.timeout_s is not None:
        config["response_timeout_secs"] = int(tool.timeout_s)
    if tool.type == "webhook":
        config["api_schema"] = _api_schema(tool, secret_ids)
    elif tool.parameters:
        config["parameters"] = _root(tool, _parameters(tool), frozenset())
    for path, value in leaves(tool.elevenlabs).items():
        keys = split(path)
        if find(config, keys) is MISSING:
            put(config, keys, value)
    return {"tool_config": config}


def _api_schema(tool: DesiredTool, secret_ids: Mapping[str, str]) -> JsonObject:
    if tool.url is None:
        raise InvalidInput(f"tool {tool.name}: a webhook needs a url")
    method = tool.method or "GET"
    schema: JsonObject = {"url": tool.url, "method": method}
    if tool.headers:
        schema["request_headers"] = {
            name: _header(tool, value, secret_ids) for name, value in sorted(tool.headers.items())
        }
    properties = _parameters(tool)
    in_path = path_parameters(tool.url)
    unknown = sorted(in_path - properties.keys())
    if unknown:
        raise _refused(tool, f"the url names {{{unknown[0]}}}, which is no parameter")
    if in_path:
        schema["path_params_schema"] = {
            name: _literal(tool, name, properties[name]) for name in sorted(in_path)
        }
    if not properties.keys() - in_path:
        return schema
    if method in BODYLESS_METHODS:
        query = _root(tool, properties, in_path, literals_only=True)
        del query["type"]
        schema["query_params_schema"] = query
    else:
        schema["request_body_schema"] = _root(tool, properties, in_path)
    return schema


def _header(tool: DesiredTool, value: str | SecretReference, secret_ids: Mapping[str, str]) -> Json:
    if isinstance(value, str):
        return value
    if value.secret not in secret_ids:
        raise ClaimPending(f"tool {tool.name}: secret {value.secret} is not on the platform yet")
    return {"secret_id": secret_ids[value.secret]}


def _parameters(tool: DesiredTool) -> dict[str, JsonObject]:
    if not tool.parameters:
        return {}
    if tool.parameters.get("type") != "object":
        raise _refused(tool, "parameters must have type: object")
    _known_keywords(tool, "parameters", tool.parameters)
    return _properties(tool, "parameters", tool.parameters)


def _properties(tool: DesiredTool, where: str, schema: JsonObject) -> dict[str, JsonObject]:
    properties = schema.get("properties", {})
    if not isinstance(properties, dict):
        raise _refused(tool, f"{where}.properties must be an object")
    checked: dict[str, JsonObject] = {}
    for name, below in properties.items():
        if not isinstance(below, dict):
            raise _refused(tool, f"{where}.{name} must be an object with a type")
        checked[name] = below
    return checked


def _root(
    tool: DesiredTool,
    properties: Mapping[str, JsonObject],
    elsewhere: frozenset[str],
    *,
    literals_only: bool = False,
) -> JsonObject:
    """The object of all parameters that do not travel in the path."""
    render = _literal if literals_only else _property
    here: JsonObject = {
        name: render(tool, name, below)
        for name, below in properties.items()
        if name not in elsewhere
    }
    rendered: JsonObject = {"type": "object", "properties": here}
    required = [name for name in _required(tool, "parameters", tool.parameters) if name in here]
    if required:
        rendered["required"] = [*required]
    return rendered


def _property(tool: DesiredTool, where: str, schema: JsonObject) -> JsonObject:
    kind = schema.get("type")
    if kind == "object":
        return _object(tool, where, schema)
    if kind == "array":
        return _array(tool, where, schema)
    return _literal(tool, where, schema)


def _object(tool: DesiredTool, where: str, schema: JsonObject) -> JsonObject:
    _known_keywords(tool, where, schema)
    rendered: JsonObject = {"type": "object"}
    _describe(rendered, schema)
    properties = _properties(tool, where, schema)
    rendered["properties"] = {
        name: _property(tool, f"{where}.{name}", below) for name, below in properties.items()
    }
    required = _required(tool, where, schema)
    if required:
        rendered["required"] = [*required]
    return rendered


def _array(tool: DesiredTool, where: str, schema: JsonObject) -> JsonObject:
    _known_keywords(tool, where, schema)
    items = schema.get("items")
    if not isinstance(items, dict):
        raise _refused(tool, f"{where}: an array needs items with a type")
    rendered: JsonObject = {"type": "array"}
    _describe(rendered, schema)
    rendered["items"] = _property(tool, f"{where}.items", items)
    return rendered


def _literal(tool: DesiredTool, where: str, schema: JsonObject) -> JsonObject:
    _known_keywords(tool, where, schema)
    kind = schema.get("type")
    if not isinstance(kind, str) or kind not in LITERALS:
        wanted = ", ".join(sorted(LITERALS))
        raise _refused(tool, f"{where}: type {kind!r} cannot be said here; use one of {wanted}")
    rendered: JsonObject = {"type": kind}
    choices = schema.get("enum")
    if choices is not None:
        listed = choices if isinstance(choices, list) else []
        if kind != "string" or not listed or not all(isinstance(c, str) for c in listed):
            raise _refused(tool, f"{where}: enum must list strings of a string parameter")
        rendered["enum"] = listed
    return {**rendered, **_source(tool, where, schema)}


def _source(tool: DesiredTool, where: str, schema: JsonObject) -> JsonObject:
    """Exactly one place a literal's value comes from; by default the model, told by words."""
    said: JsonObject = {
        key: schema[key]
        for key in SOURCES
        if schema.get(key) is not None and (key != "is_system_provided" or schema[key])
    }
    if "const" in schema:
        said["constant_value"] = schema["const"]
    if len(said) > 1:
        raise _refused(tool, f"{where}: has two values at once: {', '.join(sorted(said))}")
    if said:
        return said
    words = schema.get("description") or schema.get("title")
    return {"description": words or where.rsplit(".", 1)[-1].replace("_", " ")}


def _describe(rendered: JsonObject, schema: JsonObject) -> None:
    words = schema.get("description") or schema.get("title")
    if words:
        rendered["description"] = words


def _required(tool: DesiredTool, where: str, schema: JsonObject) -> list[str]:
    required = schema.get("required", [])
    if not isinstance(required, list):
        raise _refused(tool, f"{where}.required must be a list of names")
    return sorted(name for name in required if isinstance(name, str))


def _known_keywords(tool: DesiredTool, where: str, schema: JsonObject) -> None:
    unknown = sorted(schema.keys() - _KEYWORDS)
    if unknown or schema.get("additionalProperties", False) is not False:
        keyword = unknown[0] if unknown else "additionalProperties"
        raise _refused(tool, f"{where}: keyword {keyword} cannot be said here")


def _refused(tool: DesiredTool, words: str) -> InvalidInput:
    position = f"{tool.position}: " if tool.position else ""
    return InvalidInput(
        f"{position}tool {tool.name}: {words}",
        hint="ElevenLabs has no word for it; say it in the parameter's description instead.",
    )
