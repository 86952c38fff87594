"""YAML text to plain values with positions: YAML 1.2, strictly, and bounded.

PyYAML's C parser finds the nodes; what a scalar means is decided here by the core schema of YAML
1.2, because under 1.1 ``no`` is false, ``012`` is ten and ``12:30`` is a number. Whatever could
silently change or hide a value (a repeated key, a merge key, a tag) is refused with its place.
Kinds are unknown here.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from sys import intern

from yaml import MappingNode, MarkedYAMLError, Node, ScalarNode, SequenceNode, YAMLError
from yaml._yaml import CParser
from yaml.reader import ReaderError

from trunkline.manifests.syntax_errors import explain_syntax
from trunkline.model.base import Json
from trunkline.model.limits import (
    MANIFEST_DOCUMENTS_MAX,
    YAML_MAX_ALIASES,
    YAML_MAX_DEPTH,
    YAML_MAX_NODES,
)
from trunkline.model.manifests import Place
from trunkline.model.paths import child

_TAG = "tag:yaml.org,2002:"
_NULL, _BOOL, _INT, _FLOAT, _STR = (
    f"{_TAG}{name}" for name in ("null", "bool", "int", "float", "str")
)
_MAP, _SEQ = f"{_TAG}map", f"{_TAG}seq"

_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), _NULL),
    **dict.fromkeys(("true", "True", "TRUE", "false", "False", "FALSE"), _BOOL),
}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_NUMBER = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
_NUMBER_STARTS = frozenset("+-.0123456789")
_INTEGER_MAX_CHARACTERS = 40


class Unreadable(Exception):
    """The text stops making sense here; nothing after it can be trusted."""

    def __init__(self, line: int, column: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.column = column
        self.message = message


@dataclass(frozen=True, slots=True)
class Fault:
    """Something refused inside a document that can otherwise be read."""

    line: int
    column: int
    message: str


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document as plain values, every place in it, and what was refused."""

    value: Json
    places: dict[str, Place]
    faults: tuple[Fault, ...]


def read_documents(text: str) -> Iterator[Document]:
    """The non-empty documents of a file, in order.

    Raises Unreadable where the text is not YAML or exceeds a bound.
    """
    text = text.removeprefix("\ufeff")
    reader = _Reader(text)
    try:
        count = 0
        while reader.check_node():
            node = reader.get_node()
            if node is None:
                break
            count += 1
            if count > MANIFEST_DOCUMENTS_MAX:
                raise Unreadable(
                    node.start_mark.line + 1,
                    1,
                    f"the file holds more than {MANIFEST_DOCUMENTS_MAX} documents; split it",
                )
            if not (isinstance(node, ScalarNode) and node.tag == _NULL):
                yield _Construction().document(node)
    except MarkedYAMLError as error:
        line, column, said = explain_syntax(error, text)
        raise Unreadable(line, column, f"not valid YAML: {said}") from error
    except ReaderError as error:
        line, column = _line_and_column(text, error.position)
        raise Unreadable(
            line, column, f"not valid YAML: the character U+{error.character:04X} is not allowed"
        ) from error
    except YAMLError as error:
        raise Unreadable(1, 1, f"not valid YAML: {error}") from error
    finally:
        reader.dispose()


def compose_documents(text: str) -> list[Node]:
    """The roots of a file's non-empty documents, with marks that are places in the text.

    Raises Unreadable where ``read_documents`` would not come to its end; what is refused inside
    of a document is not looked at.
    """
    for _ in read_documents(text):
        pass
    reader = _Reader(text)
    roots: list[Node] = []
    try:
        while reader.check_node():
            node = reader.get_node()
            if node is not None and not (isinstance(node, ScalarNode) and node.tag == _NULL):
                roots.append(node)
    finally:
        reader.dispose()
    return roots


class _Reader(CParser):
    """The C parser with YAML 1.2's idea of plain scalars and a bound on depth."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def descend_resolver(self, parent: Node | None, _index: object) -> None:
        self._depth += 1
        if self._depth > YAML_MAX_DEPTH:
            mark = parent.start_mark if parent is not None else None
            raise MarkedYAMLError(
                problem=f"nested deeper than {YAML_MAX_DEPTH} levels", problem_mark=mark
            )

    def ascend_resolver(self) -> None:
        self._depth -= 1

    def resolve(self, kind: type[Node], value: str | None, implicit: object) -> str:
        if kind is ScalarNode:
            plain = isinstance(implicit, tuple) and implicit[0]
            return _tag_of(value or "") if plain else _STR
        return _MAP if kind is MappingNode else _SEQ


def _tag_of(text: str) -> str:
    tag = _WORDS.get(text)
    if tag is not None:
        return tag
    if text[0] in _NUMBER_STARTS:
        if _INTEGER.fullmatch(text):
            return _INT
        if _NUMBER.fullmatch(text):
            return _FLOAT
    return _STR


class _Construction:
    """Turns the nodes of one document into values, following aliases within the bound."""

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}
        self._faults: list[Fault] = []
        self._seen: set[int] = set()
        self._open: set[int] = set()
        self._aliases = 0
        self._nodes = 0

    def document(self, root: Node) -> Document:
        mark = root.start_mark
        at = (mark.line + 1, mark.column + 1)
        value = self._value(root, "", at)
        return Document(value=value, places=self._places, faults=tuple(self._faults))

    def _value(self, node: Node, path: str, key_at: tuple[int, int]) -> Json:
        mark = node.start_mark
        line, column = mark.line + 1, mark.column + 1
        self._places[intern(path)] = (line, column, *key_at)
        self._nodes += 1
        if self._nodes > YAML_MAX_NODES:
            raise Unreadable(line, column, f"the document holds more than {YAML_MAX_NODES} values")
        if isinstance(node, ScalarNode):
            return self._scalar(node, line, column)
        self._enter(node, *key_at)
        value: Json = None
        if isinstance(node, SequenceNode):
            self._check_tag(node, _SEQ, line, column)
            value = [
                self._value(item, f"{path}[{index}]", _start(item))
                for index, item in enumerate(node.value)
            ]
        elif isinstance(node, MappingNode):
            self._check_tag(node, _MAP, line, column)
            value = self._mapping(node, path)
        self._open.discard(id(node))
        return value

    def _enter(self, node: Node, line: int, column: int) -> None:
        if id(node) in self._open:
            raise Unreadable(line, column, "an alias leads back to the value it is in")
        self._open.add(id(node))
        if id(node) in self._seen:
            self._aliases += 1
            if self._aliases > YAML_MAX_ALIASES:
                raise Unreadable(
                    line, column, f"more than {YAML_MAX_ALIASES} aliases; write the values out"
                )
        self._seen.add(id(node))

    def _mapping(self, node: MappingNode, path: str) -> Json:
        value: dict[str, Json] = {}
        for key_node, value_node in node.value:
            at = _start(key_node)
            if not isinstance(key_node, ScalarNode) or key_node.tag != _STR:
                self._fault(at, _no_key(key_node))
                continue
            key = key_node.value
            if key == "<<" and not key_node.style:
                self._fault(at, "merge keys (<<) are not part of YAML 1.2; write the keys out")
                continue
            if key in value:
                first = self._places[child(path, key)]
                self._fault(at, f"`{key}` is given twice; first on line {first[2]}")
                continue
            value[key] = self._value(value_node, child(path, key), at)
        return value

    def _scalar(self, node: ScalarNode, line: int, column: int) -> Json:
        text: str = node.value
        tag = node.tag
        if tag == _BOOL and _WORDS.get(text) == _BOOL:
            return text in ("true", "True", "TRUE")
        if tag == _INT and _INTEGER.fullmatch(text):
            return self._integer(text, line, column)
        if tag in (_INT, _FLOAT) and _NUMBER.fullmatch(text):
            return self._float(text, line, column)
        if tag not in (_STR, _NULL):
            self._fault((line, column), f"the tag {_short(tag)} is not supported; remove it")
        return None if tag == _NULL else text

    def _integer(self, text: str, line: int, column: int) -> Json:
        if len(text) > _INTEGER_MAX_CHARACTERS:
            self._fault((line, column), "the number is too long; put it in quotes if it is text")
            return 0
        return int(text, 0 if text[:2] in ("0o", "0x") else 10)

    def _float(self, text: str, line: int, column: int) -> Json:
        number = float(re.sub(r"\.(inf|nan)$", r"\1", text.lower()))
        if not math.isfinite(number):
            self._fault((line, column), f"{text} is no number that can be compared")
            return 0.0
        return number

    def _check_tag(self, node: Node, expected: str, line: int, column: int) -> None:
        if node.tag != expected:
            self._fault((line, column), f"the tag {_short(node.tag)} is not supported; remove it")

    def _fault(self, at: tuple[int, int], message: str) -> None:
        self._faults.append(Fault(at[0], at[1], message))


def _start(node: Node) -> tuple[int, int]:
    mark = node.start_mark
    return mark.line + 1, mark.column + 1


def _no_key(node: Node) -> str:
    if isinstance(node, MappingNode):
        return "a text with {{…}} at its beginning must be in quotes"
    shown = f"`{node.value}` " if isinstance(node, ScalarNode) else "this "
    return f"{shown}is no key: keys are text; put it in quotes"


def _short(tag: str) -> str:
    return f"!!{tag.removeprefix(_TAG)}" if tag.startswith(_TAG) else tag


def _line_and_column(text: str, offset: int) -> tuple[int, int]:
    before = text.encode()[:offset].decode(errors="ignore")
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
