"""PostgreSQL emptied: identities on the platforms rebuild the ledger, and nothing is created."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from trunkline.model.records import ProjectRecord

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack

pytestmark = pytest.mark.stack


async def test_what_is_there_is_adopted_and_nothing_is_created(
    make_stack: MakeStack, texts: Texts, postgres_url: str
) -> None:
    stack = await make_stack(texts.whole())
    async with stack.working():
        await stack.sync()
        before = await stack.store.entry("acme", "testing", "agent", "front-desk")
        assert before is not None
        async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as database:
            rows = await database.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
                " AND tablename <> 'alembic_version'"
            )
            tables = [str(row[0]) for row in await rows.fetchall()]
            await database.execute(f"TRUNCATE {', '.join(tables)}".encode())
        await stack.store.register(ProjectRecord(name="acme", repository=str(stack.repository)))
        await stack.elevenlabs.http.delete("/_sim/counters")
        operation = await stack.sync()
        assert operation.state == "Succeeded", operation
        counters = (await stack.elevenlabs.http.get("/_sim/counters")).json()["requests"]
        assert [route for route in counters if route.startswith("POST")] == []
        after = await stack.store.entry("acme", "testing", "agent", "front-desk")
        assert after is not None
        assert (after.external_id, after.nonce) == (before.external_id, before.nonce)
        assert after.applied == before.applied
        assert len(await stack.elevenlabs.agents()) == 2
