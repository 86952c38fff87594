"""Where a message may go: an address in Git must not make the server speak to its own network.

A name is looked up here, every address it has is judged, and the connection goes to the address
that was judged, so that a name which changes its mind in between gains nothing. Only the operator
can allow more, by ``TRUNKLINE_NOTIFY_ALLOW``.
"""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from urllib.parse import urlsplit

from trunkline.model.errors import InvalidSettings, NotificationRefused, NotificationUnavailable

HTTPS_PORT = 443
HTTP_PORT = 80
UNPRIVILEGED_PORT = 1024
"""Below it lie mail, databases' administration and the like; nobody takes a webhook there."""
_NAT64 = ip_network("64:ff9b::/96")
_INNER = tuple(
    ip_network(each)
    for each in ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32", "3fff::/20", "5f00::/16")
)
"""Registries and older tables call these global; clouds answer for themselves on some of them:
Oracle's instances ask 192.0.0.192 who they are, and Azure's ask 168.63.129.16.
"""
_V4_BITS = 0xFFFF_FFFF

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Target:
    """An address that was judged: connect to ``address``, speak to ``host``."""

    scheme: str
    host: str
    port: int
    address: str
    path: str

    @property
    def url(self) -> str:
        """What to connect to."""
        shown = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.scheme}://{shown}:{self.port}{self.path}"

    @property
    def authority(self) -> str:
        """The Host header."""
        usual = HTTPS_PORT if self.scheme == "https" else HTTP_PORT
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return shown if self.port == usual else f"{shown}:{self.port}"


class AddressGuard:
    """Judges addresses by what the operator allows beyond the public network."""

    def __init__(self, allowed: Sequence[str] = ()) -> None:
        """``allowed`` are names of hosts, addresses and networks. Raises InvalidSettings."""
        self._hosts: set[str] = set()
        self._networks: list[IPv4Network | IPv6Network] = []
        for entry in filter(None, (each.strip().lower() for each in allowed)):
            try:
                self._networks.append(ip_network(entry))
            except ValueError:
                if "/" in entry or ":" in entry:
                    raise InvalidSettings(
                        f"TRUNKLINE_NOTIFY_ALLOW: {entry} is no host, address or network",
                        hint="write for example hooks.internal, 10.1.2.3 or 10.0.0.0/8",
                    ) from None
                self._hosts.add(entry)

    async def target(self, url: str) -> Target:
        """The judged target of an address.

        Raises NotificationRefused for one that may not be spoken to, NotificationUnavailable for
        a name that cannot be looked up right now.
        """
        try:
            parts = urlsplit(url)
            host = (parts.hostname or "").lower()
            port = parts.port or (HTTPS_PORT if parts.scheme == "https" else HTTP_PORT)
        except ValueError:
            host, port, parts = "", 0, urlsplit("")
        if parts.scheme not in {"http", "https"} or not host or parts.username is not None:
            raise NotificationRefused("the address is no https URL without user and password")
        found = await _resolved(host, port)
        allowed = host in self._hosts or all(self._is_allowed(each) for each in found)
        if not allowed:
            _require_public(parts.scheme, host, port, found)
        path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        return Target(parts.scheme, host, port, str(found[0]), path)

    def _is_allowed(self, address: Address) -> bool:
        return any(
            address.version == network.version and address in network for network in self._networks
        )


def is_public(address: Address) -> bool:
    """True for an address of the public network, also of the one inside a translated address."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = IPv4Address(int(address) & _V4_BITS)
        if inner is not None:
            return is_public(inner)
        if address.teredo is not None or address.is_site_local:
            return False
    if any(address.version == each.version and address in each for each in _INNER):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


async def _resolved(host: str, port: int) -> list[Address]:
    loop = asyncio.get_running_loop()
    try:
        rows = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotificationUnavailable(f"{host} cannot be looked up") from error
    found = dict.fromkeys(ip_address(str(row[4][0]).partition("%")[0]) for row in rows)
    if not found:
        raise NotificationUnavailable(f"{host} has no address")
    return list(found)


def _require_public(scheme: str, host: str, port: int, found: Sequence[Address]) -> None:
    hint = "the operator of the server can allow it: TRUNKLINE_NOTIFY_ALLOW"
    if not all(is_public(each) for each in found):
        raise NotificationRefused(f"{host} is not on the public network", hint=hint)
    if scheme != "https":
        raise NotificationRefused(f"{host} is spoken to by https only", hint=hint)
    if port != HTTPS_PORT and port < UNPRIVILEGED_PORT:
        raise NotificationRefused(f"port {port} of {host} takes no webhooks", hint=hint)
