"""The platform's side of a conversation, fresh for each test, and simulators that all share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping

import pytest

from simulators.server import RunningSimulators
from tests.conversing.platform_side import Platform
from tests.patient_loop import LoopFactory, loops_for
from tests.simulator_threads import simulators_in_thread
from tests.workflows.conftest import make_stack
from trunkline.adapters.elevenlabs.client import ElevenLabsClient
from trunkline.adapters.elevenlabs.talks import ElevenLabsTalks
from trunkline.adapters.rate_limits import Pace, Rates
from trunkline.adapters.wire import Wire

__all__ = ["make_stack"]


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, LoopFactory]:
    """Both sides of a conversation share a loop here, or a process at least."""
    return loops_for(item, "platform", "bakery")


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    """A platform that answers nothing until it is given a part."""
    platform = Platform()
    await platform.start()
    yield platform
    await platform.stop()


@pytest.fixture
async def wire(platform: Platform) -> AsyncIterator[Wire]:
    """Connections to it."""
    wire = Wire("ElevenLabs", platform.url)
    yield wire
    await wire.close()


@pytest.fixture
def platform_client(wire: Wire) -> ElevenLabsClient:
    """What asks it."""
    pace = Pace(Rates(requests_per_second=10_000, burst=1_000, concurrency=50))
    return ElevenLabsClient(wire, "xi-key", pace, read_timeout_s=60.0)


@pytest.fixture
def talks(platform_client: ElevenLabsClient) -> ElevenLabsTalks:
    """Conversations with its agents."""
    return ElevenLabsTalks(platform_client)


@pytest.fixture(scope="session")
def simulators() -> Iterator[RunningSimulators]:
    """Both simulators, for all tests of this room; each test begins by resetting them."""
    with simulators_in_thread() as started:
        yield started
