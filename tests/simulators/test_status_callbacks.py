"""Reports of calls that come twice, late, in the wrong order or never, and other signatures."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulators.telephony import Telephony, noted, until

HANG_UP = "<Response><Pause length='0'/></Response>"
EVENTS = ["initiated", "ringing", "answered", "completed"]


async def reported(telephony: Telephony, count: int, *faults: dict[str, Any]) -> list[str]:
    """Sequence numbers of the reports of one call, in the order they came."""
    await telephony.steer("telephony", {"callback_faults": list(faults)})
    office = telephony.office
    call = await telephony.place(
        twiml=HANG_UP, status_callback=f"{office.url}/progress", status_callback_event=EVENTS
    )
    await telephony.over(call.sid)
    await until(lambda: len(office.forms("/progress")) == count)
    return [form["SequenceNumber"] for form in office.forms("/progress")]


async def test_reports_come_in_order(telephony: Telephony) -> None:
    assert await reported(telephony, 4) == ["0", "1", "2", "3"]


async def test_a_report_comes_after_its_successor(telephony: Telephony) -> None:
    fault = {"kind": "out-of-order", "every": 2}
    assert await reported(telephony, 4, fault) == ["0", "2", "1", "3"]


async def test_a_report_comes_twice(telephony: Telephony) -> None:
    fault = {"kind": "twice", "status": "completed"}
    assert await reported(telephony, 5, fault) == ["0", "1", "2", "3", "3"]


async def test_a_report_is_lost(telephony: Telephony) -> None:
    assert await reported(telephony, 3, {"kind": "lost", "nth": 2}) == ["0", "2", "3"]


async def test_a_report_is_late(telephony: Telephony) -> None:
    fault = {"kind": "delayed", "status": "in-progress", "seconds": 600}
    assert await reported(telephony, 3, fault) == ["0", "1", "3"]
    await telephony.steer("clock", {"advance_s": 600})
    await until(lambda: len(telephony.office.forms("/progress")) == 4)
    assert telephony.office.forms("/progress")[-1]["SequenceNumber"] == "2"
    shown = await telephony.steer("telephony")
    assert shown["callback_faults"][0] | {"seen": 1, "fired": 1} == shown["callback_faults"][0]


async def test_a_receiver_that_refuses_changes_nothing(telephony: Telephony) -> None:
    telephony.office.statuses["/progress"] = 500
    assert await reported(telephony, 4) == ["0", "1", "2", "3"]
    calls = (await telephony.http.get(f"{telephony.running.twilio_url}/_sim/calls")).json()
    sid = calls["calls"][0]["sid"]

    async def outcomes() -> list[str]:
        shown = await telephony.show(sid)
        return [entry["outcome"] for entry in noted(shown, "status_callback")]

    await telephony.notes(sid, "status_callback")
    assert all(outcome.endswith("status 500") for outcome in await outcomes())


@pytest.mark.parametrize("secret", ["a secret", "another"])
async def test_a_shared_key_signs_with_sha256_and_says_so(
    telephony: Telephony, secret: str
) -> None:
    office = telephony.office
    await telephony.steer("signing", {"key_id": "webhooks_sharedkey_1", "secret": secret})
    office.token = secret
    await telephony.over(await telephony.call())
    await until(lambda: bool(office.forms("/status")))
    assert {asked.settings for asked in office.asked} == {
        "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"
    }
    assert all(asked.is_signed for asked in office.asked)
    office.token = "wrong"
    await telephony.over(await telephony.call())
    assert not office.asked[-1].is_signed
