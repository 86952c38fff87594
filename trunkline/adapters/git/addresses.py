"""Which repository addresses and branches may be given to Git at all.

An address comes from a setting a user can edit, and Git takes some of them as orders: an option, a
helper program, a path of this machine. Those are refused before Git sees them. Runs no Git.
"""

import re
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from trunkline.model.errors import InvalidSettings

REMOTE_PROTOCOLS = ("https", "http", "ssh", "git")

_HELPER = re.compile(r"^[A-Za-z0-9+.-]+::")
_SCHEME = re.compile(r"^(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://")
_SHORT_SSH = re.compile(r"^(?:[A-Za-z0-9_][\w.-]*@)?[A-Za-z0-9][\w.-]*:(?!//)[^:\s\\-][^\s\\]*$")
_FORBIDDEN_IN_BRANCH = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|\.lock(/|$)|/\.|[./]$")

_HINT = "Use an address such as https://git.example.com/team/manifests.git."


def checked_repository(address: str, *, allow_local: bool = False) -> str:
    """The address itself if Git may have it, else InvalidSettings.

    ``allow_local`` also takes absolute paths and ``file://``; only the local stack, which makes
    the repository itself, sets it. A credential inside the address is refused: addresses are
    stored and shown.
    """
    if not address or address.startswith("-") or re.search(r"[\x00-\x20\x7f]", address):
        raise InvalidSettings("the repository address is not one Git can use", hint=_HINT)
    if _HELPER.match(address):
        raise InvalidSettings("repository addresses may not name a helper program", hint=_HINT)
    scheme = _SCHEME.match(address)
    if scheme is None:
        return _checked_path_or_short_ssh(address, allow_local=allow_local)
    name = scheme["scheme"].lower()
    if name == "file" and allow_local:
        return address
    if name not in REMOTE_PROTOCOLS:
        raise InvalidSettings(f"repository addresses may not begin with {name}://", hint=_HINT)
    _check_host(address)
    return address


def is_web(address: str) -> bool:
    """True if the address is one a token can be sent to."""
    return address.lower().startswith(("https://", "http://"))


def checked_branch(branch: str) -> str:
    """The name itself if it can be a branch's, else InvalidSettings."""
    if not branch or branch.startswith(("-", "/", ".")) or _FORBIDDEN_IN_BRANCH.search(branch):
        raise InvalidSettings(
            "the branch has a name Git does not allow", hint="Name it without refs/heads/."
        )
    return branch


def _checked_path_or_short_ssh(address: str, *, allow_local: bool) -> str:
    if allow_local and PurePosixPath(address).is_absolute():
        return address
    if _SHORT_SSH.match(address):
        return address
    raise InvalidSettings("the repository must be a remote one, not a path", hint=_HINT)


def _check_host(address: str) -> None:
    try:
        parts = urlsplit(address)
        host, password = parts.hostname, parts.password
    except ValueError as error:
        raise InvalidSettings("the repository address cannot be read", hint=_HINT) from error
    if not host or host.startswith("-") or (parts.username or "").startswith("-"):
        raise InvalidSettings("the repository address names no host", hint=_HINT)
    if password is not None or (is_web(address) and parts.username):
        raise InvalidSettings(
            "the repository address carries a credential",
            hint="Put it into TRUNKLINE_GIT_TOKEN; addresses are stored and shown.",
        )
