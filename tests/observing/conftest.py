"""Whole installations, as the tests of workflows make them, and a collector of spans."""

from collections.abc import Iterator

import pytest

from tests.observing.collector import Collector
from tests.workflows.conftest import make_stack, start_process

__all__ = ["collector", "make_stack", "start_process"]


@pytest.fixture
def collector() -> Iterator[Collector]:
    """Takes spans on loopback until the test ends."""
    with Collector() as running:
        yield running
