"""Reports of the carrier that come twice, late, in no order or never; an API that is killed."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Any

import pytest

from activities.call_types import CallPace
from tests.outbound.reporting import reported_to, reporting_world
from tests.outbound.worlds import CALLED, PLACE, tries
from tests.workflows.conftest import MakeStack

if TYPE_CHECKING:
    from tests.conftest import Texts

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(600)]

PATIENT = CallPace(look_interval_s=120.0, place_interval_s=0.2, rest_interval_s=120.0)
"""Nobody asks the carrier within a test: what is known was reported."""


async def test_reports_bring_an_order_to_its_end_however_they_come(
    make_stack: MakeStack, texts: Texts, postgres_url: str
) -> None:
    world = await reporting_world(make_stack, texts)
    await world.person("busy")
    kinds: list[dict[str, Any]] = [{"kind": "twice"}, {"kind": "out-of-order", "every": 2}]
    async with reported_to(world, postgres_url, PATIENT) as (here, _), here.stack.working():
        for index, faults in enumerate([[], *([each] for each in kinds)]):
            await here.stack.twilio.control("telephony", {"callback_faults": faults})
            asked = await here.ask(key=f"key-{index}", retry=tries(2))
            view = await here.ended(asked.order.id)
            assert [each.state for each in view.tries] == ["busy", "busy"], faults
            assert view.order.message == "Try 2 of 2: busy"
    assert len(await here.carrier_calls()) == 6


async def test_a_report_tells_which_call_was_placed_when_the_answer_is_lost(
    make_stack: MakeStack, texts: Texts, postgres_url: str
) -> None:
    """Its list of calls cannot be read all the while."""
    world = await reporting_world(make_stack, texts)
    await world.person("busy", after_ms=300)
    lost = {"kind": "drop-after", "method": "POST", "route": PLACE, "nth": 1}
    unread = {"kind": "status-before", "status": 503, "method": "GET", "route": PLACE}
    async with reported_to(world, postgres_url, PATIENT) as (here, _), here.stack.working():
        await here.stack.twilio.faults(lost, unread)
        asked = await here.ask()
        view = await here.ended(asked.order.id)
    await here.stack.twilio.healthy()
    (placed,) = await here.carrier_calls()
    (record,) = view.tries
    assert (record.carrier_call_id, record.state) == (placed["sid"], "busy")


async def test_a_killed_api_and_lost_reports_leave_the_order_followed(
    make_stack: MakeStack, texts: Texts, postgres_url: str
) -> None:
    world = await reporting_world(make_stack, texts)
    await world.person("answered", after_ms=2_000)
    pace = CallPace(look_interval_s=0.5, place_interval_s=0.2, rest_interval_s=1.0)
    async with reported_to(world, postgres_url, pace) as (here, api), here.stack.working():
        asked = await here.ask(to=CALLED)
        await here.in_state(asked.order.id, "Calling")
        api.send_signal(signal.SIGKILL)
        await asyncio.to_thread(api.wait)
        await here.hang_up()
        view = await here.ended(asked.order.id)
    assert [each.state for each in view.tries] == ["completed"]
    assert view.order.state == "Done"
