"""Whoever asks at the same time shares an answer, and no answer is older than its question."""

import asyncio

import pytest

from activities.shared_answers import SharedAnswers


class World:
    """Something that is asked about, slowly."""

    def __init__(self) -> None:
        self.state = 0
        self.asked = 0
        self.looking = asyncio.Event()
        self.gate = asyncio.Event()

    async def look(self) -> int:
        self.asked += 1
        self.looking.set()
        seen = self.state
        await self.gate.wait()
        return seen


async def test_many_share_one_answer_and_who_comes_later_gets_a_newer_one() -> None:
    world = World()
    answers = SharedAnswers(world.look)
    first = asyncio.create_task(answers.answer())
    await world.looking.wait()
    world.state = 1
    later = [asyncio.create_task(answers.answer()) for _ in range(40)]
    await asyncio.sleep(0)
    world.gate.set()
    assert await first == 0
    assert set(await asyncio.gather(*later)) == {1}
    assert world.asked == 2


async def test_who_stops_waiting_stops_nobody_else() -> None:
    world = World()
    answers = SharedAnswers(world.look)
    impatient = asyncio.create_task(answers.answer())
    patient = asyncio.create_task(answers.answer())
    await world.looking.wait()
    impatient.cancel()
    world.gate.set()
    assert await patient == 0
    with pytest.raises(asyncio.CancelledError):
        await impatient


async def test_a_failure_is_everybodys_and_the_next_question_is_asked_again() -> None:
    failures = [ValueError("once")]

    async def ask() -> str:
        if failures:
            raise failures.pop()
        return "well"

    answers = SharedAnswers(ask)
    both = await asyncio.gather(answers.answer(), answers.answer(), return_exceptions=True)
    assert [str(error) for error in both] == ["once", "once"]
    assert await answers.answer() == "well"
