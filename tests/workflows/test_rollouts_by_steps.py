"""A release gets its calls in steps: on a branch first, each share held, then Main, then tidied."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.workflows.rollout_worlds import (
    AGENT,
    CREATE_BRANCH,
    DEPLOY,
    PATCH_AGENT,
    PATCH_BRANCH,
    released_world,
)

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack

pytestmark = [pytest.mark.stack, pytest.mark.slow]

V2 = "trunkline-release-v2"


async def test_steps_come_in_order_with_one_write_each(make_stack: MakeStack, texts: Texts) -> None:
    world = await released_world(make_stack, texts, unhurried=True)
    async with world.stack.working():
        await world.prepare()
        await world.release(1)
        await world.settled()
        await world.stack.elevenlabs.http.delete("/_sim/counters")
        await world.release(2, steps=(10, 50))
        await world.reached("Done", 2)
        await world.settled()
        assert await world.splits() == [
            {"Main": 100},
            {"Main": 90, V2: 10},
            {"Main": 50, V2: 50},
            {"Main": 100},
        ]
        assert await world.writes() == {
            CREATE_BRANCH: 1,
            DEPLOY: 3,
            PATCH_AGENT: 1,
            PATCH_BRANCH: 1,
        }
        assert await world.greeting() == "This is version 2."
        assert list(await world.branches()) == ["Main"]
        told = [event.message for event in reversed(await world.stack.events("RolloutStep", AGENT))]
        assert told == ["v2 answers 10 % of the calls", "v2 answers 50 % of the calls"]
        assert len(await world.stack.events("RolloutDone", AGENT)) == 1


async def test_a_held_share_is_said_with_the_moment_it_ends(
    make_stack: MakeStack, texts: Texts
) -> None:
    world = await released_world(make_stack, texts, unhurried=True)
    async with world.stack.working():
        await world.prepare()
        await world.release(1)
        await world.settled()
        await world.release(2, steps=(10, 50), every_s=3600)
        row = await world.stack.settled(AGENT, lambda r: "next 50 % at" in r.message)
        assert (row.sync, row.health, row.version) == ("OutOfSync", "Progressing", 1)
        reasons = {condition.type: condition.reason for condition in row.conditions}
        assert reasons == {"Ready": "RollingOut", "Reconciling": "RollingOut"}
        assert row.message.startswith("v2 at 10 %, next 50 % at ")
        before = row.changed_at
        await world.tell("sync")
        await world.tell("dependency")
        await world.told()
        again = await world.stack.status(AGENT)
        assert again is not None
        assert again.changed_at == before
        operation = await world.stack.plan(AGENT)
        assert operation.plan_id is not None
        stored = await world.stack.store.plan(operation.plan_id)
        assert stored is not None
        assert any("v2 gets 10 %, 50 % of the calls" in note for note in stored.plan.notes)
        assert f"agent {AGENT}: {row.message}" in stored.plan.notes


async def test_a_share_is_left_only_after_its_tests(make_stack: MakeStack, texts: Texts) -> None:
    world = await released_world(make_stack, texts, unhurried=True)
    async with world.stack.working():
        await world.prepare()
        await world.verify()
        await world.release(1)
        await world.settled()
        await world.release(2, steps=(10, 50))
        await world.stack.settled(AGENT, lambda r: "waits for its verification" in r.message)
        assert await world.shares() == {"Main": 90, V2: 10}
        await world.check(2, 0)
        await world.at_step(1)
        assert await world.shares() == {"Main": 50, V2: 50}
        await world.check(2, 1)
        await world.reached("Done", 2)
        assert await world.shares() == {"Main": 100}


async def test_a_rollback_goes_straight_to_main(make_stack: MakeStack, texts: Texts) -> None:
    world = await released_world(make_stack, texts, unhurried=True)
    async with world.stack.working():
        await world.prepare()
        await world.release(1)
        await world.settled()
        await world.release(2, steps=(10,), every_s=3600)
        await world.at_step(0)
        await world.release(3, restores=1)
        await world.reached("Done", 3)
        assert await world.shares() == {"Main": 100}
        assert list(await world.branches()) == ["Main"]
        assert await world.greeting() == "This is version 1."
        await world.release(4, steps=(20,))
        await world.reached("Done", 4)
        await world.release(5, restores=1)
        await world.reached("Done", 5)
        assert await world.greeting() == "This is version 1."
        assert (await world.splits())[-1] == {"Main": 100}
        assert all("trunkline-release-v5" not in split for split in await world.splits())
