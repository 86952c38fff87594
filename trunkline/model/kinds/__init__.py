"""The kinds of documents a manifests repository holds."""

from typing import TypeAlias

from trunkline.model.kinds.agent import Agent, AgentContent
from trunkline.model.kinds.capabilities import KnowledgeDocument, Persona, Tool
from trunkline.model.kinds.conversation import ConversationTest
from trunkline.model.kinds.number import PhoneNumber
from trunkline.model.kinds.project import Project
from trunkline.model.kinds.release import Release

Manifest: TypeAlias = (
    Project | Agent | Persona | Tool | KnowledgeDocument | PhoneNumber | ConversationTest | Release
)

KINDS: dict[str, type[Manifest]] = {
    "Project": Project,
    "Agent": Agent,
    "Persona": Persona,
    "Tool": Tool,
    "KnowledgeDocument": KnowledgeDocument,
    "PhoneNumber": PhoneNumber,
    "ConversationTest": ConversationTest,
    "Release": Release,
}

__all__ = [
    "KINDS",
    "Agent",
    "AgentContent",
    "ConversationTest",
    "KnowledgeDocument",
    "Manifest",
    "Persona",
    "PhoneNumber",
    "Project",
    "Release",
    "Tool",
]
