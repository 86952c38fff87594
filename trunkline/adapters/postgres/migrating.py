"""Bringing the tables up to date: a step of its own and never a side effect of starting.

Several processes start at once, and only one of them may change tables. Whoever comes second waits
and finds nothing to do.
"""

import asyncio
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from trunkline.adapters.postgres.pool import checked_address, translated
from trunkline.adapters.postgres.schema import CONNECT_TIMEOUT_S, MIGRATIONS, head_version
from trunkline.model.errors import StoreUnavailable

_LOCK_KEY = 7_239_145_002
"""Any number nobody else uses for an advisory lock in the same database."""
_LOCK_TIMEOUT_S = 120
_ALEMBIC = threading.Lock()
"""Alembic keeps the running migration in module globals: one at a time in a process."""


async def migrate(database_url: str) -> str:
    """Bring the tables to this release's version, which is the answer.

    One transaction under an advisory lock, so that any number of callers may race. Raises
    StoreUnavailable.
    """
    return await asyncio.to_thread(_migrate, checked_address(database_url))


def alembic_config() -> Config:
    """Where the migrations are, for Alembic."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


@contextmanager
def migrating(database_url: str) -> Iterator[Connection]:
    """A transaction in which nobody else changes tables; all that is done in it happens or none.

    Raises StoreUnavailable.
    """
    address = checked_address(database_url)
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(address, connect_timeout=CONNECT_TIMEOUT_S),
        poolclass=NullPool,
    )
    try:
        with translated(), engine.begin() as connection, _ALEMBIC:
            connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT_S}s'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
            yield connection
    except DBAPIError as error:
        raise StoreUnavailable(
            f"the migration did not finish and changed nothing: {error.orig}",
            hint="Check that PostgreSQL runs and that the role may create tables.",
        ) from error
    finally:
        engine.dispose()


def _migrate(address: str) -> str:
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with migrating(address) as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return head_version()
