"""One manifest file to checked documents, without looking at any other file.

Because nothing else is looked at, the outcome depends on path and bytes alone and can be kept.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from trunkline.manifests.documents import Document, Unreadable, read_documents
from trunkline.manifests.explanations import blanks, explain
from trunkline.manifests.suggestions import nearest
from trunkline.model.base import Json
from trunkline.model.kinds import KINDS, ConversationTest, Manifest
from trunkline.model.kinds.base import API_VERSION
from trunkline.model.kinds.conversation import Fragment
from trunkline.model.manifests import Positions, above
from trunkline.model.problems import Position, Problem

P = TypeVar("P", bound=BaseModel)

WITHOUT_BLANKS = (ConversationTest, Fragment)
"""Where a key without a value is a slip; elsewhere it means: not ours to set."""

_ENVELOPE = ("apiVersion", "kind", "metadata", "spec")


@dataclass(frozen=True, slots=True)
class FileDocument:
    """One document. ``manifest`` is None if it has problems; ``kind`` and ``name`` are what it
    says of itself even then, empty where that cannot be read.
    """

    kind: str
    name: str
    positions: Positions
    manifest: Manifest | None


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """One file. ``foreign`` is set if its documents do not claim to be manifests; one that is not
    ``whole`` may hold documents that nobody could read.
    """

    path: str
    documents: tuple[FileDocument, ...] = ()
    problems: tuple[Problem, ...] = ()
    foreign: Problem | None = None
    whole: bool = True


def parse(path: str, content: bytes) -> ManifestFile:
    """The documents of a file and everything that is wrong inside it."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        return _unreadable(path, *place_in(content, error.start), "the file is not UTF-8 text")
    documents: list[FileDocument] = []
    problems: list[Problem] = []
    foreign: Problem | None = None
    whole = True
    try:
        for document in read_documents(text):
            if _is_foreign(document.value):
                foreign = foreign or _foreign(path, document)
                continue
            parsed, found = _parse_document(path, document)
            documents.append(parsed)
            problems.extend(found)
    except Unreadable as error:
        whole = False
        problems.append(_problem(path, error.line, error.column, error.message))
    if foreign is not None and documents:
        problems.append(foreign)
        foreign = None
    return ManifestFile(path, tuple(documents), tuple(problems), foreign, whole)


def _parse_document(path: str, document: Document) -> tuple[FileDocument, list[Problem]]:
    positions = Positions(file=path, places=document.places)
    problems = [
        _problem(path, fault.line, fault.column, fault.message) for fault in document.faults
    ]
    value = document.value
    kind, name = _said(value)
    model = KINDS.get(kind)
    manifest: Manifest | None = None
    if model is None:
        problems.extend(_unknown_kind(value, positions))
    else:
        found = checked(model, value, positions)
        if isinstance(found, list):
            problems.extend(found)
        else:
            manifest = found
    if problems:
        manifest = None
    return FileDocument(kind, name, positions, manifest), problems


def checked(model: type[P], value: Json, positions: Positions) -> P | list[Problem]:
    """The value as the model has it, or everything that is wrong with it."""
    blank = blanks(model, value, positions) if issubclass(model, WITHOUT_BLANKS) else {}
    try:
        found = model.model_validate(value)
    except ValidationError as error:
        problems = explain(error, model, value, positions)
        above_blanks = {
            positions.value(path) for blank_path in blank for path in _from_root(blank_path)
        }
        return [*blank.values(), *(p for p in problems if p.position not in above_blanks)]
    return list(blank.values()) if blank else found


def _from_root(path: str) -> Iterator[str]:
    """The path and everything above it."""
    yield path
    while path:
        path = above(path)
        yield path


def _said(value: Json) -> tuple[str, str]:
    """Kind and name as written, misspelt keys forgiven, empty if there are none."""
    if not isinstance(value, dict):
        return "", ""
    kind = value.get("kind")
    metadata = value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return kind if isinstance(kind, str) else "", name if isinstance(name, str) else ""


def _unknown_kind(value: Json, positions: Positions) -> list[Problem]:
    if not isinstance(value, dict):
        return []
    problems = []
    for key in value:
        if key not in _ENVELOPE:
            meant = nearest(key, [each for each in _ENVELOPE if each not in value])
            problems.append(
                Problem(
                    position=positions.key(key),
                    message=f"unknown key `{key}` in the document",
                    suggestion=meant,
                )
            )
    if "kind" not in value:
        if not any(problem.suggestion == "kind" for problem in problems):
            message = "the document lacks `kind`"
            problems.append(Problem(position=positions.value(""), message=message))
        return problems
    kind = value["kind"]
    listed = ", ".join(KINDS)
    problems.append(
        Problem(
            position=positions.value("kind"),
            message=f"kind: must be one of {listed}; found `{kind}`",
            suggestion=nearest(kind, KINDS) if isinstance(kind, str) else "",
        )
    )
    return problems


def _is_foreign(value: Json) -> bool:
    """True if nothing about a document says that it is meant for Trunkline."""
    if not isinstance(value, dict):
        return True
    version = value.get("apiVersion")
    if isinstance(version, str):
        group = version.partition("/")[0]
        return group != "trunkline" and nearest(group, ["trunkline"]) == ""
    kind = value.get("kind")
    return not (isinstance(kind, str) and (kind in KINDS or nearest(kind, KINDS)))


def _foreign(path: str, document: Document) -> Problem:
    line, column, _, _ = document.places[""]
    return _problem(
        path,
        line,
        column,
        f"not a Trunkline document: it does not say `apiVersion: {API_VERSION}`; move other YAML "
        "files into a folder whose name begins with a dot",
    )


def _unreadable(path: str, line: int, column: int, message: str) -> ManifestFile:
    problem = _problem(path, line, column, message)
    return ManifestFile(path, problems=(problem,), whole=False)


def _problem(path: str, line: int, column: int, message: str) -> Problem:
    return Problem(position=Position(file=path, line=line, column=column), message=message)


def place_in(content: bytes, offset: int) -> tuple[int, int]:
    """Line and column of a byte, one-based."""
    before = content[:offset].decode(errors="replace")
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
