"""Dotted paths into vendor trees, written once so that plans, ledger and rules name a leaf alike.

A path is text in a plan and a ledger row and a tuple of keys while it is walked. A key that holds
a dot, bracket or quote is written as ``["key"]``; an element of an identified list is written as
``criteria[id=greet]`` and never appears in the tuple form.
"""

import json
import re
from collections.abc import Iterable
from enum import Enum
from functools import lru_cache
from typing import Final

from trunkline.model.base import Json, JsonObject

Keys = tuple[str, ...]

PATHS_REMEMBERED: Final = 8_192
"""Paths whose tuple form is kept: every agent has the same few hundred, so planning a fleet parses
each once.
"""

_PLAIN: Final = re.compile(r'[^.\[\]"*]+')
_TOKEN: Final = re.compile(r'(?P<dot>\.?)(?P<plain>[^.\[\]"]+)|\[(?P<quoted>"(?:[^"\\]|\\.)*")\]')


class Missing(Enum):
    """Tells an absent key from one that holds null."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING


def child(path: str, key: str) -> str:
    """The path of a key below ``path``; the root is the empty string."""
    if _PLAIN.fullmatch(key) is None:
        return f"{path}[{json.dumps(key, ensure_ascii=False)}]"
    return f"{path}.{key}" if path else key


def join(keys: Iterable[str]) -> str:
    """The text form of a tuple of keys."""
    path = ""
    for key in keys:
        path = child(path, key)
    return path


@lru_cache(maxsize=PATHS_REMEMBERED)
def split(path: str) -> Keys:
    """The tuple form. Raises ValueError for text that ``join`` would not write."""
    keys: list[str] = []
    position = 0
    while position < len(path):
        token = _TOKEN.match(path, position)
        if token is None or (token["plain"] and bool(token["dot"]) != bool(keys)):
            raise ValueError(f"not a path: {path!r}")
        keys.append(token["plain"] or json.loads(token["quoted"]))
        position = token.end()
    return tuple(keys)


def element(path: str, key: str, value: str) -> str:
    """The path of the element of an identified list whose ``key`` is ``value``."""
    shown = value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)
    return f"{path}[{key}={shown}]"


def owning_leaf(path: str) -> str:
    """The leaf a change belongs to: the path itself, or the list its element is in."""
    position = 0
    while token := _TOKEN.match(path, position):
        position = token.end()
    return path[:position]


def find(tree: Json, keys: Keys) -> Json | Missing:
    """The value at a tuple of keys, or MISSING."""
    value = tree
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            return MISSING
        value = value[key]
    return value


def put(tree: JsonObject, keys: Keys, value: Json) -> None:
    """Set a value in a tree that is being built, making the objects above it."""
    node = tree
    for key in keys[:-1]:
        below = node.get(key)
        if not isinstance(below, dict):
            below = {}
            node[key] = below
        node = below
    node[keys[-1]] = value
