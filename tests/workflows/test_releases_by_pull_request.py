"""Production is what somebody merged: proposed, merged in any way, tagged, and rolled out."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.workflows.conversation_worlds import AGENT, desk
from tests.workflows.merging_forges import MergingForge, Way
from tests.workflows.promotion_worlds import PRODUCTION, Promotions, promoting
from tests.workflows.rollout_worlds import MovedClock
from trunkline.model.ids import release_request_branch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.conftest import Texts
    from tests.workflows.conftest import MakeStack
    from trunkline.model.forges import PullRequest
    from trunkline.model.promotions.records import PromotionRecord

pytestmark = pytest.mark.slow
BY_REQUEST: dict[str, Any] = {"via": "pull-request"}


@dataclass
class Proposing:
    """An installation whose production is merged to."""

    here: Promotions
    forge: MergingForge
    clock: MovedClock = field(default_factory=MovedClock)

    async def proposed(self, started: PromotionRecord) -> PullRequest:
        """The pull request of a promotion, once it waits for somebody."""
        await self.here.until(
            started, lambda now: now.reason == "PullRequestOpen" or not now.is_open
        )
        (pull,) = self.forge.open_now()
        return pull

    async def merges(self, number: int, way: Way = "merge") -> None:
        """Somebody merges, and the push is announced."""
        await asyncio.to_thread(self.forge.merge, number, way)
        await self.here.stack.refresh()

    async def first(self) -> None:
        """Version 1, merged."""
        started = await self.here.start()
        await self.merges((await self.proposed(started)).number)
        done = await self.here.ended(started)
        assert (done.state, done.version) == ("Done", 1), (done.reason, done.message)


@asynccontextmanager
async def proposing(
    make_stack: MakeStack, texts: Texts, promotion: dict[str, Any] | None = None
) -> AsyncIterator[Proposing]:
    """Workers run, testing is synced, production has nothing."""
    rules = {**BY_REQUEST, **(promotion or {})}
    async with promoting(make_stack, texts, rules, unhurried=True) as here:
        forge = MergingForge(here.stack.repository)
        world = Proposing(here, forge)
        here.stack = replace(here.stack, forges=forge, clock=world.clock)
        yield world


@pytest.mark.parametrize("way", ["merge", "squash", "rebase"])
async def test_whatever_way_it_is_merged_it_is_tagged_and_runs(
    make_stack: MakeStack, texts: Texts, way: Way
) -> None:
    async with proposing(make_stack, texts) as world, world.here.stack.working():
        here = world.here
        await here.stack.sync()
        started = await here.start("Greets callers @everybody by name")
        pull = await world.proposed(started)
        assert pull.title == f"Release {AGENT} in {PRODUCTION}: v1"
        assert "Greets callers &#64;everybody by name" in pull.body
        assert "greets (1/1)" in pull.body
        now = await here.read(started)
        assert (now.pull_request, now.pull_request_url) == (pull.number, pull.url)
        assert await here.tags() == {}
        assert await here.greeting() == ""
        await world.merges(pull.number, way)
        done = await here.ended(started)
        assert (done.state, done.version) == ("Done", 1), (done.reason, done.message)
        assert await here.tags() == {1: done.revision}
        assert "Acme clinic" in await here.greeting()
        assert world.forge.head(release_request_branch(PRODUCTION, AGENT, 1)) == ""
        if way == "squash":
            await here.record(started, "merged-by-somebody")


async def test_closing_it_rejects_the_promotion_and_says_who(
    make_stack: MakeStack, texts: Texts
) -> None:
    async with proposing(make_stack, texts) as world, world.here.stack.working():
        here = world.here
        await here.stack.sync()
        started = await here.start()
        pull = await world.proposed(started)
        world.forge.close(pull.number, by="ben")
        await here.wake(started)
        over = await here.ended(started)
        assert (over.state, over.rejected_by) == ("Rejected", "ben")
        assert await here.tags() == {}
        assert world.forge.opened == 1
        await here.record(started, "closed-by-somebody")


async def test_an_abort_closes_it_and_leaves_nothing_behind(
    make_stack: MakeStack, texts: Texts
) -> None:
    async with proposing(make_stack, texts) as world, world.here.stack.working():
        here = world.here
        await here.stack.sync()
        started = await here.start()
        pull = await world.proposed(started)
        await here.say(started, "promotion.abort", "op@example.com", reason="not today")
        over = await here.ended(started)
        assert over.state == "Aborted"
        assert world.forge.pulls[pull.number].state == "closed"
        assert world.forge.head(pull.head_branch) == ""
        ((number, note),) = world.forge.notes
        assert number == pull.number
        assert "aborted by op&#64;example.com" in note
        await here.record(started, "withdrawn")


async def test_a_newer_commit_supersedes_it_and_closes_it(
    make_stack: MakeStack, texts: Texts
) -> None:
    async with proposing(make_stack, texts) as world, world.here.stack.working():
        here = world.here
        await here.stack.sync()
        started = await here.start()
        pull = await world.proposed(started)
        here.push(greeting="Acme clinic, good evening!")
        await here.stack.sync()
        over = await here.ended(started)
        assert over.state == "Superseded"
        assert world.forge.pulls[pull.number].state == "closed"


async def test_evidence_that_expires_is_earned_again_by_another_pull_request(
    make_stack: MakeStack, texts: Texts
) -> None:
    rules = {"evidence": {"expires": "1h"}}
    async with proposing(make_stack, texts, rules) as world, world.here.stack.working():
        here = world.here
        await here.stack.sync()
        started = await here.start()
        pull = await world.proposed(started)
        world.clock.ahead = timedelta(hours=1)
        await here.wake(started)

        async def closed() -> bool:
            return world.forge.pulls[pull.number].state == "closed"

        await here.stack.until(closed)
        world.clock.ahead = timedelta()
        await here.wake(started)

        async def again() -> bool:
            return world.forge.opened >= 2

        await here.stack.until(again)
        first = (await here.read(started)).timeline
        assert [entry.phase for entry in first].count("Gate") >= 2
        assert await here.tags() == {}
        await here.say(started, "promotion.abort", "op@example.com", reason="enough")
        await here.ended(started)
        assert world.forge.open_now() == []


async def test_nothing_counts_between_merge_and_tag_and_a_killed_worker_tags_it(
    make_stack: MakeStack, texts: Texts
) -> None:
    async with proposing(make_stack, texts) as world:
        here = world.here
        async with here.stack.working():
            await here.stack.sync()
            started = await here.start()
            pull = await world.proposed(started)
        await asyncio.to_thread(world.forge.merge, pull.number)
        assert await here.tags() == {}
        world.forge.is_down = True
        async with here.stack.working():
            await here.stack.refresh()
            done = await here.ended(started)
        assert (done.state, done.version) == ("Done", 1), (done.reason, done.message)
        assert await here.tags() == {1: done.revision}


async def test_a_version_that_was_taken_meanwhile_is_proposed_as_the_next(
    make_stack: MakeStack, texts: Texts
) -> None:
    async with proposing(make_stack, texts) as world, world.here.stack.working():
        here = world.here
        await here.stack.sync()
        started = await here.start()
        pull = await world.proposed(started)
        tip = world.forge.head("main")
        world.forge.git("tag", f"trunkline/{PRODUCTION}/{AGENT}/v1", tip)
        await here.wake(started)

        async def renumbered() -> bool:
            (now,) = world.forge.open_now()
            return now.title.endswith("v2")

        await here.stack.until(renumbered)
        assert [each.number for each in world.forge.open_now()] == [pull.number]
        await world.proposed(started)
        await world.merges(pull.number)
        done = await here.ended(started)
        assert (done.state, done.version) == ("Done", 2), (done.reason, done.message)


async def test_a_protected_branch_takes_releases_and_rollbacks_by_merge_alone(
    make_stack: MakeStack, texts: Texts
) -> None:
    async with proposing(make_stack, texts) as world, world.here.stack.working():
        here = world.here
        await here.stack.sync()
        world.forge.git("config", "receive.hideRefs", "refs/heads/main")
        await world.first()
        former = await here.greeting()
        edit = {f"agents/{AGENT}.yaml": desk(texts, greeting="Acme clinic, what now?")}
        world.forge.git("config", "--unset", "receive.hideRefs")
        here.push(edit)
        world.forge.git("config", "receive.hideRefs", "refs/heads/main")
        await here.stack.sync()
        second = await here.start("Asks what now")
        await world.merges((await world.proposed(second)).number, "rebase")
        assert (await here.ended(second)).version == 2
        back = await here.start("too curt", kind="rollback", restores=1, origin="")
        await here.until(back, lambda now: "proposed as pull request" in now.message)
        (pull,) = world.forge.open_now()
        assert pull.title == f"Roll back {AGENT} in {PRODUCTION}: v3, back to v1"
        await world.merges(pull.number, "squash")
        over = await here.ended(back)
        assert (over.state, over.version) == ("Done", 3), (over.reason, over.message)
        assert await here.greeting() == former
        await here.record(back, "rollback-that-had-to-be-merged")


async def test_without_a_forge_it_is_refused_with_words(
    make_stack: MakeStack, texts: Texts
) -> None:
    async with (
        promoting(make_stack, texts, BY_REQUEST, unhurried=True) as here,
        here.stack.working(),
    ):
        await here.stack.sync()
        over = await here.ended(await here.start())
        assert (over.state, over.reason) == ("Failed", "PullRequestNeeded")
        assert "speaks to no forge" in over.message
