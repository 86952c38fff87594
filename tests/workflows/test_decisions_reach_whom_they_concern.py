"""A decision wakes what it concerns even where Git cannot be read, and nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from activities.names import WAKE_WORKFLOW, WORKFLOW_QUEUE
from activities.types import FanoutReport, WakeRequest

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow]


async def woken(stack: Stack, request: WakeRequest, scenario: str) -> int:
    """How many were told."""
    handle = await stack.client.start_workflow(
        WAKE_WORKFLOW,
        request.model_copy(update={"timing": stack.timing}),
        id=f"wake/{scenario}",
        task_queue=WORKFLOW_QUEUE,
        result_type=FanoutReport,
    )
    report: FanoutReport = await handle.result()
    await stack.record(handle, "wake", scenario)
    return report.told


async def test_only_those_who_wait_and_those_who_are_named_are_told(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.whole(), unhurried=True)
    async with stack.working():
        await stack.sync()
        await stack.settled("main-line", lambda r: r.sync == "Synced", kind="number")
        stack.push({"trunkline.yaml": "not: [ a manifest"})
        here = WakeRequest(project="acme", environment="testing")
        assert await woken(stack, here, "nobody-waits") == 0
        agent = here.model_copy(update={"kind": "agent", "name": "front-desk"})
        assert await woken(stack, agent, "one-agent") == 1
        both = agent.model_copy(update={"numbers": True})
        assert await woken(stack, both, "an-agent-and-its-number") == 2
