"""A tested digest becomes what production runs: gate, approval, release, and verified."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.workflows.conversation_worlds import conversation_test
from tests.workflows.promotion_worlds import GREETS, promoting

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack

TOLD = (
    "PromotionStarted",
    "GatePassed",
    "ApprovalGiven",
    "Released",
    "Verified",
    "PromotionDone",
)
SMOKE = {
    "greets": conversation_test("greets", GREETS),
    "smoke": conversation_test("smoke", GREETS, tags=("smoke",)),
}


@pytest.mark.slow
async def test_gate_approval_release_and_verification_in_order(
    make_stack: MakeStack, texts: Texts
) -> None:
    rules = {"approvals": {"count": 1}, "verify": {"tags": ["smoke"]}}
    async with (
        promoting(make_stack, texts, rules, tests=SMOKE, unhurried=True) as here,
        here.stack.working(),
    ):
        here.push(greeting="Acme clinic, good morning!")
        await here.stack.sync()
        started = await here.start()
        waiting = await here.phase(started, "Approval")
        assert waiting.phase == "Approval", waiting.message
        assert "trunkline approve front-desk -e production" in waiting.message
        assert await here.greeting() == ""
        await here.approve(started)
        done = await here.ended(started)
        assert (done.state, done.version) == ("Done", 1), (done.reason, done.message)
        assert await here.greeting() == "Acme clinic, good morning!"
        assert await here.tags() == {1: done.revision}
        status = await here.production()
        assert status is not None
        assert (status.sync, status.version, status.stage) == ("Synced", 1, "production")
        assert [told for told in await here.reasons() if told in TOLD] == list(TOLD)
        await here.record(started, "approved-and-verified")
        await here.stack.record(here.stack.project_handle(), "project", "promotions-are-told")
