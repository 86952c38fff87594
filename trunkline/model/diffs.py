"""Desired against observed, leaf by leaf, under one platform's rules of comparison.

A leaf is a scalar, a whole array or an empty object. Only leaves a wish names are ever compared,
so whatever a platform fills in, reorders or adds is no difference. Strings are exact, except that
CRLF equals LF: a checkout with other line endings is not a change anybody can hear. ``""``,
``null``, an absent key, ``[]`` and ``{}`` are one emptiness; False and 0 are values.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from trunkline.model.base import Json, JsonObject
from trunkline.model.canonical import canonical
from trunkline.model.paths import MISSING, Keys, Missing, element, find, join, put, split
from trunkline.model.plans import Change, Operation
from trunkline.model.rendering import ComparisonRules

Leaves: TypeAlias = dict[str, Json]


def is_empty(value: Json | Missing) -> bool:
    """True for null, an absent key and every empty string, array or object."""
    return value is None or value is MISSING or (not value and isinstance(value, str | list | dict))


def leaves(tree: JsonObject) -> Leaves:
    """Every leaf of a tree by its path; arrays are whole, empty objects are leaves."""
    return {join(keys): value for keys, value in _walk_leaves((), tree)}


def tree_of(leaves_by_path: Mapping[str, Json]) -> JsonObject:
    """The tree that has exactly these leaves: the inverse of ``leaves``."""
    tree: JsonObject = {}
    for path, value in leaves_by_path.items():
        put(tree, split(path), value)
    return tree


def count_leaves(value: Json) -> int:
    """How many leaves a tree has."""
    if isinstance(value, dict) and value:
        return sum(map(count_leaves, value.values()))
    return 1


def same(desired: Json, observed: Json | Missing) -> bool:
    """True if the observed value says at least what the desired one says; order matters."""
    if is_empty(desired):
        return is_empty(observed)
    if isinstance(desired, dict):
        return isinstance(observed, dict) and all(
            same(value, observed.get(key)) for key, value in desired.items()
        )
    if isinstance(desired, list):
        return (
            isinstance(observed, list)
            and len(desired) == len(observed)
            and all(map(same, desired, observed))
        )
    return _scalar(desired) == _scalar(observed)


def operation_of(old: Json | Missing, new: Json) -> Operation:
    """The sign a change prints with."""
    if is_empty(old):
        return "+"
    return "-" if new is None else "~"


class Patterns:
    """A set of paths in which ``*`` stands for one key."""

    def __init__(self, paths: Iterable[str]) -> None:
        keys = [split(path) for path in paths]
        self._exact = frozenset(entry for entry in keys if "*" not in entry)
        self._wild = tuple(entry for entry in keys if "*" in entry)

    def __contains__(self, keys: Keys) -> bool:
        return keys in self._exact or any(_matches(pattern, keys) for pattern in self._wild)

    def prefix_of(self, keys: Keys) -> Keys | None:
        """The shortest proper prefix of ``keys`` that is in the set, or None."""
        return next((keys[:n] for n in range(1, len(keys)) if keys[:n] in self), None)


@dataclass(frozen=True, slots=True)
class Difference:
    """A leaf that is not as wished, or one element of an identified list.

    ``leaf`` is the path a patch has to name; ``path`` the finer one people read.
    """

    path: str
    leaf: str
    old: Json
    new: Json
    operation: Operation


class Comparator:
    """One platform's rules, ready to be asked many times."""

    def __init__(self, rules: ComparisonRules) -> None:
        self._defaults = rules.defaults
        self._ignored = Patterns(rules.ignored)
        self._sets = Patterns(rules.sets)
        self._contains = Patterns(rules.contains)
        self._trimmed = Patterns(rules.trimmed)
        self._identified = {split(path): key for path, key in rules.identified.items()}
        self.maps = Patterns(rules.maps)

    def differences(self, desired: JsonObject, observed: JsonObject) -> list[Difference]:
        """What of the wish is not so, in order of path."""
        found: list[Difference] = []
        self._compare((), desired, observed, found)
        found.sort(key=lambda difference: difference.path)
        return found

    def matches(self, keys: Keys, desired: Json, observed: Json | Missing) -> bool:
        """True if a leaf is as wished. A wished null also accepts the platform's default."""
        if is_empty(desired):
            if is_empty(observed) or (desired == {} and isinstance(observed, dict)):
                return True
            default = find(self._defaults, keys) if desired is None else MISSING
            return default is not MISSING and same(default, observed)
        if isinstance(desired, list):
            if keys in self._contains:
                return _elements(desired) <= _elements(observed)
            if keys in self._sets:
                return isinstance(observed, list) and _elements(desired) == _elements(observed)
            if (key := self._identity(keys)) is not None:
                return not any(self._compare_elements(keys, key, desired, observed))
        if isinstance(desired, str) and isinstance(observed, str) and keys in self._trimmed:
            desired, observed = desired.strip(), observed.strip()
        return same(desired, observed)

    def changed(self, before: JsonObject, after: JsonObject) -> tuple[Change, ...]:
        """Every difference between two full readings, owned or not, read-only parts aside."""
        found: list[Change] = []
        self._changed((), before, after, found)
        return tuple(sorted(found, key=lambda change: change.path))

    def _identity(self, keys: Keys) -> str | None:
        named = self._identified.get(keys)
        if named is not None:
            return named
        return next(
            (key for pattern, key in self._identified.items() if _matches(pattern, keys)), None
        )

    def _compare(
        self, keys: Keys, desired: Json, observed: Json | Missing, found: list[Difference]
    ) -> None:
        if keys in self._ignored:
            return
        if isinstance(desired, dict) and (desired or not keys):
            below = observed if isinstance(observed, dict) else {}
            for key, value in desired.items():
                self._compare((*keys, key), value, below.get(key), found)
            return
        if self.matches(keys, desired, observed):
            return
        path = join(keys)
        old = None if observed is MISSING else observed
        identity = self._identity(keys) if isinstance(desired, list) else None
        if identity is not None:
            found.extend(self._compare_elements(keys, identity, desired, old))
            return
        found.append(Difference(path, path, old, desired, operation_of(old, desired)))

    def _compare_elements(
        self, keys: Keys, key: str, desired: Json, observed: Json | Missing
    ) -> Iterator[Difference]:
        leaf = join(keys)
        wanted, present = _by_identity(key, desired), _by_identity(key, observed)
        for identity in sorted(wanted.keys() | present.keys()):
            path = element(leaf, key, identity)
            new, old = wanted.get(identity), present.get(identity)
            if new is None:
                yield Difference(path, leaf, old, None, "-")
            elif old is None:
                yield Difference(path, leaf, None, new, "+")
            else:
                for below, value in _walk_leaves((), new):
                    was = find(old, below)
                    if not same(value, was):
                        shown = None if was is MISSING else was
                        named = f"{path}.{join(below)}"
                        yield Difference(named, leaf, shown, value, operation_of(was, value))

    def _changed(
        self, keys: Keys, before: Json | Missing, after: Json | Missing, found: list[Change]
    ) -> None:
        if keys in self._ignored:
            return
        if isinstance(before, dict) or isinstance(after, dict):
            old = before if isinstance(before, dict) else {}
            new = after if isinstance(after, dict) else {}
            if (old or is_empty(before)) and (new or is_empty(after)):
                for key in old.keys() | new.keys():
                    self._changed((*keys, key), old.get(key), new.get(key), found)
                return
        old_value = None if isinstance(before, Missing) else before
        new_value = None if isinstance(after, Missing) else after
        if not self._equal(keys, old_value, new_value):
            sign = operation_of(old_value, None if is_empty(new_value) else new_value)
            found.append(
                Change(
                    operation=sign, path=join(keys), old=old_value, new=new_value, origin="drift"
                )
            )

    def _equal(self, keys: Keys, before: Json, after: Json) -> bool:
        if isinstance(before, list) and isinstance(after, list) and keys in self._contains:
            return _elements(before) == _elements(after)
        if is_empty(before) or is_empty(after):
            return is_empty(before) and is_empty(after)
        return self.matches(keys, after, before) and self.matches(keys, before, after)


def _matches(pattern: Keys, keys: Keys) -> bool:
    return len(pattern) == len(keys) and all(
        wanted in ("*", key) for wanted, key in zip(pattern, keys, strict=True)
    )


def _walk_leaves(keys: Keys, value: Json) -> Iterator[tuple[Keys, Json]]:
    if isinstance(value, dict) and value:
        for key, below in value.items():
            yield from _walk_leaves((*keys, key), below)
    elif keys:
        yield keys, value


def _scalar(value: Json | Missing) -> tuple[str, object]:
    """A value that compares by meaning: True is not 1, 0 is 0.0, CRLF is LF."""
    if isinstance(value, bool):
        return "boolean", value
    if isinstance(value, int | float):
        return "number", value
    if isinstance(value, str):
        return "string", value.replace("\r\n", "\n") if "\r" in value else value
    return type(value).__name__, None


def _elements(value: Json | Missing) -> set[tuple[str, object]]:
    if not isinstance(value, list):
        return set()
    return {
        ("nested", canonical(item)) if isinstance(item, dict | list) else _scalar(item)
        for item in value
    }


def _by_identity(key: str, value: Json | Missing) -> dict[str, JsonObject]:
    if not isinstance(value, list):
        return {}
    return {str(item.get(key)): item for item in value if isinstance(item, dict)}
