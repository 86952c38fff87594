"""A commit that says it is the release of a promotion is believed for its signature alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from activities.promotions.facts import BASE
from activities.promotions.own_releases import own_release
from tests.workflows.promotion_worlds import ADA, Promotions, promoting
from trunkline.adapters.git.seed import commit
from trunkline.model.ids import PROMOTION_TRAILER, Revision

if TYPE_CHECKING:
    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack
    from trunkline.model.promotions.records import PromotionRecord

pytestmark = [pytest.mark.stack, pytest.mark.slow]

ONE_APPROVAL = {"approvals": {"count": 1}}


def _claim(here: Promotions, record: PromotionRecord, note: str) -> None:
    """Push a commit that releases nothing and carries the trailer of a promotion."""
    message = f"Tidy\n\n{PROMOTION_TRAILER}: {record.project}/{record.id}\n"
    commit(here.stack.repository, {"notes.md": note}, message=message, author=ADA)


async def _own(here: Promotions, record: PromotionRecord) -> Revision | None:
    """The release commit of a promotion as a look finds it."""
    keys = here.stack.keys
    assert keys is not None
    repository = await here.stack.ports().repositories.repository(record.project)
    await repository.fetch_tip()
    base = Revision(str(record.details[BASE]))
    public_keys = (keys.public_key,)
    found = await own_release(repository, record, base=base, public_keys=public_keys, keys=keys)
    return found[0] if found is not None else None


async def test_a_claimed_release_neither_ends_a_promotion_nor_hides_its_own(
    make_stack: MakeStack, texts: Texts
) -> None:
    async with (
        promoting(make_stack, texts, ONE_APPROVAL, unhurried=True) as here,
        here.stack.working(),
    ):
        await here.stack.sync()
        first = await here.start()
        await here.phase(first, "Approval")
        await here.approve(first)
        assert (await here.ended(first)).version == 1
        here.push(greeting="Acme clinic, at last")
        await here.stack.sync()
        second = await here.start("Says at last")
        waiting = await here.phase(second, "Approval")
        _claim(here, second, "before")
        assert await _own(here, waiting) is None
        await here.stack.sync()
        await here.approve(second)
        done = await here.ended(second)
        assert (done.state, done.version, len(done.approvals)) == ("Done", 2, 1), done.message
        assert sorted(await here.tags()) == [1, 2]
        _claim(here, second, "after")
        assert await _own(here, done) == done.release_commit
