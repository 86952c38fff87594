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
from activities.numbers import NumberActivities
from activities.source import SourceActivities
from activities.telling import Dispatcher
from activities.types import ConclusionRequest, PlanRequest, SourceRequest, StepRequest, Subject
from tests.workflows.carrier_numbers import at_carrier
from tests.workflows.deletion_worlds import whole

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack

pytestmark = pytest.mark.stack

AGENT = Subject(kind="agent", project="acme", environment="testing", name="agent-0000")
LINE = "numbers/main-line.yaml"
NUMBER = "+15005550006"
BRIDGE = 'routing: bridge, takeover: true, fallback: { number: "+15005550001" }'
PUBLIC_URL = "https://calls.example.com"


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


async def test_a_number_that_leaves_git_during_a_round_is_not_gone_with_that_round(
    make_stack: MakeStack, texts: Texts
) -> None:
    files = whole(texts)
    files[LINE] = files[LINE].replace("routing: native", BRIDGE)
    stack = await make_stack(files, unhurried=True)
    stack.public_url = PUBLIC_URL
    store, timing = stack.store, stack.timing
    async with stack.working():
        assert (await stack.sync()).state == "Succeeded"
    numbers = NumberActivities(
        *(stack.accounts, store, store, store, SystemClock(), store), public_url=PUBLIC_URL
    )
    conclusions = ConclusionActivities(
        *(stack.accounts, store, store, store, store),
        Dispatcher(stack.client, stack.accounts, store, store, store),
        store,
    )
    subject = Subject(
        kind="number",
        project="acme",
        environment="testing",
        name="main-line",
        account=stack.simulators.twilio_account_sid,
        number=NUMBER,
    )
    plan = await _run(numbers.plan_number, PlanRequest(subject=subject, timing=timing))
    stack.push({LINE: None})
    await _read(stack)
    record = await store.wish("acme", "testing", "number", "main-line")
    assert record is not None
    assert record.removed
    conclusion = await _run(
        conclusions.conclude_number, ConclusionRequest(subject=subject, plan=plan, timing=timing)
    )
    assert not conclusion.gone
    assert await store.wish("acme", "testing", "number", "main-line") is not None
    async with stack.working():
        assert (await stack.sync()).state == "Succeeded"

        async def gone() -> bool:
            return await store.entries("acme", "testing", "number") == ()

        await stack.until(gone)
    assert not (await at_carrier(stack))["voice_url"], "calls come to us no more"
