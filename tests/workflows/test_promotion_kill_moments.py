"""A worker killed where a promotion is most easily made twice: while it soaks, around its push."""

from __future__ import annotations

import asyncio
import signal
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.workflows.external_writes import GIT, WHENS, When, Write
from tests.workflows.killed_promotions import killable
from tests.workflows.own_processes import process
from tests.workflows.promotion_worlds import promoting
from tests.workflows.rollout_worlds import MovedClock

if TYPE_CHECKING:
    from tests.conftest import TemporalServer, Texts
    from tests.workflows.conftest import MakeStack
    from tests.workflows.promotion_worlds import Promotions
    from trunkline.model.promotions.records import PromotionRecord

pytestmark = [pytest.mark.stack, pytest.mark.slow]
PUSH = Write(GIT, "push", 1)
SOAK = timedelta(minutes=20)


async def _released_once(here: Promotions, started: PromotionRecord) -> PromotionRecord:
    done = await here.ended(started, timeout_s=90)
    assert (done.state, done.version) == ("Done", 1), (done.reason, done.message)
    assert await here.tags() == {1: done.revision}
    repository = await here.stack.ports().repositories.repository("acme")
    history = await repository.release_history(environment="", agent="", limit=10)
    assert [(release.version, release.promotion) for release in history] == [(1, done.id)]
    assert len(await here.stack.store.promotions("acme", limit=10)) == 1
    assert len(await here.stack.elevenlabs.agents()) == 2
    return done


@pytest.mark.parametrize("when", WHENS)
async def test_killed_before_the_push_after_it_or_after_its_record_it_is_one_release(
    make_stack: MakeStack,
    texts: Texts,
    postgres_url: str,
    own_temporal: TemporalServer,
    when: When,
) -> None:
    async with promoting(make_stack, texts, temporal=own_temporal) as here:
        killed = killable(here, postgres_url)
        with process(here.stack, postgres_url, "worker") as worker:
            await here.stack.sync(timeout_s=60)
            started = await killed.interrupted(worker, PUSH, when, here.start)
        pushed = {} if when == "before" else {1}
        assert set(await here.tags()) == set(pushed)
        async with here.stack.working():
            await _released_once(here, started)


async def test_a_soak_goes_on_where_it_was_when_the_worker_is_killed(
    make_stack: MakeStack, texts: Texts, postgres_url: str, own_temporal: TemporalServer
) -> None:
    rules = {"soak": f"{SOAK.seconds // 60}m"}
    async with promoting(make_stack, texts, rules, temporal=own_temporal) as here:
        with process(here.stack, postgres_url, "worker") as worker:
            await here.stack.sync(timeout_s=60)
            started = await here.start()
            soaking = await here.phase(started, "Soak")
            assert soaking.phase == "Soak"
            worker.send_signal(signal.SIGKILL)
            await asyncio.to_thread(worker.wait)
        here.stack.clock = MovedClock(ahead=SOAK)
        async with here.stack.working():
            await here.wake(started)
            done = await _released_once(here, started)
        assert done.gate == soaking.gate
        (soak,) = [entry for entry in done.timeline if entry.phase == "Soak"]
        assert soak.ended_at is not None
        assert soak.began_at == soaking.timeline[-1].began_at
        assert soak.ended_at - soak.began_at >= SOAK


async def test_a_rollback_killed_between_its_push_and_its_record_is_one_release(
    make_stack: MakeStack, texts: Texts, postgres_url: str, own_temporal: TemporalServer
) -> None:
    async with promoting(make_stack, texts, temporal=own_temporal) as here:
        killed = killable(here, postgres_url)
        async with here.stack.working():
            await here.stack.sync()
            await here.ended(await here.start())
            here.push(greeting="Acme clinic, how may I help?")
            await here.stack.sync()
            second = await here.ended(await here.start("Offers help at once"))
            assert (second.state, second.version) == ("Done", 2), second.message

        async def back() -> PromotionRecord:
            return await here.start("Callers complain", kind="rollback", restores=1)

        with process(here.stack, postgres_url, "worker") as worker:
            started = await killed.interrupted(worker, PUSH, "after-lost", back)
        async with here.stack.working():
            over = await here.ended(started, timeout_s=90)
        assert (over.state, over.version) == ("Done", 3), over.message
        tags = await here.tags()
        assert sorted(tags) == [1, 2, 3]
        assert tags[3] == tags[1]
