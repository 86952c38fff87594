"""What PostgreSQL tells is heard, and what may have been missed is said to be."""

import asyncio

import psycopg

from trunkline.adapters.postgres.listening import ANYTHING, NewsListener

LONG_S = 90
"""Silence is an answer as well: by then nobody was late."""


def tell(database_url: str, *words: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        for word in words:
            connection.execute("SELECT pg_notify('news', %s)", (word,))


async def test_words_are_heard_once_each(postgres_url: str) -> None:
    async with NewsListener(postgres_url, "news") as listener:
        assert await listener.heard(within_s=LONG_S) is ANYTHING
        await asyncio.to_thread(tell, postgres_url, "acme", "acme", "other")
        heard: set[str] = set()
        while heard != {"acme", "other"}:
            found = await listener.heard(within_s=LONG_S)
            assert found is not ANYTHING
            heard |= found


async def test_silence_is_said_to_be_anything(postgres_url: str) -> None:
    async with NewsListener(postgres_url, "news") as listener:
        await listener.heard(within_s=LONG_S)
        assert await listener.heard(within_s=0.01) is ANYTHING


async def test_a_lost_connection_comes_back_and_is_anything(postgres_url: str) -> None:
    async with NewsListener(postgres_url, "news", reconnect_s=0.05) as listener:
        await listener.heard(within_s=LONG_S)
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'trunkline-news' AND datname = current_database()"
            )
        assert await listener.heard(within_s=LONG_S) is ANYTHING
        await asyncio.to_thread(tell, postgres_url, "acme")
        assert await listener.heard(within_s=LONG_S) == frozenset({"acme"})
