"""What a manifest wants taken over becomes ours once, as it is, or says why it cannot."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from activities.types import RefreshRequest
from trunkline.model.conditions import find
from trunkline.model.interventions import Intervention

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow]

AGENTS = "/v1/convai/agents"
PROMPT = "You answer the telephone of a small shop."


async def made_by_others(stack: Stack, **changes: Any) -> str:
    """An agent somebody made that is as the manifest ``front-desk`` says, but for ``changes``."""
    body = {
        "name": "Front desk",
        "tags": ["customer"],
        "conversation_config": {
            "agent": {"first_message": "Hello", "prompt": {"prompt": PROMPT}},
            "tts": {"stability": 0.6, "speed": 1.0},
        },
        **changes,
    }
    answer = await stack.elevenlabs.http.post(f"{AGENTS}/create", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["agent_id"])


def adopting(texts: Texts, external_id: str, name: str = "front-desk") -> str:
    """The manifest that wants it taken over."""
    metadata = f"metadata: {{ name: {name}, adopt: {{ testing: {external_id} }} }}"
    return texts.agent("front-desk").replace("metadata: { name: front-desk }", metadata)


async def permit(stack: Stack, external_id: str, *, allow_changes: bool) -> None:
    """A person's word that it may be taken over."""
    await stack.store.put_intervention(
        Intervention(
            project=stack.project,
            environment="testing",
            kind="agent",
            name="front-desk",
            verb="adopt",
            reason="",
            by="operator@example.com",
            at=datetime.now(UTC),
            details={"externalId": external_id, "allowChanges": allow_changes},
        )
    )


async def writes(stack: Stack) -> list[str]:
    """Routes that were written to since the counters were emptied."""
    counters = (await stack.elevenlabs.http.get("/_sim/counters")).json()["requests"]
    return sorted(route for route in counters if not route.startswith("GET"))


async def with_agent_of_others(
    make_stack: MakeStack, texts: Texts, *, mode: str = "enforce", **changes: Any
) -> tuple[Stack, str]:
    """An installation whose repository wants an agent of the account taken over."""
    stack = await make_stack({"trunkline.yaml": texts.project(mode=mode)}, unhurried=True)
    external_id = await made_by_others(stack, **changes)
    stack.push({"agents/front-desk.yaml": adopting(texts, external_id)})
    await stack.elevenlabs.http.delete("/_sim/counters")
    return stack, external_id


async def test_only_marks_are_written_and_what_others_said_stays(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack, external_id = await with_agent_of_others(make_stack, texts)
    async with stack.working():
        assert (await stack.sync()).state == "Succeeded"
        assert await writes(stack) == ["PATCH /v1/convai/agents/{agent_id}"]
        body = await stack.elevenlabs.agent(external_id)
        assert "customer" in body["tags"]
        assert "trunkline:acme/testing/front-desk" in body["tags"]
        row = await stack.status("front-desk")
        assert row is not None
        assert (row.external_id, row.sync) == (external_id, "Synced")
        stack.push({"agents/front-desk.yaml": texts.agent("front-desk")}, "The key may go")
        await stack.elevenlabs.http.delete("/_sim/counters")
        assert (await stack.sync()).state == "Succeeded"
        assert (await stack.sync(hard=True)).state == "Succeeded"
        assert await writes(stack) == []


async def test_an_agent_that_differs_waits_for_a_word_and_is_then_as_git_says(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack, external_id = await with_agent_of_others(
        make_stack,
        texts,
        conversation_config={"agent": {"first_message": "Hi", "prompt": {"prompt": PROMPT}}},
    )
    async with stack.working():
        held = await stack.sync()
        assert held.state != "Succeeded"
        row = await stack.status("front-desk")
        assert row is not None
        assert "first_message" in row.message
        assert "trunkline adopt front-desk --environment testing --allow-changes" in row.message
        assert await writes(stack) == []
        await permit(stack, external_id, allow_changes=True)
        await stack.refresh(RefreshRequest(environment="testing", names=("front-desk",)))
        await stack.settled("front-desk", lambda row: row.sync == "Synced")
        body = await stack.elevenlabs.agent(external_id)
        assert body["conversation_config"]["agent"]["first_message"] == "Hello"
        assert len(await stack.elevenlabs.agents()) == 1
        entry = await stack.store.entry("acme", "testing", "agent", "front-desk")
        assert entry is not None
        assert entry.defaults["conversation_config.agent.first_message"] == "Hi"


async def test_an_environment_that_only_observes_takes_over_what_a_person_names(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack, external_id = await with_agent_of_others(make_stack, texts, mode="observe")
    async with stack.working():
        await stack.sync()
        assert await writes(stack) == []
        await permit(stack, external_id, allow_changes=False)
        await stack.refresh(RefreshRequest(environment="testing", names=("front-desk",)))
        await stack.settled("front-desk", lambda row: row.external_id == external_id)
        assert await writes(stack) == ["PATCH /v1/convai/agents/{agent_id}"]


async def test_an_agent_whose_manifest_names_none_is_the_one_a_person_says(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack, external_id = await with_agent_of_others(make_stack, texts, mode="observe")
    stack.push({"agents/front-desk.yaml": texts.agent("front-desk")})
    async with stack.working():
        await stack.sync()
        await permit(stack, external_id, allow_changes=False)
        await stack.refresh(RefreshRequest(environment="testing", names=("front-desk",)))
        await stack.settled("front-desk", lambda row: row.external_id == external_id)
        assert len(await stack.elevenlabs.agents()) == 1


@pytest.mark.parametrize("why", ["gone", "taken"])
async def test_what_is_gone_or_somebody_elses_is_a_conflict_and_nothing_is_made(
    make_stack: MakeStack, texts: Texts, why: str
) -> None:
    tags = ["trunkline:other/production/front-desk"] if why == "taken" else []
    stack, external_id = await with_agent_of_others(make_stack, texts, tags=tags)
    if why == "gone":
        await stack.elevenlabs.http.delete(f"{AGENTS}/{external_id}")
        await stack.elevenlabs.http.delete("/_sim/counters")
    async with stack.working():
        operation = await stack.sync()
        assert operation.state == "Failed"
        row = await stack.status("front-desk")
        assert row is not None
        stalled = find(row.conditions, "Stalled")
        assert stalled is not None
        assert stalled.reason == "AdoptionConflict"
        assert external_id in stalled.message
        assert await writes(stack) == []


async def test_a_lost_answer_to_taking_over_converges(make_stack: MakeStack, texts: Texts) -> None:
    stack, external_id = await with_agent_of_others(make_stack, texts)
    await stack.elevenlabs.faults(
        {"kind": "drop-after", "method": "PATCH", "route": "/v1/convai/agents/{agent_id}"}
    )
    async with stack.working():
        assert (await stack.sync()).state == "Succeeded"
        row = await stack.status("front-desk")
        assert row is not None
        assert (row.external_id, row.sync) == (external_id, "Synced")
        assert len(await stack.elevenlabs.agents()) == 1


async def test_two_projects_cannot_both_take_over_one_agent(
    make_stack: MakeStack, texts: Texts
) -> None:
    stack, external_id = await with_agent_of_others(make_stack, texts)
    manifest = adopting(texts, external_id)
    other = await stack.neighbour(
        "zenith", {"trunkline.yaml": texts.project(), "agents/front-desk.yaml": manifest}
    )
    async with stack.working():
        assert (await stack.sync()).state == "Succeeded"
        assert (await other.sync()).state == "Failed"
        row = await other.status("front-desk")
        assert row is not None
        assert "acme/testing/front-desk" in row.message
        assert len(await stack.elevenlabs.agents()) == 1
