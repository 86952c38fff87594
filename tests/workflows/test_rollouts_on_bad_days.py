"""Lost answers, killed workers and lost rows while a release is on its way: no write is repeated
that arrived, and it ends as if nothing had happened.
"""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.workflows.own_processes import process
from tests.workflows.rollout_worlds import (
    CREATE_BRANCH,
    DEPLOY,
    PATCH_AGENT,
    PATCH_BRANCH,
    World,
    released_world,
)

if TYPE_CHECKING:
    from tests.conftest import TemporalServer, Texts
    from tests.workflows.conftest import MakeStack

pytestmark = [pytest.mark.stack, pytest.mark.slow]

ONE_WAY = {CREATE_BRANCH: 1, DEPLOY: 3, PATCH_AGENT: 1, PATCH_BRANCH: 1}
MOMENTS = (
    (CREATE_BRANCH, 1),
    (DEPLOY, 1),
    (DEPLOY, 2),
    (PATCH_AGENT, 1),
    (DEPLOY, 3),
    (PATCH_BRANCH, 1),
)
"""Every write of a release with two steps, by its route and which of them it is."""
SOME = (MOMENTS[0], MOMENTS[2], MOMENTS[3])
FOUND_DEAD = {
    "request_timeout_s": 5.0,
    "observe_timeout_s": 20.0,
    "apply_timeout_s": 20.0,
    "heartbeat_timeout_s": 5.0,
}
"""A worker that pauses is alive, and one that was killed is soon known to be dead."""


def _way(version: int) -> list[dict[str, float]]:
    branch = f"trunkline-release-v{version}"
    return [{"Main": 90, branch: 10}, {"Main": 50, branch: 50}, {"Main": 100}]


async def _is_whole(world: World, version: int) -> None:
    """The release is where all calls are, it came there step by step, and nothing is left over."""
    await world.reached("Done", version)
    await world.settled()
    assert (await world.splits())[-3:] == _way(version)
    assert list(await world.branches()) == ["Main"]
    assert await world.greeting() == f"This is version {version}."


@pytest.mark.parametrize(("kind", "moments"), [("drop-after", MOMENTS), ("drop-before", SOME)])
async def test_no_answer_of_any_write_matters(
    make_stack: MakeStack, texts: Texts, kind: str, moments: tuple[tuple[str, int], ...]
) -> None:
    world = await released_world(make_stack, texts, unhurried=True)
    async with world.stack.working():
        await world.prepare()
        await world.release(1)
        await world.settled()
        for version, (route, nth) in enumerate(moments, start=2):
            await world.stack.elevenlabs.http.delete("/_sim/counters")
            method, path = route.split()
            fault: dict[str, Any] = {"kind": kind, "method": method, "route": path, "nth": nth}
            await world.stack.elevenlabs.faults(fault)
            await world.release(version, steps=(10, 50))
            await _is_whole(world, version)
            made = await world.writes()
            again = 0 if kind == "drop-after" else 1
            assert made == {**ONE_WAY, route: ONE_WAY[route] + again}, f"{route} {nth}"
            await world.stack.elevenlabs.healthy()


async def test_a_worker_killed_at_any_write_is_replaced_by_another(
    make_stack: MakeStack, texts: Texts, postgres_url: str, own_temporal: TemporalServer
) -> None:
    world = await released_world(make_stack, texts, temporal=own_temporal)
    stack = world.stack
    stack.timing = stack.timing.model_copy(update=FOUND_DEAD)
    await stack.elevenlabs.control("latency", {"ms": 40})
    async with stack.working():
        await world.prepare()
        await world.release(1)
        await world.settled()
    version = 2
    for route, nth in SOME:
        await stack.elevenlabs.http.delete("/_sim/counters")
        with process(stack, postgres_url, "worker") as first:
            await world.release(version, steps=(10, 50))

            async def arrived(route: str = route, nth: int = nth) -> bool:
                return await stack.elevenlabs.count(route) >= nth

            await stack.until(arrived, timeout_s=60)
            first.send_signal(signal.SIGKILL)
            await asyncio.to_thread(first.wait)
        async with stack.working():
            await _is_whole(world, version)
        assert (await world.writes())[CREATE_BRANCH] == 1
        assert len(await world.splits()) == 1 + 3 * (version - 1)
        version += 1


async def test_a_lost_row_costs_time_and_nothing_else(
    make_stack: MakeStack, texts: Texts, postgres_url: str
) -> None:
    world = await released_world(make_stack, texts, unhurried=True)
    async with world.stack.working():
        await world.prepare()
        await world.verify()
        await world.release(1)
        await world.settled()
        await world.release(2, steps=(10, 50))
        await world.at_step(0)
        await world.check(2, 0)
        await world.at_step(1)
        await world.lose_row(postgres_url)
        await world.tell("sync")
        row = await world.at_step(1)
        assert (row.checked_step, row.percent) == (-1, 50)
        assert await world.greeting() == "This is version 1."
        await world.check(2, 1)
        await _is_whole(world, 2)
