"""The lifecycle of an agent as an edit of its manifest that leaves the rest as people wrote it.

An agent that says nothing of it is active, so the key may have to be written first; it goes above
the others, where people look for it.
"""

from typing import Final

from trunkline.manifests.layouts import Uneditable
from trunkline.manifests.round_trips import find_document, rewritten, values_of
from trunkline.model.base import JsonObject
from trunkline.model.desired import Lifecycle

KEY: Final = "lifecycle"


def with_lifecycle(text: str, agent: str, lifecycle: Lifecycle) -> str:
    """The file's text with that lifecycle in the manifest of the agent. Raises Uneditable."""
    at = find_document(text, "Agent", agent)
    whole = values_of(text)[at]
    spec = whole.get("spec") if isinstance(whole, dict) else None
    if not isinstance(whole, dict) or not isinstance(spec, dict) or not spec:
        raise Uneditable(f"the manifest of {agent} has no spec any more")
    wanted: JsonObject = {**({} if KEY in spec else {KEY: lifecycle}), **spec}
    wanted[KEY] = lifecycle
    return rewritten(text, at, {**whole, "spec": wanted})
