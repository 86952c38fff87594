"""Real parts for tests of telling: a store, Temporal, and servers that are told."""

from collections.abc import AsyncIterator

import pytest

from tests.conftest import TemporalServer
from tests.notifications.receivers import HookServer, MailBox, hook_server
from tests.notifications.worlds import World
from trunkline.adapters.postgres import PostgresStore


@pytest.fixture
async def hooks() -> AsyncIterator[HookServer]:
    """A server that takes webhooks."""
    async with hook_server() as server:
        yield server


@pytest.fixture
def mailbox() -> MailBox:
    """What a mail server took."""
    return MailBox()


@pytest.fixture
async def world(store: PostgresStore, temporal_server: TemporalServer, postgres_url: str) -> World:
    """A store and a Temporal server nobody else uses; nobody looks or delivers yet."""
    return World(store, await temporal_server.client(), postgres_url)
