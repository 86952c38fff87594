"""What people ask for outside of Git and what becomes of it: a commit, or a pull request.

The id of a change follows from who asks for what on which commit, so that asking again after an
answer that never came finds what was made and makes nothing twice. Knows neither Git nor YAML.
"""

import difflib
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Final, Literal

from trunkline.model.base import Frozen, Json
from trunkline.model.forges import PullRequestAddress
from trunkline.model.ids import Revision
from trunkline.model.limits import CHANGE_DIFF_MAX_CHARACTERS

Via = Literal["commit", "pull-request"]
FileChange = Literal["added", "modified", "deleted"]

CHANGE_ID_PATTERN: Final = r"^change-[0-9a-f]{12}$"
MANIFEST_KINDS: Final = (
    "Project",
    "Agent",
    "Persona",
    "Tool",
    "KnowledgeDocument",
    "PhoneNumber",
    "ConversationTest",
)
ManifestKind = Literal[
    "Project", "Agent", "Persona", "Tool", "KnowledgeDocument", "PhoneNumber", "ConversationTest"
]
"""Kinds that are edited by hand; a Release is written by promotions alone."""

_STEP: Final = re.compile(
    r'(?P<dot>\.?)(?P<plain>[^.\[\]"]+)|\[(?P<quoted>"(?:[^"\\]|\\.)*")\]|\[(?P<at>\d{0,6})\]'
)
NO_NEWLINE: Final = "\\ No newline at end of file\n"
END: Final = ""
"""The step ``[]``: one more item at the end of a list."""


class ChangedFile(Frozen):
    """One file of a change."""

    path: str
    change: FileChange


class Change(Frozen):
    """What a wish became. ``unchanged``: Git said so already, ``revision`` is then where.
    ``rebased``: the branch had moved on elsewhere, and the change stands on the newer ``base``.
    """

    id: str
    base: Revision
    revision: Revision
    branch: str
    via: Via
    pull_request: PullRequestAddress | None = None
    files: tuple[ChangedFile, ...] = ()
    diff: str = ""
    unchanged: bool = False
    rebased: bool = False


def change_id(project: str, person: str, base: str, wish: Json) -> str:
    """The id of what a person wishes for on a commit."""
    said = json.dumps([project, person, base, wish], sort_keys=True, ensure_ascii=True)
    return f"change-{hashlib.sha256(said.encode()).hexdigest()[:12]}"


def parse_path(path: str) -> tuple[str | int, ...]:
    """Keys and places of a dotted path: ``spec.tools[0]``, ``spec.labels["a.b"]``; ``spec.tools[]``
    ends in END. Raises ValueError.
    """
    steps: list[str | int] = []
    position = 0
    while position < len(path):
        found = _STEP.match(path, position)
        if found is None or (found["plain"] and bool(found["dot"]) != bool(steps)):
            raise ValueError(f"not a path: {path!r}")
        if found["at"] is not None:
            steps.append(int(found["at"]) if found["at"] else END)
        else:
            steps.append(found["plain"] or json.loads(found["quoted"]))
        position = found.end()
    if END in steps[:-1] or (steps and isinstance(steps[0], int)) or steps[:1] == [END]:
        raise ValueError(f"not a path: {path!r}")
    return tuple(steps)


def merged_patch(whole: Json, patch: Json) -> Json:
    """A value after a JSON merge patch: objects merge, null takes a key away (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(whole) if isinstance(whole, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merged_patch(merged.get(key), value)
    return merged


def changed_files(
    before: Mapping[str, str], edits: Mapping[str, str | None]
) -> tuple[ChangedFile, ...]:
    """What edits do to files whose texts are given as they were; sorted by path."""
    found: list[ChangedFile] = []
    for path in sorted(edits):
        change: FileChange = "modified" if path in before else "added"
        found.append(ChangedFile(path=path, change="deleted" if edits[path] is None else change))
    return tuple(found)


def unified_diff(before: Mapping[str, str], after: Mapping[str, str | None]) -> str:
    """The diff between texts of files, as ``git apply`` takes it, cut where nobody reads on."""
    parts: list[str] = []
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if old == new:
            continue
        lines = difflib.unified_diff(
            (old or "").splitlines(keepends=True),
            (new or "").splitlines(keepends=True),
            "/dev/null" if old is None else f"a/{path}",
            "/dev/null" if new is None else f"b/{path}",
        )
        parts += [line if line.endswith("\n") else f"{line}\n{NO_NEWLINE}" for line in lines]
    text = "".join(parts)
    if len(text) <= CHANGE_DIFF_MAX_CHARACTERS:
        return text
    return text[:CHANGE_DIFF_MAX_CHARACTERS].rpartition("\n")[0] + "\n… the diff goes on\n"
