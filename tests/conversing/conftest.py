"""The platform's side of a conversation, fresh for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.conversing.platform_side import Platform
from trunkline.adapters.elevenlabs.client import ElevenLabsClient
from trunkline.adapters.elevenlabs.talks import ElevenLabsTalks
from trunkline.adapters.rate_limits import Pace, Rates
from trunkline.adapters.wire import Wire


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
def talks(wire: Wire) -> ElevenLabsTalks:
    """Conversations with its agents."""
    pace = Pace(Rates(requests_per_second=10_000, burst=1_000, concurrency=50))
    return ElevenLabsTalks(ElevenLabsClient(wire, "xi-key", pace, read_timeout_s=5.0))
