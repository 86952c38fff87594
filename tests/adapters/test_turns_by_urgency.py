"""People are served before reconciling, reconciling before sweeps, and nobody starves."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from trunkline.adapters.rate_limits import Line, Pace, Rates
from trunkline.asking import Urgency, asking, request_id, urgency
from trunkline.model.errors import RateLimited
from trunkline.model.limits import QUEUE_WEIGHTS


async def turns(*queues: tuple[Urgency, int]) -> list[Urgency]:
    line = Line()
    whose: dict[int, Urgency] = {}
    loop = asyncio.get_running_loop()
    waiting = []
    for how, count in queues:
        for _ in range(count):
            waiter = loop.create_future()
            waiting.append(waiter)
            whose[id(waiter)] = how
            line.add(waiter, how)
    return [whose[id(line.next())] for _ in waiting]


async def test_a_person_is_served_first_although_a_sweep_was_there_first() -> None:
    served = await turns((Urgency.SWEEP, 50), (Urgency.RECONCILE, 50), (Urgency.INTERACTIVE, 3))
    assert served[0] is Urgency.INTERACTIVE
    assert served[:4].count(Urgency.INTERACTIVE) == 3


async def test_all_get_turns_by_their_weight_while_all_wait() -> None:
    served = await turns(*((how, 200) for how in Urgency))
    first = Counter(served[: sum(QUEUE_WEIGHTS) * 5])
    assert [first[how] for how in Urgency] == [weight * 5 for weight in QUEUE_WEIGHTS]


async def test_a_class_alone_gets_every_turn() -> None:
    assert await turns((Urgency.SWEEP, 9)) == [Urgency.SWEEP] * 9


async def test_turns_not_used_are_not_saved_up() -> None:
    line = Line()
    loop = asyncio.get_running_loop()
    for _ in range(100):
        line.add(loop.create_future(), Urgency.SWEEP)
        line.next()
    person, sweep = loop.create_future(), loop.create_future()
    line.add(sweep, Urgency.SWEEP)
    line.add(person, Urgency.INTERACTIVE)
    assert line.next() is person


async def test_a_person_overtakes_a_sweep_that_fills_the_account() -> None:
    pace = Pace(Rates(requests_per_second=1000, burst=50, concurrency=5))
    order: list[Urgency] = []
    answered = asyncio.Event()

    async def ask(how: Urgency) -> None:
        with asking(how):
            async with pace.slot(timeout_s=60):
                order.append(urgency())
                await answered.wait()

    async with asyncio.TaskGroup() as group:
        for how, count in ((Urgency.SWEEP, 40), (Urgency.INTERACTIVE, 10)):
            for _ in range(count):
                group.create_task(ask(how))
            await asyncio.sleep(0)
        assert order == [Urgency.SWEEP] * 5
        answered.set()
    assert len(order) == 50
    last = max(place for place, how in enumerate(order) if how is Urgency.INTERACTIVE)
    assert order[5:last].count(Urgency.SWEEP) <= 2


async def test_whom_the_line_ahead_leaves_no_time_is_refused_at_once() -> None:
    pace = Pace(Rates(requests_per_second=0.01, burst=20, concurrency=1))

    async def ask() -> None:
        async with pace.slot(timeout_s=6_000):
            pass

    async with pace.slot(timeout_s=60):
        waiting = [asyncio.create_task(ask()) for _ in range(12)]
        await asyncio.sleep(0)
        with pytest.raises(RateLimited) as raised:
            async with asyncio.timeout(60), pace.slot(timeout_s=600):
                pytest.fail("let through although a dozen are ahead")
    assert raised.value.retry_after_s >= 1_000
    await asyncio.gather(*waiting)


def test_who_asks_is_known_inside_and_forgotten_outside() -> None:
    with asking(Urgency.INTERACTIVE, request_id="r-1"):
        with asking(Urgency.SWEEP):
            assert (urgency(), request_id()) == (Urgency.SWEEP, "r-1")
        assert urgency() is Urgency.INTERACTIVE
    assert (urgency(), request_id()) == (Urgency.RECONCILE, "")
