"""One change of one place in the text of a document; every character elsewhere stays.

A new value is written the way the old one was as far as that goes: on the key's own line or below
it, in braces or not, in the same quotes. Comments stay with what they stand above or beside, and go
only with it. Whether the outcome means what was wished is for whoever asked to check.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

from trunkline.manifests.layouts import (
    Member,
    Part,
    Uneditable,
    is_first_on_line,
    line_end,
    next_line,
    own_start,
)
from trunkline.manifests.writing import flow_text, item_lines, member_lines, scalar_text
from trunkline.model.base import Json
from trunkline.model.paths import child

Steps: TypeAlias = tuple[str | int, ...]
"""Keys and places in lists, from a document's root down."""

COMMENTED: Final = "comments stand between its parts; change it by hand"


@dataclass(frozen=True, slots=True)
class Replacement:
    """Another value at a path."""

    path: Steps
    value: Json


@dataclass(frozen=True, slots=True)
class Removal:
    """A key or an item goes."""

    path: Steps


@dataclass(frozen=True, slots=True)
class Insertion:
    """One more member of what is at a path: behind the key or before the place ``behind`` names,
    first if that is None; ``key`` is None in a list.
    """

    path: Steps
    key: str | None
    value: Json
    behind: str | int | None = None


Splice: TypeAlias = Replacement | Removal | Insertion


def spliced(text: str, root: Part, change: Splice) -> str:
    """The text after the change of the document at ``root``. Raises Uneditable."""
    if isinstance(change, Insertion):
        container = root
        for above, member in _way(root, change.path):
            del above
            container = member.value
        return _inserted(text, container, change)
    if not change.path:
        raise Uneditable("it is the whole document")
    parent, member = _way(root, change.path)[-1]
    if isinstance(change, Replacement):
        return _replaced(text, parent, member, change)
    if len(parent.members) > 1:
        return _removed(text, parent, parent.members.index(member))
    empty: Json = {} if parent.form == "mapping" else []
    return spliced(text, root, Replacement(change.path[:-1], empty))


def _way(root: Part, path: Steps) -> list[tuple[Part, Member]]:
    """Every container on the way to a path, with its member on that way."""
    found: list[tuple[Part, Member]] = []
    part = root
    for step in path:
        at = _index(part, step)
        found.append((part, part.members[at]))
        part = part.members[at].value
    return found


def _index(part: Part, step: str | int) -> int:
    if isinstance(step, int) and part.form == "sequence" and 0 <= step < len(part.members):
        return step
    if isinstance(step, str) and part.form == "mapping":
        at = next((i for i, each in enumerate(part.members) if each.key == step), None)
        if at is not None:
            return at
    what = "an alias" if part.form == "alias" else "nothing of its own"
    raise Uneditable(f"`{step}` cannot be reached: {what} stands there")


def _replaced(text: str, parent: Part, member: Member, change: Replacement) -> str:
    value = member.value
    if parent.flow:
        _require_uncommented(text[value.start : value.end])
        written = _flow(change.value, value.style)
        gap = ": " if member.bare else " " if parent.form == "mapping" and _is_empty(value) else ""
        return text[: value.start] + gap + written + text[value.end :]
    first, *below = _written(member, parent, change)
    breaks = _breaks(text)
    end = line_end(text, member.end)
    if value.is_block_text:
        head = line_end(text, value.start)
        comment = text[value.start : head].partition("#")
        kept = f"{' ' * 2}#{comment[2]}" if comment[1] else ""
        lines = [text[: value.start].rstrip(" ") + first + kept, *below]
        return breaks.join(lines) + text[end:]
    if value.members and not value.flow and line_end(text, member.after) < value.start:
        own = line_end(text, member.after)
        lines = [text[: member.after] + first + text[member.after : own], *below]
        return breaks.join(lines) + text[end:]
    if value.members and not value.flow:
        lines = [text[: value.start].rstrip(" ") + first, *below]
        return breaks.join(lines) + text[end:]
    before = text[: value.start]
    if not first or _is_empty(value):
        before = before[: len(before.rstrip(" "))]
    else:
        first = first.lstrip(" ")
    rest = text[value.end : end]
    return breaks.join([before + first + rest, *below]) + text[end:]


def _written(member: Member, parent: Part, change: Replacement) -> list[str]:
    """What follows the colon or dash, in the style of the old value; the first line begins with
    its blank.
    """
    indent = " " * parent.column
    style = member.value.style
    new = change.value
    if style in {"'", '"'} and isinstance(new, str) and "\n" not in new:
        return [" " + scalar_text(new, style)]
    if member.value.flow and isinstance(new, dict | list):
        return [" " + flow_text(new)]
    if member.key is None:
        lines = item_lines(new, _dotted(change.path), indent)
        return [lines[0][len(indent) + 1 :], *lines[1:]]
    lines = member_lines(member.key, new, _dotted(change.path), indent)
    head = len(member_lines(member.key, "", "", indent)[0]) - len(' ""')
    return [lines[0][head:], *lines[1:]]


def _inserted(text: str, container: Part, change: Insertion) -> str:
    if not container.members:
        raise Uneditable("there is nothing yet that could be added to")
    at = 0
    if isinstance(change.behind, int):
        at = min(change.behind, len(container.members))
    elif change.behind is not None:
        at = _index(container, change.behind) + 1
    if container.flow:
        return _inserted_in_flow(text, container, at, change)
    indent, breaks = " " * container.column, _breaks(text)
    if change.key is None:
        lines = item_lines(change.value, f"{_dotted(change.path)}[0]", indent)
    else:
        path = child(_dotted(change.path), change.key)
        lines = member_lines(change.key, change.value, path, indent)
    if at:
        end = line_end(text, container.members[at - 1].end)
        return text[:end] + breaks + breaks.join(lines) + text[end:]
    first = container.members[0].at
    if is_first_on_line(text, first):
        start = own_start(text, first)
        return text[:start] + breaks.join([*lines, text[start:]])
    return text[:first] + breaks.join([lines[0].lstrip(" "), *lines[1:], indent + text[first:]])


def _inserted_in_flow(text: str, container: Part, at: int, change: Insertion) -> str:
    written = flow_text(change.value if change.key is None else {change.key: change.value})
    if change.key is not None:
        written = written[2:-2]
    if at:
        end = container.members[at - 1].end
        return f"{text[:end]}, {written}{text[end:]}"
    first = container.members[0].at
    return f"{text[:first]}{written}, {text[first:]}"


def _removed(text: str, parent: Part, at: int) -> str:
    member = parent.members[at]
    if parent.flow:
        if at:
            start, end = parent.members[at - 1].end, member.end
        else:
            start, end = member.at, parent.members[1].at
        _require_uncommented(text[start:end])
        return text[:start] + text[end:]
    end = line_end(text, member.end)
    if is_first_on_line(text, member.at):
        start = own_start(text, member.at)
        rest = text[next_line(text, end) :]
        kept = text[:start]
        if not rest and not text.endswith("\n"):
            kept = kept.removesuffix("\n").removesuffix("\r")
        return kept + rest
    if at + 1 == len(parent.members):
        raise Uneditable("its line begins with something else; change it by hand")
    following = parent.members[at + 1].at
    if "#" in text[end:following]:
        return text[: member.at].rstrip(" ") + text[end:]
    return text[: member.at] + text[following:]


def _require_uncommented(text: str) -> None:
    """Raises Uneditable for a part in braces that might hold a comment: it would be lost."""
    if "#" in text and "\n" in text:
        raise Uneditable(COMMENTED)


def _flow(value: Json, style: str) -> str:
    return flow_text(value) if isinstance(value, dict | list) else scalar_text(value, style)


def _is_empty(part: Part) -> bool:
    return part.start == part.end


def _dotted(path: Steps) -> str:
    dotted = ""
    for step in path:
        dotted = f"{dotted}[{step}]" if isinstance(step, int) else child(dotted, step)
    return dotted


def _breaks(text: str) -> str:
    """How the text's lines end."""
    first = text.find("\n")
    return "\r\n" if first > 0 and text[first - 1] == "\r" else "\n"
