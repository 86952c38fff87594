"""A sweep reads what the list says changed, everybody in turn; silence proves nothing."""

from __future__ import annotations

import dataclasses
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from temporalio.testing import ActivityEnvironment

from activities.fleet_looks import FleetLooks, Place
from activities.heartbeats import Progress
from activities.telling import Dispatcher
from activities.types import SweepInput
from tests.workflows.rollout_worlds import IDLE
from trunkline.model.kinds.project import Environment
from trunkline.model.limits import FULL_LOOK_S, HINT_SETTLED_S, SWEEP_UNREAD_MAX
from trunkline.model.policies import policy_of

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow]

READ = "GET /v1/convai/agents/{agent_id}"
SPEED = {"conversation_config": {"tts": {"speed": 1.15}}}


class Ahead:
    """A clock that goes ahead of the world's by so much."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def now(self) -> datetime:
        """Now, and so much later."""
        return datetime.now(UTC) + timedelta(seconds=self.seconds)


async def _reads(stack: Stack) -> int:
    """Agents read since the last time."""
    count = await stack.elevenlabs.count(READ)
    await stack.elevenlabs.http.delete("/_sim/counters")
    return count


async def _rests(stack: Stack, name: str) -> None:
    """Once the agent's workflow has nothing left to do."""
    handle = stack.agent_handle(name)

    async def idle() -> bool:
        history = await handle.fetch_history()
        return history.events[-1].event_type in IDLE

    await stack.until(idle)


async def _edit(stack: Stack, name: str) -> None:
    row = await stack.status(name)
    assert row is not None
    await stack.elevenlabs.control("edit", {"agent_id": row.external_id, "body": SPEED})


async def test_only_what_the_list_says_changed_is_read_until_it_is_its_turn(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.fleet(6), unhurried=True)
    clock = Ahead(HINT_SETTLED_S + 5)
    stack.clock = clock
    async with stack.working():
        await stack.sync()
        await stack.elevenlabs.http.delete("/_sim/counters")
        assert (await stack.sweep()).skipped == 0
        assert await _reads(stack) == 6
        report = await stack.sweep()
        assert (report.observed, report.skipped, report.drifted) == (6, 6, 0)
        assert await _reads(stack) == 0
        await stack.elevenlabs.control("clock", {"advance_s": 1})
        await _edit(stack, "agent-0003")
        report = await stack.sweep()
        assert (report.observed, report.skipped, report.drifted) == (6, 5, 1)

        async def healed() -> bool:
            return bool(await stack.events("Drifted", "agent-0003"))

        await stack.until(healed)
        await stack.settled("agent-0003", lambda row: row.sync == "Synced")
        await _rests(stack, "agent-0003")
        await stack.sync()
        await stack.sweep()
        await _reads(stack)
        clock.seconds += FULL_LOOK_S
        report = await stack.sweep()
        assert (report.skipped, await _reads(stack)) == (0, 6)


async def test_a_changed_wish_or_policy_is_looked_at_whole(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.fleet(2), unhurried=True)
    stack.clock = Ahead(HINT_SETTLED_S + 5)
    async with stack.working():
        await stack.sync()
        await stack.sweep()
        assert (await stack.sweep()).skipped == 2
        rule = 'ignore: [ { agent: "*", path: conversation_config.tts.speed } ], interval'
        stack.push({"trunkline.yaml": texts.project().replace("interval", rule)})
        await stack.sync()
        assert (await stack.sweep()).skipped == 0
        assert (await stack.sweep()).skipped == 2
        stack.push({"agents/agent-0000.yaml": texts.agent("agent-0000", greeting="Hi")})
        await stack.sync()
        assert (await stack.sweep()).skipped == 1


async def test_a_reading_that_fails_says_nothing_about_its_agent_and_stops_no_other(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.fleet(5), unhurried=True)
    async with stack.working():
        await stack.sync()
        await _edit(stack, "agent-0004")
        row = await stack.status("agent-0001")
        assert row is not None
        refused = {
            "kind": "status-before",
            "status": 500,
            "method": "GET",
            "route": f"/v1/convai/agents/{row.external_id}",
        }
        await stack.elevenlabs.faults(refused)
        report = await stack.sweep()
        assert (report.unread, report.observed, report.orphans) == (1, 4, 0)
        assert "nothing is concluded" in report.details
        await stack.elevenlabs.healthy()

        async def healed() -> bool:
            return bool(await stack.events("Drifted", "agent-0004"))

        await stack.sweep()
        await stack.until(healed)
        creates = await stack.elevenlabs.count("POST /v1/convai/agents/create")
        assert creates == 5
        assert SWEEP_UNREAD_MAX > 1


async def test_a_sweep_goes_on_where_a_dead_worker_stopped(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack = await make_stack(texts.fleet(4), unhurried=True)
    async with stack.working():
        await stack.sync()
    await stack.elevenlabs.http.delete("/_sim/counters")
    store = stack.store
    telling = Dispatcher(stack.client, stack.accounts, store, store, store)
    looks = FleetLooks(stack.accounts, store, store, store, telling, store, stack.clock)
    place = Place(after="testing/agent/agent-0001", tally={"observed": 2})
    environment = ActivityEnvironment()
    environment.info = dataclasses.replace(
        environment.info, heartbeat_details=["2 looked at", place.model_dump_json()]
    )
    tally: Counter[str] = Counter()
    progress = Progress()
    described = Environment.model_validate({"name": "testing", "source": "head"})

    async def look() -> None:
        request = SweepInput(project="acme", environment="testing", timing=stack.timing)
        await looks.look(request, policy_of(described), tally, progress)

    await environment.run(look)
    assert tally["observed"] == 4
    assert await stack.elevenlabs.count(READ) == 2
    assert Place.model_validate_json(progress.place).after == "testing/agent/agent-0003"
