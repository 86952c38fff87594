"""An activity and its own zombie at the same time: one create, whoever wakes up when."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.agents import AgentActivities
from activities.clocks import SystemClock
from activities.drifting import Patches
from activities.experiments import RolloutPorts
from activities.source import SourceActivities
from activities.types import (
    PlanReference,
    PlanRequest,
    SourceRequest,
    StepRequest,
    StepResult,
    Subject,
)

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack

pytestmark = pytest.mark.stack

AGENT = Subject(kind="agent", project="acme", environment="testing", name="front-desk")


class Run:
    """One worker's tries of a step, retried as Temporal would."""

    def __init__(self, stack: Stack, label: str) -> None:
        self._stack = stack
        self._label = label
        self.activities = AgentActivities(
            stack.accounts,
            stack.store,
            stack.store,
            stack.store,
            stack.store,
            SystemClock(),
            stack.store,
            patches=Patches(stack.ports().sources, stack.store),
            rollouts=RolloutPorts(
                releases=stack.store,
                sources=stack.ports().sources,
                projects=stack.store,
                wishes=stack.store,
                statuses=stack.store,
                clock=SystemClock(),
            ),
        )

    def environment(self, attempt: int) -> ActivityEnvironment:
        """The surroundings of one try."""
        environment = ActivityEnvironment()
        environment.info = replace(
            environment.info, activity_id=self._label, attempt=attempt, heartbeat_timeout=None
        )
        return environment

    async def plan(self, attempt: int = 1) -> PlanReference:
        """Plan the agent."""
        request = PlanRequest(subject=AGENT, timing=self._stack.timing)
        environment = self.environment(attempt)
        found: PlanReference = await environment.run(self.activities.plan_agent, request)
        return found

    async def execute(self, plan: PlanReference, *, tries: int) -> StepResult | None:
        """Execute the first step; None if it had to be left unresolved."""
        request = StepRequest(
            subject=AGENT,
            plan_id=plan.plan_id,
            index=0,
            wish_digest=plan.wish_digest,
            timing=self._stack.timing.model_copy(update={"activity_attempts": 99}),
        )
        for attempt in range(1, tries + 1):
            try:
                done: StepResult = await self.environment(attempt).run(
                    self.activities.execute_step, request
                )
            except ApplicationError as error:
                if error.non_retryable:
                    raise
                delay = error.next_retry_delay
                await asyncio.wait_for(
                    _after(delay.total_seconds() if delay is not None else 0.05), timeout=60
                )
            else:
                return done
        return None


async def _after(delay_s: float) -> None:
    woken = asyncio.Event()
    asyncio.get_running_loop().call_later(delay_s, woken.set)
    await woken.wait()


async def _stack(make_stack: MakeStack, texts: Texts) -> Stack:
    stack = await make_stack(
        {**texts.fleet(0), "agents/a.yaml": texts.agent("front-desk")}, unhurried=True
    )
    source = SourceActivities(stack.ports().sources, stack.store, stack.store, stack.store)
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, heartbeat_timeout=None)
    request = SourceRequest(project="acme", timing=stack.timing)
    look = await environment.run(source.read_source, request)
    assert look.changed == 1
    return stack


async def test_two_runs_of_one_create_make_one_agent(make_stack: MakeStack, texts: Texts) -> None:
    stack = await _stack(make_stack, texts)
    runs = [Run(stack, f"run-{index}") for index in range(4)]
    plan = await runs[0].plan()
    assert [step.summary for step in plan.steps] == ["create agent front-desk"]
    results = await asyncio.gather(*(run.execute(plan, tries=40) for run in runs))
    ids = {result.external_id for result in results if result is not None}
    assert len(ids) == 1
    assert await stack.elevenlabs.count("POST /v1/convai/agents/create") == 1


async def test_a_try_of_planning_that_comes_late_changes_no_plan_that_is_being_executed(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await _stack(make_stack, texts)
    run = Run(stack, "run")
    newer = await run.plan(attempt=2)
    before = await stack.store.plan(newer.plan_id)
    assert before is not None
    done = await run.execute(newer, tries=40)
    assert done is not None
    await stack.elevenlabs.http.patch(
        f"/v1/convai/agents/{done.external_id}", json={"name": "Edited by hand"}
    )
    late = await run.plan(attempt=1)
    assert [step.summary for step in late.steps] == ["update agent front-desk: 1 attribute"]
    assert await stack.store.plan(newer.plan_id) == before


async def test_a_run_that_died_after_its_create_is_followed_by_no_second_one(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await _stack(make_stack, texts)
    await stack.elevenlabs.control("list-lag", {"seconds": 0.6})
    await stack.elevenlabs.faults(
        {"kind": "drop-after", "method": "POST", "route": "/v1/convai/agents/create"}
    )
    dead = Run(stack, "dead")
    plan = await dead.plan()
    assert await dead.execute(plan, tries=1) is None
    late, next_run = Run(stack, "late"), Run(stack, "next")
    results = await asyncio.gather(late.execute(plan, tries=60), next_run.execute(plan, tries=60))
    assert [result.note for result in results if result is not None] == ["adopted", "adopted"]
    await stack.elevenlabs.control("list-lag", {})
    assert await stack.elevenlabs.count("POST /v1/convai/agents/create") == 1


async def test_a_create_nobody_answers_for_is_not_sent_within_the_bound(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await _stack(make_stack, texts)
    await stack.elevenlabs.faults(
        {"kind": "drop-before", "method": "POST", "route": "/v1/convai/agents/create"}
    )
    run = Run(stack, "run")
    plan = await run.plan()
    assert await run.execute(plan, tries=4) is None
    assert await stack.elevenlabs.count("POST /v1/convai/agents/create") == 1
    entry = await stack.store.entry("acme", "testing", "agent", "front-desk")
    assert entry is not None
    assert entry.attempt is not None
    assert entry.attempt.number == 1
