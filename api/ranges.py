"""A part of a file: what a player asks for when somebody jumps to a place (RFC 9110, section 14).

Pure. One range is answered; several, or what is no range of bytes, count as none, and the whole
file is the answer. Knows no file.
"""

import re
from http import HTTPStatus
from typing import Final

from starlette.exceptions import HTTPException

from api.etags import matches

_BYTES: Final = re.compile(r"bytes=\s*(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))\s*", re.ASCII)


def asked_part(wanted: str, still_holds: str, *, tag: str, length: int) -> range | None:
    """The bytes of a file that Range names; None for all of it.

    ``still_holds`` is If-Range: a part of another file than the client has is no use to it. Raises
    HTTPException 416 for a part the file does not have.
    """
    found = _BYTES.fullmatch(wanted)
    if found is None or (still_holds and still_holds.strip() != tag):
        return None
    first, last, final = found.groups()
    if final is not None:
        part = range(max(0, length - int(final)), length)
    elif last and int(last) < int(first):
        return None
    else:
        part = range(int(first), min(int(last) + 1 if last else length, length))
    if not part:
        raise HTTPException(
            HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
            f"There are {length} bytes, and {wanted} is none of them",
            headers={"Content-Range": f"bytes */{length}", "ETag": tag},
        )
    return part


def content_range(part: range, length: int) -> str:
    """How an answer says which part it is."""
    return f"bytes {part.start}-{part.stop - 1}/{length}"


def has_it(wanted: str, tag: str) -> bool:
    """True if If-None-Match says that the client has the file."""
    return bool(wanted) and matches(wanted, tag)
