"""Deleting: never by force, never twice an error, and who still uses something is asked by id."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.adapters.test_shared_objects_on_the_simulator import (
    MARK,
    TIMEOUT_S,
    TITLE,
    document,
    tool,
)
from trunkline.model.errors import Conflict, RemoteMissing
from trunkline.model.ids import ExternalId

if TYPE_CHECKING:
    from tests.adapters.conftest import Simulated
    from trunkline.model.base import JsonObject
    from trunkline.model.ledger import SharedKind


def naming(tool_id: str, document_id: str) -> JsonObject:
    """The body of an agent that uses a tool and a document."""
    knowledge: JsonObject = {
        "type": "text",
        "name": "hours",
        "id": document_id,
        "usage_mode": "auto",
    }
    prompt: JsonObject = {"prompt": "Hello", "tool_ids": [tool_id], "knowledge_base": [knowledge]}
    return {"name": "Desk", "conversation_config": {"agent": {"prompt": prompt}}}


async def test_what_is_used_stays_and_what_is_gone_is_no_error(simulated: Simulated) -> None:
    voice = await simulated.voice()
    secret_id = await voice.create_secret(TITLE, "s3cret", timeout_s=TIMEOUT_S)
    secret_ids = {"TRUNKLINE_SECRET_ACME_BOOKING": secret_id}
    tool_id = await voice.create_tool(tool(), mark=MARK, secret_ids=secret_ids, timeout_s=TIMEOUT_S)
    document_id = await voice.create_document(
        document(), mark=MARK, content=b"nine to five", timeout_s=TIMEOUT_S
    )
    agent_id = await voice.create_agent(naming(tool_id, document_id), timeout_s=TIMEOUT_S)
    objects: tuple[tuple[SharedKind, ExternalId], ...] = (
        ("tool", tool_id),
        ("document", document_id),
        ("secret", secret_id),
    )
    for kind, external_id in objects:
        usage = await voice.object_usage(kind, external_id)
        assert usage.mark == (TITLE if kind == "secret" else MARK)
        assert usage.users == (("book_slot",) if kind == "secret" else ("Desk",))
        with pytest.raises(Conflict):
            await voice.delete_object(kind, external_id, timeout_s=TIMEOUT_S)
    for _ in range(2):
        await voice.delete_agent(agent_id, timeout_s=TIMEOUT_S)
    with pytest.raises(RemoteMissing):
        await voice.agent_uses(agent_id, datetime.now(UTC))
    for kind, external_id in objects:
        for _ in range(2):
            await voice.delete_object(kind, external_id, timeout_s=TIMEOUT_S)
        with pytest.raises(RemoteMissing):
            await voice.object_usage(kind, external_id)


async def test_numbers_and_calls_of_an_agent_are_its_uses(simulated: Simulated) -> None:
    voice = await simulated.voice()
    agent_id = await voice.create_agent(
        {"name": "Desk", "conversation_config": {}}, timeout_s=TIMEOUT_S
    )
    assert await voice.agent_uses(agent_id, datetime.now(UTC)) == ()
    telephony = await simulated.telephony()
    number_id = await voice.import_number(
        "+15005550006",
        label="line",
        sid=telephony.account,
        token=telephony.token,
        timeout_s=TIMEOUT_S,
    )
    await voice.assign_number(number_id, agent_id, timeout_s=TIMEOUT_S)
    async with httpx.AsyncClient(base_url=simulated.running.elevenlabs_url) as http:
        for status, seconds_ago in (("done", 3600), ("done", 60), ("in-progress", 3600)):
            call = {"agent_id": agent_id, "status": status, "seconds_ago": seconds_ago}
            assert (await http.post("/_sim/conversations", json=call)).status_code == 200
        other = {"agent_id": "agent_other", "status": "in-progress", "seconds_ago": 0}
        assert (await http.post("/_sim/conversations", json=other)).status_code == 200
    assert await voice.agent_uses(agent_id, datetime.now(UTC)) == (
        "number +15005550006 is assigned to it",
        "it has 2 calls",
    )


async def test_an_agent_nobody_has_is_missing_rather_than_unused(simulated: Simulated) -> None:
    voice = await simulated.voice()
    with pytest.raises(RemoteMissing):
        await voice.agent_uses(ExternalId("agent_of_nobody"), datetime.now(UTC))
