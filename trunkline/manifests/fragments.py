"""What tests share: fragments, read by themselves and laid under the tests that include them.

A fragment is no manifest; its name ends in ``.fragment.yaml``. It cannot include another, so
there are no cycles and a reader looks in one place. In the merged test everything keeps its
place, in whichever file that is.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from trunkline.manifests.documents import Document, Unreadable, read_documents
from trunkline.manifests.files import FileDocument, checked, place_in
from trunkline.manifests.inventory import Inventory
from trunkline.manifests.suggestions import nearest
from trunkline.model.base import Json, JsonObject
from trunkline.model.kinds.conversation import (
    FRAGMENT_SUFFIXES,
    ConversationTest,
    ConversationTestSpec,
    Fragment,
)
from trunkline.model.manifests import Place, Placed, Positions
from trunkline.model.problems import Position, Problem

_KEYS = frozenset(str(field.alias) for field in Fragment.model_fields.values())
_OF_TESTS = (
    frozenset(str(field.alias) for field in ConversationTestSpec.model_fields.values()) - _KEYS
)
_OF_DOCUMENTS = frozenset({"apiVersion", "kind", "metadata", "spec"})
_LISTS = frozenset({"history", "turns", "always", "finally"})
_STEP = re.compile(r'\.?([^.\[\]"]+)|\[("(?:[^"\\]|\\.)*")\]')
_ITEM = re.compile(r"\[([0-9]+)\]")
_NOWHERE = Positions(file="", places={})


@dataclass(frozen=True, slots=True)
class FragmentFile:
    """One fragment; ``fragment`` is None if it has problems."""

    path: str
    positions: Positions = _NOWHERE
    fragment: Fragment | None = None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Layer:
    """One file's part of a test. ``at`` is what paths of its keys begin with there; ``folder``
    leads from the test's folder to the file's, and ends in ``/`` if it leads anywhere.
    """

    value: JsonObject
    positions: Positions
    at: str = ""
    folder: str = ""

    def places(self) -> Iterator[tuple[str, Place]]:
        """Where everything below its keys stands, by path from there."""
        for path, place in self.positions.places.items():
            if path.startswith(self.at) and path != self.at.removesuffix("."):
                yield path.removeprefix(self.at), place


def is_fragment(path: str) -> bool:
    """True for a file that tests may include."""
    return path.endswith(FRAGMENT_SUFFIXES)


def parse_fragment(path: str, content: bytes) -> FragmentFile:
    """A fragment and everything that is wrong inside it, without looking at any other file."""
    try:
        documents = list(read_documents(content.decode()))
    except UnicodeDecodeError as error:
        at = place_in(content, error.start)
        return _refused(path, *at, "the file is not UTF-8 text")
    except Unreadable as error:
        return _refused(path, error.line, error.column, error.message)
    if not documents:
        return _refused(path, 1, 1, "the fragment is empty")
    if len(documents) > 1:
        line, column, _, _ = documents[1].places[""]
        return _refused(path, line, column, "a fragment is one document; move this one to a file")
    return _parsed(path, documents[0])


def _parsed(path: str, document: Document) -> FragmentFile:
    positions = Positions(file=path, places=document.places)
    problems = [
        Problem(
            position=Position(file=path, line=fault.line, column=fault.column),
            message=fault.message,
        )
        for fault in document.faults
    ]
    value = document.value
    if isinstance(value, dict):
        problems.extend(_misplaced(value, positions))
        misplaced = _OF_TESTS | _OF_DOCUMENTS
        value = {key: below for key, below in value.items() if key not in misplaced}
    found = checked(Fragment, value, positions)
    if isinstance(found, list):
        return FragmentFile(path, positions, problems=(*problems, *found))
    return FragmentFile(path, positions, None if problems else found, tuple(problems))


def _misplaced(value: JsonObject, positions: Positions) -> Iterator[Problem]:
    """Keys of a document around a fragment, else keys that only a test itself may have."""
    around = [key for key in value if key in _OF_DOCUMENTS]
    if around:
        yield Problem(
            position=positions.key(around[0]),
            message="a fragment is no document; it holds keys of a test's `spec` and nothing "
            "around them",
        )
        return
    for key in value:
        if key == "include":
            message = "a fragment cannot include others; name them in the test"
            yield Problem(position=positions.key(key), message=message)
        elif key in _OF_TESTS:
            message = f"`{key}` belongs into the test, not into what it includes"
            yield Problem(position=positions.key(key), message=message)


def _refused(path: str, line: int, column: int, message: str) -> FragmentFile:
    position = Position(file=path, line=line, column=column)
    return FragmentFile(path, problems=(Problem(position=position, message=message),))


def with_fragments(
    documents: Sequence[FileDocument],
    files: Mapping[str, FragmentFile],
    links: AbstractSet[str],
) -> tuple[tuple[FileDocument, ...], list[Problem]]:
    """The documents, tests with what they include, and everything that is wrong with that."""
    complete: list[FileDocument] = []
    problems: list[Problem] = []
    for document in documents:
        manifest = document.manifest
        if isinstance(manifest, ConversationTest) and manifest.spec.include:
            merged, found = _merged(Placed(manifest, document.positions), files, links)
            problems.extend(found)
            complete.append(replace(document, manifest=merged.manifest, positions=merged.positions))
        else:
            complete.append(document)
    return tuple(complete), problems


def unused(files: Iterable[str], inventory: Inventory) -> Iterator[Problem]:
    """Fragments that no test includes, if every test can be read."""
    tests = [each for each in inventory.documents if each.kind == "ConversationTest"]
    if not inventory.whole or any(each.manifest is None for each in tests):
        return
    used = {
        test.path_of(file)
        for test in inventory.tests.values()
        for file in test.manifest.spec.include
    }
    for path in files:
        if path not in used:
            position = Position(file=path, line=1, column=1)
            yield Problem(position=position, message="no test includes this fragment")


@dataclass(frozen=True, slots=True)
class _Merged:
    manifest: ConversationTest | None
    positions: Positions


def _merged(
    test: Placed[ConversationTest], files: Mapping[str, FragmentFile], links: AbstractSet[str]
) -> tuple[_Merged, list[Problem]]:
    layers: list[_Layer] = []
    problems: list[Problem] = []
    whole = True
    for index, include in enumerate(test.manifest.spec.include):
        path = test.path_of(include)
        file = files.get(path)
        if file is None or _through_a_link(path, links):
            position = test.positions.value(f"spec.include[{index}]")
            problems.append(_no_file(path, position, files, links))
        elif file.fragment is None:
            whole = False
        else:
            folder = include[: include.rfind("/") + 1]
            layers.append(_Layer(_written(file.fragment), file.positions, folder=folder))
    if problems or not whole:
        return _Merged(None, test.positions), problems
    layers.append(_Layer(_written(test.manifest.spec), test.positions, at="spec."))
    value, positions = _laid_over(test, layers)
    found = checked(ConversationTest, value, positions)
    if isinstance(found, list):
        return _Merged(None, test.positions), found
    return _Merged(found, positions), []


def _written(spec: Fragment) -> JsonObject:
    """What its author wrote, as a document would say it."""
    value: JsonObject = spec.model_dump(mode="json", exclude_unset=True)
    return value


def _through_a_link(path: str, links: AbstractSet[str]) -> bool:
    parts = path.split("/")
    return any("/".join(parts[:end]) in links for end in range(1, len(parts) + 1))


def _no_file(
    path: str, position: Position, files: Iterable[str], links: AbstractSet[str]
) -> Problem:
    if _through_a_link(path, links):
        message = f"`{path}` leads through a symbolic link; links are not followed"
        return Problem(position=position, message=message)
    folder = path[: path.rfind("/") + 1]
    beside = [each.removeprefix(folder) for each in files if each.startswith(folder)]
    meant = nearest(path.removeprefix(folder), beside)
    return Problem(position=position, message=f"there is no file `{path}`", suggestion=meant)


def _laid_over(
    test: Placed[ConversationTest], layers: Sequence[_Layer]
) -> tuple[JsonObject, Positions]:
    """The test with every layer's lists in order and, of mappings, the last layer's keys."""
    spec: JsonObject = {}
    own = test.positions.places
    places = {path: place for path, place in own.items() if not path.startswith("spec.")}
    included: dict[str, str] = {}
    last = {_entry(path): layer for layer in layers for path, _ in layer.places()}
    for layer in layers:
        counts = {key: len(items) for key, items in spec.items() if isinstance(items, list)}
        for key, value in layer.value.items():
            spec[key] = _joined(spec.get(key), _from_test(key, value, layer.folder))
        for path, place in layer.places():
            entry = _entry(path)
            if entry and last[entry] is not layer:
                continue
            moved = f"spec.{_moved(path, counts)}"
            places[moved] = place
            included[moved] = layer.positions.file
    elsewhere = {path: file for path, file in included.items() if file != test.positions.file}
    whole: JsonObject = test.manifest.model_dump(mode="json", exclude_unset=True)
    return {**whole, "spec": spec}, Positions(test.positions.file, places, elsewhere)


def _entry(path: str) -> str:
    """The entry of a mapping that a path is in, such as ``tools.book``; empty for other paths."""
    section = _STEP.match(path)
    if section is None or section[1] in _LISTS:
        return ""
    entry = _STEP.match(path, section.end())
    return path[: entry.end()] if entry else ""


def _moved(path: str, counts: Mapping[str, int]) -> str:
    """The path behind the items that earlier layers put into the same list."""
    item = _ITEM.search(path)
    section = path[: item.start()] if item else path
    if item is None or section not in _LISTS:
        return path
    return f"{section}[{counts.get(section, 0) + int(item[1])}]{path[item.end() :]}"


def _joined(before: Json, value: Json) -> Json:
    if isinstance(before, list) and isinstance(value, list):
        return [*before, *value]
    if isinstance(before, dict) and isinstance(value, dict):
        return {**before, **value}
    return value


def _from_test(key: str, value: Json, folder: str) -> Json:
    """The value with the files it names as they are named from the test's folder."""
    if key == "turns" and isinstance(value, list):
        return [
            {**turn, "audioFile": f"{folder}{turn['audioFile']}"}
            if isinstance(turn, dict) and "audioFile" in turn
            else turn
            for turn in value
        ]
    samples = value.get("calibrate") if key == "judge" and isinstance(value, dict) else None
    if isinstance(value, dict) and isinstance(samples, list):
        return {**value, "calibrate": [f"{folder}{each}" for each in samples]}
    return value
