"""Starts and stops the two simulators; the public entry of this package.

In a program: ``async with serve_simulators(SimulatorOptions()) as running``, which then says
``running.elevenlabs_url`` and ``running.twilio_url``.
In a process of its own: ``python -m simulators --elevenlabs-port 8811 --twilio-port 8812``.
Only loopback is served unless a host is given.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn

from simulators.clock import Clock
from simulators.connections import Connections, protocol_for, socket_protocol_for
from simulators.control import Control
from simulators.elevenlabs.app import DEFAULT_PERSON, ElevenLabs
from simulators.elevenlabs.talks.webhooks import Webhooks
from simulators.elevenlabs.telephony import TwilioAccount
from simulators.faults import FaultPlan
from simulators.gateway import Gateway, Pressure
from simulators.limits import KEEP_ALIVE_S, MAX_SOCKET_MESSAGE_BYTES, SHUTDOWN_GRACE_S
from simulators.store import Store
from simulators.traffic import RateLimit, Traffic
from simulators.twilio.app import Twilio
from simulators.wire import Vendor

DEFAULT_ELEVENLABS_PORT = 8811
DEFAULT_TWILIO_PORT = 8812
DEFAULT_ELEVENLABS_KEY = "xi-simulator-key"
DEFAULT_TWILIO_ACCOUNT_SID = "AC5" + "0" * 30 + "1"
DEFAULT_TWILIO_AUTH_TOKEN = "0123456789abcdef0123456789abcdef"  # noqa: S105 - of a simulator
BACKLOG = 512

logger = logging.getLogger(__name__)


class SimulatorPortInUse(Exception):
    """Something else listens where a simulator should; carries ``host`` and ``port``."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"{host}:{port} is in use")
        self.host = host
        self.port = port


@dataclass(frozen=True, slots=True)
class SimulatorOptions:
    """How the simulators start.

    Port 0 picks a free port. ``state_dir`` keeps the state in that folder; without it the state
    is lost with the process. ``latency_ms`` and ``requests_per_second`` apply to each server by
    itself. ``twilio_numbers`` are in the account on the first start and after a reset.
    """

    elevenlabs_port: int = DEFAULT_ELEVENLABS_PORT
    twilio_port: int = DEFAULT_TWILIO_PORT
    host: str = "127.0.0.1"
    latency_ms: float = 0.0
    requests_per_second: float | None = None
    state_dir: Path | None = None
    seed: int = 0
    elevenlabs_keys: tuple[str, ...] = (DEFAULT_ELEVENLABS_KEY,)
    twilio_account_sid: str = DEFAULT_TWILIO_ACCOUNT_SID
    twilio_auth_token: str = field(default=DEFAULT_TWILIO_AUTH_TOKEN, repr=False)
    twilio_api_keys: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    twilio_numbers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunningSimulators:
    """Where the simulators are and which credentials they take."""

    elevenlabs_url: str
    twilio_url: str
    elevenlabs_port: int
    twilio_port: int
    elevenlabs_key: str
    twilio_account_sid: str
    twilio_auth_token: str = field(repr=False)


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
async def serve_simulators(options: SimulatorOptions) -> AsyncIterator[RunningSimulators]:
    """Serve both simulators until the block ends.

    Raises SimulatorPortInUse when a port is taken, OSError when the state folder cannot be used.
    """
    async with contextlib.AsyncExitStack() as stack:
        elevenlabs_socket = stack.enter_context(_listening(options.host, options.elevenlabs_port))
        twilio_socket = stack.enter_context(_listening(options.host, options.twilio_port))
        twilio_url = _url(twilio_socket)
        account = TwilioAccount(twilio_url)
        stack.push_async_callback(account.close)
        webhooks = Webhooks()
        stack.push_async_callback(webhooks.close)

        def twilio(store: Store, clock: Clock) -> Vendor:
            return _twilio(options, store, clock)

        def elevenlabs(store: Store, clock: Clock) -> Vendor:
            keys = dict.fromkeys(options.elevenlabs_keys, DEFAULT_PERSON)
            return ElevenLabs(
                store, clock, seed=options.seed, keys=keys, twilio=account, webhooks=webhooks
            )

        await stack.enter_async_context(_serving(options, "twilio", twilio_socket, twilio))
        await stack.enter_async_context(
            _serving(options, "elevenlabs", elevenlabs_socket, elevenlabs)
        )
        yield RunningSimulators(
            elevenlabs_url=_url(elevenlabs_socket),
            twilio_url=twilio_url,
            elevenlabs_port=elevenlabs_socket.getsockname()[1],
            twilio_port=twilio_socket.getsockname()[1],
            elevenlabs_key=options.elevenlabs_keys[0],
            twilio_account_sid=options.twilio_account_sid,
            twilio_auth_token=options.twilio_auth_token,
        )


def _twilio(options: SimulatorOptions, store: Store, clock: Clock) -> Vendor:
    credentials = {
        options.twilio_account_sid: options.twilio_auth_token,
        **dict(options.twilio_api_keys),
    }
    return Twilio(
        store,
        clock,
        seed=options.seed,
        account_sid=options.twilio_account_sid,
        credentials=credentials,
        stocked=options.twilio_numbers,
    )


@contextlib.asynccontextmanager
async def _serving(
    options: SimulatorOptions,
    name: str,
    listener: socket.socket,
    make: Callable[[Store, Clock], Vendor],
) -> AsyncIterator[None]:
    store = Store(options.state_dir / f"{name}.sqlite" if options.state_dir else None)
    gateway, connections = _assembled(options, make, store)
    config = uvicorn.Config(
        gateway,
        http=protocol_for(connections),  # type: ignore[arg-type] # a factory, as asyncio has it
        ws=socket_protocol_for(connections),  # type: ignore[arg-type]
        ws_max_size=MAX_SOCKET_MESSAGE_BYTES,
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
    options: SimulatorOptions, make: Callable[[Store, Clock], Vendor], store: Store
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
def _listening(host: str, port: int) -> Iterator[socket.socket]:
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


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(
    options: SimulatorOptions,
    *,
    started: Callable[[RunningSimulators], None] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM; ``started`` is called once both answer.

    Raises SimulatorPortInUse when a port is taken.
    """
    asyncio.run(_run(options, started))


async def _run(
    options: SimulatorOptions, started: Callable[[RunningSimulators], None] | None
) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with serve_simulators(options) as running:
        logger.info("ElevenLabs at %s, Twilio at %s", running.elevenlabs_url, running.twilio_url)
        if started is not None:
            started(running)
        await stopped.wait()
