"""Pages and cursors: how a long list is read piece by piece without losing or repeating a row.

A cursor is the key of the last row, made opaque, so that rows that come or go in between do not
shift the pages after them.
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from trunkline.model.errors import InvalidInput

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some rows and where to go on; ``cursor`` None means these were the last."""

    items: tuple[Item, ...]
    cursor: str | None


def key_cursor(key: str) -> str:
    """An opaque cursor for a sort key."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def parse_key(cursor: str | None) -> str:
    """The sort key in a cursor; empty for none. Raises InvalidInput."""
    if not cursor:
        return ""
    try:
        key = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise _foreign_cursor() from error
    if not key.isprintable():
        raise _foreign_cursor()
    return key


def before_cursor(identifier: int | None) -> str | None:
    """An opaque cursor for rows that are read newest first by number."""
    return None if identifier is None else key_cursor(f"before:{identifier}")


def parse_before(cursor: str | None) -> int | None:
    """The number in such a cursor; None for none. Raises InvalidInput."""
    key = parse_key(cursor)
    if not key:
        return None
    number = key.removeprefix("before:")
    if number == key or not number:
        raise _foreign_cursor()
    return _number(number)


def pair_cursor(first: int | None, second: int | None) -> str:
    """An opaque cursor for two lists that are read as one, both newest first by number; None is
    the beginning of a list.
    """
    return key_cursor("/".join("" if each is None else str(each) for each in (first, second)))


def parse_pair(cursor: str | None) -> tuple[int | None, int | None]:
    """The numbers in such a cursor; both None for none. Raises InvalidInput."""
    key = parse_key(cursor)
    if not key:
        return None, None
    first, slash, second = key.partition("/")
    if not slash:
        raise _foreign_cursor()
    return _number(first), _number(second)


def moment_cursor(at: datetime, identifier: str) -> str:
    """An opaque cursor for rows that are read newest first by time and then by id."""
    return key_cursor(f"{at.isoformat()}/{identifier}")


def parse_moment(cursor: str | None) -> tuple[datetime, str] | None:
    """The time and id in such a cursor; None for none. Raises InvalidInput."""
    key = parse_key(cursor)
    if not key:
        return None
    at, _, identifier = key.partition("/")
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise _foreign_cursor() from None
    if moment.tzinfo is None or not identifier:
        raise _foreign_cursor()
    return moment, identifier


def _number(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()) or len(text) >= len(str(2**63)):
        raise _foreign_cursor()
    return int(text)


def _foreign_cursor() -> InvalidInput:
    return InvalidInput(
        "The cursor is not one of ours",
        hint="Use the nextCursor of the page before, or none to start over",
    )
