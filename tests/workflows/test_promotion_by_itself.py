"""Automatic promotion: what differs from what is released is promoted, unless that was decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.workflows.conversation_worlds import AGENT
from tests.workflows.promotion_worlds import PRODUCTION, Promotions, promoting

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack
    from trunkline.model.promotions.records import PromotionRecord

pytestmark = pytest.mark.slow


async def _number(here: Promotions, number: int) -> PromotionRecord:
    async def look() -> PromotionRecord | None:
        return await here.stack.store.promotion("acme", f"{PRODUCTION}.{AGENT}.{number}")

    found: PromotionRecord = await here.stack.until(look)
    return await here.ended(found)


async def test_every_change_that_passes_is_released_with_its_commits_as_changelog(
    make_stack: MakeStack, texts: Texts
) -> None:
    async with (
        promoting(make_stack, texts, {"automatic": True}, unhurried=True) as here,
        here.stack.working(),
    ):
        await here.stack.sync()
        first = await _number(here, 1)
        assert (first.state, first.version, first.automatic) == ("Done", 1, True), first.message
        assert first.changes
        here.push(greeting="Good day to you!")
        await here.stack.sync()
        second = await _number(here, 2)
        assert (second.state, second.version) == ("Failed", 0)
        assert second.changes == "An edit"
        await here.stack.sync(hard=True)
        await here.stack.sync()
        assert await here.stack.store.promotion("acme", f"{PRODUCTION}.{AGENT}.3") is None
        here.push(greeting="Acme clinic, good day!")
        await here.stack.sync()
        third = await _number(here, 3)
        assert (third.state, third.version) == ("Done", 2), third.message
        assert await here.greeting() == "Acme clinic, good day!"
