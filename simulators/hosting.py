"""How one look-alike is put on a port: sockets, server, gateway, control plane.

The same for every vendor; which look-alike it is comes as a function that makes it. Nothing here
knows a vendor.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from simulators.clock import Clock
from simulators.connections import Connections, protocol_for, socket_protocol_for
from simulators.control import Control
from simulators.faults import FaultPlan
from simulators.gateway import Gateway, Pressure
from simulators.limits import KEEP_ALIVE_S, MAX_SOCKET_MESSAGE_BYTES, SHUTDOWN_GRACE_S
from simulators.store import Store
from simulators.traffic import RateLimit, Traffic
from simulators.wire import Vendor

BACKLOG = 512


class SimulatorPortInUse(Exception):
    """Something else listens where a simulator should; carries ``host`` and ``port``."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"{host}:{port} is in use")
        self.host = host
        self.port = port


@dataclass(frozen=True, slots=True)
class Hosting:
    """What one server starts with; ``state`` is the file of its journal, None for none."""

    state: Path | None = None
    seed: int = 0
    latency_ms: float = 0.0
    requests_per_second: float | None = None


class _QuietServer(uvicorn.Server):
    """A server that leaves the process's signals alone and says when it accepts requests."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serving(
    options: Hosting,
    listener: socket.socket,
    make: Callable[[Store, Clock], Vendor],
) -> AsyncIterator[None]:
    """Serve a look-alike on a listening socket until the block ends."""
    store = Store(options.state)
    gateway, connections = _assembled(options, make, store)
    config = uvicorn.Config(
        gateway,
        http=protocol_for(connections),  # type: ignore[arg-type] # a factory, as asyncio has it
        ws=socket_protocol_for(connections),  # type: ignore[arg-type]
        ws_max_size=MAX_SOCKET_MESSAGE_BYTES,
        # Sound in base64 does not get smaller, and squeezing it costs more than carrying it.
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=SHUTDOWN_GRACE_S,
    )
    server = _QuietServer(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await server.ready.wait()
        yield
    finally:
        await gateway.forget_late_effects()
        await gateway.close_sockets()
        server.should_exit = True
        await serving
        store.close()


def _assembled(
    options: Hosting, make: Callable[[Store, Clock], Vendor], store: Store
) -> tuple[Gateway, Connections]:
    clock = Clock()
    vendor = make(store, clock)
    faults = FaultPlan(options.seed)
    traffic = Traffic()
    pressure = Pressure(RateLimit(options.requests_per_second), latency_ms=options.latency_ms)
    connections = Connections()
    gateway = Gateway(
        vendor,
        clock=clock,
        faults=faults,
        traffic=traffic,
        pressure=pressure,
        connections=connections,
    )
    control = Control(
        vendor, gateway, clock=clock, faults=faults, traffic=traffic, pressure=pressure
    )
    gateway.control_with(control.routes())
    return gateway, connections


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A listening socket. Raises SimulatorPortInUse."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The event loop turns Nagle's algorithm off only for sockets that say they are TCP.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(BACKLOG)
        except OSError as error:
            raise SimulatorPortInUse(host, port) from error
        yield listener


def address(listener: socket.socket) -> str:
    """The URL of whatever answers there."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def until_stopped(running: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run until SIGINT or SIGTERM sets the event given."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    await running(stopped)
