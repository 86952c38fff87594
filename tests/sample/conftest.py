"""Simulators for the sample, and a workbench beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from simulators.server import RunningSimulators
from tests.sample.workbench import Steer, Workbench, workbench
from tests.simulator_threads import simulators_in_thread


@pytest.fixture(scope="session")
def sample_simulators() -> Iterator[RunningSimulators]:
    """Both simulators, for all tests of this room."""
    with simulators_in_thread() as started:
        yield started


@pytest.fixture
async def steer(sample_simulators: RunningSimulators) -> AsyncIterator[Steer]:
    """Changes how agents talk until the test is over."""
    url = f"{sample_simulators.elevenlabs_url}/_sim"
    async with httpx.AsyncClient() as http:

        async def change(**settings: object) -> None:
            answer = await http.post(f"{url}/talks", json=settings)
            answer.raise_for_status()

        yield change
        await http.post(f"{url}/reset", json={})


@pytest.fixture
async def bench(sample_simulators: RunningSimulators) -> AsyncIterator[Workbench]:
    """Where the sample is talked to."""
    async with workbench(sample_simulators) as bench:
        yield bench
