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
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from simulators.clock import Clock
from simulators.elevenlabs.app import DEFAULT_PERSON, ElevenLabs
from simulators.elevenlabs.talks.webhooks import Webhooks
from simulators.elevenlabs.telephony import TwilioAccount
from simulators.hosting import (
    Hosting,
    address,
    listening,
    serving,
    until_stopped,
)
from simulators.store import Store
from simulators.twilio.app import Twilio
from simulators.wire import Vendor

DEFAULT_ELEVENLABS_PORT = 8811
DEFAULT_TWILIO_PORT = 8812
DEFAULT_ELEVENLABS_KEY = "xi-simulator-key"
DEFAULT_TWILIO_ACCOUNT_SID = "AC5" + "0" * 30 + "1"
DEFAULT_TWILIO_AUTH_TOKEN = "0123456789abcdef0123456789abcdef"  # noqa: S105 - of a simulator

logger = logging.getLogger(__name__)


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


@contextlib.asynccontextmanager
async def serve_simulators(options: SimulatorOptions) -> AsyncIterator[RunningSimulators]:
    """Serve both simulators until the block ends.

    Raises SimulatorPortInUse when a port is taken, OSError when the state folder cannot be used.
    """
    async with contextlib.AsyncExitStack() as stack:
        elevenlabs_socket = stack.enter_context(listening(options.host, options.elevenlabs_port))
        twilio_socket = stack.enter_context(listening(options.host, options.twilio_port))
        twilio_url = address(twilio_socket)
        account = TwilioAccount(twilio_url)
        stack.push_async_callback(account.close)
        webhooks = Webhooks()
        stack.push_async_callback(webhooks.close)

        def twilio(store: Store, clock: Clock) -> Vendor:
            return _twilio(options, store, clock, address(elevenlabs_socket))

        def elevenlabs(store: Store, clock: Clock) -> Vendor:
            keys = dict.fromkeys(options.elevenlabs_keys, DEFAULT_PERSON)
            return ElevenLabs(
                store, clock, seed=options.seed, keys=keys, twilio=account, webhooks=webhooks
            )

        await stack.enter_async_context(serving(_hosting(options, "twilio"), twilio_socket, twilio))
        await stack.enter_async_context(
            serving(_hosting(options, "elevenlabs"), elevenlabs_socket, elevenlabs)
        )
        yield RunningSimulators(
            elevenlabs_url=address(elevenlabs_socket),
            twilio_url=twilio_url,
            elevenlabs_port=elevenlabs_socket.getsockname()[1],
            twilio_port=twilio_socket.getsockname()[1],
            elevenlabs_key=options.elevenlabs_keys[0],
            twilio_account_sid=options.twilio_account_sid,
            twilio_auth_token=options.twilio_auth_token,
        )


def _twilio(options: SimulatorOptions, store: Store, clock: Clock, platform_url: str) -> Vendor:
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
        auth_token=options.twilio_auth_token,
        platform_url=platform_url,
        stocked=options.twilio_numbers,
    )


def _hosting(options: SimulatorOptions, name: str) -> Hosting:
    return Hosting(
        state=options.state_dir / f"{name}.sqlite" if options.state_dir else None,
        seed=options.seed,
        latency_ms=options.latency_ms,
        requests_per_second=options.requests_per_second,
    )


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
    async def serve(stopped: asyncio.Event) -> None:
        async with serve_simulators(options) as running:
            logger.info(
                "ElevenLabs at %s, Twilio at %s", running.elevenlabs_url, running.twilio_url
            )
            if started is not None:
                started(running)
            await stopped.wait()

    await until_stopped(serve)
