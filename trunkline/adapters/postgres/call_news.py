"""News of calls between processes: several channels heard in order over one connection.

``NewsListener`` forgets order and repetition on purpose; whoever follows a conversation needs
both. What is told while the connection is away is told to nobody, and that is said.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Final

import psycopg

from trunkline.adapters.postgres.happenings import HappeningTables
from trunkline.adapters.postgres.listening import told_on
from trunkline.adapters.postgres.pool import checked_address

RECONNECT_S: Final = 0.5
"""Calls go on while PostgreSQL is away; whoever watches one should see it again at once."""

logger = logging.getLogger(__name__)


class PostgresChannels:
    """The NewsChannels port. What is told goes out over the store's own connections."""

    def __init__(
        self, database_url: str, tables: HappeningTables, *, reconnect_s: float = RECONNECT_S
    ) -> None:
        self._address = checked_address(database_url)
        self._tables = tables
        self._reconnect_s = reconnect_s

    async def told(self, channels: Sequence[str]) -> AsyncGenerator[tuple[str, str] | None, None]:
        """Channel and payload, in order; None whenever something may have been missed."""
        while True:
            heard = told_on(self._address, channels, application_name="trunkline-calls")
            try:
                async with aclosing(heard):
                    async for one in heard:
                        yield None if one is None else (one.channel, one.payload)
            except psycopg.Error as error:
                logger.info("no news of calls from PostgreSQL: %s", type(error).__name__)
            await asyncio.sleep(self._reconnect_s)

    async def tell(self, channel: str, payloads: Sequence[str]) -> None:
        """Say something to every process. Raises StoreUnavailable."""
        await self._tables.tell(channel, payloads)
