"""All documents of a tree by kind and name, before anything is known about how they fit together.

Broken documents keep their names here, so that one slip in an agent is not also reported by every
number that names the agent.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar, cast

from trunkline.manifests.files import FileDocument, ManifestFile
from trunkline.model.kinds import (
    Agent,
    ConversationTest,
    KnowledgeDocument,
    Manifest,
    Persona,
    PhoneNumber,
    Project,
    Release,
    Tool,
)
from trunkline.model.kinds.project import Environment
from trunkline.model.manifests import Content, Placed
from trunkline.model.problems import Problem

M = TypeVar("M", bound=Manifest)

WORDS = {
    "Project": "project",
    "Agent": "agent",
    "Persona": "persona",
    "Tool": "tool",
    "KnowledgeDocument": "knowledge document",
    "PhoneNumber": "phone number",
    "ConversationTest": "conversation test",
    "Release": "release",
}
"""What a kind is called in a sentence."""


@dataclass(frozen=True)
class Inventory:
    """Documents by kind; one whose kind cannot be told may be of any. Not ``whole`` is a tree with
    manifests that nobody could read.
    """

    documents: tuple[FileDocument, ...]
    contents: Mapping[str, Content] = field(default_factory=dict)
    whole: bool = True

    def placed(self, kind: type[M]) -> dict[str, Placed[M]]:
        """The sound documents of a kind by name; of two with one name, the first."""
        return cast("dict[str, Placed[M]]", self._by_kind.get(kind.__name__, {}))

    def names(self, kind: str) -> frozenset[str]:
        """Every name of a kind."""
        return self._names.get(kind, frozenset())

    def is_complete(self, kind: str) -> bool:
        """True if every document of the kind has a name, so that an unknown name is an error."""
        return kind not in self._unnamed

    @property
    def projects(self) -> dict[str, Placed[Project]]:
        """Sound Project documents."""
        return self.placed(Project)

    @cached_property
    def environments(self) -> dict[str, Environment]:
        """The environments of the project, if it can be read."""
        return {
            environment.name: environment
            for project in self.projects.values()
            for environment in project.manifest.spec.environments
        }

    @cached_property
    def agents(self) -> dict[str, Placed[Agent]]:
        """Sound agents."""
        return self.placed(Agent)

    @cached_property
    def heirs(self) -> dict[str, str]:
        """Names of agents by the names they had before."""
        former = {name: each.manifest.metadata.renamed_from for name, each in self.agents.items()}
        return {before: name for name, before in former.items() if before is not None}

    @property
    def personas(self) -> dict[str, Placed[Persona]]:
        """Sound personas."""
        return self.placed(Persona)

    @cached_property
    def tools(self) -> dict[str, Placed[Tool]]:
        """Sound tools."""
        return self.placed(Tool)

    @property
    def knowledge(self) -> dict[str, Placed[KnowledgeDocument]]:
        """Sound knowledge documents."""
        return self.placed(KnowledgeDocument)

    @property
    def numbers(self) -> dict[str, Placed[PhoneNumber]]:
        """Sound phone numbers."""
        return self.placed(PhoneNumber)

    @property
    def tests(self) -> dict[str, Placed[ConversationTest]]:
        """Sound conversation tests."""
        return self.placed(ConversationTest)

    @property
    def releases(self) -> dict[str, Placed[Release]]:
        """Sound releases."""
        return self.placed(Release)

    @cached_property
    def _by_kind(self) -> dict[str, dict[str, Placed[Manifest]]]:
        found: dict[str, dict[str, Placed[Manifest]]] = {}
        for document in self.documents:
            if document.manifest is not None:
                found.setdefault(document.kind, {}).setdefault(
                    document.name, Placed(document.manifest, document.positions)
                )
        return found

    @property
    def has_kindless(self) -> bool:
        """True if some document does not say of which kind it is."""
        return any(document.kind not in WORDS for document in self.documents)

    @cached_property
    def _names(self) -> dict[str, frozenset[str]]:
        found: dict[str, set[str]] = {kind: set() for kind in WORDS}
        for document in self.documents:
            kinds = [document.kind] if document.kind in WORDS else list(WORDS)
            for kind in kinds:
                if document.name:
                    found[kind].add(document.name)
        return {kind: frozenset(names) for kind, names in found.items()}

    @cached_property
    def _unnamed(self) -> frozenset[str]:
        nameless = {document.kind for document in self.documents if not document.name}
        return frozenset(nameless if nameless <= WORDS.keys() else WORDS)


def duplicates(documents: Sequence[FileDocument]) -> Iterable[Problem]:
    """Every document whose kind and name were already given."""
    first: dict[tuple[str, str], FileDocument] = {}
    for document in documents:
        if not document.name or document.kind in ("Project", "Release"):
            continue
        before = first.setdefault((document.kind, document.name), document)
        if before is not document:
            word = WORDS.get(document.kind, document.kind)
            said_at = before.positions.value("metadata.name")
            yield Problem(
                position=document.positions.value("metadata.name"),
                message=f"{word} `{document.name}` is already defined at {said_at}",
            )


def documents_of(files: Iterable[ManifestFile]) -> tuple[FileDocument, ...]:
    """The documents of all files, in order."""
    return tuple(document for file in files for document in file.documents)
