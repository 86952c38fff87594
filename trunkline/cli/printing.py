"""Results on stdout: tables people read, JSON and YAML programs read, names scripts loop over.

A table is plain text in columns as kubectl prints it: it can be cut, sorted and searched. Colour
needs a terminal and no NO_COLOR.
"""

import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum

from trunkline.cli.ages import age
from trunkline.cli.harmless import harmless, one_line
from trunkline.model.base import Json

__all__ = [
    "DocumentFormat",
    "DriftFormat",
    "Format",
    "PlanFormat",
    "age",
    "paint",
    "print_document",
    "print_fields",
    "print_line",
    "print_table",
    "print_text",
    "table_lines",
    "terminal_width",
    "wants_colour",
]

COLUMN_GAP = "   "
EMPTY_CELL = "-"
CELL_MIN = 20
"""What the last column keeps on the narrowest terminal; the line then wraps."""
_COLOURS: Mapping[str, str] = {
    "Synced": "32",
    "Healthy": "32",
    "Succeeded": "32",
    "OutOfSync": "33",
    "Progressing": "33",
    "Running": "33",
    "Suspended": "33",
    "Warning": "33",
    "Degraded": "31",
    "Missing": "31",
    "Failed": "31",
    "Error": "31",
    "ok": "32",
    "warning": "33",
    "failed": "31",
    "passed": "32",
    "inconclusive": "33",
}


class Format(StrEnum):
    """The value of ``-o``."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


class DriftFormat(StrEnum):
    """The value of ``-o`` where a change of the manifests can be printed, too."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"
    PATCH = "patch"


class DocumentFormat(StrEnum):
    """The value of ``-o`` where there is one document and no table."""

    TEXT = "text"
    JSON = "json"
    YAML = "yaml"


class PlanFormat(StrEnum):
    """The value of ``-o`` where the document is also posted into reviews and chats."""

    TEXT = "text"
    JSON = "json"
    YAML = "yaml"
    MARKDOWN = "markdown"


def wants_colour() -> bool:
    """True on a terminal that can, unless NO_COLOR is set to anything (``--no-color`` sets it)."""
    refused = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not refused


def paint(word: str) -> str:
    """A word of status in its colour, if stdout wants any."""
    colour = _COLOURS.get(word)
    return f"\x1b[{colour}m{word}\x1b[0m" if colour and wants_colour() else word


def terminal_width() -> int | None:
    """Columns of the terminal; None if stdout is none, where nothing is to be cut."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def print_text(text: str) -> None:
    """One block of text and a newline."""
    shown = harmless(text) if sys.stdout.isatty() else text
    sys.stdout.write(shown.rstrip("\n") + "\n")
    sys.stdout.flush()


def print_document(document: Json, style: Format | DocumentFormat | PlanFormat) -> None:
    """A document as JSON or YAML."""
    if style.value == "yaml":
        import yaml  # noqa: PLC0415 - only who asks for YAML pays for it

        print_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
        return
    print_text(json.dumps(document, indent=2, ensure_ascii=False))


def print_fields(fields: Sequence[tuple[str, str]], *, indent: int = 0) -> None:
    """``Name:  value`` lines with the values under each other, as kubectl describes things.

    A value of several lines stays under its name; an empty one is a dash.
    """
    width = max((len(name) for name, _ in fields), default=0) + 3
    for name, value in fields:
        first, *more = [_cell(line) for line in value.splitlines()] or [EMPTY_CELL]
        print_text(f"{'':{indent}}{name + ':':{width}}{paint(first)}")
        for line in more:
            print_text(f"{'':{indent + width}}{line}")


def print_line(document: Json, style: Format | DocumentFormat) -> None:
    """One document of many that follow each other: a line of JSON, or YAML after ``---``."""
    if style.value == "yaml":
        print_text("---")
        print_document(document, style)
        return
    print_text(json.dumps(document, ensure_ascii=False))


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, headers: bool = True
) -> None:
    """Columns of text as ``table_lines`` makes them, in colour where a terminal wants it."""
    lines = table_lines(columns, rows, headers=headers, width=terminal_width())
    first_row = len(lines) - len(rows)
    for number, line in enumerate(lines):
        row = number - first_row
        is_coloured = row >= 0 and wants_colour()
        print_text(_coloured(line, rows[row]) if is_coloured else line)


def table_lines(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    headers: bool = True,
    width: int | None = None,
) -> list[str]:
    """Aligned columns. Only the last one is cut to the terminal's width: the others are names
    and ids, which are worth nothing in part.
    """
    cells = [list(columns)] if headers else []
    cells += [[_cell(cell) for cell in row] for row in rows]
    if not cells:
        return []
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    room = None
    if width is not None:
        room = max(width - sum(widths[:-1]) - len(COLUMN_GAP) * (len(widths) - 1), CELL_MIN)
    found = []
    for line in cells:
        last = line[-1]
        if room is not None and len(last) > room:
            last = last[: room - 1] + "…"
        padded = [cell.ljust(size) for cell, size in zip(line[:-1], widths, strict=False)]
        found.append(COLUMN_GAP.join([*padded, last]).rstrip())
    return found


def _cell(text: str) -> str:
    """One line without anything that drives a terminal: texts come from Git and vendors."""
    return one_line(text) or EMPTY_CELL


def _coloured(text: str, cells: Sequence[str]) -> str:
    for word in dict.fromkeys(cells[:-1]):
        if word in _COLOURS:
            text = text.replace(f" {word} ", f" \x1b[{_COLOURS[word]}m{word}\x1b[0m ", 1)
    return text
