"""A server that carries a call is stopped, killed, or loses its database, on the simulators."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.realtime.houses import APOLOGY, COLLEAGUE, DEADLINE_S, SILENT, until, words_of

if TYPE_CHECKING:
    from tests.realtime.houses import House, Houses

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


async def no_talk_is_left(house: House) -> None:
    """The platform has no conversation that goes on."""
    await until(lambda: house.elevenlabs("talks", {}), lambda talks: talks["in_progress"] == 0)


async def test_a_server_that_stops_ends_its_calls_with_words(houses: Houses) -> None:
    async with houses(TRUNKLINE_CALL_DRAIN="200ms") as house:
        sid, _ = await house.talking()
        house.server.child.request_stop()
        shown = await house.over(sid)
        record = await house.record(sid, lambda record: record.is_over)
        await no_talk_is_left(house)
    assert words_of(shown) == [APOLOGY]
    assert (record.ended_by, record.outcome) == ("trunkline", "dropped")
    assert record.message == "the process that carried it was stopped"


async def test_a_server_that_stops_waits_for_its_calls(houses: Houses) -> None:
    async with houses(TRUNKLINE_CALL_DRAIN="5m") as house:
        sid, _ = await house.talking()
        house.server.child.request_stop()
        await asyncio.sleep(0)
        await house.twilio(f"calls/{sid}", {"do": "hangup"})
        record = await house.record(sid, lambda record: record.is_over)
        server = house.server.child
        await asyncio.to_thread(
            server.wait_until, lambda: server.exit_code is not None, timeout_s=DEADLINE_S
        )
    assert (record.ended_by, record.outcome) == ("caller", "talked")
    assert server.exit_code == 0


async def test_a_server_that_is_killed_leaves_no_session_and_a_call_to_be_found(
    houses: Houses,
) -> None:
    async with houses() as house:
        fallback = f"https://twimlets.com/forward?PhoneNumber={COLLEAGUE.replace('+', '%2B')}"
        await house.configure(VoiceFallbackUrl=fallback)
        sid, record = await house.talking()
        house.server.child.kill()
        await no_talk_is_left(house)
        shown = await until(
            lambda: house.shown(sid),
            lambda shown: any(note["event"] == "dials" for note in shown["events"]),
        )
        left = await until(lambda: house.store.abandoned_calls(idle_s=0.1, limit=10), bool)
        await house.twilio(f"calls/{sid}", {"do": "hangup"})
    [dialled] = [note for note in shown["events"] if note["event"] == "dials"]
    assert dialled["number"] == COLLEAGUE
    assert [call.id for call in left] == [record.id]
    assert left[0].state == "in-progress"


async def test_a_call_is_passed_on_to_a_person(shared_houses: Houses) -> None:
    async with shared_houses() as house:
        sid, record = await house.talking()
        await house.pass_on(record, summary="wants a refund", sentence="One moment.")
        shown = await until(
            lambda: house.shown(sid),
            lambda shown: any(note["event"] == "dials" for note in shown["events"]),
        )
        events = await house.events(record, lambda events: events[-1].name == "connection_closed")
        changed = await house.record(sid, lambda record: record.transferred_to != "")
        await no_talk_is_left(house)
        await house.twilio(f"calls/{sid}", {"do": "hangup"})
    assert words_of(shown) == ["One moment."]
    assert (changed.transferred_to, changed.summary) == (COLLEAGUE, "wants a refund")
    assert changed.state == "in-progress", "it goes on with somebody else"
    assert (events[-1].data["by"], "error" in [event.name for event in events]) == (
        "operator",
        False,
    )


async def test_a_platform_that_is_lost_is_apologised_for(shared_houses: Houses) -> None:
    async with shared_houses() as house:
        await house.elevenlabs("talks", {"faults": [{"kind": "drop", "after_events": 6}]})
        sid = await house.call(SILENT)
        shown = await house.over(sid)
        record = await house.record(sid, lambda record: record.is_over)
    assert words_of(shown) == [APOLOGY]
    assert (record.ended_by, record.outcome) == ("platform", "dropped")
