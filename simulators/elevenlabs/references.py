"""What a configuration names must exist: tools, documents, voices, agents.

The vendor looks references up after it has checked types, so these refusals come in its current
error shape with the parameter that names the missing thing.
"""

from __future__ import annotations

from collections.abc import Iterator

from simulators.elevenlabs.errors import refused
from simulators.elevenlabs.workspace import Workspace
from simulators.wire import Json

PROMPT = "conversation_config.agent.prompt"


class References:
    """Looks up what agents refer to."""

    def __init__(self, workspace: Workspace) -> None:
        self._space = workspace

    def check(self, config: Json, body: Json) -> None:
        """Check what a body's sections name. Raises Refused (400) for the first missing thing."""
        if body.get("conversation_config") is None:
            return
        conversation = config["conversation_config"]
        prompt = conversation["agent"]["prompt"]
        for tool_id in prompt["tool_ids"]:
            if tool_id not in self._space.tools:
                raise _missing("Tool", tool_id, f"{PROMPT}.tool_ids")
        for document in prompt["knowledge_base"]:
            if document["id"] not in self._space.documents:
                raise _missing("Document", document["id"], f"{PROMPT}.knowledge_base")
        for path, voice_id in _voices(conversation):
            if voice_id not in self._space.voices:
                raise refused(
                    400,
                    "voice_not_found",
                    f"A voice with the voice_id {voice_id} was not found.",
                    param=path,
                )
        self._check_transfers(prompt)

    def _check_transfers(self, prompt: Json) -> None:
        transfer = prompt["built_in_tools"].get("transfer_to_agent")
        if not transfer:
            return
        for target in (transfer.get("params") or {}).get("transfers", ()):
            if target["agent_id"] not in self._space.agents:
                path = f"{PROMPT}.built_in_tools.transfer_to_agent"
                raise _missing("Agent", target["agent_id"], path)


def _missing(kind: str, object_id: str, path: str) -> Exception:
    return refused(400, "document_not_found", f"{kind} with id {object_id} not found.", param=path)


def _voices(conversation: Json) -> Iterator[tuple[str, str]]:
    path = "conversation_config.tts"
    yield f"{path}.voice_id", conversation["tts"]["voice_id"]
    for supported in conversation["tts"]["supported_voices"]:
        yield f"{path}.supported_voices", supported["voice_id"]
    for language, preset in conversation["language_presets"].items():
        voice_id = (((preset or {}).get("overrides") or {}).get("tts") or {}).get("voice_id")
        if voice_id:
            yield f"conversation_config.language_presets.{language}.overrides.tts", voice_id
