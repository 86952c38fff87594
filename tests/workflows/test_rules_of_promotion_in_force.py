"""A commit that weakens the rules of promotion cannot use that: the former ones hold until an
admin agrees.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.conftest import NUMBER_MANIFEST
from tests.workflows.conftest import eventually
from tests.workflows.lost_stores import lose_every_row
from tests.workflows.released_worlds import (
    PRODUCTION,
    Releasing,
    assigned,
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
from trunkline.model.ids import Revision, release_path, release_tag
from trunkline.model.interventions import Intervention
from trunkline.model.promotions.policies import PromotionRules

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack, Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow]

FILE = release_path(PRODUCTION, "front-desk")
NUMBER_FILE = "numbers/main-line.yaml"
NUMBER = NUMBER_MANIFEST.replace("environment: testing", "environment: production")


async def _rules(stack: Stack) -> PromotionRules | None:
    return await stack.store.rules_in_force("acme", PRODUCTION)


async def _agree(stack: Stack) -> None:
    """What an admin's word leaves behind."""
    rules = await _rules(stack)
    assert rules is not None
    await stack.store.put_intervention(
        Intervention(
            project="acme",
            environment=PRODUCTION,
            verb="promotion-rules",
            reason="agreed",
            by="root",
            at=datetime.now(UTC),
            details={"digest": rules.pending_digest},
        )
    )
    await stack.sync(hard=True)


async def test_a_key_that_a_commit_brings_signs_nothing_before_an_admin_agrees(
    make_stack: MakeStack, texts: Texts
) -> None:
    releasing = Releasing()
    stack = await make_stack(releasing.files(texts, "front-desk"), unhurried=True)
    async with stack.working():
        await released(stack, releasing, "front-desk")
        intruder = Releasing(keys=Ed25519Keys(new_private_key()))
        stack.push(
            {
                "trunkline.yaml": intruder.project(texts),
                "agents/front-desk.yaml": texts.agent("front-desk", greeting="Pay me"),
            }
        )
        await look(stack)
        revision = await tip(stack)
        spec = await intruder.spec(stack, "front-desk", 2, revision)
        repository = await stack.ports().repositories.repository("acme")
        await repository.push_release(
            await repository.fetch_tip(),
            edits={FILE: manifest("front-desk", spec)},
            message="Mine",
            author=("Eve", "eve@example.com"),
            tag=release_tag(PRODUCTION, "front-desk", 2),
            tag_revision=Revision(revision),
            tag_message="Mine",
        )
        await look(stack)
        row = await stalled(stack, "front-desk", "EvidenceInvalid")
        assert await greeting(stack, row) == "Hello"
        events = await stack.events("RulesWeakened")
        assert len(events) == 1
        assert "trunkline resume -e production --rules" in events[0].message
        rules = await _rules(stack)
        assert rules is not None
        assert rules.public_keys == (releasing.keys.public_key,)
        await _agree(stack)
        row = await runs(stack, "front-desk", 2)
        assert await greeting(stack, row) == "Pay me"
        rules = await _rules(stack)
        assert rules is not None
        assert (rules.pending, rules.public_keys) == ("", (intruder.keys.public_key,))
        left = await stack.store.interventions("acme", PRODUCTION)
        assert [one.verb for one in left] == []


async def test_production_does_not_follow_the_branch_because_a_commit_says_so(
    make_stack: MakeStack, texts: Texts
) -> None:
    releasing = Releasing()
    stack = await make_stack(releasing.files(texts, "front-desk"), unhurried=True)
    async with stack.working():
        await released(stack, releasing, "front-desk")
        stack.push(
            {
                "trunkline.yaml": releasing.project(texts, source="head"),
                "agents/front-desk.yaml": texts.agent("front-desk", greeting="Untested"),
            }
        )
        await look(stack)
        await stack.sync(hard=True)
        row = await runs(stack, "front-desk", 1)
        assert await greeting(stack, row) == "Hello"
        rules = await _rules(stack)
        assert rules is not None
        assert "nothing is promoted there any more" in rules.pending
        await _agree(stack)

        async def untested() -> bool:
            return await greeting(stack, row) == "Untested"

        await stack.until(untested)
        assert await _rules(stack) is None


async def test_an_environment_that_a_commit_renames_away_stays_until_an_admin_agrees(
    make_stack: MakeStack, texts: Texts
) -> None:
    releasing = Releasing()
    stack = await make_stack(
        {**releasing.files(texts, "front-desk"), NUMBER_FILE: NUMBER}, unhurried=True
    )
    async with stack.working():
        row = await released(stack, releasing, "front-desk", numbers=["main-line"])
        await in_production(stack, "main-line", lambda row: row.health == "Healthy", kind="number")
        named = releasing.project(texts)
        stack.push(
            {
                "trunkline.yaml": _renamed(releasing.project(texts, source="head")),
                "agents/front-desk.yaml": texts.agent("front-desk", greeting="Untested"),
                NUMBER_FILE: _renamed(NUMBER),
            }
        )
        await look(stack)
        rules = await _rules(stack)
        assert rules is not None
        assert "nothing is promoted there any more" in rules.pending
        await eventually(lambda: _says(stack, "live", "ApprovalNeeded"))
        assert await assigned(stack) == [row.external_id]
        row = await runs(stack, "front-desk", 1)
        assert await greeting(stack, row) == "Hello"
        await _agree(stack)
        assert await _rules(stack) is None
        stack.push({"trunkline.yaml": named, NUMBER_FILE: NUMBER})
        await look(stack)
        wish = await stack.store.wish("acme", PRODUCTION, "agent", "front-desk")
        assert wish is not None
        assert not wish.removed


async def _says(stack: Stack, environment: str, reason: str) -> bool:
    row = await stack.store.status("acme", environment, "number", "main-line")
    return row is not None and any(each.reason == reason for each in row.conditions)


def _renamed(text: str) -> str:
    """The manifest with production under another name."""
    return text.replace("production", "live")


async def test_stricter_rules_count_at_once(make_stack: MakeStack, texts: Texts) -> None:
    releasing = Releasing()
    stack = await make_stack(releasing.files(texts, "front-desk"), unhurried=True)
    async with stack.working():
        await look(stack)
        strict = Releasing(keys=releasing.keys, promotion=", soak: 1h")
        revision = stack.push({"trunkline.yaml": strict.project(texts)})
        await look(stack)
        rules = await _rules(stack)
        assert rules is not None
        assert (rules.pending, rules.revision) == ("", revision)
        assert rules.promotion.soak.total_seconds() == 3600
        stack.push({"trunkline.yaml": releasing.project(texts)})
        await look(stack)
        held = await _rules(stack)
        assert held is not None
        assert "soak 0s instead of 1h" in held.pending
        assert held.promotion.soak.total_seconds() == 3600
        stack.push({"trunkline.yaml": strict.project(texts)}, "Back to strict")
        await look(stack)
        again = await _rules(stack)
        assert again is not None
        assert again.pending == ""


async def test_weaker_rules_still_wait_after_the_store_was_lost(
    make_stack: MakeStack, texts: Texts, postgres_url: str
) -> None:
    releasing = Releasing()
    stack = await make_stack(releasing.files(texts, "front-desk"), unhurried=True)
    async with stack.working():
        await released(stack, releasing, "front-desk")
        weaker = Releasing().project(texts).replace("count: 1", "count: 0")
        stack.push({"trunkline.yaml": weaker})
        await look(stack)
        before = await _rules(stack)
        assert before is not None
        assert "0 approvals instead of 1; 1 new public key" in before.pending
        await lose_every_row(postgres_url, but=("projects", "tokens"))
        assert await _rules(stack) is None
        await look(stack)
        after = await _rules(stack)
        assert after is not None
        assert (after.pending, after.pending_digest) == (before.pending, before.pending_digest)
        assert after.promotion.approvals.count == 1
        assert after.public_keys == (releasing.keys.public_key,)
        await runs(stack, "front-desk", 1)
        await _agree(stack)
        agreed = await _rules(stack)
        assert agreed is not None
        assert (agreed.pending, agreed.promotion.approvals.count) == ("", 0)
