"""What a mind does and what it is given: the words between it and whoever runs the conversation.

Nothing here knows of sockets, tools over HTTP, or how a mind comes to its acts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "Act",
    "CallTool",
    "Document",
    "End",
    "Misbehaviour",
    "MissingVariables",
    "Say",
    "SwitchLanguage",
]


@dataclass(frozen=True, slots=True)
class Say:
    """The agent says ``text``, one whole reply."""

    text: str


@dataclass(frozen=True, slots=True)
class CallTool:
    """The agent uses a tool of its own (webhook or client); what comes of it is told by
    ``Mind.tool_answered`` with the same ``call_id``.
    """

    tool: str
    call_id: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SwitchLanguage:
    """The agent goes on in the language ``code`` (``en``, ``es``, …), by language_detection."""

    code: str


@dataclass(frozen=True, slots=True)
class End:
    """The agent ends the conversation with ``end_call``. Always the last act."""

    reason: str


Act = Say | CallTool | SwitchLanguage | End


@dataclass(frozen=True, slots=True)
class Document:
    """A document of the knowledge base as the agent has it."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """How badly a mind behaves: with ``rate`` (0 to 1) a turn goes wrong in one of a few ways;
    ``degraded`` makes it clearly worse in every turn.
    """

    rate: float = 0.0
    degraded: bool = False


@dataclass(slots=True)
class MissingVariables(Exception):
    """Variables that the configuration names and nobody gave a value."""

    names: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        return f"Missing required dynamic variables: {', '.join(self.names)}"
