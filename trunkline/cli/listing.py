"""Lists of things, printed the same everywhere: a table, wide, JSON, YAML or bare names.

A verb describes its list once, as a ``Listing``; what each ``-o`` prints, what an empty list says
and how changes are followed is decided here, so that no two verbs differ.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from trunkline.cli import printing
from trunkline.cli.printing import Format
from trunkline.model.base import JsonObject

FORMAT_VERSION = "1"
"""Changes only if a key goes away or changes its meaning; new keys may come at any time."""
CLEAR_SCREEN = "\x1b[H\x1b[2J"

Cell: TypeAlias = Callable[[JsonObject], str]


@dataclass(frozen=True, slots=True)
class Column:
    """One column; a ``wide`` one is shown with ``-o wide`` only."""

    title: str
    cell: Cell
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """How a list is printed.

    ``kind`` names its schema (docs/schemas), ``name`` is what ``-o name`` prints of a row, and
    ``empty`` says in a sentence or two that there is nothing, and what to do.
    """

    kind: str
    columns: tuple[Column, ...]
    name: Cell
    empty: str


def member(key: str) -> Cell:
    """A cell with a member of the row as text: a list joined by commas, pairs as ``key=value``."""

    def cell(row: JsonObject) -> str:
        value = row.get(key)
        if isinstance(value, dict):
            return ",".join(f"{name}={entry}" for name, entry in value.items())
        if isinstance(value, list):
            return ",".join(str(entry) for entry in value)
        if isinstance(value, bool):
            return str(value).lower()
        return "" if value is None else str(value)

    return cell


def since(key: str) -> Cell:
    """A cell with the time passed since a member."""
    return lambda row: printing.age(member(key)(row))


def list_document(kind: str, rows: Sequence[JsonObject]) -> JsonObject:
    """A list as programs read it."""
    return {"formatVersion": FORMAT_VERSION, "kind": kind, "items": [*rows]}


def print_listing(
    listing: Listing, rows: Sequence[JsonObject], style: Format, *, headers: bool = True
) -> None:
    """Print the rows. That there are none is said on stderr, so that pipes stay empty."""
    if style in {Format.JSON, Format.YAML}:
        printing.print_document(list_document(listing.kind, rows), style)
    elif rows:
        _print_rows(listing, rows, style, headers=headers)
    else:
        sys.stderr.write(f"{listing.empty}\n")


def redraws(style: Format) -> bool:
    """True where a change is shown by drawing the whole screen again."""
    return style in {Format.TABLE, Format.WIDE} and sys.stdout.isatty()


def _print_rows(
    listing: Listing, rows: Sequence[JsonObject], style: Format, *, headers: bool
) -> None:
    if style is Format.NAME:
        for row in rows:
            printing.print_text(listing.name(row))
        return
    columns = [c for c in listing.columns if style is Format.WIDE or not c.wide]
    cells = [tuple(column.cell(row) for column in columns) for row in rows]
    printing.print_table([column.title for column in columns], cells, headers=headers)
