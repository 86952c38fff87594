"""Hears what PostgreSQL tells: a channel of LISTEN on a connection of its own.

Whoever listens must look by themselves now and then all the same: what is told while the
connection is away is told to nobody. So after every reconnect, and when nothing was heard for a
while, the answer is that anything may have happened. Knows no table.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from types import TracebackType
from typing import Final, Self

import psycopg
from psycopg import sql

from trunkline.adapters.postgres.pool import checked_address

RECONNECT_S: Final = 2.0
"""A server that restarts is back within seconds, and a look meanwhile tells the same."""
PAYLOADS_MAX: Final = 1_000
"""Different words kept until somebody asks; beyond that, anything may have happened."""
ANYTHING: Final = None
"""What is heard when something may have been missed."""

logger = logging.getLogger(__name__)


class NewsListener:
    """One channel. Payloads are gathered without repetition until they are asked for.

    Use as an async context manager. Losing the connection is no error: it is made again, and
    ``heard`` says that anything may have happened.
    """

    def __init__(
        self, database_url: str, channel: str, *, reconnect_s: float = RECONNECT_S
    ) -> None:
        self._address = checked_address(database_url)
        self._channel = channel
        self._reconnect_s = reconnect_s
        self._heard: set[str] = set()
        self._missed = True
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._listen(), name=f"listen to {self._channel}")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def heard(self, *, within_s: float) -> frozenset[str] | None:
        """What was told since the last call, waiting for something up to ``within_s``.

        ANYTHING if nothing was told in that time, or something may have been missed.
        """
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), within_s)
        heard, missed = frozenset(self._heard), self._missed
        self._heard.clear()
        self._missed = False
        self._news.clear()
        return ANYTHING if missed or not heard else heard

    async def _listen(self) -> None:
        while True:
            try:
                await self._follow()
            except psycopg.Error as error:
                logger.info("no news from PostgreSQL: %s", type(error).__name__)
            await asyncio.sleep(self._reconnect_s)

    async def _follow(self) -> None:
        told = told_on(self._address, [self._channel], application_name="trunkline-news")
        async with aclosing(told):
            async for one in told:
                if one is not None and len(self._heard) < PAYLOADS_MAX:
                    self._heard.add(one.payload)
                else:
                    self._missed = True
                self._news.set()


async def told_on(
    address: str, channels: Sequence[str], *, application_name: str
) -> AsyncGenerator[psycopg.Notify | None, None]:
    """What is told on channels from now on, in order, over one connection; the first item is None
    and says that it is heard from now on. Raises psycopg.Error once the connection is lost.
    """
    async with await psycopg.AsyncConnection.connect(
        address,
        autocommit=True,
        application_name=application_name,
        connect_timeout=5,
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
    ) as connection:
        for channel in channels:
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        yield None
        async for told in connection.notifies():
            yield told
