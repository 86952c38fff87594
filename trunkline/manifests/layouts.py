"""Where every part of a YAML document stands in its text, to the character.

A parser's marks say where a value begins; where one ends that is written below its key, where the
colon is and which comment belongs to it is found out here. What the values mean, and how they are
changed, is none of its business.
"""

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from yaml import MappingNode, Node, ScalarNode, SequenceNode

Form: TypeAlias = Literal["scalar", "alias", "mapping", "sequence"]
BLOCK_STYLES = frozenset("|>")

_ANCHOR = re.compile(r"&[^\s,\[\]{}]+\s*")
_ALIAS = re.compile(r"\*[^\s,\[\]{}]+")
_COLON = re.compile(r"\s*:")
_FILLING = re.compile(r"(?:\s|#[^\n]*(?:\n|$)|[-,](?=\s)|,)*")
"""What may stand between two items of a list, apart from their values."""
_BLOCK_HEADER = re.compile(r"[|>][-+0-9]*")


class Uneditable(Exception):
    """An edit that cannot be made here, with the reason in words."""


@dataclass(frozen=True, slots=True)
class Part:
    """One value. ``start`` and ``end`` enclose its text without an anchor, and without the line's
    end after it; ``column`` is where its keys or dashes stand.
    """

    form: Form
    start: int
    end: int
    column: int = 0
    flow: bool = False
    style: str = ""
    members: tuple["Member", ...] = ()

    @property
    def is_block_text(self) -> bool:
        """True for a text of several lines behind ``|`` or ``>``."""
        return self.style in BLOCK_STYLES


@dataclass(frozen=True, slots=True)
class Member:
    """One key with its value, or one item of a list. ``at`` is where its key or dash begins;
    ``after`` is behind the colon or dash; without a colon ``bare`` is set.
    """

    key: str | None
    at: int
    after: int
    value: Part
    bare: bool = False

    @property
    def end(self) -> int:
        """Where its text ends."""
        return max(self.value.end, self.after)


def part_of(text: str, node: Node) -> Part:
    """Everything below a node of the text. Raises Uneditable for what nobody writes."""
    return _part(text, node, node.start_mark.index)


def line_start(text: str, index: int) -> int:
    """Where the line of a character begins."""
    return text.rfind("\n", 0, index) + 1


def line_end(text: str, index: int) -> int:
    """Where the line of a character ends, before its line break."""
    end = text.find("\n", index)
    if end < 0:
        return len(text)
    return end - 1 if end > index and text[end - 1] == "\r" else end


def next_line(text: str, index: int) -> int:
    """Where the line after that of a character begins; the text's end if there is none."""
    end = text.find("\n", index)
    return len(text) if end < 0 else end + 1


def is_first_on_line(text: str, index: int) -> bool:
    """True if only blanks stand before a character on its line."""
    return not text[line_start(text, index) : index].strip()


def own_start(text: str, index: int) -> int:
    """Where the lines of comment that stand directly above a line begin, else the line itself; a
    comment belongs to what is below it, in the same column.
    """
    start = line_start(text, index)
    column = index - start
    while start:
        above = line_start(text, start - 1)
        line = text[above:start]
        if line[column : column + 1] != "#" or line[:column].strip():
            break
        start = above
    return start


def _part(text: str, node: Node, floor: int) -> Part:
    """The part of a node that can begin at ``floor`` at the earliest: one before is an alias."""
    begun = node.start_mark.index
    if begun < floor:
        return _alias(text, floor)
    anchor = _ANCHOR.match(text, begun)
    start = anchor.end() if anchor else begun
    if isinstance(node, ScalarNode):
        return _scalar(text, node, begun, start)
    if isinstance(node, MappingNode):
        return _mapping(text, node, start)
    if isinstance(node, SequenceNode):
        return _sequence(text, node, start)
    raise Uneditable("it holds something that is no value")


def _alias(text: str, floor: int) -> Part:
    filling = _FILLING.match(text, floor)
    found = _ALIAS.match(text, filling.end() if filling else floor)
    if found is None:
        raise Uneditable("an alias stands where it cannot be told from what is around it")
    return Part("alias", found.start(), found.end())


def _scalar(text: str, node: ScalarNode, begun: int, start: int) -> Part:
    style, end = node.style or "", node.end_mark.index
    if begun == end:
        return Part("scalar", begun, begun)
    if style in BLOCK_STYLES:
        header = _BLOCK_HEADER.match(text, start)
        kept = header is not None and "+" in header[0]
        body = text[start:end]
        end -= len(body) - len(
            body.removesuffix("\n").removesuffix("\r") if kept else body.rstrip()
        )
    return Part("scalar", min(start, end), end, style=style)


def _mapping(text: str, node: MappingNode, start: int) -> Part:
    flow = bool(node.flow_style)
    members: list[Member] = []
    floor = start
    for key, value in node.value:
        at, key_end = key.start_mark.index, key.end_mark.index
        if at < floor or not isinstance(key, ScalarNode):
            raise Uneditable("it has a key that is an alias or no text")
        colon = _COLON.match(text, key_end)
        after = colon.end() if colon else key_end
        if not colon and not flow:
            raise Uneditable(f"`{key.value}` is written in a way nobody else writes keys")
        empty = value.start_mark.index == value.end_mark.index and isinstance(value, ScalarNode)
        part = Part("scalar", after, after) if empty else _part(text, value, after)
        members.append(Member(key.value, at, after, part, bare=not colon))
        floor = members[-1].end
    if flow:
        return Part("mapping", start, node.end_mark.index, flow=True, members=tuple(members))
    if not members:
        raise Uneditable("nothing stands there")
    column = members[0].at - line_start(text, members[0].at)
    return Part("mapping", members[0].at, members[-1].end, column, members=tuple(members))


def _sequence(text: str, node: SequenceNode, start: int) -> Part:
    flow = bool(node.flow_style)
    column = start - line_start(text, start)
    members: list[Member] = []
    floor = start + 1 if flow else start
    for item in node.value:
        at = _next_item(text, floor) if not flow else floor
        after = at + 1 if not flow else floor
        empty = item.start_mark.index == item.end_mark.index and isinstance(item, ScalarNode)
        part = Part("scalar", after, after) if empty else _part(text, item, after)
        members.append(Member(None, part.start if flow else at, after, part))
        floor = members[-1].end
    if flow:
        return Part("sequence", start, node.end_mark.index, flow=True, members=tuple(members))
    if not members:
        raise Uneditable("nothing stands there")
    return Part("sequence", start, members[-1].end, column, members=tuple(members))


def _next_item(text: str, floor: int) -> int:
    """Where the next dash stands; only blanks and comments are before it."""
    index = floor
    while index < len(text):
        if text[index] == "-":
            return index
        if text[index] == "#":
            index = next_line(text, index)
        elif text[index].isspace():
            index += 1
        else:
            break
    raise Uneditable("a list is written in a way nobody else writes lists")
