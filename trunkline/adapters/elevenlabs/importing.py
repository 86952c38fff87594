"""An agent of ElevenLabs in the words of a manifest: the way back from ``rendering``.

Pure. What one of our keys says is said by it; every other leaf that differs from what the platform
fills in goes below ``elevenlabs:``. A leaf that may not stand in a manifest (webhooks,
authentication, anything that looks like a credential) is named, and stays as it is.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

from trunkline.adapters.elevenlabs.rendering import PROMPT, RULES, VARIABLES
from trunkline.adapters.elevenlabs.tool_reading import (
    CREDENTIAL_KEY,
    CREDENTIAL_TEXT,
    DEFAULTS,
    derive_tool,
)
from trunkline.model.base import Json, JsonObject
from trunkline.model.diffs import Comparator, is_empty, leaves
from trunkline.model.durations import format_duration
from trunkline.model.ids import ExternalId
from trunkline.model.imports import DerivedAgent, DerivedDocument, DocumentUse, LeftOut
from trunkline.model.kinds.agent import BUILTIN_TOOLS
from trunkline.model.kinds.escape_hatch import OWNED_PATHS, SECTIONS
from trunkline.model.observed import ObservedAgent, ObservedDocument
from trunkline.model.paths import MISSING, Keys, find, join, put, split

__all__ = ["derive_agent", "derive_document", "derive_tool"]

BUILT_IN: Final = split(f"{PROMPT}.built_in_tools")
START_NODE: Final = split("workflow.nodes.start_node")
"""All there is of the workflow of an agent that has none."""
FIRST: Final = ("id", "name", "type", "description")
CRITERIA: Final = split("platform_settings.evaluation.criteria")

KEYS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("conversation_config.agent.first_message", ("firstMessage",)),
    ("conversation_config.agent.language", ("language",)),
    (f"{PROMPT}.llm", ("model", "name")),
    (f"{PROMPT}.temperature", ("model", "temperature")),
    ("conversation_config.tts.voice_id", ("voice", "id")),
    ("conversation_config.tts.stability", ("voice", "stability")),
    ("conversation_config.tts.similarity_boost", ("voice", "similarityBoost")),
    ("conversation_config.tts.speed", ("voice", "speed")),
    ("platform_settings.call_limits.agent_concurrency_limit", ("limits", "concurrency")),
)
"""Leaves that one of our keys says as they are."""

BUILT_IN_DEFAULTS: Final[Mapping[str, Json]] = {**DEFAULTS, "type": "system"}
CRITERION_DEFAULTS: Final[JsonObject] = {
    "type": "prompt",
    "use_knowledge_base": False,
    "scope": "conversation",
    "scoring_mode": "binary",
    "max_score": 100,
}
DISPLAYED_ONLY: Final = "it is Trunkline's own or read-only"
REFUSED: Final = "webhooks and authentication of an agent do not come from manifests"
CREDENTIAL: Final = "it looks like a credential"
NOT_SAID: Final = "a variable's value is a text under a plain name"

_COMPARATOR: Final = Comparator(RULES)


def derive_agent(observed: ObservedAgent) -> DerivedAgent:
    """What a manifest can say of an agent, and what has to be left out."""
    body = observed.body
    spec: JsonObject = {"displayName": observed.name}
    duration = _chosen(body, split("conversation_config.conversation.max_duration_seconds"))
    if isinstance(duration, int):
        put(spec, ("limits", "maxDuration"), format_duration(timedelta(seconds=duration)))
    for path, keys in KEYS:
        value = _chosen(body, split(path))
        if value is not None:
            put(spec, keys, value)
    left_out: list[LeftOut] = []
    variables = _variables(body, left_out)
    if variables:
        spec["variables"] = variables
    rest = _rest(body, left_out)
    if rest:
        spec["elevenlabs"] = _in_order(rest)
    prompt = find(body, split(f"{PROMPT}.prompt"))
    return DerivedAgent(
        external_id=observed.external_id,
        display_name=observed.name,
        spec=spec,
        prompt=prompt if isinstance(prompt, str) else "",
        builtins=_builtins(body),
        tool_ids=tuple(ExternalId(each) for each in _texts(body, f"{PROMPT}.tool_ids")),
        documents=tuple(_documents(body)),
        left_out=tuple(left_out),
    )


def derive_document(observed: ObservedDocument, text: str | None) -> DerivedDocument:
    """A document in a manifest's words; ``source`` None: no manifest can say where it is from."""
    known: Mapping[str, str] = {"text": "text", "file": "file", "url": "url"}
    kind = known.get(observed.kind)
    return DerivedDocument(
        external_id=observed.external_id,
        title=observed.title,
        source="text" if kind == "text" else "file" if kind == "file" else "url" if kind else None,
        url=observed.url,
        text=text,
    )


def _chosen(body: JsonObject, keys: Keys) -> Json:
    """The value at a leaf if somebody chose it: neither empty nor what the platform fills in."""
    value = find(body, keys)
    if value is MISSING or is_empty(value) or _is_default(keys, value):
        return None
    return value


def _in_order(tree: JsonObject) -> JsonObject:
    """The tree with what something is called before what is said of it."""
    names = sorted(tree, key=lambda key: FIRST.index(key) if key in FIRST else len(FIRST))
    return {name: _each_in_order(tree[name]) for name in names}


def _each_in_order(value: Json) -> Json:
    if isinstance(value, dict):
        return _in_order(value)
    return [_each_in_order(each) for each in value] if isinstance(value, list) else value


def _is_default(keys: Keys, value: Json) -> bool:
    default = find(RULES.defaults, keys)
    if default is MISSING:
        return value is False
    return _COMPARATOR.matches(keys, value, default) and _COMPARATOR.matches(keys, default, value)


def _variables(body: JsonObject, left_out: list[LeftOut]) -> JsonObject:
    given = find(body, split(VARIABLES))
    variables: JsonObject = {}
    for name, value in (given if isinstance(given, dict) else {}).items():
        if isinstance(value, str) and not CREDENTIAL_TEXT.search(value):
            variables[name] = value
        else:
            why = CREDENTIAL if isinstance(value, str) else NOT_SAID
            left_out.append(LeftOut(join((*split(VARIABLES), name)), why))
    return variables


def _builtins(body: JsonObject) -> tuple[str, ...]:
    given = find(body, BUILT_IN)
    named = given if isinstance(given, dict) else {}
    return tuple(name for name in sorted(BUILTIN_TOOLS) if isinstance(named.get(name), dict))


def _texts(body: JsonObject, path: str) -> list[str]:
    given = find(body, split(path))
    return [each for each in given if isinstance(each, str)] if isinstance(given, list) else []


def _documents(body: JsonObject) -> Iterator[DocumentUse]:
    given = find(body, split(f"{PROMPT}.knowledge_base"))
    for each in given if isinstance(given, list) else []:
        if isinstance(each, dict) and isinstance(each.get("id"), str):
            usage = each.get("usage_mode")
            yield DocumentUse(
                ExternalId(str(each["id"])), usage if isinstance(usage, str) else "auto"
            )


def _rest(body: JsonObject, left_out: list[LeftOut]) -> JsonObject:
    """Every leaf somebody chose that no key of ours says."""
    owned = {split(path) for path in OWNED_PATHS}
    ignored = {split(path) for path in RULES.ignored}
    if set(_object(body, START_NODE[:-1])) == {START_NODE[-1]}:
        ignored.add(START_NODE)
    rest: JsonObject = {}
    for path, value in leaves({key: body[key] for key in SECTIONS if key in body}).items():
        keys = split(path)
        above = {keys[:n] for n in range(1, len(keys) + 1)}
        if above & ignored or is_empty(value) or _is_default(keys, value):
            continue
        if above & owned:
            if keys[:2] == ("platform_settings", "testing") or keys[-1] == "archived":
                left_out.append(LeftOut(path, DISPLAYED_ONLY))
            continue
        if _is_filled_in(keys, value):
            continue
        why = _refusal(keys, value)
        if why:
            left_out.append(LeftOut(path, why))
        else:
            put(rest, keys, _plain(keys, value))
    return rest


def _object(body: JsonObject, keys: Keys) -> JsonObject:
    found = find(body, keys)
    return found if isinstance(found, dict) else {}


def _is_filled_in(keys: Keys, value: Json) -> bool:
    """True for what the platform adds to a tool somebody made."""
    if keys[: len(BUILT_IN)] == BUILT_IN and len(keys) == len(BUILT_IN) + 2:
        return BUILT_IN_DEFAULTS.get(keys[-1], MISSING) == value
    return False


def _refusal(keys: Keys, value: Json) -> str:
    if keys[:2] == ("platform_settings", "auth") or _names_webhook(keys, value):
        return REFUSED
    return CREDENTIAL if _holds_credential(keys[-1], value) else ""


def _names_webhook(keys: Keys, value: Json) -> bool:
    if any("webhook" in key.lower() for key in keys):
        return True
    if isinstance(value, dict):
        return any(_names_webhook((key,), below) for key, below in value.items())
    return isinstance(value, list) and any(_names_webhook((), each) for each in value)


def _holds_credential(key: str, value: Json) -> bool:
    if isinstance(value, dict):
        return any(_holds_credential(name, below) for name, below in value.items())
    if isinstance(value, list):
        return any(_holds_credential("", each) for each in value)
    if not isinstance(value, str):
        return False
    named = CREDENTIAL_KEY.search(key) is not None and not key.endswith("_id")
    return (named and " " not in value) or CREDENTIAL_TEXT.search(value) is not None


def _plain(keys: Keys, value: Json) -> Json:
    """A leaf without what the platform fills into the objects of its list."""
    if not isinstance(value, list):
        return value
    defaults = CRITERION_DEFAULTS if keys == CRITERIA else {}
    return [_without(each, defaults) for each in value]


def _without(value: Json, defaults: JsonObject) -> Json:
    if isinstance(value, list):
        return [_without(each, {}) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _without(below, {})
        for key, below in value.items()
        if not is_empty(below) and not (key in defaults and defaults[key] == below)
    }
