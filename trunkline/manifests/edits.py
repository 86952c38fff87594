"""Edits of manifests that were found on a platform, as a unified diff against a commit.

A value is named by its place and replaced where it stands; so is the text of a file that a value
names. An edit that cannot be made is told with its reason, and changes nothing.
"""

from collections.abc import Callable, Sequence

from trunkline.manifests.documents import read_documents
from trunkline.manifests.layouts import Uneditable
from trunkline.manifests.round_trips import value_at, values_of, with_value
from trunkline.model.changes import parse_path, unified_diff
from trunkline.model.drift_edits import ManifestEdit, ManifestPatch
from trunkline.model.errors import NotFound


def patch_of(read: Callable[[str], str], edits: Sequence[ManifestEdit]) -> ManifestPatch:
    """The diff that makes the edits; ``read`` answers a file's text. Raises what it raises.

    Edits are made from the last to the first, so that none moves the place of another.
    """
    before: dict[str, str] = {}
    after: dict[str, str | None] = {}
    refused: list[str] = []

    def text_of(file: str) -> str:
        if file not in after:
            before[file] = after[file] = read(file)
        return after[file] or ""

    ordered = sorted(edits, key=lambda edit: (edit.file, -edit.line, -edit.column))
    for edit in ordered:
        try:
            file, text = _edited(edit, text_of)
            after[file] = text
        except (Uneditable, NotFound) as error:
            refused.append(f"{edit.path} in {edit.file}:{edit.line}: {error}")
    changed = {
        file: text for file, text in after.items() if text is not None and text != before[file]
    }
    return ManifestPatch(
        text=unified_diff(before, after), files=changed, refused=tuple(sorted(refused))
    )


def _edited(edit: ManifestEdit, text_of: Callable[[str], str]) -> tuple[str, str]:
    text = text_of(edit.file)
    at, path = _path_at(text, edit.line, edit.column)
    old = value_at(values_of(text)[at], path)
    if edit.in_file:
        if not isinstance(old, str):
            raise Uneditable("it names no file")
        folder = edit.file.rpartition("/")[0]
        file = f"{folder}/{old}" if folder else old
        return file, _rewritten(text_of(file), edit)
    if isinstance(old, dict | list):
        raise Uneditable("it is more than one value; change it by hand")
    changed = with_value(text, at, path, edit.new)
    if changed == text:
        raise Uneditable("it cannot be written there; change it by hand")
    return edit.file, changed


def _rewritten(text: str, edit: ManifestEdit) -> str:
    """The text of a file that is the end of what the platform had."""
    old, new = str(edit.old), str(edit.new)
    kept = text.rstrip()
    if not old.endswith(kept):
        raise Uneditable("the file has other text by now")
    prefix = old[: len(old) - len(kept)]
    if not new.startswith(prefix):
        raise Uneditable("what stands before its text was changed, too")
    return new.removeprefix(prefix).rstrip() + text[len(kept) :]


def _path_at(text: str, line: int, column: int) -> tuple[int, tuple[str | int, ...]]:
    """Which value of which document begins at a place; the innermost of several."""
    values_of(text)
    found: tuple[int, tuple[str | int, ...]] | None = None
    for at, document in enumerate(read_documents(text)):
        for path, place in document.places.items():
            if place[:2] == (line, column) and path:
                found = at, parse_path(path)
    if found is None:
        raise Uneditable("nothing stands there any more")
    return found
