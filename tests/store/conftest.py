"""A store on a database of its own, and the records its tests are about."""

from collections.abc import AsyncIterator

import pytest

from trunkline.adapters.postgres import PostgresStore


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[PostgresStore]:
    """An open store on empty tables."""
    async with PostgresStore(postgres_url) as opened:
        yield opened
