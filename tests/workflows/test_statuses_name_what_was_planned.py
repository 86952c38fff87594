"""A status speaks of the revision and digest that were planned, even if a newer wish has come."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.agents import AgentActivities
from activities.clocks import SystemClock
from activities.conclusions import ConclusionActivities
from activities.drifting import Patches
from activities.experiments import RolloutPorts
from activities.source import SourceActivities
from activities.telling import Dispatcher
from activities.types import ConclusionRequest, PlanRequest, SourceRequest, StepRequest, Subject

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack

pytestmark = pytest.mark.stack

AGENT = Subject(kind="agent", project="acme", environment="testing", name="agent-0000")


async def _run(activity: Any, request: Any) -> Any:
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, heartbeat_timeout=None)
    return await environment.run(activity, request)


async def _read(stack: Stack) -> None:
    source = SourceActivities(stack.ports().sources, stack.store, stack.store, stack.store)
    await _run(source.read_source, SourceRequest(project="acme", timing=stack.timing))


async def test_a_wish_that_came_after_the_plan_is_not_called_synced(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.fleet(1), unhurried=True)
    store, timing = stack.store, stack.timing
    patches = Patches(stack.ports().sources, store)
    rollouts = RolloutPorts(
        releases=store,
        sources=stack.ports().sources,
        projects=store,
        wishes=store,
        statuses=store,
        clock=SystemClock(),
    )
    agents = AgentActivities(
        stack.accounts,
        store,
        store,
        store,
        store,
        SystemClock(),
        store,
        patches=patches,
        rollouts=rollouts,
    )
    dispatcher = Dispatcher(stack.client, stack.accounts, store, store, store)
    conclusions = ConclusionActivities(stack.accounts, store, store, store, store, dispatcher)
    await _read(stack)
    first = await store.wish("acme", "testing", "agent", "agent-0000")
    assert first is not None
    plan = await _run(agents.plan_agent, PlanRequest(subject=AGENT, timing=timing))
    step = StepRequest(
        subject=AGENT,
        plan_id=plan.plan_id,
        index=0,
        wish_digest=plan.wish_digest,
        timing=timing,
    )
    await _run(agents.execute_step, step)
    stack.push({"agents/agent-0000.yaml": texts.agent("agent-0000", greeting="Newer")})
    await _read(stack)
    second = await store.wish("acme", "testing", "agent", "agent-0000")
    assert second is not None
    assert second.revision != first.revision
    await _run(
        conclusions.conclude_agent, ConclusionRequest(subject=AGENT, plan=plan, timing=timing)
    )
    row = await stack.status("agent-0000")
    assert row is not None
    assert (row.revision, row.digest) == (first.revision, first.body["digest"])
    assert row.digest != second.body["digest"]
    assert [wish.name for wish in await store.unsettled("acme", limit=10)] == ["agent-0000"]
