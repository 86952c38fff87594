"""Edits of manifests that keep what people wrote around them: comments, order, quotes, layout.

Only the lines of what changes are written anew. Every edit is read back by the reader that decides
what a manifest means: a text that does not say exactly what was wished, or says anything else
differently than before, is refused in words, and nothing is lost.
"""

import json
from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Final

from yaml import CSafeLoader, YAMLError, parse
from yaml.events import DocumentEndEvent, DocumentStartEvent, Event, ScalarEvent, StreamEndEvent

from trunkline.manifests.documents import Unreadable, compose_documents, read_documents
from trunkline.manifests.layouts import Uneditable, line_start, next_line, own_start, part_of
from trunkline.manifests.splices import Insertion, Removal, Replacement, Splice, Steps, spliced
from trunkline.manifests.writing import manifest_text
from trunkline.model.base import Json, JsonObject

MARK: Final = "\ufeff"
"""What some editors begin a file with; it is kept and no part of the text."""
REFUSED: Final = "it cannot be written there without changing something else; change it by hand"
NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})


def values_of(text: str) -> list[Json]:
    """Every document of a file as our own reader sees it. Raises Uneditable."""
    try:
        documents = list(read_documents(text))
    except Unreadable as error:
        raise Uneditable(f"line {error.line}: {error.message}") from error
    for document in documents:
        for fault in document.faults:
            raise Uneditable(f"line {fault.line}: {fault.message}")
    return [document.value for document in documents]


def find_document(text: str, kind: str, name: str) -> int:
    """Which document of a file is the manifest. Raises Uneditable."""
    for at, value in enumerate(values_of(text)):
        metadata = value.get("metadata") if isinstance(value, dict) else None
        named = metadata.get("name") if isinstance(metadata, dict) else None
        if isinstance(value, dict) and (value.get("kind"), named) == (kind, name):
            return at
    raise Uneditable(f"the {kind} {name} is not in it any more")


def rewritten(text: str, at: int, wanted: Json) -> str:
    """The text after the document means ``wanted``; what is equal stays as it is written.

    Raises Uneditable.
    """
    mark, body = _unmarked(text)
    before = values_of(body)
    after = body
    for change in _changes(before[at], wanted, ()):
        roots = compose_documents(after)
        after = spliced(after, part_of(after, roots[at]), change)
        _require_readable(after)
    expected = [*before[:at], wanted, *before[at + 1 :]]
    if not _means(after, expected) and not after.endswith("\n"):
        after += "\n"  # a text of several lines that has become the last ends with one
    _require(after, expected)
    return mark + after


def with_value(text: str, at: int, path: Steps, value: Json) -> str:
    """The text with a value at a path of a document; the objects above it are made. A step one
    behind the last item of a list adds one. Raises Uneditable.
    """
    return rewritten(text, at, set_in(values_of(_unmarked(text)[1])[at], path, value))


def without(text: str, at: int, path: Steps) -> str:
    """The text without a key or an item. Raises Uneditable if it is not there."""
    return rewritten(text, at, taken_from(values_of(_unmarked(text)[1])[at], path))


def renamed(text: str, at: int, name: str) -> str:
    """The text with another name for the document's manifest; an agent says what it was called,
    so that it stays the same one. Raises Uneditable.
    """
    whole = values_of(_unmarked(text)[1])[at]
    former = value_at(whole, ("metadata", "name"))
    if former == name:
        return text
    wanted = set_in(whole, ("metadata", "name"), name)
    if isinstance(wanted, dict) and wanted.get("kind") == "Agent":
        wanted = set_in(wanted, ("metadata", "renamedFrom"), former)
    return rewritten(text, at, wanted)


def with_document(text: str, document: JsonObject) -> str:
    """The text with one more document at its end. Raises Uneditable."""
    mark, body = _unmarked(text)
    added = manifest_text(document)
    before = values_of(body)
    if not body.strip():
        return mark + added
    broken = "\r\n" if "\r\n" in body else "\n"
    gap = "" if body.endswith("\n") else broken
    after = body + gap + f"---\n{added}".replace("\n", broken)
    _require(after, [*before, document])
    return mark + after


def without_document(text: str, at: int) -> str | None:
    """The text without a document and the comments in and above it; None if it was the last one.

    Raises Uneditable.
    """
    mark, body = _unmarked(text)
    before = values_of(body)
    left = [*before[:at], *before[at + 1 :]]
    if not left:
        return None
    starts = _document_starts(body)
    begin, begun_by_line = starts[at]
    start = line_start(body, begin) if begun_by_line else own_start(body, begin)
    if at + 1 < len(starts):
        end = starts[at + 1][0]
        if not begun_by_line:
            end = next_line(body, end)
    else:
        end = len(body)
    after = body[:start] + body[end:]
    _require(after, left)
    return mark + after


def value_at(whole: Json, path: Steps) -> Json:
    """What is at a path; None if nothing is."""
    value = whole
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value):
            value = value[step]
        else:
            return None
    return value


def set_in(whole: Json, path: Steps, value: Json) -> Json:
    """The value with another one at a path; objects above it are made. Raises Uneditable."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(step, str) and isinstance(whole, dict | None):
        held = whole or {}
        return {**held, step: set_in(held.get(step), rest, value)}
    if isinstance(step, int) and isinstance(whole, list | None) and 0 <= step <= len(whole or ()):
        items = list(whole or ())
        old = items[step] if step < len(items) else None
        return [*items[:step], set_in(old, rest, value), *items[step + 1 :]]
    raise Uneditable(f"`{step}` does not lead anywhere")


def taken_from(whole: Json, path: Steps) -> Json:
    """The value without what is at a path. Raises Uneditable if nothing is."""
    *above, last = path
    held = value_at(whole, tuple(above))
    if isinstance(held, dict) and last in held:
        left: Json = {key: item for key, item in held.items() if key != last}
    elif isinstance(held, list) and isinstance(last, int) and 0 <= last < len(held):
        left = [*held[:last], *held[last + 1 :]]
    else:
        raise Uneditable(f"there is no `{last}` to take away")
    return set_in(whole, tuple(above), left)


def same(first: Json, second: Json) -> bool:
    """True if both mean the same: numbers by value, a truth is no number, order of keys is none."""
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(same(first[k], second[k]) for k in first)
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(same, first, second))
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second
    return first == second


def _changes(old: Json, new: Json, path: Steps) -> Iterator[Splice]:
    """Changes that make one value of another, none of which moves the place of a later one."""
    if same(old, new):
        return
    if isinstance(old, dict) and isinstance(new, dict) and old and new:
        yield from _changed_keys(old, new, path)
    elif isinstance(old, list) and isinstance(new, list) and old and new:
        yield from _changed_items(old, new, path)
    else:
        yield Replacement(path, new)


def _changed_keys(old: JsonObject, new: JsonObject, path: Steps) -> Iterator[Splice]:
    behind: str | None = None
    for key, value in new.items():
        if key in old:
            yield from _changes(old[key], value, (*path, key))
        else:
            yield Insertion(path, key, value, behind)
        behind = key
    for key in old:
        if key not in new:
            yield Removal((*path, key))


def _changed_items(old: list[Json], new: list[Json], path: Steps) -> Iterator[Splice]:
    """From the last to the first, so that places stay what they were."""
    words = [[json.dumps(each, sort_keys=True) for each in items] for items in (old, new)]
    matched = SequenceMatcher(None, words[0], words[1], autojunk=False).get_opcodes()
    for kind, begin, end, first, last in reversed(matched):
        if kind == "equal":
            continue
        both = min(end - begin, last - first)
        for value in reversed(new[first + both : last]):
            yield Insertion(path, None, value, begin + both)
        for at in reversed(range(begin + both, end)):
            yield Removal((*path, at))
        for offset in reversed(range(both)):
            yield from _changes(old[begin + offset], new[first + offset], (*path, begin + offset))


def _require_readable(text: str) -> None:
    try:
        values_of(text)
    except Uneditable as error:
        raise Uneditable(REFUSED) from error


def _require(text: str, wanted: list[Json]) -> None:
    """Raises Uneditable unless the text means exactly that."""
    _require_readable(text)
    if not _means(text, wanted):
        raise Uneditable(REFUSED)


def _means(text: str, wanted: list[Json]) -> bool:
    found = values_of(text)
    return len(found) == len(wanted) and all(map(same, found, wanted))


def _unmarked(text: str) -> tuple[str, str]:
    return (MARK, text[1:]) if text.startswith(MARK) else ("", text)


def _document_starts(text: str) -> list[tuple[int, bool]]:
    """Where every document that is not empty begins, and whether by a line of dashes."""
    found: list[tuple[int, bool]] = []
    try:
        events: list[Event] = list(parse(text, Loader=CSafeLoader))
    except YAMLError as error:
        raise Uneditable(REFUSED) from error
    for event, following in pairwise(events):
        if not isinstance(event, DocumentStartEvent):
            continue
        nothing = isinstance(following, DocumentEndEvent | StreamEndEvent)
        if isinstance(following, ScalarEvent):
            nothing = following.value in NULLS and not following.style
        if not nothing and event.start_mark is not None:
            found.append((event.start_mark.index, bool(event.explicit)))
    return found
