"""An agent under a new name is the same agent: nothing is created, and its number stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from temporalio.client import WorkflowExecutionStatus

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack

pytestmark = pytest.mark.stack

RENAMED = "metadata: { name: reception, renamedFrom: front-desk }"


async def test_a_renamed_agent_keeps_its_id_and_its_number(
    make_stack: MakeStack, texts: Texts
) -> None:
    files = texts.whole()
    stack = await make_stack(files, unhurried=True)
    async with stack.working():
        await stack.sync()
        await stack.settled("main-line", lambda row: row.sync == "Synced", "number")
        before = await stack.store.entry("acme", "testing", "agent", "front-desk")
        assert before is not None
        await stack.elevenlabs.http.delete("/_sim/counters")
        stack.push(
            {
                "agents/front-desk.yaml": None,
                "agents/reception.yaml": texts.agent("reception", whole=True).replace(
                    "metadata: { name: reception }", RENAMED
                ),
                "numbers/main-line.yaml": files["numbers/main-line.yaml"].replace(
                    "agent: front-desk", "agent: reception"
                ),
            },
            "Front desk is called reception",
        )
        operation = await stack.sync()
        assert operation.state == "Succeeded", operation
        counters = (await stack.elevenlabs.http.get("/_sim/counters")).json()["requests"]
        writes = {route: n for route, n in counters.items() if not route.startswith("GET")}
        assert writes == {"PATCH /v1/convai/agents/{agent_id}": 1}
        row = await stack.status("reception")
        assert row is not None
        assert (row.external_id, row.sync) == (before.external_id, "Synced")
        body = await stack.elevenlabs.agent(str(row.external_id))
        assert body["name"] == "Reception"
        assert [tag for tag in body["tags"] if tag.startswith("trunkline:")] == [
            "trunkline:acme/testing/reception"
        ]
        assert f"trunkline-nonce:{before.nonce}" in body["tags"]
        listed = (await stack.elevenlabs.http.get("/v1/convai/phone-numbers")).json()
        assert [n["assigned_agent"]["agent_id"] for n in listed] == [before.external_id]

        async def ended() -> bool:
            described = await stack.agent_handle("front-desk").describe()
            return described.status == WorkflowExecutionStatus.COMPLETED

        await stack.until(ended)
        await stack.elevenlabs.http.delete("/_sim/counters")
        assert (await stack.sync(hard=True)).state == "Succeeded"
        counters = (await stack.elevenlabs.http.get("/_sim/counters")).json()["requests"]
        assert [route for route in counters if not route.startswith("GET")] == []


async def test_a_name_that_was_left_can_be_given_to_another_agent(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(
        {**texts.fleet(0), "agents/a.yaml": texts.agent("front-desk")}, unhurried=True
    )
    async with stack.working():
        await stack.sync()
        reception = texts.agent("reception").replace("metadata: { name: reception }", RENAMED)
        stack.push({"agents/a.yaml": reception})
        assert (await stack.sync()).state == "Succeeded"
        stack.push(
            {
                "agents/a.yaml": texts.agent("reception"),
                "agents/b.yaml": texts.agent("front-desk", greeting="Another one"),
            }
        )
        assert (await stack.sync()).state == "Succeeded"
        first, second = await stack.status("reception"), await stack.status("front-desk")
        assert first is not None
        assert second is not None
        assert first.external_id != second.external_id
        assert len(await stack.elevenlabs.agents()) == 2
        entries = await stack.store.entries("acme", "testing", "agent")
        assert len({entry.nonce for entry in entries}) == 2
