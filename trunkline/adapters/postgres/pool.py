"""Connections to PostgreSQL, and the one place where its errors become ours.

Everything above asks for a connection and gets one that answers, within a deadline, or
StoreUnavailable. A server that was killed and came back needs nobody's help: each connection is
checked before it is handed out and replaced if it is dead. Knows no table.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from selectors import EVENT_READ, PollSelector
from typing import Any, TypeAlias

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import UndefinedColumn, UndefinedTable
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from trunkline.model.errors import InvalidInput, InvalidSettings, StoreUnavailable
from trunkline.model.limits import STORE_CONNECTIONS_MAX

Connection: TypeAlias = psycopg.AsyncConnection[DictRow]

MIGRATE_HINT = "Run `trunkline migrate` against this database."
_IDLE_IN_TRANSACTION = "idle_in_transaction_session_timeout"
"""How long a process that was frozen in the middle keeps others from the rows it had locked."""
_REACH_HINT = "Check that PostgreSQL runs and that DATABASE_URL names it."


@dataclass(frozen=True, slots=True)
class StoreBounds:
    """Deadlines of the store, each shorter than any activity's.

    ``call_timeout_s`` covers waiting for a connection, the statements and the commit;
    ``bulk_timeout_s`` is the same for storing a whole tree.
    """

    connections_max: int = STORE_CONNECTIONS_MAX
    connect_timeout_s: int = 5
    wait_timeout_s: float = 5.0
    statement_timeout_s: float = 10.0
    call_timeout_s: float = 15.0
    bulk_timeout_s: float = 60.0


def checked_address(database_url: str) -> str:
    """The address as libpq takes it, or InvalidSettings; the message never shows a password."""
    address = database_url.replace("postgresql+psycopg://", "postgresql://", 1)
    try:
        conninfo_to_dict(address)
    except psycopg.ProgrammingError as error:
        raise InvalidSettings(
            "DATABASE_URL is not an address PostgreSQL understands",
            hint="Write it as postgresql://user:password@host:5432/database.",
        ) from error
    return address


@contextmanager
def translated() -> Iterator[None]:
    """Let no driver error out: what is wrong with the data, else with the store."""
    try:
        yield
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        raise InvalidInput(f"PostgreSQL refuses the row: {_first_line(error)}") from error
    except (UndefinedTable, UndefinedColumn) as error:
        raise StoreUnavailable(
            f"the database does not have our tables: {_first_line(error)}", hint=MIGRATE_HINT
        ) from error
    except (PoolTimeout, PoolClosed, TooManyRequests) as error:
        raise StoreUnavailable(
            f"no connection to PostgreSQL: {_first_line(error)}", hint=_REACH_HINT
        ) from error
    except psycopg.Error as error:
        raise StoreUnavailable(
            f"PostgreSQL did not answer: {_first_line(error)}", hint=_REACH_HINT
        ) from error
    except TimeoutError as error:
        raise StoreUnavailable(
            "PostgreSQL did not answer before the deadline", hint=_REACH_HINT
        ) from error


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__


class StorePool:
    """A bounded pool that hands out connections and transactions with a deadline."""

    def __init__(self, database_url: str, bounds: StoreBounds) -> None:
        self.bounds = bounds
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            checked_address(database_url),
            kwargs=self._connection_settings(),
            min_size=1,
            max_size=bounds.connections_max,
            timeout=bounds.wait_timeout_s,
            configure=self._configure,
            check=_check_if_heard_from,
            open=False,
        )

    async def open(self) -> None:
        """Start connecting in the background; PostgreSQL need not be there yet."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection on which each statement commits by itself."""
        with translated():
            async with asyncio.timeout(self.bounds.call_timeout_s), self._pool.connection() as one:
                yield one

    @asynccontextmanager
    async def transaction(self, *, bulk: bool = False) -> AsyncIterator[Connection]:
        """A connection inside one transaction, committed at the end of the block."""
        bounds = self.bounds
        timeout_s = bounds.bulk_timeout_s if bulk else bounds.call_timeout_s
        with translated():
            async with (
                asyncio.timeout(timeout_s),
                self._pool.connection() as one,
                one.transaction(),
            ):
                if bulk:
                    await _set_timeout(one, "statement_timeout", timeout_s, local=True)
                    await _set_timeout(one, _IDLE_IN_TRANSACTION, timeout_s, local=True)
                yield one

    def _connection_settings(self) -> dict[str, Any]:
        return {
            "autocommit": True,
            "row_factory": dict_row,
            "application_name": "trunkline",
            "connect_timeout": self.bounds.connect_timeout_s,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 20_000,
        }

    async def _configure(self, connection: Connection) -> None:
        bounds = self.bounds
        await _set_timeout(connection, "statement_timeout", bounds.statement_timeout_s)
        await _set_timeout(connection, _IDLE_IN_TRANSACTION, bounds.call_timeout_s)


async def _check_if_heard_from(connection: Connection) -> None:
    """Ask a connection whether it lives only if something came in while nobody used it.

    A server that ends a connection, or dies, says so on the socket; silence is what an idle one
    sounds like. So a lost connection is found without a round trip for each that is not.
    """
    with PollSelector() as selector:
        selector.register(connection.fileno(), EVENT_READ)
        if not selector.select(timeout=0):
            return
    await AsyncConnectionPool.check_connection(connection)


async def _set_timeout(
    connection: Connection, setting: str, timeout_s: float, *, local: bool = False
) -> None:
    await connection.execute(
        "SELECT set_config(%s, %s, %s)", (setting, f"{int(timeout_s * 1000)}ms", local)
    )
