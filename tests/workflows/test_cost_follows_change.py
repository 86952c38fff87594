"""Cost follows change: one edit in a fleet wakes one agent, and histories do not grow with it.

The fleet has 300 agents with TRUNKLINE_TEST_SHARE=1, else a part of them that is still larger than
the events one edit may cost.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from activities.names import AGENT_WORKFLOW

if TYPE_CHECKING:
    from collections.abc import Iterable

    from temporalio.client import WorkflowHandle

    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack

pytestmark = pytest.mark.stack

SHARE = float(os.environ.get("TRUNKLINE_TEST_SHARE", "0.1"))
EVENTS_MAX = 60
FLEET = max(EVENTS_MAX + 1, round(300 * SHARE))
EDITED = "agent-0047"


async def _length(handle: WorkflowHandle[Any, Any]) -> int:
    length: int = (await handle.describe()).raw_description.workflow_execution_info.history_length
    return length


async def _lengths(stack: Stack) -> dict[str, int]:
    query = f"WorkflowType = '{AGENT_WORKFLOW}'"
    return {
        execution.id: await _length(stack.client.get_workflow_handle(execution.id))
        async for execution in stack.client.list_workflows(query)
    }


async def _settled_lengths(stack: Stack) -> dict[str, int]:
    """Lengths of all agents' histories once nobody does anything, and two looks saw the same."""
    last: dict[str, int] = {}

    async def settled() -> bool:
        nonlocal last
        before, last = last, await _lengths(stack)
        return len(last) == FLEET and before == last and await _idle(stack, last)

    await stack.until(settled, timeout_s=180)
    return last


async def _idle(stack: Stack, workflows: Iterable[str]) -> bool:
    """True if none of the workflows has a task or an activity that somebody still has to end."""
    for name in workflows:
        raw = (await stack.client.get_workflow_handle(name).describe()).raw_description
        if raw.pending_activities or raw.HasField("pending_workflow_task"):
            return False
    return True


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_one_edit_in_a_fleet_runs_one_agent_workflow(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.fleet(FLEET), unhurried=True)
    async with stack.working():
        assert (await stack.sync(timeout_s=400)).state == "Succeeded"

        before = await _settled_lengths(stack)
        project_before = await _length(stack.project_handle())
        stack.push({f"agents/{EDITED}.yaml": texts.agent(EDITED, greeting="Edited")})
        operation = await stack.sync()
        assert (operation.state, operation.total) == ("Succeeded", 1)
        after = await _settled_lengths(stack)
        woken = [name for name, length in after.items() if length != before[name]]
        assert woken == [f"agent/acme/testing/{EDITED}"]
        assert await _length(stack.project_handle()) - project_before < EVENTS_MAX


async def test_a_first_sync_plans_each_agent_once(make_stack: MakeStack, texts: Texts) -> None:
    stack = await make_stack(texts.fleet(8), unhurried=True)
    async with stack.working():
        operation = await stack.sync()
        assert (operation.state, operation.total) == ("Succeeded", 8)
        assert await stack.elevenlabs.count("GET /v1/convai/agents/{agent_id}") == 8
        assert await stack.elevenlabs.count("GET /v1/convai/agents") == 2 * 8


async def test_a_burst_of_pushes_ends_at_the_last_one(make_stack: MakeStack, texts: Texts) -> None:
    stack = await make_stack({**texts.fleet(0), "agents/a.yaml": texts.agent("front-desk")})
    async with stack.working():
        await stack.sync()
        for index in range(8):
            stack.push({"agents/a.yaml": texts.agent("front-desk", greeting=f"Push {index}")})
            await stack.refresh()
        assert (await stack.sync()).state == "Succeeded"

        async def last() -> bool:
            row = await stack.status("front-desk")
            assert row is not None
            body = await stack.elevenlabs.agent(str(row.external_id))
            greeting: str = body["conversation_config"]["agent"]["first_message"]
            return greeting == "Push 7"

        await stack.until(last)
        await stack.record(stack.project_handle(), "project", "burst-of-pushes")
        await stack.record(stack.agent_handle("front-desk"), "agent", "burst-of-pushes")


async def test_long_histories_continue_as_new_and_lose_nothing(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack({**texts.fleet(0), "agents/a.yaml": texts.agent("front-desk")})
    stack.timing = stack.timing.model_copy(update={"history_events_max": 20})
    async with stack.working():
        first: str | None = None
        for index in range(4):
            stack.push({"agents/a.yaml": texts.agent("front-desk", greeting=f"Edit {index}")})
            assert (await stack.sync()).state == "Succeeded"
            first = first or (await stack.agent_handle("front-desk").describe()).run_id
        last = await stack.agent_handle("front-desk").describe()
        assert last.run_id != first
        assert await stack.elevenlabs.count("POST /v1/convai/agents/create") == 1
        handle = stack.client.get_workflow_handle(last.id, run_id=first)
        await stack.record(handle, "agent", "continued-as-new")


async def test_the_temporal_ui_reads_like_a_status_page(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.fleet(1))
    async with stack.working():
        await stack.sync()

        async def found() -> str | None:
            query = (
                "TrunklineProject = 'acme' AND TrunklineAgent = 'agent-0000'"
                " AND TrunklinePhase = 'Ready' AND TrunklineReason = 'AsWished'"
            )
            async for execution in stack.client.list_workflows(query):
                return execution.id
            return None

        assert await stack.until(found) == "agent/acme/testing/agent-0000"
        described = await stack.agent_handle("agent-0000").describe()
        assert await described.static_summary() == "agent agent-0000 in testing"
        shown = await stack.agent_handle("agent-0000").query("__temporal_workflow_metadata")
        assert "Synced · Healthy" in str(shown)
