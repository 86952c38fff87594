"""However the carrier's answer to a new call is lost or refused, one call is placed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.outbound.worlds import PLACE, outbound_files, outbound_world
from tests.workflows.conftest import MakeStack

if TYPE_CHECKING:
    from tests.conftest import Texts

LOST: tuple[dict[str, Any], ...] = (
    {"kind": "drop-before"},
    {"kind": "drop-after"},
    {"kind": "hang-after", "seconds": 3.0},
    {"kind": "status-after", "status": 500},
    {"kind": "status-before", "status": 503},
    {"kind": "status-before", "status": 429},
    {"kind": "truncate"},
    {"kind": "malformed"},
    {"kind": "reset"},
)
"""What happens to one request or its answer."""


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_one_call_is_placed_whatever_becomes_of_the_answer(
    make_stack: MakeStack, texts: Texts
) -> None:
    world = await outbound_world(make_stack, outbound_files(texts, concurrency=50))
    asked: dict[str, str] = {}
    async with world.stack.working():
        for index, fault in enumerate(LOST):
            number = f"+1500555010{index}"
            await world.person_at(number, "busy")
            await world.stack.twilio.healthy()
            await world.stack.twilio.faults({**fault, "method": "POST", "route": PLACE, "nth": 1})
            asked[number] = (await world.ask(number)).order.id
            await world.stack.until(world.fault_fired)
        for number, order_id in asked.items():
            view = await world.ended(order_id)
            placed = [each for each in await world.carrier_calls() if each["to"] == number]
            (record,) = view.tries
            assert [each["sid"] for each in placed] == [record.carrier_call_id], number
            assert record.state == "busy", number


async def test_what_the_carrier_refuses_for_good_is_said_in_its_words(
    make_stack: MakeStack, texts: Texts
) -> None:
    world = await outbound_world(make_stack, outbound_files(texts))
    refusal = {"code": 21211, "message": "Invalid 'To' Phone Number", "status": 400}
    fault = {"kind": "status-before", "status": 400, "body": refusal, "method": "POST"}
    await world.stack.twilio.faults({**fault, "route": PLACE})
    async with world.stack.working():
        asked = await world.ask()
        view = await world.ended(asked.order.id)
    assert (view.order.state, view.tries[0].state) == ("Failed", "failed")
    assert "Invalid 'To' Phone Number" in view.order.message
    assert await world.carrier_calls() == []
