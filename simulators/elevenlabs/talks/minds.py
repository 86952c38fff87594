"""A mind for an agent: its configuration, documents and tools gathered from the workspace.

Used by talks and by the platform's own tests, so that both meet the same agent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulators.elevenlabs.mind import Document, Mind, Misbehaviour
from simulators.elevenlabs.talks.troubles import TalkSettings
from simulators.elevenlabs.workspace import Workspace, all_of
from simulators.wire import Json

OUTSIDE_KINDS = ("webhook", "client")
DEGRADED_FACTOR = 2.0


@dataclass(frozen=True, slots=True)
class Made:
    """A mind with the tools it may use, by name, and how long it thinks."""

    mind: Mind
    tools: dict[str, Json]
    tool_ids: dict[str, str]
    think_s: float


class Minds:
    """Makes minds."""

    def __init__(self, workspace: Workspace) -> None:
        self._space = workspace

    def make(self, config: Json, tags: list[str], settings: TalkSettings, *facts: Any) -> Made:
        """A mind for a complete conversation_config; ``facts`` make its dice its own."""
        prompt = config["agent"]["prompt"]
        records = all_of(self._space.tools, prompt["tool_ids"])
        outside = [tool for tool in records if tool["tool_config"]["type"] in OUTSIDE_KINDS]
        degraded = not set(tags).isdisjoint(settings.degraded_tags)
        mind = Mind(
            config,
            self._documents(prompt["knowledge_base"]),
            [tool["tool_config"] for tool in outside],
            seed=self._space.dice(settings.seed, *facts).getrandbits(32),
            misbehaviour=Misbehaviour(rate=settings.misbehaviour, degraded=degraded),
        )
        think_s = settings.think_ms / 1000
        return Made(
            mind=mind,
            tools={tool["tool_config"]["name"]: tool["tool_config"] for tool in outside},
            tool_ids={tool["tool_config"]["name"]: tool["id"] for tool in outside},
            think_s=think_s * DEGRADED_FACTOR if degraded else think_s,
        )

    def _documents(self, locators: list[Json]) -> list[Document]:
        found: list[Document] = []
        for locator in locators:
            record = self._space.documents.get(locator["id"])
            if record is not None:
                found.append(Document(record["name"], record["text"]))
        return found
