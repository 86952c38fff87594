"""A wish in ElevenLabs' own shape: bodies, provenance of every leaf, and how trees are compared.

Pure: no client and no account come in. What the vendor has no field for is named, never dropped
silently; what is unset in the wish is left out, because unset means not ours. The shape of tools
lives next door (``tool_schemas``).
"""

import json
from importlib import resources
from typing import Final

from trunkline.adapters.elevenlabs.tool_schemas import render_tool
from trunkline.adapters.wire import FilePart
from trunkline.model.base import Json, JsonObject
from trunkline.model.canonical import digest
from trunkline.model.desired import DesiredAgent, DesiredDocument
from trunkline.model.diffs import leaves
from trunkline.model.ids import content_mark, document_title, owner_tag, reference
from trunkline.model.paths import MISSING, child, find, put, split
from trunkline.model.rendering import ComparisonRules, Rendering
from trunkline.model.shared_objects import object_key
from trunkline.model.uploads import MEDIA_TYPES

__all__ = [
    "CLIENT_EVENTS",
    "RULES",
    "render_agent",
    "render_document",
    "render_page",
    "render_tool",
    "render_upload",
]

PROMPT: Final = "conversation_config.agent.prompt"
VARIABLES: Final = "conversation_config.agent.dynamic_variables.dynamic_variable_placeholders"

CLIENT_EVENTS: Final = (
    "agent_response",
    "agent_response_correction",
    "agent_tool_request",
    "agent_tool_response",
    "audio",
    "client_error",
    "client_tool_call",
    "conversation_initiation_metadata",
    "interruption",
    "ping",
    "user_transcript",
)
"""What a conversation's socket must tell us; always sent, since a call cannot be followed without.
"""

RULES: Final = ComparisonRules(
    sets=(
        f"{PROMPT}.tool_ids",
        f"{PROMPT}.mcp_server_ids",
        f"{PROMPT}.native_mcp_server_ids",
        "conversation_config.conversation.monitoring_events",
        "conversation_config.asr.keywords",
    ),
    trimmed=(f"{PROMPT}.prompt",),
    contains=("tags", "conversation_config.conversation.client_events"),
    identified={
        f"{PROMPT}.knowledge_base": "id",
        "platform_settings.evaluation.criteria": "id",
        "platform_settings.testing.attached_tests": "test_id",
    },
    maps=(
        VARIABLES,
        "conversation_config.language_presets",
        "conversation_config.agent.text_behavior_overrides",
        f"{PROMPT}.custom_llm.request_headers",
        "platform_settings.alerting.monitor_configs",
        "platform_settings.data_collection",
        "platform_settings.data_collection_scopes",
        "platform_settings.widget.language_presets",
        "workflow.edges",
        "workflow.nodes",
    ),
    ignored=(
        "access_info",
        "agent_id",
        "branch_id",
        "default_hold_audio_url",
        "main_branch_id",
        "metadata",
        "phone_numbers",
        "platform_settings.safety",
        "version_id",
        "whatsapp_accounts",
        f"{PROMPT}.tools",
    ),
    defaults=json.loads(
        resources.files(__package__).joinpath("agent_defaults.json").read_text(encoding="utf-8")
    ),
)
"""How agents of ElevenLabs are compared, and what the platform fills in by itself."""


class _Body:
    """A body that grows together with the manifest path of each of its leaves."""

    def __init__(self) -> None:
        self.tree: JsonObject = {}
        self.provenance: dict[str, str] = {}

    def say(self, path: str, value: Json, source: str) -> None:
        """Set a leaf, unless the wish leaves it unset."""
        if value is not None:
            put(self.tree, split(path), value)
            self.provenance[path] = source

    def add(self, tree: JsonObject, source: str) -> None:
        """Set every leaf of a vendor tree that no key of ours has set."""
        for path, value in leaves(tree).items():
            if find(self.tree, split(path)) is MISSING:
                put(self.tree, split(path), value)
                self.provenance[path] = f"{source}.{path}"


def render_agent(desired: DesiredAgent) -> Rendering:
    """The body of an agent: owned leaves only, ids of tools and documents as references."""
    body = _Body()
    body.say("name", desired.display_name, "spec.displayName")
    tags: list[Json] = [owner_tag(desired.project, desired.environment, desired.name)]
    body.say("tags", tags, "metadata.name")
    _say_conversation(desired, body)
    _say_voice(desired, body)
    _say_objects(desired, body)
    body.add(desired.elevenlabs, "spec.elevenlabs")
    return Rendering(
        body=body.tree,
        digest=digest(body.tree),
        provenance=body.provenance,
        unsupported=_unsupported(desired),
    )


def render_document(document: DesiredDocument, mark: str, content: str) -> JsonObject:
    """The body that creates a text document."""
    return {"name": document_title(document.title, mark), "text": content}


def render_page(document: DesiredDocument, mark: str) -> JsonObject:
    """The body that creates a document of one page, which the vendor fetches once."""
    return {"name": document_title(document.title, mark), "url": document.url}


def render_upload(
    document: DesiredDocument, mark: str, content: bytes
) -> tuple[dict[str, str], FilePart]:
    """The form that creates a document of a file: its fields, and the file.

    The file is called as its document, so that the same document is the same request wherever its
    file lies in Git.
    """
    kind = document.file_type or ""
    file = FilePart("file", f"{document.name}.{kind}", MEDIA_TYPES[kind], content)
    return {"name": document_title(document.title, mark)}, file


def _say_conversation(desired: DesiredAgent, body: _Body) -> None:
    body.say(f"{PROMPT}.prompt", _prompt(desired), "spec.prompt")
    body.say(f"{PROMPT}.llm", desired.model.name, "spec.model.name")
    body.say(f"{PROMPT}.temperature", desired.model.temperature, "spec.model.temperature")
    agent = "conversation_config.agent"
    body.say(f"{agent}.first_message", desired.first_message, "spec.firstMessage")
    body.say(f"{agent}.language", desired.language, "spec.language")
    for name, value in desired.variables.items():
        body.say(child(VARIABLES, name), value, child("spec.variables", name))
    for name, value in desired.context.items():
        body.say(child(VARIABLES, name), value, child("spec.context", name))
    conversation = "conversation_config.conversation"
    body.say(
        f"{conversation}.max_duration_seconds", desired.max_duration_s, "spec.limits.maxDuration"
    )
    body.say(f"{conversation}.client_events", list(CLIENT_EVENTS), "spec")
    body.say(
        "platform_settings.call_limits.agent_concurrency_limit",
        desired.concurrency,
        "spec.limits.concurrency",
    )


def _say_voice(desired: DesiredAgent, body: _Body) -> None:
    voice = desired.voice
    tts = "conversation_config.tts"
    body.say(f"{tts}.voice_id", voice.id, "spec.voice.id")
    body.say(f"{tts}.stability", voice.stability, "spec.voice.stability")
    body.say(f"{tts}.similarity_boost", voice.similarity_boost, "spec.voice.similarityBoost")
    body.say(f"{tts}.speed", voice.speed, "spec.voice.speed")


def _say_objects(desired: DesiredAgent, body: _Body) -> None:
    tools = sorted(
        {reference("tool", object_key(tool.name, tool.digest)) for tool in desired.tools}
    )
    if tools:
        body.say(f"{PROMPT}.tool_ids", [*tools], "spec.tools")
    for name in sorted(set(desired.builtin_tools)):
        builtin = f"{PROMPT}.built_in_tools.{name}"
        body.say(f"{builtin}.name", name, "spec.tools")
        body.say(f"{builtin}.params.system_tool_type", name, "spec.tools")
    located: dict[str, Json] = {}
    for document in desired.documents:
        key = object_key(document.name, document.digest)
        mark = content_mark(desired.project, desired.environment, document.name, document.digest)
        located[key] = {
            "type": document.source if document.source in ("text", "file") else "url",
            "name": document_title(document.title, mark),
            "id": reference("document", key),
            "usage_mode": document.usage,
        }
    if located:
        knowledge = [located[key] for key in sorted(located)]
        body.say(f"{PROMPT}.knowledge_base", knowledge, "spec.knowledge")


def _prompt(desired: DesiredAgent) -> str | None:
    """The prompt and, below it, the slots a call fills. Trailing whitespace says nothing."""
    if desired.prompt is None:
        return None
    text = desired.prompt.rstrip()
    if not desired.context:
        return text
    slots = "\n".join(f"- {slot}: {{{{{slot}}}}}" for slot in sorted(desired.context))
    return f"{text}\n\n# Context\n\n{slots}"


def _unsupported(desired: DesiredAgent) -> tuple[str, ...]:
    said = {"voice.style": desired.voice.style, "voice.speakerBoost": desired.voice.speaker_boost}
    return tuple(name for name, value in said.items() if value is not None)
