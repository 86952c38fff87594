"""A tool of ElevenLabs in the words of a manifest: the way back from ``tool_schemas``.

The vendor fills in what nobody said, so a tool is first brought to what it states. What keys of a
manifest can say is said by them; the rest goes below ``elevenlabs:``. Two tools are the same if
they state the same, whoever wrote them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from trunkline.adapters.elevenlabs.tool_schemas import SOURCES, render_tool
from trunkline.model.base import Json, JsonObject
from trunkline.model.desired import DesiredTool, SecretReference
from trunkline.model.diffs import is_empty, leaves, operation_of
from trunkline.model.ids import TOOL_OWNER_VARIABLE, Digest
from trunkline.model.imports import DerivedTool, HeaderSecret, LeftOut
from trunkline.model.kinds.parameters import BODYLESS_METHODS
from trunkline.model.observed import ObservedTool
from trunkline.model.paths import MISSING, find, put, split
from trunkline.model.plans import Change

CREDENTIAL_KEY: Final = re.compile(
    r"authorization|api[-_]?key|access[-_]?key|token|secret|password|passwd|cookie|credential",
    re.IGNORECASE,
)
CREDENTIAL_TEXT: Final = re.compile(
    r"^(bearer|basic)\s+\S{6,}|^(sk|pk|rk|ghp|xox[abp])[-_]\S{8,}", re.IGNORECASE
)
CREDENTIAL_IN_ADDRESS: Final = re.compile(
    r"[?&][^=&]*(key|token|secret|password|signature)[^=&]*=[^{&]", re.IGNORECASE
)
TEMPLATE: Final = re.compile(r"\{\{[^{}]+\}\}")

DEFAULTS: Final[Mapping[str, Json]] = {
    "response_timeout_secs": 20,
    "disable_interruptions": False,
    "interruption_mode": "allow",
    "force_pre_tool_speech": False,
    "pre_tool_speech": "auto",
    "tool_call_sound_behavior": "auto",
    "tool_error_handling_mode": "auto",
    "expects_response": False,
    "execution_mode": "immediate",
    "follow_redirects": False,
    "content_type": "application/json",
    "is_system_provided": False,
    "is_omitted": False,
    "preserve_native_type": False,
    "sanitize": False,
    "source": "response",
    "property_kind": MISSING.value,
    "auth_connection": MISSING.value,
    "auth_resolved_params": MISSING.value,
}
"""What the vendor fills in; ``missing`` stands for keys that are never compared."""

DATA: Final = frozenset(
    {"properties", "path_params_schema", "request_headers", "dynamic_variable_placeholders"}
)
"""Objects whose keys are names somebody chose."""
HEADERS: Final = ("api_schema", "request_headers")
AUTHENTICATION: Final = "authentication does not come from manifests"


def derive_tool(observed: ObservedTool) -> DerivedTool:
    """What a manifest can say of a tool, and what has to be left out."""
    reading = _Reading(observed)
    reading.read()
    return DerivedTool(
        external_id=observed.external_id,
        function=observed.function,
        spec=reading.spec,
        headers=reading.headers,
        left_out=tuple(reading.left_out),
        refusal=reading.refusal,
    )


def tool_differences(
    desired: DesiredTool, observed: ObservedTool, secret_ids: Mapping[str, str]
) -> tuple[Change, ...]:
    """What of a tool on the platform is not as the manifest says; empty if they state the same."""
    known = {name: secret_ids.get(name, "") for name in desired.secrets()}
    rendered = render_tool(desired, mark="", secret_ids=known)["tool_config"]
    wanted = leaves(stated(rendered if isinstance(rendered, dict) else {}))
    present = leaves(stated(observed.config))
    return tuple(
        Change(
            operation=operation_of(present.get(path), wanted.get(path)),
            path=path,
            old=present.get(path),
            new=wanted.get(path),
        )
        for path in sorted(wanted.keys() | present.keys())
        if wanted.get(path) != present.get(path)
    )


def secret_uses(desired: DesiredTool, observed: ObservedTool) -> dict[str, str]:
    """Secrets the manifest names for headers, to the ids the platform uses in their places."""
    headers = find(observed.config, HEADERS)
    present = headers if isinstance(headers, dict) else {}
    found: dict[str, str] = {}
    for name, value in desired.headers.items():
        there = present.get(name)
        secret_id = there.get("secret_id") if isinstance(there, dict) else None
        if isinstance(value, SecretReference) and isinstance(secret_id, str):
            found[value.secret] = secret_id
    return found


def marked_config(config: JsonObject, mark: str) -> JsonObject:
    """The tool's own configuration with our mark among its dynamic variables."""
    marked: JsonObject = dict(config)
    variables = config.get("dynamic_variables")
    below = dict(variables) if isinstance(variables, dict) else {}
    placeholders = below.get("dynamic_variable_placeholders")
    named = dict(placeholders) if isinstance(placeholders, dict) else {}
    below["dynamic_variable_placeholders"] = {**named, TOOL_OWNER_VARIABLE: mark}
    marked["dynamic_variables"] = below
    return marked


def unmarked_config(config: JsonObject) -> JsonObject:
    """The tool's own configuration without our mark among its dynamic variables."""
    variables = config.get("dynamic_variables")
    below = dict(variables) if isinstance(variables, dict) else {}
    placeholders = below.get("dynamic_variable_placeholders")
    named = dict(placeholders) if isinstance(placeholders, dict) else {}
    named.pop(TOOL_OWNER_VARIABLE, None)
    below["dynamic_variable_placeholders"] = named
    return {**config, "dynamic_variables": below}


def stated(config: JsonObject) -> JsonObject:
    """The tool's configuration without what the vendor fills in and without our mark."""
    found = _stated(config)
    placeholders = find(found, ("dynamic_variables", "dynamic_variable_placeholders"))
    if isinstance(placeholders, dict):
        placeholders.pop(TOOL_OWNER_VARIABLE, None)
    schema = found.get("api_schema")
    if isinstance(schema, dict):
        schema.setdefault("method", "GET")
        query = schema.get("query_params_schema")
        if isinstance(query, dict):
            query.pop("type", None)
    return _pruned(found)


def _stated(tree: JsonObject) -> JsonObject:
    found: JsonObject = {}
    for key, value in tree.items():
        default = DEFAULTS.get(key, None)
        if is_empty(value) or default in (value, MISSING.value):
            continue
        if isinstance(value, dict):
            found[key] = _named(value) if key in DATA else _stated(value)
        elif key == "required" and isinstance(value, list):
            found[key] = sorted(value, key=str)
        elif isinstance(value, list):
            found[key] = [_stated(each) if isinstance(each, dict) else each for each in value]
        else:
            found[key] = value
    return found


def _named(tree: JsonObject) -> JsonObject:
    """An object whose keys are somebody's names: every one of them is kept."""
    return {
        name: _stated(value) if isinstance(value, dict) else value for name, value in tree.items()
    }


def _pruned(tree: JsonObject) -> JsonObject:
    """Without objects that lost everything in them."""
    found: JsonObject = {}
    for key, value in tree.items():
        below = _pruned(value) if isinstance(value, dict) else value
        if not (isinstance(below, dict) and not below):
            found[key] = below
    return found


@dataclass
class _Reading:
    """One tool on its way into a manifest's words."""

    observed: ObservedTool
    spec: JsonObject = field(default_factory=dict)
    headers: dict[str, str | HeaderSecret] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    refusal: str = ""

    def read(self) -> None:
        config = stated(self.observed.config)
        kind = config.get("type")
        if kind not in ("webhook", "client"):
            self.refusal = f"tools of type {kind} have no manifest"
            return
        self.spec = {
            "type": kind,
            "function": config.get("name"),
            "description": config.get("description", ""),
        }
        timeout_s = config.get("response_timeout_secs")
        schema = config.get("api_schema")
        if isinstance(schema, dict):
            self._web(schema)
        elif isinstance(parameters := config.get("parameters"), dict):
            self.spec["parameters"] = _parameters([parameters])
        if isinstance(timeout_s, int):
            self.spec["timeout"] = f"{timeout_s}s"
        self._rest(config)

    def _web(self, schema: JsonObject) -> None:
        method, url = str(schema.get("method")), str(schema.get("url", ""))
        self.spec["method"] = method
        self.spec["url"] = url
        if CREDENTIAL_IN_ADDRESS.search(url):
            self.refusal = "its address holds a credential; move it to a header with a secret"
        given = schema.get("request_headers")
        for name, value in (given if isinstance(given, dict) else {}).items():
            self._header(name, value)
        in_path = schema.get("path_params_schema")
        place = "query_params_schema" if method in BODYLESS_METHODS else "request_body_schema"
        below = schema.get(place)
        parts: list[JsonObject] = []
        if isinstance(in_path, dict):
            parts.append({"properties": in_path})
        if isinstance(below, dict):
            parts.append(below)
        if parts:
            self.spec["parameters"] = _parameters(parts)
        for key in ("auth_connection", "auth_resolved_params"):
            raw = find(self.observed.config, ("api_schema", key))
            if raw is not MISSING and not is_empty(raw):
                self.left_out.append(LeftOut(f"api_schema.{key}", AUTHENTICATION))

    def _header(self, name: str, value: Json) -> None:
        if isinstance(value, dict) and isinstance(value.get("secret_id"), str):
            self.headers[name] = HeaderSecret(str(value["secret_id"]))
        elif isinstance(value, str):
            bare = TEMPLATE.sub("", value)
            hidden = CREDENTIAL_TEXT.search(bare) or (
                CREDENTIAL_KEY.search(name) and bare.split(" ")[-1]
            )
            self.headers[name] = HeaderSecret(None) if hidden else value

    def _rest(self, config: JsonObject) -> None:
        """What no key says, found by rendering what the keys do say."""
        secret_ids: dict[str, str] = {}
        headers: dict[str, str | SecretReference] = {}
        for name, header in self.headers.items():
            if isinstance(header, HeaderSecret):
                headers[name] = SecretReference(secret=name)
                secret_ids[name] = header.secret_id or ""
            else:
                headers[name] = header
        parameters = self.spec.get("parameters")
        said = DesiredTool(
            name="imported",
            digest=Digest(""),
            type="webhook" if self.spec["type"] == "webhook" else "client",
            function=str(self.spec["function"]),
            description=str(self.spec["description"]),
            method=str(self.spec["method"]) if "method" in self.spec else None,
            url=str(self.spec["url"]) if "url" in self.spec else None,
            headers=headers,
            parameters=parameters if isinstance(parameters, dict) else {},
        )
        rendered = leaves(stated(_rendered(said, secret_ids)))
        rest: JsonObject = {}
        for path, value in leaves(config).items():
            keys = split(path)
            concealed = keys[: len(HEADERS)] == HEADERS and bool(set(keys[2:3]) & headers.keys())
            if path in rendered or path == "response_timeout_secs" or concealed:
                continue
            if isinstance(value, str) and CREDENTIAL_TEXT.search(value):
                self.left_out.append(LeftOut(path, "it looks like a credential"))
            else:
                put(rest, keys, value)
        if rest:
            self.spec["elevenlabs"] = rest


def _rendered(tool: DesiredTool, secret_ids: Mapping[str, str]) -> JsonObject:
    config = render_tool(tool, mark="", secret_ids=secret_ids)["tool_config"]
    return config if isinstance(config, dict) else {}


def _parameters(parts: list[JsonObject]) -> JsonObject:
    """One JSON Schema of parameters from the places the vendor keeps them in."""
    properties: JsonObject = {}
    required: list[Json] = []
    for part in parts:
        named = part.get("properties")
        for name, below in (named if isinstance(named, dict) else {}).items():
            properties[name] = _schema(below if isinstance(below, dict) else {})
        listed = part.get("required")
        required.extend(listed if isinstance(listed, list) else [])
    schema: JsonObject = {"type": "object"}
    known: list[Json] = [name for name in required if name in properties]
    if known:
        schema["required"] = known
    return {**schema, "properties": properties}


def _schema(below: JsonObject) -> JsonObject:
    kind = below.get("type", "object" if "properties" in below else "string")
    found: JsonObject = {"type": kind}
    words = below.get("description")
    if kind == "object":
        inner = _parameters([below])
        found = {"type": "object", **({"description": words} if words else {})}
        return {**found, **{key: value for key, value in inner.items() if key != "type"}}
    if kind == "array":
        items = below.get("items")
        described: JsonObject = {"description": words} if words else {}
        return {**found, **described, "items": _schema(items if isinstance(items, dict) else {})}
    if "enum" in below:
        found["enum"] = below["enum"]
    for source in SOURCES:
        if source in below:
            found["const" if source == "constant_value" else source] = below[source]
    if words:
        found["description"] = words
    return found
