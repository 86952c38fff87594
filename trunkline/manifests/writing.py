"""Manifests as a person would have written them: YAML that both versions of YAML read the same.

Short things go on one line in braces, long ones below each other, texts of several lines as
blocks. A word is quoted where YAML 1.1 or 1.2 would take it for something else, because editors,
linters and other tools read these files too. What is written here reads back to the same values.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

from trunkline.model.base import Json, JsonObject
from trunkline.model.paths import child

LINE_CHARACTERS: Final = 100
FLOW_KEYS_MAX: Final = 4
"""An object with more keys is easier to read, and to change, below each other."""
INDENT: Final = "  "
BELOW: Final = frozenset({"", "metadata", "spec"})
"""Objects that are always written below each other."""

_PLAIN: Final = re.compile(
    r"[A-Za-z/](?:[^\x00-\x1f\x7f-\x9f,\[\]{}#&*!|>?\"%@`:\\\ufeff]|:(?=\S))*"
    r"|[0-9]+[msh][0-9A-Za-z]*"
)
"""Texts both versions read as texts; a duration begins with digits and is one too."""
_SPOKEN_FOR: Final = re.compile(
    r"(?:y|n|yes|no|on|off|true|false|null|none|nan|inf)", re.IGNORECASE
)
_PRINTABLE: Final = re.compile(
    r"[\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]*"
)
_EXPONENT: Final = re.compile(r"^(-?[0-9]+)e")
"""YAML 1.1 knows a number with an exponent only by its point."""
_BREAKS: Final = re.compile("[\x85\u2028\u2029]")


def manifest_text(
    document: JsonObject, *, comments: Mapping[str, str] | None = None, schema: str = ""
) -> str:
    """One document, ending in a newline. ``comments`` are by dotted path and stand above it;
    ``schema`` is where editors find the document's JSON Schema.
    """
    lines = [f"# yaml-language-server: $schema={schema}"] if schema else []
    lines.extend(_object(document, "", "", comments or {}))
    return "\n".join(lines) + "\n"


def member_lines(key: str, value: Json, path: str, indent: str) -> list[str]:
    """One key of an object with its value, as lines; ``path`` is the value's."""
    return list(_entry(f"{indent}{_scalar(key)}:", value, path, indent, {}))


def item_lines(value: Json, path: str, indent: str) -> list[str]:
    """One item of a list, as lines that begin with its dash at ``indent``."""
    return list(_element(value, path, indent, {}))


def flow_text(value: Json) -> str:
    """The value on one line, however long: what may stand inside of braces."""
    if isinstance(value, dict):
        inside = ", ".join(f"{_scalar(key)}: {flow_text(item)}" for key, item in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(flow_text, value))}]"
    return _scalar(value)


def scalar_text(value: Json, style: str | None) -> str:
    """A value that is no collection on one line, in the quotes it had (``style``) if it is text."""
    if not isinstance(value, str) or style not in {"'", '"'}:
        return _scalar(value)
    plain = "\n" not in value and _PRINTABLE.fullmatch(value) and not _BREAKS.search(value)
    if style == "'" and plain:
        return "'" + value.replace("'", "''") + "'"
    return _quoted(value)


def _object(
    value: JsonObject, path: str, indent: str, comments: Mapping[str, str]
) -> Iterator[str]:
    for key, item in value.items():
        below = child(path, key)
        if below in comments:
            yield f"{indent}# {comments[below]}"
        yield from _entry(f"{indent}{_scalar(key)}:", item, below, indent, comments)


def _entry(
    head: str, item: Json, path: str, indent: str, comments: Mapping[str, str]
) -> Iterator[str]:
    """A value behind its key or its dash, in the shortest form that is still easy to read."""
    commented = any(each.startswith((f"{path}.", f"{path}[")) for each in comments)
    flow = "" if path in BELOW or commented else _flow(item)
    if flow and len(head) + 1 + len(flow) <= LINE_CHARACTERS:
        yield f"{head} {flow}"
    elif isinstance(item, str):
        yield from _text(head, item, indent)
    elif isinstance(item, dict) and item:
        yield head
        yield from _object(item, path, indent + INDENT, comments)
    elif isinstance(item, list) and item:
        yield head
        for index, each in enumerate(item):
            yield from _element(each, f"{path}[{index}]", indent + INDENT, comments)
    else:
        yield f"{head} {_scalar(item)}"


def _element(item: Json, path: str, indent: str, comments: Mapping[str, str]) -> Iterator[str]:
    flow = _flow(item)
    fits = flow and len(indent) + len(INDENT) + len(flow) <= LINE_CHARACTERS
    if isinstance(item, dict) and item and not fits:
        lines = list(_object(item, path, indent + INDENT, comments))
        yield f"{indent}- {lines[0][len(indent) + len(INDENT) :]}"
        yield from lines[1:]
    else:
        yield from _entry(f"{indent}-", item, path, indent, comments)


def _flow(item: Json) -> str:
    """The value on one line, or nothing where it is better not."""
    if isinstance(item, dict):
        if not item:
            return "{}"
        if len(item) > FLOW_KEYS_MAX or any(
            isinstance(each, dict) and each for each in item.values()
        ):
            return ""
        parts = [(_scalar(key), _flow(each)) for key, each in item.items()]
        fits = all(part for _, part in parts)
        return f"{{ {', '.join(f'{key}: {part}' for key, part in parts)} }}" if fits else ""
    if isinstance(item, list):
        elements = [_flow(each) for each in item]
        return f"[{', '.join(elements)}]" if all(elements) else ""
    if isinstance(item, str) and _is_block(item):
        return ""
    return _scalar(item)


def _is_block(text: str) -> bool:
    """True for a text of several lines that a block keeps as it is."""
    if "\n" not in text.strip("\n") or _PRINTABLE.fullmatch(text) is None or _BREAKS.search(text):
        return False
    lines = text.split("\n")
    return not lines[0].startswith((" ", "\t")) and bool(lines[0]) and "\r" not in text


def _text(head: str, text: str, indent: str) -> Iterator[str]:
    if not _is_block(text):
        yield f"{head} {_scalar(text)}"
        return
    body = text.rstrip("\n")
    trailing = len(text) - len(body)
    yield f"{head} |{'-' if not trailing else '' if trailing == 1 else '+'}"
    for line in body.split("\n"):
        yield f"{indent}{INDENT}{line}" if line else ""
    for _ in range(trailing - 1):
        yield ""


def _scalar(item: Json) -> str:
    if isinstance(item, float):
        return _EXPONENT.sub(r"\1.0e", json.dumps(item))
    if not isinstance(item, str):
        return json.dumps(item)
    plain = (
        _PLAIN.fullmatch(item) is not None
        and not item.endswith((" ", ":"))
        and _SPOKEN_FOR.fullmatch(item) is None
        and _PRINTABLE.fullmatch(item) is not None
        and _BREAKS.search(item) is None
    )
    return item if plain else _quoted(item)


def _quoted(text: str) -> str:
    """In double quotes, whose escapes JSON and YAML share, letters of all scripts as they are."""
    shown = json.dumps(text, ensure_ascii=False)
    return "".join(
        letter if _PRINTABLE.fullmatch(letter) and not _BREAKS.match(letter) else _escaped(letter)
        for letter in shown
    )


def _escaped(letter: str) -> str:
    code = ord(letter)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - one unit
