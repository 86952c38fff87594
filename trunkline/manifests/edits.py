"""Edits of manifests that leave everything else as people wrote it, as a unified diff.

A value is replaced where it stands, in the style it is written in, so comments, order and layout
stay. Each edit is read back before it counts: a text that does not say the new value afterwards is
not changed at all, and the reason is told.
"""

import difflib
import json
from collections.abc import Callable, Iterator, Sequence

from yaml import CSafeLoader, MappingNode, Node, ScalarNode, SequenceNode, YAMLError, compose_all

from trunkline.manifests.documents import Unreadable, read_documents
from trunkline.model.base import Json
from trunkline.model.drift_edits import ManifestEdit, ManifestPatch
from trunkline.model.errors import NotFound

NO_NEWLINE = "\\ No newline at end of file\n"
BLOCK_STYLES = frozenset("|>")


class Uneditable(Exception):
    """An edit that cannot be made here, with the reason in words."""


def patch_of(read: Callable[[str], str], edits: Sequence[ManifestEdit]) -> ManifestPatch:
    """The diff that makes the edits; ``read`` answers a file's text. Raises what it raises.

    Edits are made from the last to the first, so that none moves the place of another.
    """
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    refused: list[str] = []

    def text_of(file: str) -> str:
        if file not in after:
            before[file] = after[file] = read(file)
        return after[file]

    ordered = sorted(edits, key=lambda edit: (edit.file, -edit.line, -edit.column))
    for edit in ordered:
        try:
            file, text = _edited(edit, text_of)
            after[file] = text
        except (Uneditable, NotFound) as error:
            refused.append(f"{edit.path} in {edit.file}:{edit.line}: {error}")
    diffs = [_diff(file, before[file], after[file]) for file in sorted(after)]
    return ManifestPatch(text="".join(diffs), refused=tuple(sorted(refused)))


def _edited(edit: ManifestEdit, text_of: Callable[[str], str]) -> tuple[str, str]:
    text = text_of(edit.file)
    node = _node_at(text, edit.line, edit.column)
    if not edit.in_file:
        return edit.file, replaced(text, node, edit.new)
    if not isinstance(node, ScalarNode):
        raise Uneditable("it names no file")
    folder = edit.file.rpartition("/")[0]
    file = f"{folder}/{node.value}" if folder else str(node.value)
    return file, _rewritten(text_of(file), edit)


def _rewritten(text: str, edit: ManifestEdit) -> str:
    """The text of a file that is the end of what the platform had."""
    old, new = str(edit.old), str(edit.new)
    kept = text.rstrip()
    if not old.endswith(kept):
        raise Uneditable("the file has other text by now")
    prefix = old[: len(old) - len(kept)]
    if not new.startswith(prefix):
        raise Uneditable("what stands before its text was changed, too")
    return new.removeprefix(prefix).rstrip() + text[len(kept) :]


def replaced(text: str, node: Node, value: Json) -> str:
    """The text with another value in the place of a node's. Raises Uneditable."""
    if not isinstance(node, ScalarNode):
        raise Uneditable("it is more than one value; change it by hand")
    start, end = node.start_mark.index, node.end_mark.index
    for written in _spellings(text, node, value):
        changed = text[:start] + written + text[end:]
        found = _changes(text, changed)
        if found is not None and len(found) == 1 and found[0][1] == value:
            return changed
    raise Uneditable("it cannot be written there; change it by hand")


def member_node(node: Node | None, key: str) -> Node | None:
    """The value under a key of a mapping; None for another node, or without the key."""
    pairs = node.value if isinstance(node, MappingNode) else []
    return next((value for name, value in pairs if name.value == key), None)


def _spellings(text: str, node: ScalarNode, value: Json) -> list[str]:
    """Ways to write the value, the one closest to how the old one is written first."""
    quoted = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, str):
        return [quoted]
    if node.style and node.style in BLOCK_STYLES:
        return [_block(text, node, value), quoted]
    if node.style == "'" and "\n" not in value:
        escaped = value.replace("'", "''")
        return [f"'{escaped}'", quoted]
    return [value, quoted] if not node.style and "\n" not in value else [quoted]


def _block(text: str, node: Node, value: str) -> str:
    """A literal block, indented like the old one."""
    lines = text[node.start_mark.index : node.end_mark.index].split("\n")[1:]
    first = next((line for line in lines if line.strip()), "")
    indent = first[: len(first) - len(first.lstrip())]
    chomp = "" if value.endswith("\n") else "-"
    body = "\n".join(f"{indent}{line}" if line else "" for line in value.rstrip("\n").split("\n"))
    return f"|{chomp}\n{body}\n"


def _node_at(text: str, line: int, column: int) -> Node:
    try:
        for root in compose_all(text, Loader=CSafeLoader):
            found = _find(root, line - 1, column - 1) if root is not None else None
            if found is not None:
                return found
    except YAMLError as error:
        raise Uneditable("the file is no YAML any more") from error
    raise Uneditable("nothing stands there any more")


def _find(node: Node, line: int, column: int) -> Node | None:
    """The value that begins at a place; a key does not count."""
    mark = node.start_mark
    if (mark.line, mark.column) == (line, column):
        return node
    below: list[Node] = []
    if isinstance(node, MappingNode):
        below = [value for _, value in node.value]
    elif isinstance(node, SequenceNode):
        below = list(node.value)
    for child in below:
        found = _find(child, line, column)
        if found is not None:
            return found
    return None


def _changes(before: str, after: str) -> list[tuple[Json, Json]] | None:
    """Values that mean something else, as our own reader sees them; None if it cannot."""
    try:
        old, new = list(read_documents(before)), list(read_documents(after))
    except Unreadable:
        return None
    if any(document.faults for document in new):
        return None
    return list(_differing([one.value for one in old], [one.value for one in new]))


def _differing(old: Json, new: Json) -> Iterator[tuple[Json, Json]]:
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        for key, value in old.items():
            yield from _differing(value, new[key])
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for first, second in zip(old, new, strict=True):
            yield from _differing(first, second)
    elif (type(old), old) != (type(new), new):
        yield old, new


def _diff(file: str, before: str, after: str) -> str:
    """One file's part of a unified diff, as ``git apply`` takes it."""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{file}", f"b/{file}"
    )
    return "".join(line if line.endswith("\n") else f"{line}\n{NO_NEWLINE}" for line in lines)
