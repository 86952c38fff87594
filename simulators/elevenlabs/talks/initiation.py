"""What a client says first: variables, overrides, who it is; and what the agent allows of it.

A conversation's configuration is the agent's own with the allowed overrides laid over it. What is
not allowed ends the conversation in the vendor's words. Nothing here speaks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from simulators.elevenlabs.shapes import Checker, shape_named
from simulators.wire import Json

CONTRACT = 1008
FIRST_MESSAGE = "conversation_initiation_client_data"
SECRET_PREFIX = "secret__"  # noqa: S105 - how names of secret variables begin
SYSTEM_PREFIX = "system__"
PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z_][\w.]*)\s*\}\}")
# Permissions of what is beside the configuration, by the key that asks for it.
GUARDED = {
    "custom_llm_extra_body": "custom_llm_extra_body",
    "starting_workflow_node_id": "enable_starting_workflow_node_id_from_client",
    "procedure_ids": "enable_procedure_ids_from_client",
}
Scalar = str | int | float | bool


class Unacceptable(Exception):
    """The conversation ends with this closing code and these words."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Initiation:
    """A conversation as the client asked for it.

    ``config`` is a complete conversation_config; ``variables`` are all dynamic variables that have
    a value, secret ones too.
    """

    config: Json
    text_only: bool
    variables: Mapping[str, Any]
    branch_id: str | None = None
    source: str | None = None
    source_version: str | None = None
    user_id: str | None = None
    given: Json = field(default_factory=dict)


def initiation(message: Json, config: Json, platform_settings: Json) -> Initiation:
    """What the first message asks of an agent. Raises Unacceptable (1008)."""
    body = {key: value for key, value in message.items() if key != "type"}
    override = body.get("conversation_config_override") or {}
    if not isinstance(override, dict):
        raise Unacceptable(CONTRACT, "Invalid message: conversation_config_override is no object.")
    permissions = platform_settings["overrides"]
    _check_beside(body, permissions)
    allowed = permissions["conversation_config_override"]
    # Older clients put it at the top; it counts where the agent allows it and is no offence else.
    top_text_only = override.get("text_only")
    nested = {key: value for key, value in override.items() if key != "text_only"}
    _check_shape(nested)
    _check_allowed(nested, allowed)
    laid = deepcopy(config)
    _lay(laid, nested)
    if isinstance(top_text_only, bool) and allowed["conversation"]["text_only"]:
        laid["conversation"]["text_only"] = top_text_only
    source = body.get("source_info") if isinstance(body.get("source_info"), dict) else {}
    return Initiation(
        config=laid,
        text_only=bool(laid["conversation"]["text_only"]),
        variables=_variables(body.get("dynamic_variables"), laid),
        branch_id=_text(body.get("branch_id")),
        source=_text((source or {}).get("source")),
        source_version=_text((source or {}).get("version")),
        user_id=_text(body.get("user_id")),
        given=body,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _check_beside(body: Json, permissions: Json) -> None:
    for key, permission in GUARDED.items():
        if body.get(key) and not permissions[permission]:
            raise Unacceptable(CONTRACT, f"Override for field '{key}' is not allowed by config.")


def _check_shape(override: Json) -> None:
    checker = Checker()
    checker.complete(
        shape_named("ConversationOverride"), override, ("conversation_config_override",)
    )
    if checker.flaws:
        flaw = checker.flaws[0]
        place = ".".join(str(part) for part in flaw["loc"])
        raise Unacceptable(CONTRACT, f"Invalid message: {place}: {flaw['msg']}")


def _check_allowed(override: Json, allowed: Json) -> None:
    for path in _given_leaves(override, allowed, ()):
        permission: Any = allowed
        for name in path:
            permission = permission.get(name) if isinstance(permission, dict) else None
        if permission is not True:
            reason = f"Override for field '{path[-1]}' is not allowed by config."
            raise Unacceptable(CONTRACT, reason)


def _given_leaves(override: Json, allowed: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name, value in override.items():
        inner = allowed.get(name) if isinstance(allowed, dict) else None
        if value is None:
            continue
        if isinstance(value, dict) and isinstance(inner, dict):
            yield from _given_leaves(value, inner, (*path, name))
        else:
            yield (*path, name)


def _lay(target: Json, override: Json) -> None:
    for name, value in override.items():
        if isinstance(value, dict) and isinstance(target.get(name), dict):
            _lay(target[name], value)
        elif value is not None:
            target[name] = value


def _variables(given: object, config: Json) -> dict[str, Any]:
    if given is not None and not isinstance(given, dict):
        raise Unacceptable(CONTRACT, "Invalid message: dynamic_variables is no object.")
    placeholders = config["agent"]["dynamic_variables"]["dynamic_variable_placeholders"]
    found = {name: value for name, value in placeholders.items() if value is not None}
    for name, value in (given or {}).items():
        if value is not None and not isinstance(value, Scalar | list | dict):
            continue
        if value is not None:
            found[name] = value
    return found


def missing_variables(texts: list[str], variables: Mapping[str, Any]) -> list[str]:
    """Names that the texts want filled and nobody gave, each once, in order."""
    names = (name for text in texts for name in PLACEHOLDER.findall(text))
    return list(
        dict.fromkeys(
            name for name in names if name not in variables and not name.startswith(SYSTEM_PREFIX)
        )
    )


def wanted_texts(config: Json, tools: list[Json]) -> list[str]:
    """The texts of an agent whose variables have to be filled before it can speak."""
    agent = config["agent"]
    texts = [agent["first_message"] or "", agent["prompt"]["prompt"] or ""]
    for tool in tools:
        schema = tool.get("api_schema") or {}
        texts.append(str(schema.get("url") or ""))
        for value in (schema.get("request_headers") or {}).values():
            if isinstance(value, dict) and value.get("variable_name"):
                texts.append("{{" + str(value["variable_name"]) + "}}")
            elif isinstance(value, str):
                texts.append(value)
    return texts


def system_variables(
    agent_id: str, conversation_id: str, now: datetime, phone_call: Json | None = None
) -> dict[str, Any]:
    """The variables every conversation has without anybody giving them."""
    call = phone_call or {}
    inbound = call.get("direction") == "inbound"
    return {
        "system__agent_id": agent_id,
        "system__conversation_id": conversation_id,
        "system__time": now.isoformat(timespec="seconds"),
        "system__time_utc": now.astimezone(UTC).isoformat(timespec="seconds"),
        "system__timezone": str(now.tzinfo),
        "system__call_duration_secs": 0,
        "system__caller_id": call.get("external_number" if inbound else "agent_number", ""),
        "system__called_number": call.get("agent_number" if inbound else "external_number", ""),
        "system__call_sid": call.get("call_sid", ""),
    }


def filled(text: str, variables: Mapping[str, Any]) -> str:
    """The text with the values of its variables; one without a value stays as it is."""

    def value_of(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in variables:
            return match.group(0)
        value = variables[name]
        return str(value).lower() if isinstance(value, bool) else str(value)

    return PLACEHOLDER.sub(value_of, text)
