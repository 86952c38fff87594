"""How often each object was created and deleted, by id and by name.

Requests do not tell: one can be repeated, take effect late, or be answered with an error after all.
So this counts what became of the records, once per commit of a vendor's request; what the control
plane puts in or takes out is no request and does not count. The counts are records themselves and
outlive the process with them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from simulators.limits import MAX_TALLIED_OBJECTS
from simulators.store import Collection, Json, Store

NAME_OF_COLLECTION = "tally"
Namers = Mapping[str, Callable[[Json], str]]


class Tally:
    """Creations and deletions in the collections that have a namer."""

    def __init__(self, store: Store, namers: Namers) -> None:
        self._store = store
        self._namers = namers
        self._counts: Collection = store.collection(NAME_OF_COLLECTION)

    def commit(self) -> None:
        """Count what changed since the last commit, then commit it with the counts."""
        for kind in self._namers:
            for record_id in self._store.collection(kind).changed:
                self._count(kind, record_id)
        while len(self._counts) > MAX_TALLIED_OBJECTS:
            oldest = next(iter(self._counts))
            self._counts.drop(f"{oldest['kind']}/{oldest['id']}")
        self._store.commit()

    def _count(self, kind: str, record_id: str) -> None:
        key = f"{kind}/{record_id}"
        known = self._counts.get(key)
        before = self._store.committed(kind, record_id)
        after = self._store.collection(kind).get(record_id)
        created, deleted = before is None and after is not None, before is not None and not after
        shown = after or before
        if shown is None or (known is None and not created and not deleted):
            return
        known = known or {"kind": kind, "id": record_id, "name": "", "created": 0, "deleted": 0}
        count = {
            **known,
            "name": self._namers[kind](shown),
            "created": known["created"] + created,
            "deleted": known["deleted"] + deleted,
        }
        if count != known:
            self._counts.put(key, count)

    def clear(self) -> None:
        """Count afresh."""
        self._counts.clear()
        self._store.commit()

    def counts(self) -> Json:
        """By kind: sums, and the counts of each id and of each name (as last known)."""
        found: Json = {
            kind: {"created": 0, "deleted": 0, "by_id": {}, "by_name": {}} for kind in self._namers
        }
        for count in self._counts:
            of_kind = found[count["kind"]]
            sums = of_kind["by_name"].setdefault(count["name"], {"created": 0, "deleted": 0})
            for what in ("created", "deleted"):
                of_kind[what] += count[what]
                sums[what] += count[what]
            of_kind["by_id"][count["id"]] = {
                "name": count["name"],
                "created": count["created"],
                "deleted": count["deleted"],
            }
        return found
