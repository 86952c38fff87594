"""What a change through the API may touch: manifests and the files they name, and nothing that
decides who may change what.

A repository holds more than manifests, and some of it is run: pipelines, make files, hooks. Whoever
may change an agent must not come to that by way of this API.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from trunkline.manifests.loading import RELEASES_FOLDER
from trunkline.model.errors import ChangeRefused, InvalidInput
from trunkline.model.limits import (
    CHANGE_FILES_MAX,
    CHANGE_PATH_MAX_CHARACTERS,
    CONTENT_FILE_MAX_BYTES,
    MANIFEST_FILE_MAX_BYTES,
)
from trunkline.model.manifests import Manifests

_SUFFIXES: Final = (".yaml", ".yml")
_FORBIDDEN: Final = re.compile(r"[\\:]|[. ](?=/|$)")
"""What systems that check a repository out take for something else than a name."""
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Kinds of characters nobody sees: some file systems leave them out, and find ``.git``."""
_SHORT_NAME: Final = re.compile(r"git~[0-9]+")


def require_path(path: str) -> None:
    """Raises InvalidInput for a path that leaves the repository or is hidden in it, ChangeRefused
    for a release.
    """
    parts = path.split("/")
    if (
        not path
        or len(path) > CHANGE_PATH_MAX_CHARACTERS
        or _FORBIDDEN.search(path)
        or any(unicodedata.category(each) in _UNSEEN for each in path)
        or any(part in {"", ".", ".."} for part in parts)
    ):
        raise InvalidInput(f"{path[:100]!r} is not a path inside the repository")
    if any(part.startswith(".") or _SHORT_NAME.fullmatch(part.casefold()) for part in parts):
        raise ChangeRefused(
            f"{path} is hidden, and no manifest: it is not changed through the API",
            hint="Change it in Git",
        )
    if f"{path}/".casefold().startswith(RELEASES_FOLDER):
        raise ChangeRefused(
            f"{path} is a release: these are written by promotions only",
            hint="`trunkline promote`, `rollback` and `hold` are what changes releases",
        )


def require_bounded(edits: Mapping[str, str | None]) -> None:
    """Raises InvalidInput for more, or larger, files than one change may have."""
    if len(edits) > CHANGE_FILES_MAX:
        raise InvalidInput(
            f"The change has {len(edits)} files; one has at most {CHANGE_FILES_MAX}",
            hint="Make several changes of it, or push it with Git",
        )
    for path, text in edits.items():
        bound = MANIFEST_FILE_MAX_BYTES if path.endswith(_SUFFIXES) else CONTENT_FILE_MAX_BYTES
        if text is not None and len(text.encode("utf-8", "replace")) > bound:
            raise InvalidInput(f"{path} would have more than {bound} bytes")
        if text is not None and "\x00" in text:
            raise InvalidInput(f"{path} would be no text")


def require_named(
    edits: Mapping[str, str | None],
    before: Mapping[str, str],
    *,
    old: Manifests | None,
    new: Manifests,
) -> None:
    """Raises ChangeRefused for a file that is no manifest and that none names.

    One that is there must have been named before: naming a file does not make it ours.
    """
    for path, text in edits.items():
        if path.endswith(_SUFFIXES):
            continue
        known = old if path in before else new
        named = known is not None and (path in known.contents or path in known.uploads)
        if not named:
            what = "deleted" if text is None else "written"
            raise ChangeRefused(
                f"{path} is no manifest and no manifest names it, so it is not {what} here",
                hint="Name it in a manifest of the same change, or change it in Git",
            )


def changes_rules(old: Manifests | None, new: Manifests) -> bool:
    """True if a change is about the Project: its environments, people, keys and budgets."""
    return old is None or old.project.manifest != new.project.manifest
