"""What is asked for is placed with the carrier and followed to its end, also without a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.outbound.worlds import ADA, CALLED, outbound_files, outbound_world, tries
from tests.workflows.conftest import MakeStack

if TYPE_CHECKING:
    from tests.conftest import Texts

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(600)]


async def test_a_call_is_placed_and_followed_to_its_end(
    make_stack: MakeStack, texts: Texts
) -> None:
    world = await outbound_world(make_stack, outbound_files(texts))
    await world.person("answered", {"silence_ms": 100}, {"hangup": True})
    async with world.stack.working():
        asked = await world.ask(context={"appointment": "Tuesday at ten"})
        view = await world.ended(asked.order.id)
        await world.record(asked.order.id, "talked-to-the-end")
    (placed,) = await world.carrier_calls()
    (record,) = view.tries
    assert (view.order.state, record.state) == ("Done", "completed")
    assert (placed["to"], placed["from"]) == (CALLED, "+15005550006")
    assert (record.carrier_call_id, record.direction) == (placed["sid"], "outbound")
    assert record.context == {"appointment": "Tuesday at ten"}
    assert record.placing is None


async def test_who_is_busy_is_tried_again_as_told(make_stack: MakeStack, texts: Texts) -> None:
    world = await outbound_world(make_stack, outbound_files(texts))
    await world.person("busy")
    async with world.stack.working():
        asked = await world.ask(retry=tries(2))
        view = await world.ended(asked.order.id)
        await world.record(asked.order.id, "tried-twice")
    assert [each.state for each in view.tries] == ["busy", "busy"]
    assert (view.order.state, view.order.message) == ("Failed", "Try 2 of 2: busy")
    assert len(await world.carrier_calls()) == 2


async def test_the_same_key_is_the_same_call(make_stack: MakeStack, texts: Texts) -> None:
    world = await outbound_world(make_stack, outbound_files(texts))
    await world.person("busy")
    async with world.stack.working():
        first = await world.ask(key="appointment-4711")
        await world.ended(first.order.id)
        again = await world.ask(key="appointment-4711")
    assert again.order.id == first.order.id
    assert again.order.state == "Failed"
    assert len(await world.carrier_calls()) == 1


async def test_a_call_is_canceled_while_it_rings(make_stack: MakeStack, texts: Texts) -> None:
    world = await outbound_world(make_stack, outbound_files(texts))
    await world.person("answered", after_ms=60_000)
    async with world.stack.working():
        asked = await world.ask()

        async def placed() -> bool:
            return bool(await world.carrier_calls())

        await world.stack.until(placed)
        await world.outbound.cancel(ADA, world.stack.project, asked.order.id, request_id="test")
        view = await world.ended(asked.order.id)
        await world.record(asked.order.id, "canceled-while-it-rings")
    (call,) = await world.carrier_calls()
    assert (view.order.state, call["status"]) == ("Canceled", "canceled")
