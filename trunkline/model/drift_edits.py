"""What somebody changed on the platform, as edits of the manifests that would wish for it.

Only what can be said exactly is turned into an edit: a value that stands in a manifest, or a prompt
in a file of its own. What follows from other things (tools, documents, a persona) is named and left
to people. Pure: where everything stands comes with the wish.
"""

from collections.abc import Sequence
from datetime import timedelta

from pydantic import Field

from trunkline.model.base import Frozen, Json
from trunkline.model.desired import DesiredAgent
from trunkline.model.diffs import is_empty
from trunkline.model.durations import format_duration
from trunkline.model.paths import find, owning_leaf, split
from trunkline.model.plans import Drifted
from trunkline.model.rendering import Rendering

PROMPT = "spec.prompt"
DERIVED = ("spec", "metadata.name", "spec.tools", "spec.knowledge")
"""Sources whose value on the platform is made of ids or of several things at once."""


class ManifestEdit(Frozen):
    """One value of a manifest by its place (one-based), to be replaced.

    ``in_file``: the value names a file, and the file's text is what is replaced: it is the end of
    ``old``, and becomes the same part of ``new``.
    """

    path: str
    file: str
    line: int
    column: int
    old: Json
    new: Json
    in_file: bool = False


class ManifestPatch(Frozen):
    """A unified diff against a commit, and the whole files with it; ``refused`` says which edits
    could not be made, and why.
    """

    text: str = ""
    files: dict[str, str] = Field(default_factory=dict)
    refused: tuple[str, ...] = ()


def edits_of(
    desired: DesiredAgent, rendering: Rendering, fields: Sequence[Drifted]
) -> tuple[tuple[ManifestEdit, ...], tuple[str, ...]]:
    """The edits that make drifted fields the wish, and what cannot be said as an edit."""
    edits: list[ManifestEdit] = []
    refused: list[str] = []
    for field in fields:
        edit = _edit(desired, rendering, field)
        if isinstance(edit, str):
            refused.append(f"{field.path}: {edit}")
        else:
            edits.append(edit)
    return tuple(edits), tuple(refused)


def _edit(desired: DesiredAgent, rendering: Rendering, field: Drifted) -> ManifestEdit | str:
    leaf = owning_leaf(field.path)
    source = rendering.provenance.get(leaf)
    if source is None or leaf != field.path:
        return "no single value of a manifest says it"
    if is_empty(field.live):
        return f"it is empty on the platform; take {source} out of the manifest by hand"
    if source == PROMPT:
        return _prompt_edit(desired, rendering, field)
    position = desired.positions.get(source, "")
    refusal = _refusal(desired, source, position)
    return refusal or _placed(
        source, position, old=_said(source, field.wished), new=_said(source, field.live)
    )


def _refusal(desired: DesiredAgent, source: str, position: str) -> str:
    if source in DERIVED:
        return f"it follows from {source}; change that by hand"
    if not position:
        return f"{source} is not written in the manifest; add it by hand"
    if position == desired.positions.get("spec.persona"):
        return f"it follows from the persona; set {source} by hand to differ from it"
    return ""


def _prompt_edit(desired: DesiredAgent, rendering: Rendering, field: Drifted) -> ManifestEdit | str:
    """The text of the prompt without what is added to it on its way to the platform."""
    live, rendered = field.live, find(rendering.body, split(field.path))
    own = (desired.prompt or "").rstrip()
    if not isinstance(live, str) or not isinstance(rendered, str) or not rendered.startswith(own):
        return "its text cannot be taken apart"
    added = rendered.removeprefix(own)
    if added and not live.endswith(added):
        return "the context at its end was changed; change spec.context by hand"
    new = live.removesuffix(added) if added else live
    for key, in_file in ((f"{PROMPT}.file", True), (f"{PROMPT}.text", False)):
        if key in desired.positions:
            return _placed(key, desired.positions[key], old=own, new=new, in_file=in_file)
    return f"{PROMPT} is not written in the manifest; add it by hand"


def _placed(
    path: str, position: str, *, old: Json, new: Json, in_file: bool = False
) -> ManifestEdit:
    file, line, column = position.rsplit(":", 2)
    return ManifestEdit(
        path=path,
        file=file,
        line=int(line),
        column=int(column),
        old=old,
        new=new,
        in_file=in_file,
    )


def _said(source: str, value: Json) -> Json:
    """A value of the platform as manifests write it."""
    if source == "spec.limits.maxDuration" and isinstance(value, int | float):
        return format_duration(timedelta(seconds=value))
    return value
