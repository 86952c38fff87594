"""Puts a public key among those a Project lists, and leaves everything else as people wrote it.

The local stack's promotions are to work without anybody editing a manifest first. A text the key
cannot be put into, or that reads back as anything else than the same with the key, is left alone.
"""

from collections.abc import Sequence
from typing import Final

from trunkline.manifests.layouts import Uneditable
from trunkline.manifests.round_trips import rewritten, value_at, values_of
from trunkline.model.base import Json, JsonObject
from trunkline.model.evidence import usable_keys

KEYS: Final = ("spec", "signing", "publicKeys")


def with_public_key(text: str, key: str) -> str:
    """The text of a Project's file with the key in ``spec.signing.publicKeys``.

    The text itself if the key is there already, or if it cannot be put there.
    """
    try:
        values = values_of(text)
        at = next((at for at, each in enumerate(values) if value_at(each, ("kind",)) == "Project"))
        if key in usable_keys(_keys(values[at])):
            return text
        return rewritten(text, at, _with_first(values[at], KEYS, key))
    except (Uneditable, StopIteration):
        return text


def _keys(project: Json) -> list[str]:
    listed = value_at(project, KEYS)
    return [str(each) for each in listed] if isinstance(listed, list) else []


def _with_first(whole: Json, path: Sequence[str], key: str) -> Json:
    """The value with the key first in the list at a path, and what is missing on the way above
    what is there. Raises Uneditable where something else stands.
    """
    if not path:
        if not isinstance(whole, list | None):
            raise Uneditable("there is no list")
        return [key, *(whole or [])]
    step, *rest = path
    if not isinstance(whole, dict | None):
        raise Uneditable(f"`{step}` does not lead anywhere")
    held: JsonObject = whole or {}
    if step == KEYS[0] and not held.get(step):
        raise Uneditable("there is no spec")
    made: JsonObject = {} if step in held else {step: None}
    return {**made, **held, step: _with_first(held.get(step), rest, key)}
