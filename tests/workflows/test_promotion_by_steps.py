"""A promotion rolled out by steps: each share is checked, and a bad one is taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.workflows.conversation_worlds import AGENT, conversation_test
from tests.workflows.promotion_worlds import GREETS, PRODUCTION, Promotions, promoting
from tests.workflows.test_promotion_goes_back import BOOKS

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack

pytestmark = pytest.mark.slow
SUITE = {
    "greets": conversation_test("greets", GREETS),
    "books": conversation_test("books", BOOKS, tags=("smoke",)),
}
STEPS: dict[str, Any] = {
    "rollout": {"steps": [10, 50], "every": "0s"},
    "verify": {"tags": ["smoke"]},
}


async def _shares(here: Promotions) -> dict[str, float]:
    """Branches of the production agent that get calls."""
    entry = await here.stack.store.entry("acme", PRODUCTION, "agent", AGENT)
    assert entry is not None
    path = f"/v1/convai/agents/{entry.external_id}/branches"
    listed = (await here.stack.elevenlabs.http.get(path)).json()["results"]
    return {
        branch["name"]: branch["current_live_percentage"]
        for branch in listed
        if branch["current_live_percentage"]
    }


async def test_every_share_is_checked_before_the_next(make_stack: MakeStack, texts: Texts) -> None:
    async with (
        promoting(make_stack, texts, STEPS, tests=SUITE, unhurried=True) as here,
        here.stack.working(),
    ):
        await here.stack.sync()
        first = await here.ended(await here.start())
        assert (first.state, first.checks) == ("Done", ()), first.message
        here.push(greeting="Acme clinic, how may I help?")
        await here.stack.sync()
        started = await here.start("Offers help at once")
        done = await here.ended(started)
        assert (done.state, done.version) == ("Done", 2), done.message
        assert [run.outcome for run in done.checks] == ["passed", "passed"]
        assert await here.greeting() == "Acme clinic, how may I help?"
        assert await _shares(here) == {"Main": 100}
        phases = [entry.phase for entry in done.timeline]
        assert phases.index("Rollout") < phases.index("Settling") < phases.index("Verifying")


async def test_a_share_that_fails_its_check_is_taken_back(
    make_stack: MakeStack, texts: Texts
) -> None:
    async with (
        promoting(make_stack, texts, STEPS, tests=SUITE, unhurried=True) as here,
        here.stack.working(),
    ):
        await here.stack.sync()
        await here.ended(await here.start())
        former = await here.greeting()
        here.push(greeting="Acme clinic, how may I help?")
        await here.stack.sync()
        tags = [f"trunkline:acme/{PRODUCTION}/{AGENT}"]
        await here.stack.elevenlabs.control("talks", {"degraded_tags": tags})
        over = await here.ended(await here.start("Offers help at once"))
        assert (over.state, over.reason) == ("RolledBack", "CheckFailed"), over.message
        assert over.rolled_back_to == 1
        assert await here.greeting() == former
        assert await _shares(here) == {"Main": 100}
        assert sorted(await here.tags()) == [1, 2, 3]
