"""Puts a public key among those a Project lists, and leaves everything else as people wrote it.

The local stack's promotions are to work without anybody editing a manifest first. A text the key
cannot be put into, or that reads back as anything else than the same with the key, is left alone.
"""

from collections.abc import Mapping
from typing import Final

from yaml import CSafeLoader, MappingNode, SequenceNode, YAMLError, compose_all

from trunkline.manifests.documents import Unreadable, read_documents
from trunkline.manifests.edits import member_node
from trunkline.model.base import Json
from trunkline.model.evidence import usable_keys

INDENT: Final = "  "


def with_public_key(text: str, key: str) -> str:
    """The text of a Project's file with the key in ``spec.signing.publicKeys``.

    The text itself if the key is there already, or if it cannot be put there.
    """
    before = _values(text)
    at = _place(before)
    if before is None or at is None or key in usable_keys(_keys(before[at])):
        return text
    edited = _edited(text, at, key)
    after = _values(edited) if edited is not None else None
    if edited is None or after is None or len(after) != len(before):
        return text
    gained = usable_keys(_keys(after[at])) == usable_keys(_keys(before[at])) | {key}
    others = [_without_keys(each) for each in after] == [_without_keys(each) for each in before]
    return edited if gained and others else text


def _values(text: str) -> list[Json] | None:
    try:
        documents = list(read_documents(text))
    except Unreadable:
        return None
    return None if any(each.faults for each in documents) else [each.value for each in documents]


def _place(values: list[Json] | None) -> int | None:
    """Which document is the Project."""
    found = (at for at, value in enumerate(values or ()) if _member(value, "kind") == "Project")
    return next(found, None)


def _member(value: Json, key: str) -> Json:
    return value.get(key) if isinstance(value, Mapping) else None


def _keys(value: Json) -> list[str]:
    listed = _member(_member(_member(value, "spec"), "signing"), "publicKeys")
    return [str(each) for each in listed] if isinstance(listed, list) else []


def _without_keys(value: Json) -> Json:
    """The document as it is without the list of keys, and without a ``signing`` of nothing else."""
    spec, signing = _member(value, "spec"), _member(_member(value, "spec"), "signing")
    if not isinstance(value, dict) or not isinstance(spec, dict):
        return value
    rest = {key: item for key, item in spec.items() if key != "signing"}
    kept = signing if isinstance(signing, dict) else {}
    left: dict[str, Json] = {key: item for key, item in kept.items() if key != "publicKeys"}
    return {**value, "spec": {**rest, "signing": left} if left else rest}


def _edited(text: str, at: int, key: str) -> str | None:
    """The text with the key at the first place that takes it; None if there is none."""
    try:
        roots = [root for root in compose_all(text, Loader=CSafeLoader) if root is not None]
    except YAMLError:
        return None
    spec = member_node(roots[at], "spec") if at < len(roots) else None
    signing = member_node(spec, "signing")
    listed = member_node(signing, "publicKeys")
    quoted = f'"{key}"'
    if isinstance(listed, SequenceNode):
        return _first_item(text, listed, quoted)
    if isinstance(signing, MappingNode):
        return _first_key(text, signing, "publicKeys:", f"[ {quoted} ]", nested=False)
    if isinstance(spec, MappingNode):
        return _first_key(text, spec, "signing:", f"publicKeys: [ {quoted} ]", nested=True)
    return None


def _first_key(text: str, node: MappingNode, key: str, value: str, *, nested: bool) -> str | None:
    """The text with one more key before the first one of an object, in the object's own layout."""
    if not node.value:
        return None
    mark = node.value[0][0].start_mark
    if node.flow_style:
        shown = f"{{ {value} }}" if nested else value
        return _inserted(text, mark.index, f"{key} {shown}, ")
    indent = " " * mark.column
    shown = f"\n{indent}{INDENT}{value}" if nested else f" {value}"
    return _inserted(text, mark.index, f"{key}{shown}\n{indent}")


def _first_item(text: str, node: SequenceNode, quoted: str) -> str:
    if not node.flow_style:
        return _inserted(text, node.start_mark.index, f"- {quoted}\n{' ' * node.start_mark.column}")
    more = "," if node.value else " "
    return _inserted(text, node.start_mark.index + 1, f" {quoted}{more}")


def _inserted(text: str, index: int, words: str) -> str:
    return text[:index] + words + text[index:]
