"""What changed in a text, word by word: how people read a prompt's diff.

Lines are aligned first and only replaced lines are compared by words, so the work stays small for
a long prompt with a small edit. How a difference is coloured or marked is the reader's business.
"""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Final, Literal, TypeAlias

Mark: TypeAlias = Literal["=", "-", "+"]
Segment: TypeAlias = tuple[Mark, str]
Line: TypeAlias = tuple[Segment, ...]

TOKENS_MAX: Final = 4_000
"""Words compared in one replaced block; above it the block is shown as removed and added, because
the comparison is quadratic and nobody reads such a block word by word.
"""

_TOKEN: Final = re.compile(r"\w+|\s+|[^\w\s]")


def word_segments(old: str, new: str) -> tuple[Segment, ...]:
    """The text as unchanged, removed and added pieces, neighbours of one kind joined."""
    before, after = _TOKEN.findall(old), _TOKEN.findall(new)
    if len(before) + len(after) > TOKENS_MAX:
        return _joined(iter((("-", old), ("+", new))))
    return _joined(_compare(before, after))


def changed_lines(old: str, new: str) -> tuple[Line, ...]:
    """The lines of the new text with what was removed from the old one between them. A line is a
    tuple of segments; it is unchanged if all of them are ``=``.
    """
    before, after = old.split("\n"), new.split("\n")
    lines: list[Line] = []
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            lines.extend((("=", text),) for text in after[j1:j2])
        elif tag == "replace":
            block = word_segments("\n".join(before[i1:i2]), "\n".join(after[j1:j2]))
            lines.extend(_split(block))
        else:
            lines.extend((("-", text),) for text in before[i1:i2])
            lines.extend((("+", text),) for text in after[j1:j2])
    return tuple(lines)


def is_changed(line: Line) -> bool:
    """True if something of the line was added or removed."""
    return any(mark != "=" for mark, _ in line)


def _compare(before: list[str], after: list[str]) -> Iterator[Segment]:
    """Removed before added, with the blanks between two changed words counted as changed."""
    removed = added = ""
    codes = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    for index, (tag, i1, i2, j1, j2) in enumerate(codes):
        old, new = "".join(before[i1:i2]), "".join(after[j1:j2])
        between = 0 < index < len(codes) - 1
        if tag == "equal" and not (between and old.isspace()):
            yield from (("-", removed), ("+", added), ("=", old))
            removed = added = ""
        else:
            removed, added = removed + old, added + new
    yield from (("-", removed), ("+", added))


def _joined(segments: Iterator[Segment]) -> tuple[Segment, ...]:
    joined: list[Segment] = []
    for mark, text in segments:
        if not text:
            continue
        if joined and joined[-1][0] == mark:
            joined[-1] = (mark, joined[-1][1] + text)
        else:
            joined.append((mark, text))
    return tuple(joined)


def _split(segments: tuple[Segment, ...]) -> Iterator[Line]:
    """The segments cut at line ends, so that every line carries marks of its own."""
    line: list[Segment] = []
    for mark, text in segments:
        first, *others = text.split("\n")
        if first:
            line.append((mark, first))
        for rest in others:
            yield tuple(line) or ((mark, ""),)
            line = [(mark, rest)] if rest else []
    yield tuple(line) or (("=", ""),)
