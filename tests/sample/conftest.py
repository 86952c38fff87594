"""Simulators for the sample, and a workbench beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import httpx
import pytest

from simulators.server import RunningSimulators, SimulatorOptions, serve_simulators
from tests.patient_loop import LoopFactory, loops_for
from tests.sample.workbench import Steer, Workbench, workbench


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, LoopFactory]:
    """Whoever talks here shares a loop, and how busy the machine is takes no time there."""
    return loops_for(item, "bench")


@pytest.fixture
async def sample_simulators() -> AsyncIterator[RunningSimulators]:
    """Both simulators."""
    async with serve_simulators(SimulatorOptions(elevenlabs_port=0, twilio_port=0)) as started:
        yield started


@pytest.fixture
async def steer(sample_simulators: RunningSimulators) -> AsyncIterator[Steer]:
    """Changes how agents talk until the test is over."""
    url = f"{sample_simulators.elevenlabs_url}/_sim"
    async with httpx.AsyncClient(timeout=60) as http:

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
