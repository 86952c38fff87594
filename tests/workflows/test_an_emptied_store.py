"""PostgreSQL emptied: identities on the platforms rebuild the ledger, and nothing is created."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.workflows.lost_stores import start_anew

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack

pytestmark = pytest.mark.stack


async def test_what_is_there_is_adopted_and_nothing_is_created(
    make_stack: MakeStack, texts: Texts, postgres_url: str
) -> None:
    stack = await make_stack(texts.whole(), unhurried=True)
    async with stack.working():
        await stack.sync()
        before = await stack.store.entry("acme", "testing", "agent", "front-desk")
        assert before is not None
        await start_anew(stack, postgres_url)
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
