"""Ports that stay ours while nobody listens on them.

A port that was free a moment ago may be given to any other process before a server of ours listens
on it, or before somebody is refused there. One that is held is given to nobody else.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from trunkline.listening import LOOPBACK


@contextmanager
def held_port() -> Iterator[int]:
    """Whoever connects is refused, until a server listens there that was told the number (and
    reuses addresses, as servers do).
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((LOOPBACK, 0))
        port: int = holder.getsockname()[1]
        yield port
