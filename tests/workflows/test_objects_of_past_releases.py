"""Tools of an environment's last releases stay, so that going back makes nothing; older ones go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from activities.names import PRUNE_SIGNAL, PRUNE_WORKFLOW, WORKFLOW_QUEUE
from activities.types import PruneInput, PruneWake
from tests.workflows.released_worlds import PRODUCTION, Releasing, look, runs
from trunkline.model.ids import prune_workflow_id
from trunkline.model.interventions import Intervention
from trunkline.model.limits import RELEASES_KEPT

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow]

FRONT, NIGHT = "front-desk", "night-desk"
PRUNE = "      prune: { enabled: true, delay: 0s, maxCount: 5 }\n"
MADE = "POST /v1/convai/tools"


def _files(texts: Texts, agent: str, version: int) -> dict[str, str]:
    """The agent with a tool that only this version has."""
    text = texts.whole()["tools/book-slot.yaml"].replace("slot for", f"slot ({version}) for")
    return {
        f"tools/{agent}-tool.yaml": text.replace("name: book-slot", f"name: {agent}-tool"),
        f"agents/{agent}.yaml": texts.agent(agent, extra=f"  tools: [ {agent}-tool ]\n"),
    }


async def _released(
    stack: Stack, releasing: Releasing, agent: str, version: int, revision: str
) -> None:
    """Release a commit, and wait until it runs."""
    await releasing.release(stack, agent, version, revision)
    await look(stack)
    await runs(stack, agent, version)


async def _there(stack: Stack) -> set[str]:
    """Ids of production's tools that the platform still has."""
    voice = await stack.accounts.voice(stack.project, PRODUCTION)
    claims = await stack.store.claims(voice.account, stack.project, PRODUCTION)
    listed = (await stack.elevenlabs.http.get("/v1/convai/tools")).json()["tools"]
    known = {one["id"] for one in listed}
    return {str(one.external_id) for one in claims if one.kind == "tool"} & known


async def _look_for_leftovers(stack: Stack) -> None:
    """Let the workflow of deletions look, until it has nothing to wait for."""
    await stack.client.execute_workflow(
        PRUNE_WORKFLOW,
        PruneInput(project=stack.project, environment=PRODUCTION, timing=stack.timing),
        id=prune_workflow_id(stack.project, PRODUCTION),
        task_queue=WORKFLOW_QUEUE,
        start_signal=PRUNE_SIGNAL,
        start_signal_args=[PruneWake()],
    )


async def _pause(stack: Stack) -> None:
    """Somebody stops deletions in production."""
    await stack.store.put_intervention(
        Intervention(
            project=stack.project,
            environment=PRODUCTION,
            verb="prune-paused",
            reason="we look first",
            by="ada@example.com",
            at=stack.clock.now(),
        )
    )


async def _lose_releases(postgres_url: str) -> None:
    """Lose what is known of releases: the index, and what the looks at Git made of them."""
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as database:
        await database.execute("TRUNCATE releases, release_standings")


async def test_tools_of_the_last_releases_stay_and_going_back_makes_nothing(
    make_stack: MakeStack, texts: Texts, postgres_url: str
) -> None:
    releasing = Releasing(more=PRUNE)
    files = {**_files(texts, FRONT, 1), **_files(texts, NIGHT, 1)}
    stack = await make_stack({"trunkline.yaml": releasing.project(texts)}, unhurried=True)
    async with stack.working():
        commits = {1: stack.push(files)}
        await look(stack)
        await _pause(stack)
        await _released(stack, releasing, NIGHT, 1, commits[1])
        (other,) = await _there(stack)
        mine: list[str] = []
        for version in range(1, 8):
            if version > 1:
                commits[version] = stack.push(_files(texts, FRONT, version))
            await _released(stack, releasing, FRONT, version, commits[version])
            mine += sorted(await _there(stack) - {other, *mine})
        assert len(mine) == 7
        await _look_for_leftovers(stack)
        assert await _there(stack) == {other, *mine}

        await _lose_releases(postgres_url)
        await stack.store.lift_intervention(stack.project, PRODUCTION, "", "", "prune-paused")
        await _look_for_leftovers(stack)
        assert await _there(stack) == {other, *mine}
        row = await stack.store.status(stack.project, PRODUCTION, "environment", PRODUCTION)
        assert row is not None
        assert "was not looked at" in row.message

        await look(stack)
        kept = {other, *mine[-RELEASES_KEPT:]}

        async def gone() -> bool:
            return await _there(stack) == kept

        await stack.until(gone)
        await stack.elevenlabs.http.delete("/_sim/counters")
        await _released(stack, releasing, FRONT, 8, commits[3])
        assert await stack.elevenlabs.count(MADE) == 0
        row = await runs(stack, FRONT, 8)
        body = await stack.elevenlabs.agent(str(row.external_id))
        assert body["conversation_config"]["agent"]["prompt"]["tool_ids"] == [mine[2]]
        await _look_for_leftovers(stack)
        assert await _there(stack) == kept
