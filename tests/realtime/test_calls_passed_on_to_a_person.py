"""A call is passed on to a person who hears first what it is about, and to one who is not there.

A server, both simulators and a colleague at a telephone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.realtime.houses import APOLOGY, COLLEAGUE, until, words_of

if TYPE_CHECKING:
    from tests.realtime.houses import House, Houses, Json

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SUMMARY = "Wants a refund & is in a hurry."
SENTENCE = "One moment."


async def passed_on(house: House) -> str:
    """A call in which the agent has begun to speak and that is then passed on."""
    sid, record = await house.talking()
    await house.pass_on(record, summary=SUMMARY, sentence=SENTENCE)
    return sid


def connected(shown: Json) -> bool:
    """Whether the caller and somebody else could hear each other."""
    return any(note["event"] == "connected" for note in shown["events"])


async def test_the_person_hears_the_summary_and_then_the_caller(shared_houses: Houses) -> None:
    async with shared_houses() as house:
        await house.twilio("people", {"number": COLLEAGUE, "after_ms": 10})
        sid = await passed_on(house)
        shown = await until(lambda: house.shown(sid), connected)
        person = await house.shown(shown["children"][0])
        await house.twilio(f"calls/{person['sid']}", {"do": "hangup"})
        await house.over(sid)
        record = await house.record(sid, lambda record: record.transferred_to != "")
    assert words_of(person) == [SUMMARY]
    assert words_of(shown) == [SENTENCE]
    assert (record.summary, record.transfer_failure) == (SUMMARY, None)


async def test_a_carrier_that_answers_late_has_passed_the_call_on(shared_houses: Houses) -> None:
    async with shared_houses() as house:
        late = {"kind": "hang-after", "seconds": 2.0}
        await house.twilio("faults", {"faults": [late]})
        sid = await passed_on(house)
        await house.twilio("faults", {"faults": []})
        shown = await until(lambda: house.shown(sid), connected)
        await house.twilio(f"calls/{sid}", {"do": "hangup"})
    assert words_of(shown) == [SENTENCE]


async def test_a_person_who_is_busy_leaves_no_caller_without_words(shared_houses: Houses) -> None:
    async with shared_houses() as house:
        await house.twilio("people", {"number": COLLEAGUE, "answers": "busy", "after_ms": 10})
        sid = await passed_on(house)
        shown = await house.over(sid)
        record = await house.record(sid, lambda record: record.transfer_failure is not None)
        await until(lambda: house.elevenlabs("talks", {}), lambda talks: talks["in_progress"] == 0)
    assert words_of(shown) == [SENTENCE, APOLOGY]
    assert not connected(shown)
    assert (record.transfer_failure, record.transferred_to) == ("busy", COLLEAGUE)
    assert record.message == f"nobody took over at {COLLEAGUE}: busy"
