"""An agent belongs to whom its mark names: nobody else adopts it, writes it or follows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack

pytestmark = pytest.mark.stack

THEIRS = "trunkline:globex/testing/front-desk"


async def test_an_agent_with_another_owners_mark_is_never_adopted(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(
        {**texts.fleet(0), "agents/a.yaml": texts.agent("front-desk")}, unhurried=True
    )
    for tags in ([THEIRS], []):
        both = ["trunkline:acme/testing/front-desk", THEIRS]
        answer = await stack.elevenlabs.http.post(
            "/v1/convai/agents/create",
            json={"name": "Front desk", "conversation_config": {}, "tags": tags or both},
        )
        assert answer.status_code == 200
    theirs = {agent["agent_id"]: agent["tags"] for agent in await stack.elevenlabs.agents()}
    async with stack.working():
        assert (await stack.sync()).state == "Succeeded"
        assert (
            await stack.settled("front-desk", lambda r: r.sync == "Synced")
        ).external_id not in theirs
        after = {agent["agent_id"]: agent["tags"] for agent in await stack.elevenlabs.agents()}
        assert len(after) == 3
        assert {name: after[name] for name in theirs} == theirs


async def test_an_agent_that_was_given_to_another_owner_is_left_to_it(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.whole(), unhurried=True)
    async with stack.working():
        await stack.sync()
        before = await stack.store.entry("acme", "testing", "agent", "front-desk")
        assert before is not None
        given = {"tags": [THEIRS], "conversation_config": {"tts": {"speed": 1.1}}}
        path = f"/v1/convai/agents/{before.external_id}"
        assert (await stack.elevenlabs.http.patch(path, json=given)).status_code == 200
        assert (await stack.sweep()).drifted == 1
        row = await stack.settled(
            "front-desk", lambda r: r.sync == "Synced" and r.external_id != before.external_id
        )
        after = await stack.store.entry("acme", "testing", "agent", "front-desk")
        assert after is not None
        assert after.nonce != before.nonce
        body = await stack.elevenlabs.agent(str(before.external_id))
        assert (body["tags"], body["conversation_config"]["tts"]["speed"]) == ([THEIRS], 1.1)

        async def follows() -> bool:
            (line,) = (await stack.elevenlabs.http.get("/v1/convai/phone-numbers")).json()
            answering: str | None = (line["assigned_agent"] or {}).get("agent_id")
            return answering == row.external_id

        await stack.until(follows)
        assert (await stack.sync(hard=True)).state == "Succeeded"
