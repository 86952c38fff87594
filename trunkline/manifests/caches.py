"""What was read before, bounded by its size: cost follows change, memory follows the bound.

Entries are keyed by path and the identity of the bytes, so an entry can be unused but never wrong.
"""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

V = TypeVar("V")


class SizedCache(Generic[V]):
    """Keeps the values used last whose sizes add up to at most ``bytes_max``; thread-safe."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._bytes = 0
        self._entries: OrderedDict[tuple[str, str], tuple[V, int]] = OrderedDict()
        self._lock = Lock()

    def get(self, path: str, identity: str, size: int, make: Callable[[], V]) -> V:
        """The kept value, or what ``make`` answers; ``size`` is in bytes."""
        key = (path, identity)
        with self._lock:
            kept = self._entries.get(key)
            if kept is not None:
                self._entries.move_to_end(key)
                return kept[0]
        value = make()
        with self._lock:
            if key not in self._entries and size <= self._bytes_max:
                self._entries[key] = (value, size)
                self._bytes += size
                while self._bytes > self._bytes_max:
                    _, (_, freed) = self._entries.popitem(last=False)
                    self._bytes -= freed
        return value

    def __len__(self) -> int:
        return len(self._entries)
