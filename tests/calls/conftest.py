"""An installation that carriers ask, and a project whose calls are kept: as new for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.calls.carrier_worlds import CarrierWorld, carrier_world
from tests.calls.kept_calls import Kept, kept_calls


@pytest.fixture
async def world(postgres_url: str, tmp_path: Path) -> AsyncIterator[CarrierWorld]:
    """Two projects with accounts of their own; no platform answers."""
    async with carrier_world(postgres_url, tmp_path) as held:
        yield held


@pytest.fixture
async def kept(postgres_url: str) -> AsyncIterator[Kept]:
    """One agent, one number, both simulators."""
    async with kept_calls(postgres_url) as opened:
        yield opened
