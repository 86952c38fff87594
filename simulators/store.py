"""Records in memory, with a journal in a folder when the state has to outlive the process.

Every answered write is in the journal before its answer leaves, so a simulator killed between two
requests comes back as it was. The store knows collections, ids and JSON records; what they mean is
the look-alikes' business.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from simulators.past import UNCHANGED, Past

Json = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    collection TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (collection, id)
)
"""
UPSERT = """
INSERT INTO records (collection, id, body) VALUES (?, ?, ?)
ON CONFLICT (collection, id) DO UPDATE SET body = excluded.body
"""


LOCK_TIMEOUT_S = 1.0


def _opened(path: Path) -> sqlite3.Connection:
    journal = sqlite3.connect(path, isolation_level=None, timeout=LOCK_TIMEOUT_S)
    for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = NORMAL"):
        journal.execute(f"PRAGMA {pragma}")
    journal.execute(SCHEMA)
    return journal


def _text(record: Json | None) -> str | None:
    return None if record is None else json.dumps(record)


class Collection:
    """Records of one kind by id, in the order they were created."""

    def __init__(self, name: str, past: Past) -> None:
        self.name = name
        self.changed: dict[str, None] = {}
        self._past = past
        self._records: dict[str, Json] = {}

    def __contains__(self, record_id: str) -> bool:
        return self.get(record_id) is not None

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Json]:
        return iter(self._records.values())

    def get(self, record_id: str) -> Json | None:
        """The record itself, not a copy; say ``put`` after changing it."""
        stale = self._past.shown((self.name, record_id))
        if stale is UNCHANGED:
            return self._records.get(record_id)
        shown: Json | None = stale
        return shown

    def put(self, record_id: str, record: Json) -> None:
        """Create or replace a record."""
        self._records[record_id] = record
        self.changed[record_id] = None

    def drop(self, record_id: str) -> None:
        """Forget a record that exists."""
        del self._records[record_id]
        self.changed[record_id] = None

    def load(self, record_id: str, record: Json) -> None:
        """Take a record back from the journal."""
        self._records[record_id] = record

    def clear(self) -> None:
        """Forget all records."""
        for record_id in self._records:
            self.changed[record_id] = None
        self._records.clear()


class Store:
    """The collections of one simulator and, with a path, their journal (a SQLite file).

    Raises OSError when the file cannot be used, or another process uses it.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.past = Past()
        self._collections: dict[str, Collection] = {}
        self._journal: sqlite3.Connection | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._journal = _opened(path)
                self._restore(self._journal)
            except sqlite3.Error as error:
                raise OSError(f"state cannot be kept in {path}: {error}") from error

    def _restore(self, journal: sqlite3.Connection) -> None:
        rows = journal.execute("SELECT collection, id, body FROM records ORDER BY position")
        for name, record_id, body in rows:
            self.collection(name).load(record_id, json.loads(body))
            self.past.remember((name, record_id), body)

    def collection(self, name: str) -> Collection:
        """The collection of that name, empty when new."""
        return self._collections.setdefault(name, Collection(name, self.past))

    def committed(self, collection: str, record_id: str) -> Json | None:
        """A copy of a record as of the last commit, or None when there was none."""
        text = self.past.text((collection, record_id))
        if text is None:
            return None
        record: Json = json.loads(text)
        return record

    def commit(self) -> None:
        """Write what changed since the last commit to the journal, all or nothing."""
        changed = [collection for collection in self._collections.values() if collection.changed]
        if not changed:
            return
        texts = {
            (collection.name, record_id): _text(collection.get(record_id))
            for collection in changed
            for record_id in collection.changed
        }
        if self._journal is not None:
            with self._journal:
                self._journal.execute("BEGIN")
                for key, text in texts.items():
                    self._write(self._journal, key, text)
        self.past.begin()
        for key, text in texts.items():
            self.past.remember(key, text)
        for collection in changed:
            collection.changed.clear()

    @staticmethod
    def _write(journal: sqlite3.Connection, key: tuple[str, str], text: str | None) -> None:
        if text is None:
            journal.execute("DELETE FROM records WHERE collection = ? AND id = ?", key)
        else:
            journal.execute(UPSERT, (*key, text))

    def reset(self) -> None:
        """Forget every record, in the journal too."""
        for collection in self._collections.values():
            collection.clear()
        self.commit()
        self.past.clear()

    def close(self) -> None:
        """Let go of the journal."""
        if self._journal is not None:
            self._journal.close()
