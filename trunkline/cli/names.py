"""A name that is not there, and the names that are: what a mistyped argument is answered with."""

from collections.abc import Collection

from trunkline.manifests.suggestions import nearest
from trunkline.model.errors import NotFound

LISTED_MAX = 10
"""Names shown to somebody who is far off; a whole fleet would hide the sentence above it."""


def absent(message: str, name: str, known: Collection[str]) -> NotFound:
    """The error for a name nobody knows, with the nearest one or those there are."""
    meant = nearest(name, known)
    return NotFound(message, hint=f"Did you mean {meant}?" if meant else _there_are(known))


def _there_are(known: Collection[str]) -> str:
    names = sorted(known)
    if not names:
        return ""
    if len(names) > LISTED_MAX:
        return f"There are {', '.join(names[:LISTED_MAX])} and {len(names) - LISTED_MAX} more"
    *others, last = names
    return f"There are {', '.join(others)} and {last}" if others else f"There is {last}"
