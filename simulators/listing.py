"""What lists show, which may lag behind what a fetch by id shows.

Vendors answer lists from an index that learns of a write a moment later. The index here keeps one
row for each object in creation and in name order, and applies changes at once, after a while, or
after a number of list reads, as the control plane wishes. It knows rows, not their meaning.
"""

from __future__ import annotations

import base64
import binascii
import json
from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from simulators.clock import Clock

Json = dict[str, Any]
Key = tuple[str, int]


class InvalidCursor(Exception):
    """The cursor was not issued by this index."""


@dataclass(slots=True)
class ListLag:
    """How long lists stay behind: simulated seconds, or a number of list reads."""

    seconds: float = 0.0
    reads: int = 0


@dataclass(slots=True)
class _Change:
    due_s: float
    reads_left: int
    row_id: str
    row: Json | None


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in order, and the cursor of the next page or None."""

    rows: list[Json]
    next_cursor: str | None


@dataclass(slots=True)
class _Entry:
    number: int
    row: Json
    tags: frozenset[str] = field(default_factory=frozenset)


class ListIndex:
    """Rows by creation and by name, with tags, changing with the lag it is told."""

    def __init__(self, clock: Clock, lag: ListLag) -> None:
        self._clock = clock
        self._lag = lag
        self._pending: deque[_Change] = deque()
        self._entries: dict[str, _Entry] = {}
        self._issued = 0
        self._by_creation: list[Key] = []
        self._by_name: list[Key] = []
        self._ids: dict[int, str] = {}
        self._tagged: dict[str, set[str]] = {}

    def change(self, row_id: str, row: Json | None, *, at_once: bool = False) -> None:
        """Show this row for the object from now on (None: no longer), as soon as the lag allows."""
        due_s = self._clock.now() + self._lag.seconds
        lagging = (self._lag.seconds or self._lag.reads) and not at_once
        if lagging or self._pending:
            reads = self._lag.reads if lagging else 0
            self._pending.append(
                _Change(due_s if lagging else self._clock.now(), reads, row_id, row)
            )
        else:
            self._apply(row_id, row)

    def clear(self) -> None:
        """Forget all rows and pending changes."""
        self._pending.clear()
        for row_id in list(self._entries):
            self._apply(row_id, None)

    def _settle(self) -> None:
        now = self._clock.now()
        waiting: deque[_Change] = deque()
        held: set[str] = set()
        for change in self._pending:
            if change.reads_left > 0:
                change.reads_left -= 1
                due = False
            else:
                due = change.due_s <= now
            if due and change.row_id not in held:
                self._apply(change.row_id, change.row)
            else:
                held.add(change.row_id)
                waiting.append(change)
        self._pending = waiting

    def _apply(self, row_id: str, row: Json | None) -> None:
        old = self._entries.pop(row_id, None)
        if old is not None:
            _remove(self._by_creation, ("", old.number))
            _remove(self._by_name, (_name(old.row), old.number))
            for tag in old.tags:
                self._tagged[tag].discard(row_id)
                if not self._tagged[tag]:
                    del self._tagged[tag]
        if row is None:
            if old is not None:
                del self._ids[old.number]
            return
        if old is None:
            self._issued += 1
        number = self._issued if old is None else old.number
        tags = frozenset(row.get("tags") or ())
        self._entries[row_id] = _Entry(number, row, tags)
        self._ids[number] = row_id
        insort(self._by_creation, ("", number))
        insort(self._by_name, (_name(row), number))
        for tag in tags:
            self._tagged.setdefault(tag, set()).add(row_id)

    def page(
        self,
        *,
        size: int | None,
        cursor: str | None,
        by_name: bool = False,
        descending: bool = True,
        tags: Iterable[str] = (),
        wanted: Callable[[Json], bool] | None = None,
    ) -> Page:
        """One page of the rows that carry any of the tags and are wanted.

        Raises InvalidCursor for a cursor that is none of ours.
        """
        self._settle()
        keys = self._keys(by_name=by_name, tags=set(tags))
        after = read_cursor(cursor) if cursor else None
        rows: list[Json] = []
        last: Key | None = None
        for key in _walk(keys, after, descending=descending):
            row = self._entries[self._ids[key[1]]].row
            if wanted is not None and not wanted(row):
                continue
            if size is not None and len(rows) == size:
                return Page(rows, write_cursor(last))
            rows.append(row)
            last = key
        return Page(rows, None)

    def _keys(self, *, by_name: bool, tags: set[str]) -> list[Key]:
        if not tags:
            return self._by_name if by_name else self._by_creation
        ids = set().union(*(self._tagged.get(tag, ()) for tag in tags))
        found = [self._entries[row_id] for row_id in ids]
        return sorted((_name(e.row) if by_name else "", e.number) for e in found)


def _walk(keys: list[Key], after: Key | None, *, descending: bool) -> Iterator[Key]:
    if descending:
        start = len(keys) if after is None else bisect_left(keys, after)
        return (keys[position] for position in range(start - 1, -1, -1))
    start = 0 if after is None else bisect_right(keys, after)
    return (keys[position] for position in range(start, len(keys)))


def _name(row: Json) -> str:
    return str(row.get("name") or "").casefold()


def _remove(keys: list[Key], key: Key) -> None:
    position = bisect_left(keys, key)
    del keys[position]


def write_cursor(key: Key | None) -> str | None:
    """The cursor of what comes after a row; None after the last one."""
    if key is None:
        return None
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


def read_cursor(cursor: str) -> Key:
    """The row a cursor stands for. Raises InvalidCursor for one that is none of ours."""
    try:
        name, number = json.loads(base64.urlsafe_b64decode(cursor.encode()))
    except (binascii.Error, ValueError, TypeError) as error:
        raise InvalidCursor(cursor) from error
    if not isinstance(name, str) or not isinstance(number, int):
        raise InvalidCursor(cursor)
    return name, number
