"""What is released is tested again unchanged: a platform that gets worse is found out, and told."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from temporalio.service import RPCError

from activities.names import RETEST_WORKFLOW, WORKFLOW_QUEUE
from activities.retest_schedules import RetestSchedules
from activities.testing_types import RetestInput, RetestReport
from tests.workflows.conversation_worlds import AGENT, LIVE_WRITES, installed
from tests.workflows.retest_worlds import PRODUCTION, files, released
from trunkline.adapters.signing import Ed25519Keys, new_private_key
from trunkline.model.ids import retest_id

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack


@pytest.mark.slow
async def test_a_platform_that_gets_worse_is_marked_told_and_unmarked_once_it_is_well(
    make_stack: MakeStack, texts: Texts
) -> None:
    keys = Ed25519Keys(new_private_key())
    stack = await make_stack(files(texts, keys.public_key, runs=3), unhurried=True)
    async with installed(stack) as installation, stack.working():
        world = await released(stack, keys, installation)
        await world.release()
        before = await world.counts()

        found = await world.retested()
        assert found["last"]["outcome"] == "unchanged", found
        assert found["baseline"]["retests"] == 1
        assert (found["baseline"]["tests"][0]["passed"], found["drifted"]) == (8, None)
        assert (await world.health())[0] == "Healthy"

        await world.degrade(worse=True)
        found = await world.retested()
        assert found["last"]["outcome"] == "worse", found
        assert len(found["last"]["runIds"]) == 2
        assert "books passes 0 of 3 runs, 8 of 8 before" in found["drifted"]["message"]
        assert any("books.yaml:" in line for line in found["drifted"]["lines"])
        health, message = await world.health()
        assert health == "Degraded"
        assert "behaves worse than when it was released" in message
        assert len(await world.told("BehaviourDrifted")) == 1
        handle = stack.client.get_workflow_handle(f"{retest_id(stack.project, PRODUCTION)}/{AGENT}")
        await stack.record(handle, "retests", "worse-twice")

        await world.degrade(worse=False)
        found = await world.retested()
        assert (found["last"]["outcome"], found["drifted"]) == ("unchanged", None)
        assert (await world.health())[0] == "Healthy"
        assert len(await world.told("BehaviourRecovered")) == 1

        after = await world.counts()
        assert {route: after.get(route) for route in LIVE_WRITES} == {
            route: before.get(route) for route in LIVE_WRITES
        }
        assert await world.left_behind() == []
        await stack.record(handle, "retests", "as-before")


@pytest.mark.slow
async def test_the_schedule_is_kept_to_the_rules_in_force_and_tests_what_is_due(
    make_stack: MakeStack, texts: Texts
) -> None:
    keys = Ed25519Keys(new_private_key())
    stack = await make_stack(files(texts, keys.public_key, runs=3), unhurried=True)
    async with installed(stack) as installation, stack.working():
        world = await released(stack, keys, installation)
        schedule = stack.client.get_schedule_handle(retest_id(stack.project, PRODUCTION))
        described = await schedule.describe()
        assert described.schedule.spec.intervals[0].every == timedelta(hours=24)
        await world.release()

        first = await scheduled(stack)
        assert (first.tally.unchanged, first.tally.skipped) == (1, 0), first
        again = await scheduled(stack)
        assert (again.tally.unchanged, again.tally.skipped) == (0, 0), again

        text = files(texts, keys.public_key, runs=3)["trunkline.yaml"]
        rarely, never = text.replace("24h", "48h"), text.replace("        retest:", "        # ")
        for weaker in (rarely, never):
            await asyncio.to_thread(stack.push, {"trunkline.yaml": weaker})
            await stack.sync()
            described = await schedule.describe()
            assert described.schedule.spec.intervals[0].every == timedelta(hours=24)
        await asyncio.to_thread(stack.push, {"trunkline.yaml": text.replace("24h", "12h")})
        await stack.sync()
        described = await schedule.describe()
        assert described.schedule.spec.intervals[0].every == timedelta(hours=12)

        await RetestSchedules(stack.client).drop(stack.project, PRODUCTION)
        with pytest.raises(RPCError, match="not found"):
            await schedule.describe()


async def scheduled(stack: Stack) -> RetestReport:
    """What the schedule starts."""
    report: RetestReport = await stack.client.execute_workflow(
        RETEST_WORKFLOW,
        RetestInput(project=stack.project, environment=PRODUCTION, timing=stack.timing),
        id=f"{retest_id(stack.project, PRODUCTION)}-{datetime.now(UTC).timestamp()}",
        task_queue=WORKFLOW_QUEUE,
        result_type=RetestReport,
    )
    return report
