"""The loaded tree of a manifests repository as one frozen value.

Every document is checked, every reference known to lead somewhere, every file read. Whoever holds
a ``Manifests`` needs neither YAML nor Git. Releases stand apart: a mistake elsewhere never stops
them, and a mistake in them never stops the rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from trunkline.model.ids import Digest, Revision
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
from trunkline.model.problems import Position, Problem

M_co = TypeVar("M_co", bound=Manifest, covariant=True)

Place = tuple[int, int, int, int]
"""Line and column of a value, then of its key (or list item), one-based."""


@dataclass(frozen=True, slots=True)
class Positions:
    """Where everything in one document stands, by dotted path; list items as ``tools[0]``.

    ``included`` are the paths that stand in another file, with that file.
    """

    file: str
    places: Mapping[str, Place]
    included: Mapping[str, str] = field(default_factory=dict)

    def value(self, path: str) -> Position:
        """Where the value at a path begins, else the nearest thing above it."""
        file, (line, column, _, _) = self._place(path)
        return Position(file=file, line=line, column=column)

    def key(self, path: str) -> Position:
        """Where the key of a path stands, else the nearest thing above it."""
        file, (_, _, line, column) = self._place(path)
        return Position(file=file, line=line, column=column)

    def _place(self, path: str) -> tuple[str, Place]:
        while path:
            place = self.places.get(path)
            if place is not None:
                return self.included.get(path, self.file), place
            path = above(path)
        return self.file, self.places.get("", (1, 1, 1, 1))


@dataclass(frozen=True, slots=True)
class Placed(Generic[M_co]):
    """A checked document and where its parts stand."""

    manifest: M_co
    positions: Positions

    @property
    def folder(self) -> str:
        """The folder of the document's file, which its own files are named from."""
        return self.positions.file.rpartition("/")[0]

    def path_of(self, file: str) -> str:
        """The repository path of a file the document names."""
        return f"{self.folder}/{file}" if self.folder else file


@dataclass(frozen=True, slots=True)
class Content:
    """A text file that a document names: its text, and the digest of that text."""

    text: str
    digest: Digest


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that is sent as a file: its bytes as they are in Git, their digest, and the ending of
    its name.
    """

    content: bytes = field(repr=False)
    digest: Digest
    file_type: str


@dataclass(frozen=True, slots=True)
class Releases:
    """Everything below ``releases/``, by environment and agent; what is wrong there stays there."""

    released: Mapping[tuple[str, str], Placed[Release]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifests:
    """Everything a commit declares, by name. ``contents`` and ``uploads`` are keyed by repository
    path; one file may be in both. Tests hold what they include; their recordings are uploads, the
    samples of their judges contents.
    """

    project: Placed[Project]
    agents: Mapping[str, Placed[Agent]] = field(default_factory=dict)
    personas: Mapping[str, Placed[Persona]] = field(default_factory=dict)
    tools: Mapping[str, Placed[Tool]] = field(default_factory=dict)
    documents: Mapping[str, Placed[KnowledgeDocument]] = field(default_factory=dict)
    numbers: Mapping[str, Placed[PhoneNumber]] = field(default_factory=dict)
    tests: Mapping[str, Placed[ConversationTest]] = field(default_factory=dict)
    contents: Mapping[str, Content] = field(default_factory=dict)
    uploads: Mapping[str, Upload] = field(default_factory=dict)
    releases: Releases = Releases()
    warnings: tuple[Problem, ...] = ()
    revision: Revision | None = None


def above(path: str) -> str:
    """The path one level up: ``spec.tools[0]`` → ``spec.tools`` → ``spec`` → the root."""
    if path.endswith("]") and not path.endswith('"]'):
        return path[: path.rindex("[")]
    if path.endswith('"]'):
        return path[: path.rindex('["')] if '["' in path else ""
    return path.rpartition(".")[0]
