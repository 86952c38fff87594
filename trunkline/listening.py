"""Whether a server could listen where it is told to, asked before it tries.

A server that finds its port taken says so deep in a log of its own. Asking first turns that into
one sentence with the port and the option that moves it.
"""

import random
import socket
from pathlib import Path

from trunkline.model.errors import InvalidSettings

LOOPBACK = "127.0.0.1"
PICKED_FROM = 20_000
"""Below it are most ports that programs have by custom."""
TRIES = 100
"""Where so many are taken, or there are no more, one of the kernel's own is as good."""
_KERNELS_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


class PortInUse(InvalidSettings):
    """A port is taken by somebody else; ``option`` is what moves ours."""

    reason = "PortInUse"

    def __init__(self, port: int, *, purpose: str, option: str) -> None:
        super().__init__(
            f"port {port} for {purpose} is already in use",
            hint=f"stop what listens there, move it with {option} N, or pick free ports: --port 0",
        )
        self.port = port
        self.option = option


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """True if a server could listen on that port now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port nobody listens on now, picked where the kernel picks none by itself: one of its own
    it may give to anybody's next connection before ours is bound.
    """
    ports = _left_by_the_kernel()
    tries = TRIES if len(ports) > TRIES else 0
    for port in random.SystemRandom().sample(ports, tries):
        if is_free(port):
            return port
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        given: int = probe.getsockname()[1]
        return given


def _left_by_the_kernel() -> range:
    """Ports that are given to nobody who does not name one; none where the system does not say."""
    try:
        first = int(_KERNELS_RANGE.read_text("ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return range(0)
    return range(PICKED_FROM, first)
