"""Calls placed by the vendor's client: queued, rung, answered or not, changed, ended, listed."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

from tests.simulators.telephony import CALLER, NUMBER, Telephony, noted, until

HANG_UP = "<Response><Hangup/></Response>"
STAY = "<Response><Pause length='60'/></Response>"
EVENTS = ["initiated", "ringing", "answered", "completed"]


async def test_a_call_is_queued_rung_answered_and_reported(telephony: Telephony) -> None:
    office = telephony.office
    office.documents["/out"] = HANG_UP
    began_s = time.monotonic()
    call = await telephony.place(
        url=f"{office.url}/out",
        status_callback=f"{office.url}/progress",
        status_callback_event=EVENTS,
    )
    assert (call.status, call.direction, call.queue_time) == ("queued", "outbound-api", "0")
    await telephony.over(call.sid)
    spent_s = time.monotonic() - began_s
    await until(lambda: len(office.forms("/progress")) == 4)
    forms = office.forms("/progress")
    assert [form["CallStatus"] for form in forms] == [
        "initiated",
        "ringing",
        "in-progress",
        "completed",
    ]
    assert [form["SequenceNumber"] for form in forms] == ["0", "1", "2", "3"]
    assert {form["CallbackSource"] for form in forms} == {"call-progress-events"}
    assert 0 <= int(forms[-1]["CallDuration"]) <= spent_s + 1
    assert forms[0]["Timestamp"].endswith("+0000")
    (asked,) = office.forms("/out")
    assert (
        asked
        | {
            "CallSid": call.sid,
            "AccountSid": telephony.running.twilio_account_sid,
            "From": NUMBER,
            "To": CALLER,
            "CallStatus": "in-progress",
            "ApiVersion": "2010-04-01",
            "Direction": "outbound-api",
            "FromCountry": "US",
            "ToCountry": "US",
        }
        == asked
    )
    assert all(asked.is_signed for asked in office.asked)
    ended = await asyncio.to_thread(lambda: telephony.client.calls(call.sid).fetch())
    assert (ended.status, ended.price_unit) == ("completed", "USD")
    assert ended.duration == forms[-1]["CallDuration"]
    assert isinstance(ended.start_time, datetime)
    assert ended.subresource_uris["streams"].endswith(f"{call.sid}/Streams.json")


async def test_only_the_end_is_reported_unless_more_is_asked_for(telephony: Telephony) -> None:
    office = telephony.office
    call = await telephony.place(twiml=HANG_UP, status_callback=f"{office.url}/progress")
    await telephony.over(call.sid)
    await until(lambda: bool(office.forms("/progress")))
    assert [form["CallStatus"] for form in office.forms("/progress")] == ["completed"]


@pytest.mark.parametrize("answers", ["busy", "no-answer", "failed"])
async def test_a_call_that_is_not_answered_ends_as_it_did(
    telephony: Telephony, answers: str
) -> None:
    office = telephony.office
    await telephony.steer("people", {"number": CALLER, "answers": answers, "after_ms": 50})
    call = await telephony.place(url=f"{office.url}/out", status_callback=f"{office.url}/progress")
    shown = await telephony.over(call.sid)
    assert shown["status"] == answers
    await until(lambda: bool(office.forms("/progress")))
    assert office.forms("/progress")[0]["CallStatus"] == answers
    assert office.forms("/out") == []
    ended = await asyncio.to_thread(lambda: telephony.client.calls(call.sid).fetch())
    assert (ended.status, ended.duration) == (answers, None)


@pytest.mark.slow
async def test_nobody_picks_up_before_the_time_is_over(telephony: Telephony) -> None:
    await telephony.steer("people", {"number": CALLER, "after_ms": 60_000})
    call = await telephony.place(twiml=HANG_UP, timeout=1)
    assert (await telephony.over(call.sid))["status"] == "no-answer"


async def test_calls_leave_the_queue_one_after_another(telephony: Telephony) -> None:
    assert (await telephony.steer("telephony"))["calls_per_second"] == 1
    await telephony.steer("telephony", {"calls_per_second": 0.005})
    calls = [await telephony.place(twiml=HANG_UP) for _ in range(3)]
    waits = [int(call.queue_time) for call in calls]
    assert waits[0] == 0
    assert 0 < waits[1] <= 200_000 < waits[2] <= 400_000
    statuses = [(await telephony.show(call.sid))["status"] for call in calls[1:]]
    assert statuses == ["queued", "queued"]


@pytest.mark.slow
async def test_a_person_who_answers_hears_and_says(telephony: Telephony) -> None:
    office = telephony.office
    office.connect("/out")
    script = [{"wait_for": "listener", "say": "who is there"}, {"hangup": True}]
    person = {"number": CALLER, "after_ms": 0, "machine": True, "script": script}
    await telephony.steer("people", person)
    call = await telephony.place(url=f"{office.url}/out", machine_detection="Enable")
    shown = await telephony.over(call.sid)
    assert noted(shown, "caller_speaks")[0]["words"] == "who is there"
    assert office.forms("/out")[0]["AnsweredBy"] == "machine_start"
    await until(lambda: bool(office.conversations[0].heard().strip(b"\xff")))


async def test_a_waiting_call_can_be_cancelled(telephony: Telephony) -> None:
    office = telephony.office
    await telephony.steer("people", {"number": CALLER, "after_ms": 60_000})
    call = await telephony.place(twiml=HANG_UP, status_callback=f"{office.url}/progress")
    changed = await asyncio.to_thread(lambda: call.update(status="canceled"))
    assert changed.sid == call.sid
    assert (await telephony.over(call.sid))["status"] == "canceled"
    await until(lambda: bool(office.forms("/progress")))
    assert office.forms("/progress")[0]["CallStatus"] == "canceled"


async def test_a_live_call_is_redirected_and_hung_up(telephony: Telephony) -> None:
    office = telephony.office
    office.documents["/next"] = STAY
    office.connect("/out")
    call = await telephony.place(url=f"{office.url}/out")
    await until(lambda: bool(office.conversations) and bool(office.conversations[0].of("media")))
    await asyncio.to_thread(lambda: call.update(url=f"{office.url}/next"))
    await until(lambda: bool(office.forms("/next")))
    await until(lambda: bool(office.conversations[0].of("stop")))
    says = "<Response><Say>bye</Say><Pause length='60'/></Response>"
    await asyncio.to_thread(lambda: call.update(twiml=says))
    await telephony.notes(call.sid, "says")
    await asyncio.to_thread(lambda: call.update(status="completed"))
    assert (await telephony.over(call.sid))["status"] == "completed"


async def refusal(telephony: Telephony, **arguments: Any) -> tuple[int, int]:
    with pytest.raises(TwilioRestException) as raised:
        await telephony.place(**arguments)
    return raised.value.status, raised.value.code


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"to": "call me", "twiml": HANG_UP}, 21211),
        ({"from_": "me", "twiml": HANG_UP}, 21212),
        ({"from_": "+14155559999", "twiml": HANG_UP}, 21210),
        ({}, 21205),
        ({"url": "nowhere"}, 21205),
        ({"twiml": "<Response><Redirect>/next</Redirect></Response>"}, 15004),
        ({"twiml": "<Response><Gather action='/next'/></Response>"}, 15004),
        ({"twiml": f"<Response>{'x' * 4000}</Response>"}, 20001),
        ({"twiml": HANG_UP, "timeout": 601}, 20001),
        ({"twiml": HANG_UP, "send_digits": "hello"}, 20001),
        ({"twiml": HANG_UP, "status_callback_event": ["sneezed"]}, 20001),
        ({"url": "https://a.example.com", "method": "PUT"}, 21403),
    ],
)
async def test_what_cannot_be_called_is_refused(
    telephony: Telephony, arguments: dict[str, Any], code: int
) -> None:
    assert await refusal(telephony, **arguments) == (400, code)
    assert await asyncio.to_thread(telephony.client.calls.list) == []


async def test_what_is_over_cannot_be_changed_and_what_is_not_cannot_be_deleted(
    telephony: Telephony,
) -> None:
    call = await telephony.place(twiml=STAY)
    await telephony.comes(call.sid, ("in-progress",))
    found: list[tuple[int, int]] = []

    def expect(act: Any) -> None:
        with pytest.raises(TwilioRestException) as raised:
            act()
        found.append((raised.value.status, raised.value.code))

    await asyncio.to_thread(expect, lambda: call.update(status="canceled"))
    await asyncio.to_thread(expect, call.delete)
    await asyncio.to_thread(lambda: call.update(status="completed"))
    await telephony.over(call.sid)
    await asyncio.to_thread(expect, lambda: call.update(twiml=HANG_UP))
    await asyncio.to_thread(call.delete)
    await asyncio.to_thread(expect, call.fetch)
    assert found == [(400, 21220), (409, 20009), (400, 21220), (404, 20404)]


async def test_calls_are_listed_newest_first_by_filters_and_pages(telephony: Telephony) -> None:
    await telephony.steer("telephony", {"calls_per_second": 100})
    office = telephony.office
    office.documents["/voice"] = HANG_UP
    sids = [(await telephony.place(twiml=HANG_UP)).sid for _ in range(3)]
    sids.append(await telephony.call())
    for sid in sids:
        await telephony.over(sid)
    calls = telephony.client.calls

    async def listed(**filters: Any) -> list[str]:
        found = await asyncio.to_thread(lambda: calls.list(**filters))
        return [call.sid for call in found]

    assert await listed(page_size=2) == sids[::-1]
    assert await listed(to=NUMBER) == sids[3:]
    assert await listed(from_=NUMBER, status="completed") == sids[2::-1]
    assert await listed(status="busy") == []
    now = datetime.now(UTC)
    hour = timedelta(hours=1)
    assert await listed(start_time_before=now + hour) == sids[::-1]
    assert await listed(start_time_after=now + hour) == []
    assert await listed(end_time_after=now - hour) == sids[::-1]
    assert await listed(start_time=now.date() - timedelta(days=3)) == []
    assert await listed(parent_call_sid=sids[0]) == []


@pytest.mark.filterwarnings("default:The 'auth' parameter is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("default:BasicAuth is deprecated:DeprecationWarning")
async def test_the_asynchronous_client_places_calls_too(telephony: Telephony) -> None:
    running = telephony.running
    http = AsyncTwilioHttpClient()
    try:
        client = Client(running.twilio_account_sid, running.twilio_auth_token, http_client=http)
        client.api.base_url = running.twilio_url
        call = await client.calls.create_async(to=CALLER, from_=NUMBER, twiml=HANG_UP)
        await telephony.over(call.sid)
        ended = await client.calls(call.sid).fetch_async()
        assert ended.status == "completed"
    finally:
        await http.close()


@pytest.mark.slow
async def test_a_call_ends_at_its_limit(telephony: Telephony) -> None:
    call = await telephony.place(twiml=STAY, time_limit=1)
    assert (await telephony.over(call.sid))["status"] == "completed", "long before it would hang up"


async def test_a_stream_taps_a_live_call_and_is_stopped(telephony: Telephony) -> None:
    office = telephony.office
    call = await telephony.place(twiml=STAY)
    await telephony.comes(call.sid, ("in-progress",))
    stream = await asyncio.to_thread(
        lambda: call.streams.create(
            url=office.stream_url,
            name="ear",
            track="both_tracks",
            parameter1_name="who",
            parameter1_value="me",
        )
    )
    assert (stream.status, stream.name, stream.call_sid) == ("in-progress", "ear", call.sid)
    await until(lambda: bool(office.conversations) and bool(office.conversations[0].of("media")))
    start = office.conversations[0].of("start")[0]["start"]
    assert start["customParameters"] == {"who": "me"}
    assert start["tracks"] == ["inbound", "outbound"]
    stopped = await asyncio.to_thread(
        lambda: telephony.client.calls(call.sid).streams(stream.sid).update(status="stopped")
    )
    assert stopped.status == "stopped"
    await until(lambda: bool(office.conversations[0].of("stop")))
    assert (await telephony.show(call.sid))["status"] == "in-progress"


async def test_calls_that_were_placed_are_counted_as_objects(telephony: Telephony) -> None:
    telephony.office.documents["/voice"] = HANG_UP
    await telephony.over(await telephony.call())
    call = await telephony.place(twiml=HANG_UP)
    await telephony.over(call.sid)
    counters = await telephony.http.get(f"{telephony.running.twilio_url}/_sim/counters")
    counted = counters.json()["objects"]["calls"]
    assert counted["by_name"] == {CALLER: {"created": 1, "deleted": 0}}
    assert list(counted["by_id"]) == [call.sid]


async def test_a_placed_call_whose_answer_is_lost_is_placed(telephony: Telephony) -> None:
    path = "/2010-04-01/Accounts/{AccountSid}/Calls.json"
    fault = {"kind": "status-after", "status": 500, "route": path, "nth": 1}
    await telephony.steer("faults", {"faults": [fault]})
    with pytest.raises(TwilioRestException):
        await telephony.place(twiml=HANG_UP)
    listed = await asyncio.to_thread(telephony.client.calls.list)
    assert [call.to for call in listed] == [CALLER]
