"""From a push to reconciled agents, tools, documents, secrets and a number, on real parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trunkline.model.ids import number_workflow_id

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack

pytestmark = pytest.mark.stack


async def test_everything_a_commit_names_is_created_once(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.whole(), unhurried=True)
    async with stack.working():
        operation = await stack.sync()
        assert operation.state == "Succeeded", operation
        assert (operation.total, operation.done) == (3, 3)
        for route in ("agents/create", "tools", "knowledge-base/text", "secrets", "phone-numbers"):
            expected = 2 if route == "agents/create" else 1
            assert await stack.elevenlabs.count(f"POST /v1/convai/{route}") == expected, route
        front = await stack.status("front-desk")
        number = await stack.status("main-line", "number")
        assert front is not None
        assert number is not None
        assert (front.sync, front.health, front.numbers) == ("Synced", "Healthy", ("+15005550006",))
        assert (number.sync, number.health) == ("Synced", "Healthy")
        listed = (await stack.elevenlabs.http.get("/v1/convai/phone-numbers")).json()
        assert [n["assigned_agent"]["agent_id"] for n in listed] == [front.external_id]
        body = await stack.elevenlabs.agent(str(front.external_id))
        assert len(body["conversation_config"]["agent"]["prompt"]["tool_ids"]) == 1
        await stack.record(stack.project_handle(), "project", "first-commit")
        await stack.record(stack.agent_handle("front-desk"), "agent", "create-with-objects")
        line = number_workflow_id(stack.simulators.twilio_account_sid, "+15005550006")
        handle = stack.client.get_workflow_handle(line)
        await stack.record(handle, "number", "waits-for-its-agent")


async def test_a_second_sync_writes_nothing(make_stack: MakeStack, texts: Texts) -> None:
    stack = await make_stack(texts.whole(), unhurried=True)
    async with stack.working():
        await stack.sync()
        await stack.elevenlabs.http.delete("/_sim/counters")
        operation = await stack.sync(hard=True)
        assert operation.state == "Succeeded", operation
        counters = (await stack.elevenlabs.http.get("/_sim/counters")).json()["requests"]
        assert [route for route in counters if not route.startswith("GET")] == []
        plan = await stack.plan()
        assert plan.state == "Succeeded", plan
        stored = await stack.store.plan(str(plan.plan_id))
        assert stored is not None
        assert stored.plan.empty
        await stack.record(stack.agent_handle("front-desk"), "agent", "hard-refresh")
