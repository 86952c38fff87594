"""A second version that answers a lasting share of the calls, and everything it needs for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.workflows.rollout_worlds import AGENT, CREATE_BRANCH, DEPLOY, World, released_world

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack

pytestmark = [pytest.mark.stack, pytest.mark.slow]

X1 = "trunkline-experiment-v1"
SHARED = {"Main": 80, X1: 20}


async def _begun(world: World) -> None:
    """Version 2 on Main, version 1 beside it with a fifth of the calls."""
    await world.prepare()
    first = await world.release(1)
    await world.settled()
    second = await world.release(2)
    await world.reached("Done", 2)
    assert first.digest != second.digest
    await world.release_at(3, second.revision, experiment=(1, 20))
    await _shared(world)
    await world.reached("Done", 3)


async def _shared(world: World) -> None:
    async def there() -> bool:
        return await world.shares() == SHARED

    await world.stack.until(there)


async def test_it_answers_its_share_until_git_no_longer_names_it(
    make_stack: MakeStack, texts: Texts
) -> None:
    world = await released_world(make_stack, texts, unhurried=True)
    async with world.stack.working():
        await _begun(world)
        assert await world.greeting() == "This is version 2."
        assert await world.greeting(X1) == "This is version 1."
        await world.settled()
        await world.stack.elevenlabs.http.delete("/_sim/counters")
        await world.release_at(4, world.specs[3].revision, experiment=(1, 20))
        await world.reached("Done", 4)
        assert set((await world.writes()).values()) == {0}, "nothing of it has changed"
        await world.release_at(5, world.specs[3].revision)
        await world.reached("Done", 5)
        assert await world.shares() == {"Main": 100}
        assert list(await world.branches()) == ["Main"]


async def test_a_release_is_rolled_out_beside_it(make_stack: MakeStack, texts: Texts) -> None:
    world = await released_world(make_stack, texts, unhurried=True)
    async with world.stack.working():
        await _begun(world)
        await world.release(4, steps=(10,), experiment=(1, 20))
        await world.reached("Done", 4)
        assert (await world.splits())[-2:] == [
            {"Main": 70, "trunkline-release-v4": 10, X1: 20},
            SHARED,
        ]
        assert await world.greeting() == "This is version 4."
        assert await world.greeting(X1) == "This is version 1."


async def test_a_changed_split_is_drift_that_is_healed(make_stack: MakeStack, texts: Texts) -> None:
    world = await released_world(make_stack, texts, unhurried=True)
    async with world.stack.working():
        await _begun(world)
        await world.split(Main=95, trunkline_experiment_v1=5)
        await world.stack.sweep()
        await _shared(world)
        await world.heard("RolloutDrifted")
        edit: dict[str, Any] = {"conversation_config": {"agent": {"first_message": "Hm?"}}}
        await world.edit(edit, branch=X1)
        await world.stack.sweep()

        async def healed() -> bool:
            return await world.greeting(X1) == "This is version 1."

        await world.stack.until(healed)


async def test_where_drift_is_only_reported_so_is_a_changed_split(
    make_stack: MakeStack, texts: Texts
) -> None:
    world = await released_world(make_stack, texts, drift="report", unhurried=True)
    async with world.stack.working():
        await _begun(world)
        await world.split(Main=95, trunkline_experiment_v1=5)
        await world.stack.sweep()
        row = await world.stack.settled(AGENT, lambda r: r.sync == "OutOfSync")
        assert row.message == f"changed outside of Git: Main, {X1}"
        assert (await world.shares())[X1] == 5
        await world.tell("sync")
        await _shared(world)


async def test_its_tools_and_documents_are_made_before_its_branch(
    make_stack: MakeStack, texts: Texts
) -> None:
    world = await released_world(make_stack, texts, unhurried=True)
    whole = texts.whole()
    old = {path: whole[path] for path in ("tools/book-slot.yaml", "knowledge/opening-hours.yaml")}
    agent = {f"agents/{AGENT}.yaml": texts.agent(AGENT, whole=True)}
    async with world.stack.working():
        await world.prepare()
        await world.release(1, files={**old, **agent})
        await world.settled()
        bare = f"agents/{AGENT}.yaml"
        await world.release(2, files={bare: texts.agent(AGENT, greeting="Bare.")})
        await world.reached("Done", 2)
        changed = old["tools/book-slot.yaml"].replace("Books an", "Reserves an")
        never = world.stack.push({"tools/book-slot.yaml": changed, **agent})
        await world.release_at(3, never, tell=False)
        back = world.specs[2]
        await world.stack.elevenlabs.http.delete("/_sim/counters")
        await world.release_at(4, back.revision, experiment=(3, 20))
        await world.reached("Done", 4)
        assert await world.stack.elevenlabs.count("POST /v1/convai/tools") == 1
        assert (await world.shares())["trunkline-experiment-v3"] == 20
        assert await world.stack.elevenlabs.count(CREATE_BRANCH) == 1
        assert await world.stack.elevenlabs.count(DEPLOY) == 1
        assert await world.greeting() == "Bare."
