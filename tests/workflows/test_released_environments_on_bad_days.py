"""Force-pushes, lost stores and removed files: production stays what was verified."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.workflows.lost_stores import start_anew
from tests.workflows.released_worlds import (
    PRODUCTION,
    Releasing,
    greeting,
    in_production,
    look,
    released,
    runs,
    stalled,
    tip,
)
from trunkline.model.ids import release_path

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow]

FILE = release_path(PRODUCTION, "front-desk")
TOOL = "tools/book-slot.yaml"


async def _empty(stack: Stack, postgres_url: str) -> None:
    """Lose every row, and count what is sent from now on."""
    await start_anew(stack, postgres_url)
    await stack.elevenlabs.http.delete("/_sim/counters")


async def _creates(stack: Stack) -> list[str]:
    counters = (await stack.elevenlabs.http.get("/_sim/counters")).json()["requests"]
    return [route for route in counters if route.startswith("POST")]


def _rewind(stack: Stack, revision: str) -> None:
    subprocess.run(
        ["git", "-c", "safe.directory=*", "update-ref", "refs/heads/main", revision],
        cwd=stack.repository,
        check=True,
    )


async def test_a_tag_keeps_what_a_forced_push_drops(make_stack: MakeStack, texts: Texts) -> None:
    releasing = Releasing()
    stack = await make_stack(releasing.files(texts, "front-desk"), unhurried=True)
    async with stack.working():
        await look(stack)
        root = await tip(stack)
        stack.push({"agents/front-desk.yaml": texts.agent("front-desk", greeting="Dropped")})
        await look(stack)
        dropped = await tip(stack)
        spec = await releasing.spec(stack, "front-desk", 1, dropped)
        _rewind(stack, root)
        await releasing.push(stack, "front-desk", spec)
        await look(stack)
        row = await runs(stack, "front-desk", 1)
        assert await greeting(stack, row) == "Dropped"


async def test_an_emptied_store_is_filled_from_git_alone(
    make_stack: MakeStack, texts: Texts, postgres_url: str
) -> None:
    releasing = Releasing()
    stack = await make_stack(releasing.files(texts, "front-desk", "night-desk"), unhurried=True)
    async with stack.working():
        await look(stack)
        first = await tip(stack)
        for agent in ("front-desk", "night-desk"):
            await releasing.release(stack, agent, 1, first)
        stack.push({"agents/front-desk.yaml": texts.agent("front-desk", greeting="Hi")})
        await look(stack)
        await releasing.release(stack, "front-desk", 2, await tip(stack))
        await look(stack)
        before = await runs(stack, "front-desk", 2)
        await runs(stack, "night-desk", 1)
        stack.push({release_path(PRODUCTION, "night-desk"): "kind: ["})
        await _empty(stack, postgres_url)
        await look(stack)
        after = await runs(stack, "front-desk", 2)
        assert after.external_id == before.external_id
        spoilt = await stalled(stack, "night-desk", "ReleaseInvalid")
        assert "version 1 stays" in spoilt.message
        kept = await stack.store.wish("acme", PRODUCTION, "agent", "night-desk")
        assert kept is not None
        indexed = await stack.store.releases_of("acme", PRODUCTION, "front-desk", limit=10)
        assert [one.version for one in indexed] == [2, 1]
        assert await _creates(stack) == []


async def test_a_removed_release_undeploys_within_the_budget(
    make_stack: MakeStack, texts: Texts
) -> None:
    releasing = Releasing(more="      prune: { enabled: true, delay: 0s, maxCount: 1 }\n")
    names = ("front-desk", "night-desk")
    stack = await make_stack(releasing.files(texts, *names), unhurried=True)
    async with stack.working():
        await look(stack)
        revision = await tip(stack)
        for agent in names:
            await releasing.release(stack, agent, 1, revision)
        await look(stack)
        for agent in names:
            await runs(stack, agent, 1)
        stack.push({"agents/night-desk.yaml": None})
        await look(stack)
        gone = await runs(stack, "night-desk", 1)
        stack.push({FILE: "kind: [", release_path(PRODUCTION, "night-desk"): None})
        await look(stack)
        doubtful = await stalled(stack, "night-desk", "ReleaseInvalid")
        assert "does not count as removed" in doubtful.message
        good = await releasing.spec(stack, "front-desk", 2, revision)
        await releasing.push(stack, "front-desk", good)
        await look(stack)

        async def left() -> bool:
            row = await stack.store.status("acme", PRODUCTION, "agent", "night-desk")
            there = [agent["agent_id"] for agent in await stack.elevenlabs.agents()]
            return row is None and gone.external_id not in there and len(there) == len(names) + 1

        await stack.until(left)
        await runs(stack, "front-desk", 2)


async def test_a_shared_tool_changed_for_testing_leaves_production_as_it_is(
    make_stack: MakeStack, texts: Texts
) -> None:
    releasing = Releasing()
    files = {**texts.whole(), "trunkline.yaml": releasing.project(texts)}
    stack = await make_stack(files, unhurried=True)
    async with stack.working():
        row = await released(stack, releasing, "front-desk")
        before = await stack.elevenlabs.agent(str(row.external_id))
        stack.push({TOOL: files[TOOL].replace("Books an appointment", "Books a visit")})
        await look(stack)
        tested = await stack.settled("front-desk", lambda row: row.sync == "Synced")
        assert tested.revision == await tip(stack)
        assert await stack.elevenlabs.agent(str(row.external_id)) == before
        await stack.sync(hard=True)
        assert await stack.elevenlabs.agent(str(row.external_id)) == before
        wish = await stack.store.wish("acme", PRODUCTION, "agent", "front-desk")
        assert wish is not None
        kept = await in_production(stack, "front-desk", lambda row: row.sync == "Synced")
        assert kept.digest == wish.body["digest"]
