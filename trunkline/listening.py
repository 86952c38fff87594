"""Whether a server could listen where it is told to, asked before it tries.

A server that finds its port taken says so deep in a log of its own. Asking first turns that into
one sentence with the port and the option that moves it.
"""

import socket

from trunkline.model.errors import InvalidSettings

LOOPBACK = "127.0.0.1"


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
    """A port nobody listens on now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
