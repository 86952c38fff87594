"""A release that turns out bad is taken back: by its verification, or by a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.workflows.conversation_worlds import AGENT, conversation_test
from tests.workflows.promotion_worlds import GREETS, PRODUCTION, Promotions, promoting
from trunkline.model.interventions import in_force

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack
    from trunkline.model.releases import ReleaseStanding

pytestmark = pytest.mark.slow
BOOKS: dict[str, Any] = {
    "tools": {"book_slot": [{"reply": {"booked": True, "slot": "Monday 10:00"}}]},
    "turns": [
        {"expect": [{"says": "clinic"}]},
        {
            "say": "I would like to book an appointment slot for Monday at 10:00.",
            "expect": [{"calls": "book_slot"}],
        },
    ],
}
SUITE = {
    "greets": conversation_test("greets", GREETS),
    "books": conversation_test("books", BOOKS, tags=("smoke",)),
}
VERIFIED = {"verify": {"tags": ["smoke"]}}


async def _degrade_production(here: Promotions) -> None:
    """What runs there becomes clearly worse, without anybody touching its configuration."""
    tags = [f"trunkline:acme/{PRODUCTION}/{AGENT}"]
    await here.stack.elevenlabs.control("talks", {"degraded_tags": tags})


async def _standing(here: Promotions, version: int) -> ReleaseStanding:
    async def look() -> ReleaseStanding | None:
        found = await here.stack.store.standing_of("acme", PRODUCTION, AGENT)
        return found if found is not None and found.applied_version == version else None

    found: ReleaseStanding = await here.stack.until(look)
    return found


async def test_a_failed_verification_brings_the_former_release_back_with_a_hold(
    make_stack: MakeStack, texts: Texts
) -> None:
    async with (
        promoting(make_stack, texts, VERIFIED, tests=SUITE, unhurried=True) as here,
        here.stack.working(),
    ):
        await here.stack.sync()
        first = await here.ended(await here.start())
        assert (first.state, first.version) == ("Done", 1), first.message
        former = await here.greeting()
        here.push(greeting="Acme clinic, how may I help?")
        await here.stack.sync()
        await _degrade_production(here)
        started = await here.start("Offers help at once")
        over = await here.ended(started)
        assert (over.state, over.reason) == ("RolledBack", "VerificationFailed"), over.message
        assert (over.version, over.rolled_back_to) == (2, 1)
        assert over.verification is not None
        assert over.verification.lines[0].startswith("tests/books.yaml:1: books: wanted ")
        assert await here.greeting() == former
        standing = await _standing(here, 3)
        assert standing.seen is not None
        assert (standing.seen.restores, standing.reason) == (1, "")
        assert standing.seen.hold is not None
        assert standing.seen.hold.held_by == "trunkline"
        assert sorted(await here.tags()) == [1, 2, 3]
        reasons = await here.reasons()
        assert reasons.index("VerificationFailed") < reasons.index("RolledBack")


async def test_a_first_release_that_fails_takes_no_calls_any_more(
    make_stack: MakeStack, texts: Texts
) -> None:
    async with (
        promoting(make_stack, texts, VERIFIED, tests=SUITE, unhurried=True) as here,
        here.stack.working(),
    ):
        await here.stack.sync()
        await _degrade_production(here)
        over = await here.ended(await here.start())
        assert (over.state, over.reason) == ("RolledBack", "NoPredecessor"), over.message
        decided = await here.stack.store.interventions("acme", PRODUCTION)
        taken = in_force(decided, "disable", PRODUCTION, "agent", AGENT)
        assert taken is not None
        assert taken.by == "trunkline"

        async def held() -> bool:
            found = await here.stack.store.standing_of("acme", PRODUCTION, AGENT)
            return found is not None and found.held and not found.reason

        await here.stack.until(held)
        assert sorted(await here.tags()) == [1]
        await here.stack.elevenlabs.control("talks", {"degraded_tags": []})
        here.push(greeting="Acme clinic, how may I help?")
        await here.stack.sync()
        mended = await here.ended(await here.start("Mends what the first release broke"))
        assert (mended.state, mended.version) == ("Done", 2), mended.message
        decided = await here.stack.store.interventions("acme", PRODUCTION)
        assert in_force(decided, "disable", PRODUCTION, "agent", AGENT) is None


async def test_a_person_goes_back_without_gate_or_approval(
    make_stack: MakeStack, texts: Texts
) -> None:
    async with (
        promoting(make_stack, texts, unhurried=True) as here,
        here.stack.working(),
    ):
        await here.stack.sync()
        await here.ended(await here.start())
        former = await here.greeting()
        here.push(greeting="Acme clinic, how may I help?")
        await here.stack.sync()
        second = await here.ended(await here.start("Offers help at once"))
        assert (second.state, second.version) == ("Done", 2), second.message
        here.push({"agents/broken.yaml": "kind: Agent\nspec: [ this is no agent"})
        back = await here.start("Callers complained", kind="rollback", restores=1)
        over = await here.ended(back)
        assert (over.state, over.version, over.gate) == ("Done", 3, None), over.message
        assert await here.greeting() == former
        standing = await _standing(here, 3)
        assert standing.seen is not None
        assert standing.seen.hold is not None
        assert standing.seen.hold.held_by == "op@example.com"
        tags = await here.tags()
        assert tags[3] == tags[1] != tags[2]
        await here.record(back, "by-hand")


async def test_an_abort_after_the_release_takes_it_back(
    make_stack: MakeStack, texts: Texts
) -> None:
    rules = {**VERIFIED, "approvals": {"count": 1}}
    async with (
        promoting(make_stack, texts, rules, tests=SUITE, unhurried=True) as here,
        here.stack.working(),
    ):
        await here.stack.sync()
        first = await here.start()
        await here.phase(first, "Approval")
        await here.approve(first)
        await here.ended(first)
        here.push(greeting="Acme clinic, how may I help?")
        await here.stack.sync()
        started = await here.start("Offers help at once")
        await here.phase(started, "Approval")
        async with here.world.no_place():
            await here.approve(started)
            verifying = await here.phase(started, "Verifying")
            assert verifying.is_open
            await here.say(
                started, "promotion.abort", "op@example.com", role="operator", reason="wrong day"
            )
            over = await here.ended(started)
        assert (over.state, over.reason, over.rolled_back_to) == ("RolledBack", "Aborted", 1)
        assert "wrong day" in over.message
