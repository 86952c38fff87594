"""What may stand below ``elevenlabs:``, the partial vendor body of an agent.

The hatch is for paths no key of ours owns: a path that could be said in two places would have two
truths. Webhooks and authentication are refused because they move calls and data to addresses that
reviews of a manifest do not expect. Only the names of paths are known here, no behaviour.
"""

from trunkline.model.base import Json, JsonObject
from trunkline.model.ids import TOOL_OWNER_VARIABLE
from trunkline.model.kinds.base import refuse
from trunkline.model.limits import YAML_MAX_DEPTH
from trunkline.model.paths import MISSING, find

SECTIONS = ("conversation_config", "platform_settings", "workflow")

_PROMPT = "conversation_config.agent.prompt"
OWNED_PATHS: dict[str, str] = {
    "conversation_config.agent.first_message": "spec.firstMessage",
    "conversation_config.agent.language": "spec.language",
    "conversation_config.agent.dynamic_variables.dynamic_variable_placeholders": (
        "spec.variables and spec.context"
    ),
    f"{_PROMPT}.prompt": "spec.prompt",
    f"{_PROMPT}.llm": "spec.model.name",
    f"{_PROMPT}.temperature": "spec.model.temperature",
    f"{_PROMPT}.tool_ids": "spec.tools",
    f"{_PROMPT}.tools": "spec.tools",
    f"{_PROMPT}.built_in_tools.end_call.name": "spec.tools",
    f"{_PROMPT}.built_in_tools.end_call.params.system_tool_type": "spec.tools",
    f"{_PROMPT}.built_in_tools.language_detection.name": "spec.tools",
    f"{_PROMPT}.built_in_tools.language_detection.params.system_tool_type": "spec.tools",
    f"{_PROMPT}.built_in_tools.play_keypad_touch_tone.name": "spec.tools",
    f"{_PROMPT}.built_in_tools.play_keypad_touch_tone.params.system_tool_type": "spec.tools",
    f"{_PROMPT}.built_in_tools.skip_turn.name": "spec.tools",
    f"{_PROMPT}.built_in_tools.skip_turn.params.system_tool_type": "spec.tools",
    f"{_PROMPT}.built_in_tools.voicemail_detection.name": "spec.tools",
    f"{_PROMPT}.built_in_tools.voicemail_detection.params.system_tool_type": "spec.tools",
    f"{_PROMPT}.knowledge_base": "spec.knowledge",
    "conversation_config.tts.voice_id": "spec.voice.id",
    "conversation_config.tts.stability": "spec.voice.stability",
    "conversation_config.tts.similarity_boost": "spec.voice.similarityBoost",
    "conversation_config.tts.speed": "spec.voice.speed",
    "conversation_config.conversation.max_duration_seconds": "spec.limits.maxDuration",
    "conversation_config.conversation.client_events": "Trunkline itself",
    "platform_settings.call_limits.agent_concurrency_limit": "spec.limits.concurrency",
    "platform_settings.archived": "Trunkline itself",
    "platform_settings.testing": "Trunkline itself",
}
TOOL_OWNED_PATHS: dict[str, str] = {
    "type": "spec.type",
    "name": "spec.function",
    "description": "spec.description",
    "response_timeout_secs": "spec.timeout",
    "api_schema.url": "spec.url",
    "api_schema.method": "spec.method",
    f"dynamic_variables.dynamic_variable_placeholders.{TOOL_OWNER_VARIABLE}": "Trunkline itself",
}
_TOP_LEVEL = {"name": "spec.displayName", "tags": "Trunkline itself"}


def check_escape_hatch(body: JsonObject) -> JsonObject:
    """The body itself. Raises a pydantic error that names the refused path."""
    for key in body:
        if key in _TOP_LEVEL:
            raise refuse(
                f"`elevenlabs.{key}` is set by {_TOP_LEVEL[key]}; remove it here",
                at=(key,),
                key=True,
            )
        if key not in SECTIONS:
            listed = ", ".join(SECTIONS)
            raise refuse(
                f"`elevenlabs.{key}` is no part of an agent's body; there are {listed}",
                at=(key,),
                key=True,
                known=SECTIONS,
            )
    _check(body, (), 0)
    return body


def check_tool_hatch(config: JsonObject) -> JsonObject:
    """The partial tool configuration itself. Raises a pydantic error that names the path."""
    for path, owner in TOOL_OWNED_PATHS.items():
        keys = tuple(path.split("."))
        if find(config, keys) is not MISSING:
            raise refuse(
                f"`elevenlabs.{path}` is set by {owner}; remove it here", at=keys, key=True
            )
    for keys in (("auth_connection",), ("api_schema", "auth_connection")):
        if find(config, keys) is not MISSING:
            raise refuse(
                f"`elevenlabs.{'.'.join(keys)}` is refused: authentication does not come from "
                "manifests; use a header with a secret",
                at=keys,
                key=True,
            )
    return config


def _check(value: Json, keys: tuple[str, ...], depth: int) -> None:
    path = ".".join(keys)
    if depth > YAML_MAX_DEPTH:
        raise refuse(f"`elevenlabs` is nested deeper than {YAML_MAX_DEPTH} levels")
    owner = OWNED_PATHS.get(path)
    if owner is not None:
        raise refuse(f"`elevenlabs.{path}` is set by {owner}; remove it here", at=keys, key=True)
    if isinstance(value, dict):
        for key, item in value.items():
            below = (*keys, key)
            if "webhook" in key.lower() or below == ("platform_settings", "auth"):
                raise refuse(
                    f"`elevenlabs.{'.'.join(below)}` is refused: webhooks and authentication of "
                    "an agent do not come from manifests",
                    at=below,
                    key=True,
                )
            _check(item, below, depth + 1)
        return
    covered = next((each for each in OWNED_PATHS if each.startswith(f"{path}.")), None)
    if covered is not None:
        raise refuse(f"`elevenlabs.{path}` must be an object: it holds {covered}", at=keys)
    if isinstance(value, list):
        for index, item in enumerate(value):
            _check(item, (*keys, str(index)), depth + 1)
