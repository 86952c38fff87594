"""An abort brings every call back to Main at once, wherever the release is on its way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.workflows.rollout_worlds import AGENT, DEPLOY, PATCH_BRANCH, World, released_world
from trunkline.model.conditions import find

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack

pytestmark = [pytest.mark.stack, pytest.mark.slow]

V2 = "trunkline-release-v2"


async def _on_its_way(world: World, step: int) -> None:
    await world.prepare()
    await world.verify()
    await world.release(1)
    await world.settled()
    await world.release(2, steps=(10, 50))
    await world.at_step(0)
    if step:
        await world.check(2, 0)
        await world.at_step(step)


@pytest.mark.parametrize("step", [0, 1])
async def test_calls_come_back_and_the_release_waits_for_a_newer_one(
    make_stack: MakeStack, texts: Texts, step: int
) -> None:
    world = await released_world(make_stack, texts, unhurried=True)
    async with world.stack.working():
        await _on_its_way(world, step)
        await world.stack.elevenlabs.http.delete("/_sim/counters")
        await world.abort(2, "smoke tests failed")
        await world.reached("Aborted", 2)
        assert await world.shares() == {"Main": 100}
        assert list(await world.branches()) == ["Main"]
        assert await world.greeting() == "This is version 1."
        counted = await world.writes()
        assert (counted[DEPLOY], counted[PATCH_BRANCH]) == (1, 1)
        row = await world.stack.settled(AGENT, lambda r: "smoke tests failed" in r.message)
        ready = find(row.conditions, "Ready")
        assert ready is not None
        assert (ready.reason, row.version) == ("RolloutAborted", 1)
        (event,) = await world.stack.events("RolloutAborted", AGENT)
        assert event.message.endswith("smoke tests failed")
        await world.release(3, restores=1)
        await world.settled()
        assert await world.greeting() == "This is version 1."


async def test_an_abort_before_the_first_share_writes_nothing(
    make_stack: MakeStack, texts: Texts
) -> None:
    world = await released_world(make_stack, texts, unhurried=True)
    async with world.stack.working():
        await world.prepare()
        await world.release(1)
        await world.settled()
        await world.stack.store.abort_rollout("acme", "testing", AGENT, 2, "changed our minds")
        await world.stack.elevenlabs.http.delete("/_sim/counters")
        await world.release(2, steps=(10,))
        await world.reached("Aborted", 2)
        assert set((await world.writes()).values()) == {0}


async def test_an_aborted_version_is_not_begun_again_when_its_row_is_lost(
    make_stack: MakeStack, texts: Texts, postgres_url: str
) -> None:
    world = await released_world(make_stack, texts, unhurried=True)
    async with world.stack.working():
        await _on_its_way(world, 0)
        await world.abort(2, "smoke tests failed")
        await world.reached("Aborted", 2)
        await world.lose_row(postgres_url)
        await world.stack.elevenlabs.http.delete("/_sim/counters")
        await world.tell("sync")
        await world.reached("Aborted", 2)
        assert set((await world.writes()).values()) == {0}


async def test_a_closed_window_holds_a_share_and_lets_calls_come_back(
    make_stack: MakeStack, texts: Texts
) -> None:
    opened, closed = datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(hours=3)
    windows = f'      windows: [ {{ allow: "Mon-Sun {opened:%H}:00-{closed:%H}:00" }} ]\n'
    world = await released_world(make_stack, texts, windows=windows, unhurried=True)
    async with world.stack.working():
        await _on_its_way(world, 0)
        world.clock.ahead = timedelta(hours=6)
        await world.check(2, 0)
        await world.stack.settled(AGENT, lambda r: "outside of the environment's" in r.message)
        assert await world.shares() == {"Main": 90, V2: 10}
        await world.abort(2, "smoke tests failed")
        await world.reached("Aborted", 2)
        assert await world.shares() == {"Main": 100}


async def test_a_suspended_agent_is_not_written_and_goes_on_when_it_is_resumed(
    make_stack: MakeStack, texts: Texts
) -> None:
    world = await released_world(make_stack, texts, unhurried=True)
    async with world.stack.working():
        await _on_its_way(world, 0)
        await world.say("suspend")
        await world.check(2, 0)
        await world.stack.settled(AGENT, lambda r: "was suspended by ada" in r.message)
        assert await world.shares() == {"Main": 90, V2: 10}
        await world.unsay("suspend")
        await world.at_step(1)
        assert await world.shares() == {"Main": 50, V2: 50}


async def test_a_disabled_agent_stays_at_its_share_and_begins_it_anew_when_enabled(
    make_stack: MakeStack, texts: Texts
) -> None:
    world = await released_world(make_stack, texts, unhurried=True)
    async with world.stack.working():
        await _on_its_way(world, 0)
        await world.say("disable")
        await world.check(2, 0)
        await world.stack.settled(AGENT, lambda r: "no more until that is over" in r.message)
        assert await world.shares() == {"Main": 90, V2: 10}
        await world.unsay("disable")
        await world.at_step(1)
