"""What somebody proposes to merge, and the tree that would come of it.

A proposal names commits, so that every process that reads it reads the same: the merge is made
anew wherever it is not there, and is never pushed.
"""

import re
from typing import Final

from trunkline.model.base import Frozen
from trunkline.model.errors import InvalidInput
from trunkline.model.ids import Revision

_REFERENCE: Final = re.compile(r"refs/pull/[1-9][0-9]{0,9}/head")


class Proposal(Frozen):
    """``head`` would be merged onto ``base``, a commit of the project's branch; the repository
    serves it as ``ref``.
    """

    ref: str
    head: Revision
    base: Revision


class Merged(Frozen):
    """What came of a merge nobody made. ``revision`` is None if files are in conflict.

    ``changed`` are the files that differ from the base, ``behind`` how many commits of it the head
    does not build on.
    """

    revision: Revision | None = None
    conflicts: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    behind: int = 0


def require_reference(ref: str) -> str:
    """The ref of a pull request's head. Raises InvalidInput for anything else."""
    if not _REFERENCE.fullmatch(ref):
        raise InvalidInput(f"{ref!r} is not where a pull request's head is kept")
    return ref
