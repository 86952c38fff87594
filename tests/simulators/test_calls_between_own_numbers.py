"""A call placed from one number of the account to another: two calls, and each hears the other."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.simulators.telephony import NUMBER, Conversation, Telephony, until

OTHER = "+15005550007"
WORD = bytes(range(160)) * 25


async def _bought(telephony: Telephony) -> None:
    numbers = telephony.client.incoming_phone_numbers
    await asyncio.to_thread(lambda: numbers.create(phone_number=OTHER))


async def _legs(telephony: Telephony) -> dict[str, Any]:
    """Every call by its direction."""
    calls = await asyncio.to_thread(telephony.client.calls.list)
    return {call.direction: call for call in calls}


async def test_both_sides_hear_each_other_and_end_together(telephony: Telephony) -> None:
    office = telephony.office
    office.connect("/voice")
    office.documents["/out"] = (
        f'<Response><Connect><Stream url="{office.socket_url}/near"/></Connect></Response>'
    )

    async def says(conversation: Conversation) -> None:
        await conversation.say(WORD, size=len(WORD))

    office.talks["/near"] = says
    await _bought(telephony)
    placed = await telephony.place(to=NUMBER, from_=OTHER, url=f"{office.url}/out")
    await until(lambda: len(office.conversations) == 2)
    (near,) = [each for each in office.conversations if each.request.path == "/near"]
    (far,) = [each for each in office.conversations if each.request.path == "/media"]
    await until(lambda: WORD in far.heard())
    await far.say(WORD, size=len(WORD))
    await until(lambda: WORD in near.heard())
    await far.socket.close()
    await telephony.over(placed.sid)
    legs = await _legs(telephony)
    assert {legs[each].status for each in ("outbound-api", "inbound")} == {"completed"}
    assert (legs["inbound"].to, legs["inbound"]._from) == (NUMBER, OTHER)
    assert legs["inbound"].sid != placed.sid


async def test_a_number_that_answers_nobody_fails_the_call(telephony: Telephony) -> None:
    office = telephony.office
    office.statuses["/voice"] = 500
    await _bought(telephony)
    placed = await telephony.place(to=NUMBER, from_=OTHER, twiml="<Response><Pause/></Response>")
    shown = await telephony.over(placed.sid)
    assert shown["status"] in ("failed", "completed")
    legs = await _legs(telephony)
    assert legs["inbound"].status in ("failed", "completed")


async def test_a_person_at_an_own_number_comes_first(telephony: Telephony) -> None:
    office = telephony.office
    await _bought(telephony)
    await telephony.steer("people", {"number": NUMBER, "answers": "busy", "after_ms": 10})
    placed = await telephony.place(to=NUMBER, from_=OTHER, url=f"{office.url}/out")
    shown = await telephony.over(placed.sid)
    assert shown["status"] == "busy"
    assert office.forms("/voice") == []
