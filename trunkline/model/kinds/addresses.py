"""Addresses of pages that a platform is asked to fetch.

The vendor fetches, so nothing of ours is reached; yet an address is somebody's text, and the vendor
must not be sent into a private network, ours or its own, nor be given a password. What a public
name leads to is the vendor's to check.
"""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from trunkline.model.kinds.base import refuse
from trunkline.model.limits import PAGE_ADDRESS_MAX_CHARACTERS

FORM: Final = r"^https?://[^\s\\/?#@]+([/?#][^\s\\]*)?$"
"""As editors check it; hosts are looked at more closely."""
SHOWN_MAX_CHARACTERS: Final = 80

_AUTHORITY: Final = re.compile(r"[^/?#\\]*//([^/?#\\]*)")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_PUBLIC_NAME: Final = re.compile(
    r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]"
)
"""Labels with a dot between them, the last with a letter first: never a number in any spelling."""
_PRIVATE_NAMES: Final = (
    ".corp",
    ".home",
    ".home.arpa",
    ".internal",
    ".intranet",
    ".lan",
    ".local",
    ".localdomain",
    ".localhost",
    ".private",
)
_PORTS: Final = range(1, 65_536)


def check_page_address(address: str) -> str:
    """The address itself. Raises a pydantic error in plain words, without a password in it."""
    if "@" in _authority(address):
        raise refuse("must not carry a user or a password: the platform keeps the address readable")
    if re.match(FORM, address) is None or _CONTROL.search(address):
        raise refuse(f"must be the http:// or https:// address of a page; {_found(address)}")
    host, port = _host_and_port(_authority(address))
    if port is not None and port not in _PORTS:
        raise refuse(f"must have a port from 1 to 65535; {_found(address)}")
    if _PUBLIC_NAME.fullmatch(host) is None or host.endswith(_PRIVATE_NAMES):
        raise refuse(
            "must name a host of the public Internet by its name, not a number, a single word or a "
            f"private network; {_found(address)}"
        )
    return address


PageAddress = Annotated[
    str,
    AfterValidator(check_page_address),
    Field(
        max_length=PAGE_ADDRESS_MAX_CHARACTERS,
        json_schema_extra={"pattern": FORM},
    ),
]


def _authority(address: str) -> str:
    found = _AUTHORITY.match(address)
    return found.group(1) if found else address


def _host_and_port(authority: str) -> tuple[str, int | None]:
    """The host in lower case without a dot at its end, and the port; 0 for one that is none."""
    host, colon, port = authority.partition(":")
    name = host.lower().removesuffix(".")
    if not colon:
        return name, None
    return name, int(port) if port.isascii() and port.isdigit() else 0


def _found(address: str) -> str:
    short = len(address) <= SHOWN_MAX_CHARACTERS
    return f'found "{address if short else address[: SHOWN_MAX_CHARACTERS - 3] + "..."}"'
