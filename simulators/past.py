"""What records were before the last write of an object, for reads that answer too old.

A vendor's replica may miss a write that was answered already: a new object is not found, a changed
one reads as it was, a deleted one is still there. The store reports each commit here; the gateway
asks for a stale view of one object and reads through it. Nothing here knows what a record means.
"""

from __future__ import annotations

import contextlib
import json
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from simulators.limits import MAX_REMEMBERED_DELETIONS

Json = dict[str, Any]
Key = tuple[str, str]

UNCHANGED: Final = object()


@dataclass(slots=True)
class _Memory:
    text: str | None
    commit: int
    first_commit: int
    before: str | None = None


class Past:
    """The last two states of each record, and how many fetches miss the latest write."""

    def __init__(self) -> None:
        self.lag_reads = 0
        self._memories: dict[Key, _Memory] = {}
        self._last_commits: dict[str, int] = {}
        self._deleted: deque[Key] = deque()
        self._unseen: dict[str, int] = {}
        self._commit = 0
        self._shown_before: int | None = None

    def begin(self) -> None:
        """A commit begins; what is remembered from now on belongs to it."""
        self._commit += 1

    def remember(self, key: Key, text: str | None) -> None:
        """A record is this JSON now, or gone."""
        known = self._memories.get(key)
        if known is None:
            self._memories[key] = _Memory(text, self._commit, self._commit)
        else:
            known.before, known.text, known.commit = known.text, text, self._commit
        self._last_commits[key[1]] = self._commit
        if text is None:
            self._forget_oldest_deletion(key)
        if self.lag_reads:
            self._unseen[key[1]] = self.lag_reads

    def _forget_oldest_deletion(self, key: Key) -> None:
        self._deleted.append(key)
        if len(self._deleted) > MAX_REMEMBERED_DELETIONS:
            oldest = self._deleted.popleft()
            memory = self._memories.get(oldest)
            if memory is not None and memory.text is None:
                del self._memories[oldest]
                self._last_commits.pop(oldest[1], None)

    def text(self, key: Key) -> str | None:
        """The JSON of a record as of the last commit, or None when there was none."""
        memory = self._memories.get(key)
        return None if memory is None else memory.text

    def clear(self) -> None:
        """Forget everything, the lag too."""
        self.lag_reads = 0
        self._memories.clear()
        self._last_commits.clear()
        self._deleted.clear()
        self._unseen.clear()

    def misses(self, ids: Iterable[str]) -> bool:
        """True if this fetch of the object comes too early; each call is one fetch."""
        late = [record_id for record_id in ids if record_id in self._unseen]
        for record_id in late:
            self._unseen[record_id] -= 1
            if not self._unseen[record_id]:
                del self._unseen[record_id]
        return bool(late)

    @contextlib.contextmanager
    def before_last_write(self, ids: Iterable[str]) -> Iterator[None]:
        """Within, records read as before the newest commit that touched any of the ids."""
        commits = (self._last_commits.get(record_id) for record_id in ids)
        self._shown_before = max((commit for commit in commits if commit is not None), default=None)
        try:
            yield
        finally:
            self._shown_before = None

    def shown(self, key: Key) -> Any:
        """The record in the stale view (None: not there), or UNCHANGED outside of one."""
        memory = self._memories.get(key)
        limit = self._shown_before
        if limit is None or memory is None or memory.commit < limit:
            return UNCHANGED
        if memory.first_commit >= limit or memory.before is None:
            return None
        return json.loads(memory.before)
