"""What somebody does by hand to an agent whose release is on its way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.workflows.rollout_worlds import AGENT, World, released_world
from trunkline.model.conditions import find

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack

pytestmark = [pytest.mark.stack, pytest.mark.slow]

V2 = "trunkline-release-v2"


def _says(text: str) -> dict[str, Any]:
    return {"conversation_config": {"agent": {"first_message": text}}}


async def _at_ten(world: World) -> None:
    await world.prepare()
    await world.verify()
    await world.release(1)
    await world.settled()
    await world.release(2, steps=(10, 50))
    await world.at_step(0)


async def test_an_edited_branch_stops_at_its_share_until_somebody_asks_for_it(
    make_stack: MakeStack, texts: Texts
) -> None:
    world = await released_world(make_stack, texts, unhurried=True)
    async with world.stack.working():
        await _at_ten(world)
        await world.edit(_says("Buy now!"), branch=V2)
        await world.check(2, 0)
        row = await world.stack.settled(AGENT, lambda r: find(r.conditions, "Stalled") is not None)
        stalled = find(row.conditions, "Stalled")
        assert stalled is not None
        assert stalled.reason == "RolloutEdited"
        assert V2 in stalled.message
        assert await world.shares() == {"Main": 90, V2: 10}
        assert await world.greeting(V2) == "Buy now!"
        await world.tell("sync")
        await world.at_step(1)
        assert await world.greeting(V2) == "This is version 2."
        assert V2 in await world.heard("RolloutDrifted")
        assert len(await world.stack.events("RolloutDrifted", AGENT)) == 1


async def test_shares_somebody_changed_go_back_to_the_step(
    make_stack: MakeStack, texts: Texts
) -> None:
    world = await released_world(make_stack, texts, unhurried=True)
    async with world.stack.working():
        await _at_ten(world)
        await world.split(Main=20, trunkline_release_v2=80)
        report = await world.stack.sweep()
        assert (report.observed, report.drifted) == (1, 0)

        async def back() -> bool:
            return await world.shares() == {"Main": 90, V2: 10}

        await world.stack.until(back)
        await world.heard("RolloutDrifted")


async def test_an_edited_main_is_overwritten_at_the_end(
    make_stack: MakeStack, texts: Texts
) -> None:
    world = await released_world(make_stack, texts, unhurried=True)
    async with world.stack.working():
        await _at_ten(world)
        await world.edit({"conversation_config": {"tts": {"speed": 1.1}}})
        await world.stack.sweep()
        await world.check(2, 0)
        await world.at_step(1)
        body = await world.stack.elevenlabs.agent(await world.agent_id())
        assert body["conversation_config"]["tts"]["speed"] == 1.1
        await world.check(2, 1)
        await world.reached("Done", 2)
        body = await world.stack.elevenlabs.agent(await world.agent_id())
        assert body["conversation_config"]["tts"]["speed"] == 1.0
        assert await world.stack.events("Drifted", AGENT)


async def test_a_branch_of_somebody_else_keeps_its_calls(
    make_stack: MakeStack, texts: Texts
) -> None:
    world = await released_world(make_stack, texts, unhurried=True)
    async with world.stack.working():
        await _at_ten(world)
        await world.branch_by_hand("summer")
        await world.split(Main=60, summer=30, trunkline_release_v2=10)
        await world.check(2, 0)
        row = await world.stack.settled(AGENT, lambda r: "summer (30 %)" in r.message)
        stalled = find(row.conditions, "Stalled")
        assert stalled is not None
        assert stalled.reason == "TrafficShared"
        await world.abort(2, "smoke tests failed")
        await world.reached("Aborted", 2)
        assert await world.shares() == {"Main": 70, "summer": 30}


async def test_a_sweep_takes_no_release_on_its_way_for_drift(
    make_stack: MakeStack, texts: Texts
) -> None:
    world = await released_world(make_stack, texts, drift="report", unhurried=True)
    async with world.stack.working():
        await _at_ten(world)
        report = await world.stack.sweep()
        assert (report.observed, report.drifted) == (1, 0)
        await world.told()
        row = await world.stack.status(AGENT)
        assert row is not None
        assert find(row.conditions, "Drifted") is None
        assert await world.shares() == {"Main": 90, V2: 10}
