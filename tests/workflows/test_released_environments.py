"""What production runs is what its verified releases pin, and nothing else changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.workflows.released_worlds import (
    PRODUCTION,
    Releasing,
    greeting,
    in_production,
    look,
    manifest,
    released,
    runs,
    stalled,
    tip,
)
from trunkline.adapters.signing import Ed25519Keys, new_private_key
from trunkline.model.ids import release_path

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack
    from trunkline.model.records import StatusRow

pytestmark = [pytest.mark.stack, pytest.mark.slow]

FILE = release_path(PRODUCTION, "front-desk")
TYPO = (
    "apiVersion: trunkline/v1alpha1\nkind: Agent\nmetadata: { name: broken }\nspec: { promt: 1 }\n"
)


async def _refused(stack: Stack, words: str) -> StatusRow:
    """The status once it says so."""
    return await in_production(
        stack, "front-desk", lambda row: row.health == "Degraded" and words in row.message
    )


async def test_a_release_becomes_what_production_runs(make_stack: MakeStack, texts: Texts) -> None:
    releasing = Releasing()
    stack = await make_stack(releasing.files(texts, "front-desk"), unhurried=True)
    async with stack.working():
        row = await released(stack, releasing, "front-desk")
        assert (row.stage, row.version) == ("production", 1)
        assert row.revision != await tip(stack)
        assert await greeting(stack, row) == "Hello"
        stack.push({"agents/front-desk.yaml": texts.agent("front-desk", greeting="Hi")})
        await look(stack)
        tested = await stack.settled("front-desk", lambda row: row.sync == "Synced")
        assert await greeting(stack, tested) == "Hi"
        assert await greeting(stack, row) == "Hello"
        await released(stack, releasing, "front-desk", version=2)
        assert await greeting(stack, row) == "Hi"
        indexed = await stack.store.releases_of("acme", PRODUCTION, "front-desk", limit=10)
        assert [one.version for one in indexed] == [2, 1]
        assert all(one.commit for one in indexed)


async def test_an_agent_that_was_never_released_is_not_deployed(
    make_stack: MakeStack, texts: Texts
) -> None:
    releasing = Releasing()
    stack = await make_stack(releasing.files(texts, "front-desk"), unhurried=True)
    async with stack.working():
        await look(stack)
        assert await stack.store.status("acme", PRODUCTION, "agent", "front-desk") is None
        assert len(await stack.elevenlabs.agents()) == 1


async def test_what_does_not_count_leaves_production_as_it_is(
    make_stack: MakeStack, texts: Texts
) -> None:
    releasing = Releasing()
    stack = await make_stack(releasing.files(texts, "front-desk", "night-desk"), unhurried=True)
    async with stack.working():
        good = await released(stack, releasing, "front-desk")
        first = await tip(stack)
        stack.push({"agents/front-desk.yaml": texts.agent("front-desk", greeting="Hi")})
        await look(stack)
        newer = await tip(stack)
        forger = Releasing(keys=Ed25519Keys(new_private_key()))
        original = await releasing.spec(stack, "front-desk", 1, good.revision or "")
        other = await releasing.spec(stack, "night-desk", 2, newer)
        edited = (await releasing.spec(stack, "front-desk", 2, newer)).model_copy(
            update={"digest": original.digest}
        )
        foreign = await forger.spec(stack, "front-desk", 2, newer)
        wrong_place = releasing.signed("acme", "front-desk", 2, newer, original.digest)
        untagged = await releasing.spec(stack, "front-desk", 2, newer)
        older = await releasing.spec(stack, "front-desk", 1, first)
        await stack.elevenlabs.http.delete("/_sim/counters")
        cases = (
            (edited, "EvidenceInvalid", "digest"),
            (other, "EvidenceInvalid", "night-desk"),
            (foreign, "EvidenceInvalid", "not among"),
            (untagged, "VersionNotAllocated", "no tag"),
            (older, "VersionNotAllocated", "was allocated to"),
        )
        for spec, reason, words in cases:
            stack.push({FILE: manifest("front-desk", spec)})
            await look(stack)
            row = await _refused(stack, words)
            assert any(one.reason == reason for one in row.conditions), row
            assert row.version == 1
            assert FILE in row.message
        await releasing.push(stack, "front-desk", wrong_place)
        await look(stack)
        row = await stalled(stack, "front-desk", "EvidenceInvalid")
        assert "what was tested is not what it pins" in row.message
        assert await stack.elevenlabs.count("PATCH /v1/convai/agents/{agent_id}") == 0
        assert await greeting(stack, good) == "Hello"
        stack.push({FILE: manifest("front-desk", original)})
        await look(stack)
        await runs(stack, "front-desk", 1)


async def test_drift_is_not_healed_while_a_release_does_not_count(
    make_stack: MakeStack, texts: Texts
) -> None:
    releasing = Releasing()
    stack = await make_stack(releasing.files(texts, "front-desk"), unhurried=True)
    async with stack.working():
        row = await released(stack, releasing, "front-desk")
        stack.push({FILE: "kind: ["})
        await look(stack)
        broken = await stalled(stack, "front-desk", "ReleaseInvalid")
        assert f"{FILE}:2:1" in broken.message
        body = {"conversation_config": {"agent": {"first_message": "Foreign"}}}
        await stack.elevenlabs.http.patch(f"/v1/convai/agents/{row.external_id}", json=body)
        await stack.sync(hard=True)
        assert await greeting(stack, row) == "Foreign"


async def test_a_release_is_applied_though_the_head_is_invalid(
    make_stack: MakeStack, texts: Texts
) -> None:
    releasing = Releasing()
    stack = await make_stack(releasing.files(texts, "front-desk"), unhurried=True)
    async with stack.working():
        await released(stack, releasing, "front-desk")
        stack.push({"agents/front-desk.yaml": texts.agent("front-desk", greeting="Hi")})
        await look(stack)
        newer = await tip(stack)
        stack.push({"agents/broken.yaml": TYPO})
        await releasing.release(stack, "front-desk", 2, newer)
        assert (await stack.sync()).state in ("Failed", "Error")
        row = await runs(stack, "front-desk", 2)
        assert await greeting(stack, row) == "Hi"
