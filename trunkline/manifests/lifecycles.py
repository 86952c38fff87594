"""The lifecycle of an agent as an edit of its manifest that leaves the rest as people wrote it.

An agent that says nothing of it is active, so the key may have to be written first. The text is
read back before it counts: it must say the new lifecycle and, in everything else, what it said.
"""

from collections.abc import Sequence
from typing import Final

from yaml import CSafeLoader, MappingNode, Node, ScalarNode, YAMLError, compose_all

from trunkline.manifests.documents import Unreadable, read_documents
from trunkline.manifests.edits import Uneditable, member_node, replaced
from trunkline.model.base import Json
from trunkline.model.desired import Lifecycle

KEY: Final = "lifecycle"
REFUSED: Final = "it cannot be written there; change it by hand"


def with_lifecycle(text: str, agent: str, lifecycle: Lifecycle) -> str:
    """The file's text with that lifecycle in the manifest of the agent. Raises Uneditable."""
    try:
        roots = list(compose_all(text, Loader=CSafeLoader))
    except YAMLError as error:
        raise Uneditable("the file is no YAML any more") from error
    root = next((each for each in roots if _is_agent(each, agent)), None)
    spec = member_node(root, "spec")
    if not isinstance(root, MappingNode) or not isinstance(spec, MappingNode) or not spec.value:
        raise Uneditable(f"the manifest of {agent} is not in it any more")
    written = member_node(spec, KEY)
    if written is not None:
        changed = replaced(text, written, lifecycle)
    else:
        changed = _inserted(text, root, spec, lifecycle)
    if _values(changed) != _wanted(_values(text), agent, lifecycle):
        raise Uneditable(REFUSED)
    return changed


def _is_agent(root: Node | None, agent: str) -> bool:
    parts = (member_node(root, "kind"), member_node(member_node(root, "metadata"), "name"))
    return [part.value for part in parts if isinstance(part, ScalarNode)] == ["Agent", agent]


def _inserted(text: str, root: MappingNode, spec: MappingNode, lifecycle: Lifecycle) -> str:
    """The key as the first one of ``spec``: on a line of its own, or inside the braces."""
    first = spec.value[0][0].start_mark
    if spec.flow_style:
        return f"{text[: first.index]}{KEY}: {lifecycle}, {text[first.index :]}"
    key = next(name for name, value in root.value if value is spec)
    below = text.find("\n", key.end_mark.index) + 1
    if not below or below > first.index:
        raise Uneditable(REFUSED)
    return f"{text[:below]}{' ' * first.column}{KEY}: {lifecycle}\n{text[below:]}"


def _values(text: str) -> list[Json]:
    """Every document as our own reader sees it. Raises Uneditable."""
    try:
        documents = list(read_documents(text))
    except Unreadable as error:
        raise Uneditable(REFUSED) from error
    if any(document.faults for document in documents):
        raise Uneditable(REFUSED)
    return [document.value for document in documents]


def _wanted(values: Sequence[Json], agent: str, lifecycle: Lifecycle) -> list[Json]:
    wanted: list[Json] = []
    for value in values:
        spec = value.get("spec") if isinstance(value, dict) else None
        metadata = value.get("metadata") if isinstance(value, dict) else None
        named = isinstance(metadata, dict) and metadata.get("name") == agent
        if isinstance(value, dict) and isinstance(spec, dict) and named:
            is_agent = value.get("kind") == "Agent"
            wanted.append({**value, "spec": {**spec, KEY: lifecycle}} if is_agent else value)
        else:
            wanted.append(value)
    return wanted
