"""Drift that is to be adopted becomes one pull request, which is kept as the drift is."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.workflows.merging_forges import MergingForge
from trunkline.model.conditions import find
from trunkline.model.ids import adoption_request_branch, adoption_workflow_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack
    from trunkline.model.forges import PullRequest

pytestmark = pytest.mark.slow
AGENT = "agents/front-desk.yaml"
BRANCH = adoption_request_branch("testing", "front-desk")


async def _adopting(make_stack: MakeStack, texts: Texts) -> tuple[Stack, MergingForge]:
    stack = await make_stack(
        {"trunkline.yaml": texts.project(drift="adopt"), AGENT: texts.agent("front-desk")},
        unhurried=True,
    )
    forge = MergingForge(stack.repository)
    return replace(stack, forges=forge), forge


async def _edit(stack: Stack, who: str = "Ada", **values: float) -> str:
    """Somebody moves sliders on the platform, and it is looked at."""
    row = await stack.status("front-desk")
    assert row is not None
    changes: dict[str, Any] = {"conversation_config": {"tts": values}}
    edit = {"agent_id": row.external_id, "body": changes, "name": who}
    await stack.elevenlabs.control("edit", edit)
    await stack.sweep()
    return str(row.external_id)


async def _pull(
    stack: Stack, forge: MergingForge, wanted: Callable[[PullRequest], bool]
) -> PullRequest:
    async def look() -> PullRequest | None:
        return next((pull for pull in forge.open_now() if wanted(pull)), None)

    found: PullRequest = await stack.until(look)
    return found


async def test_it_is_proposed_brought_up_to_date_and_merged_without_a_write(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack, forge = await _adopting(make_stack, texts)
    async with stack.working():
        await stack.sync()
        await _edit(stack, speed=1.15)
        first = await _pull(stack, forge, lambda pull: "1.15" in pull.body)
        assert first.title == "Adopt what was changed of front-desk in testing"
        assert "| conversation_config.tts.speed | 1.0 | 1.15 | Ada" in first.body
        assert "speed: 1.15" in forge.git("show", f"{BRANCH}:{AGENT}")

        external_id = await _edit(stack, "Eve", stability=0.9)
        both = await _pull(stack, forge, lambda pull: "0.9" in pull.body)
        assert both.number == first.number
        assert len(forge.pulls) == 1
        text = forge.git("show", f"{BRANCH}:{AGENT}")
        assert "speed: 1.15" in text
        assert "stability: 0.9" in text

        before = await stack.elevenlabs.agent(external_id)
        await asyncio.to_thread(forge.merge, both.number, "squash")
        assert (await stack.sync()).state == "Succeeded"
        row = await stack.settled("front-desk", lambda r: find(r.conditions, "Drifted") is None)
        assert row.sync == "Synced"
        after = await stack.elevenlabs.agent(external_id)
        assert after["version_id"] == before["version_id"]
        (told, *_) = await stack.events("AdoptionProposed", "front-desk")
        assert first.url in told.message


async def test_it_is_closed_once_the_drift_is_gone(make_stack: MakeStack, texts: Texts) -> None:
    stack, forge = await _adopting(make_stack, texts)
    async with stack.working():
        await stack.sync()
        await _edit(stack, speed=1.15)
        pull = await _pull(stack, forge, lambda pull: "1.15" in pull.body)
        await _edit(stack, speed=1.0)

        async def closed() -> bool:
            return forge.pulls[pull.number].state == "closed" and not forge.head(BRANCH)

        await stack.until(closed)
        place = adoption_workflow_id(stack.project, "testing", "front-desk")
        handle = stack.client.get_workflow_handle(place)
        await handle.result()
        await stack.record(handle, "adoptions", "withdrawn")


async def test_one_that_was_turned_down_is_not_proposed_again_before_it_changes(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack, forge = await _adopting(make_stack, texts)
    async with stack.working():
        await stack.sync()
        await _edit(stack, speed=1.15)
        pull = await _pull(stack, forge, lambda pull: "1.15" in pull.body)
        forge.close(pull.number, by="ben")
        stack.push({"notes.md": "A note\n"})
        await stack.sync()
        await _edit(stack, speed=1.1)
        other = await _pull(stack, forge, lambda pull: "1.1 |" in pull.body)
        assert (other.number, len(forge.pulls)) == (pull.number + 1, 2)


async def test_a_forge_that_is_down_is_not_the_agents_failure(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack, forge = await _adopting(make_stack, texts)
    async with stack.working():
        await stack.sync()
        forge.is_down = True
        external_id = await _edit(stack, speed=1.15)
        row = await stack.settled("front-desk", lambda r: find(r.conditions, "Drifted") is not None)
        assert (row.sync, row.health) == ("OutOfSync", "Healthy")
        assert find(row.conditions, "Stalled") is None
        body = await stack.elevenlabs.agent(external_id)
        assert body["conversation_config"]["tts"]["speed"] == 1.15
        forge.is_down = False
        await _edit(stack, speed=1.2)
        await _pull(stack, forge, lambda pull: "1.2" in pull.body)


async def test_without_a_forge_an_event_says_why_and_what_to_do(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack, _ = await _adopting(make_stack, texts)
    stack = replace(stack, forges=None)
    async with stack.working():
        await stack.sync()
        await _edit(stack, speed=1.15)

        async def told() -> list[Any]:
            return await stack.events("AdoptionNotProposed", "front-desk")

        async def some() -> bool:
            return bool(await told())

        await stack.until(some)
        (event,) = await told()
        assert "speaks to no forge" in event.message
        assert "trunkline drift front-desk -e testing -o patch" in event.message
