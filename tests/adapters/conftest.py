"""A vendor's side of the wire, byte by byte, for the faults no HTTP framework would produce."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest

from simulators.server import RunningSimulators
from tests.simulator_threads import simulators_in_thread
from trunkline.adapters.accounts import AccountOptions, ProjectAccounts
from trunkline.adapters.credentials import Credentials
from trunkline.adapters.elevenlabs.client import ElevenLabsClient
from trunkline.adapters.elevenlabs.platform import ElevenLabsPlatform
from trunkline.adapters.rate_limits import Pace, Rates
from trunkline.adapters.twilio.telephony import TwilioTelephony
from trunkline.adapters.wire import Wire

KEY = "xi-key-that-nobody-may-see"
RATES = Rates(requests_per_second=10_000, burst=1_000, concurrency=50)
PATIENCE_S = 60.0
"""How long an answer may take that is certain to come."""
AGES_S = 3_600.0
"""Longer than anybody waits."""


@dataclass(frozen=True)
class Heard:
    """A request as the vendor heard it; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What the vendor does about one request.

    ``fault``: reset without an answer, half of the body and then a reset, an answer that is held
    back until the test is over, or silence that outlasts everybody's patience.
    """

    status: int = 200
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)
    fault: Literal["reset", "half", "held", "silence"] | None = None

    def bytes(self) -> bytes:
        """The whole answer as it goes out."""
        content = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        lines = [f"HTTP/1.1 {self.status} Said", f"Content-Length: {len(content)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


class ScriptedVendor:
    """Answers each request with the next reply of a script; the last one is repeated."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.hears = asyncio.Event()
        self.connections = 0
        self.make: Callable[[Heard], Reply] = self._scripted
        self._replies: deque[Reply] = deque()
        self._ending = asyncio.Event()
        self._open: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    def script(self, *replies: Reply) -> None:
        """What to answer from now on."""
        self._replies = deque(replies)

    @property
    def url(self) -> str:
        """Where it listens."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def stop(self) -> None:
        """End every conversation and stop listening."""
        assert self._server is not None
        self._server.close()
        self._ending.set()
        if self._open:
            await asyncio.wait(self._open)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self.connections += 1
        ending = asyncio.create_task(self._ending.wait())
        talking = asyncio.create_task(self._talk(reader, writer))
        await asyncio.wait({ending, talking}, return_when=asyncio.FIRST_COMPLETED)
        for each in (ending, talking):
            each.cancel()
        await asyncio.gather(ending, talking, return_exceptions=True)
        writer.transport.abort()
        self._open.discard(task)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            heard = await _hear(reader)
            self.heard.append(heard)
            self.hears.set()
            reply = self.make(heard)
            if reply.fault == "reset":
                return
            if reply.fault == "silence":
                _outlast_everybody()
            if reply.fault in ("held", "silence"):
                await self._ending.wait()
            answer = reply.bytes()
            writer.write(answer[:-1] if reply.fault == "half" else answer)
            await writer.drain()
            if reply.fault == "half":
                writer.close()
                return

    def _scripted(self, _heard: Heard) -> Reply:
        return self._replies.popleft() if len(self._replies) > 1 else self._replies[0]


def _outlast_everybody() -> None:
    """Move the loop's clock on: whoever waits with a deadline finds it over, however short a time
    the machine needed until here.
    """
    loop = asyncio.get_running_loop()
    read_s = loop.time
    vars(loop)["time"] = lambda: read_s() + AGES_S


async def _hear(reader: asyncio.StreamReader) -> Heard:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Heard(method, target, headers, body)


class Vendors:
    """Makes wires and clients for a test and closes what it made."""

    def __init__(self) -> None:
        self._wires: list[Wire] = []

    def wire(self, url: str, vendor: str = "ElevenLabs") -> Wire:
        """A wire to an address."""
        wire = Wire(vendor, url)
        self._wires.append(wire)
        return wire

    def client(self, url: str, *, key: str = KEY, pace: Pace | None = None) -> ElevenLabsClient:
        """An ElevenLabs client with a wire of its own."""
        return ElevenLabsClient(self.wire(url), key, pace or Pace(RATES), read_timeout_s=PATIENCE_S)

    async def close(self) -> None:
        """Close every wire."""
        for wire in self._wires:
            await wire.close()


@pytest.fixture
async def vendor() -> AsyncIterator[ScriptedVendor]:
    """A vendor that follows a script."""
    scripted = ScriptedVendor()
    await scripted.start()
    yield scripted
    await scripted.stop()


@pytest.fixture
async def vendors() -> AsyncIterator[Vendors]:
    """Wires and clients that are closed after the test."""
    made = Vendors()
    yield made
    await made.close()


@pytest.fixture
def reply() -> type[Reply]:
    """What a scripted vendor answers with."""
    return Reply


@dataclass(frozen=True)
class Simulated:
    """Both vendors simulated, and our accounts as an environment would open them."""

    running: RunningSimulators
    accounts: ProjectAccounts
    environment: dict[str, str]
    http: httpx.AsyncClient

    async def voice(self) -> ElevenLabsPlatform:
        """The voice platform of the one environment."""
        return await self.accounts.voice("acme", "testing")

    async def telephony(self) -> TwilioTelephony:
        """The telephony account of the one environment."""
        return await self.accounts.telephony("acme", "testing")

    async def voice_does(self, control: str, body: dict[str, Any]) -> Any:
        """Use the control plane of the ElevenLabs simulator."""
        return await self._control(self.running.elevenlabs_url, control, body)

    async def telephony_does(self, control: str, body: dict[str, Any]) -> Any:
        """Use the control plane of the Twilio simulator."""
        return await self._control(self.running.twilio_url, control, body)

    async def voice_saw(self, call: str) -> int:
        """How often the ElevenLabs simulator was asked this (``GET /v1/…``)."""
        answer = await self.http.get(f"{self.running.elevenlabs_url}/_sim/counters")
        requests: dict[str, int] = answer.json()["requests"]
        return requests.get(call, 0)

    async def _control(self, url: str, control: str, body: dict[str, Any]) -> Any:
        answer = await self.http.post(f"{url}/_sim/{control}", json=body)
        answer.raise_for_status()
        return answer.json()


@pytest.fixture(scope="session")
def running_simulators() -> Iterator[RunningSimulators]:
    """Simulators for all tests of this room; each test begins by resetting them."""
    with simulators_in_thread() as started:
        yield started


@pytest.fixture
async def simulated(
    running_simulators: RunningSimulators, tmp_path: Path
) -> AsyncIterator[Simulated]:
    """Both simulators as on their first start, holding two Twilio numbers."""
    running = running_simulators
    environment = {
        "ELEVENLABS_API_KEY": running.elevenlabs_key,
        "TWILIO_ACCOUNT_SID": running.twilio_account_sid,
        "TWILIO_AUTH_TOKEN": running.twilio_auth_token,
    }
    options = AccountOptions(
        elevenlabs_url=running.elevenlabs_url,
        twilio_url=running.twilio_url,
        elevenlabs_rates=RATES,
        twilio_rates=RATES,
        read_timeout_s=PATIENCE_S,
        listing_timeout_s=PATIENCE_S * 2,
    )
    credentials = Credentials(
        first_project="acme", environment=environment, secrets_folder=tmp_path
    )
    accounts = ProjectAccounts(options, credentials, _no_manifest)
    async with httpx.AsyncClient(timeout=PATIENCE_S) as http:
        made = Simulated(running, accounts, environment, http)
        await made.voice_does("reset", {})
        await made.telephony_does("reset", {})
        yield made
        await accounts.close()


async def _no_manifest(_project: str) -> None:
    return None
