"""Calls of one Twilio account: placed, found, ended and redirected, and what its no means."""

from __future__ import annotations

import asyncio
import xml.etree.ElementTree as ET
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from twilio.request_validator import RequestValidator

from trunkline.adapters.rate_limits import Pace, Rates
from trunkline.adapters.twilio import answers
from trunkline.adapters.twilio.calls import TwilioCarrier
from trunkline.model.calls.carrier import CarrierCall, CarrierOrder
from trunkline.model.calls.signed import SignedRequest
from trunkline.model.errors import (
    CallOver,
    CredentialsRejected,
    InvalidInput,
    OutcomeUnknown,
    PlatformError,
    RateLimited,
    Rejected,
    RemoteMissing,
    Unavailable,
)

if TYPE_CHECKING:
    from tests.adapters.conftest import Reply, ScriptedVendor, Simulated, Vendors

SID, TOKEN = "AC" + "0" * 32, "token-that-nobody-may-see"
NUMBER, CALLED = "+15005550006", "+447700900123"
TIMEOUT_S = 60.0
NOWHERE = "https://calls.example.com/v1/webhooks/twilio"
FORM = "application/x-www-form-urlencoded"


def carrier(vendor: ScriptedVendor, vendors: Vendors, **said: Any) -> TwilioCarrier:
    wire = vendors.wire(vendor.url, "Twilio")
    return TwilioCarrier(
        wire, Pace(Rates()), account=SID, token=TOKEN, read_timeout_s=TIMEOUT_S, **said
    )


def order(**said: Any) -> CarrierOrder:
    known: dict[str, Any] = {
        "to_number": CALLED,
        "from_number": NUMBER,
        "answer_url": f"{NOWHERE}/voice/acme/testing/main-line?order=o&try=t",
        "status_url": f"{NOWHERE}/status",
    }
    return CarrierOrder(**{**known, **said})


async def becomes(
    ask: Callable[[], Awaitable[CarrierCall]], holds: Callable[[CarrierCall], bool]
) -> CarrierCall:
    async with asyncio.timeout(60):
        while not holds(found := await ask()):  # noqa: ASYNC110 - asks the outside
            await asyncio.sleep(0.02)
    return found


async def test_a_call_is_placed_found_redirected_and_ended(simulated: Simulated) -> None:
    held = await simulated.accounts.carrier("acme", "testing")
    asked_at = datetime.now(UTC) - timedelta(seconds=5)
    hold = answers.hosted_fallback("", "Hold the line, please. " * 30)
    await simulated.telephony_does("people", {"number": CALLED, "answers": "answered"})
    placed = await held.place(order(answer_url=hold), timeout_s=TIMEOUT_S)
    assert (placed.direction, placed.from_number, placed.to_number) == ("outbound", NUMBER, CALLED)
    (found,) = await held.find(to_number=CALLED, from_number=NUMBER, since=asked_at)
    assert found.sid == placed.sid
    later = datetime.now(UTC) + timedelta(hours=1)
    assert await held.find(to_number=CALLED, from_number=NUMBER, since=later) == ()
    await becomes(lambda: held.call(placed.sid), lambda call: call.state == "in-progress")
    await held.redirect(placed.sid, hold_on(), timeout_s=TIMEOUT_S)
    await held.end(placed.sid, timeout_s=TIMEOUT_S)
    over = await becomes(lambda: held.call(placed.sid), lambda call: call.state == "completed")
    assert over.ended_at is not None
    await held.end(placed.sid, timeout_s=TIMEOUT_S)
    with pytest.raises(CallOver):
        await held.redirect(placed.sid, held.hangup_answer(), timeout_s=TIMEOUT_S)
    with pytest.raises(RemoteMissing):
        await held.call("CA" + "0" * 32)


def hold_on() -> str:
    return answers.apology("One moment, please. " * 30, language="en-GB", forward_to="")


REFUSALS: list[tuple[int, Any, type[PlatformError]]] = [
    (401, 20003, CredentialsRejected),
    (429, 20429, RateLimited),
    (400, 21211, Rejected),
    (500, 20500, OutcomeUnknown),
    (503, 0, OutcomeUnknown),
]


@pytest.mark.parametrize(("status", "code", "leaf"), REFUSALS)
async def test_what_a_no_means_for_a_new_call(
    status: int,
    code: int,
    leaf: type[PlatformError],
    vendor: ScriptedVendor,
    vendors: Vendors,
    reply: type[Reply],
) -> None:
    body = {"code": code, "message": f"words {TOKEN}", "status": status}
    vendor.script(reply(status=status, body=body))
    with pytest.raises(PlatformError) as raised:
        await carrier(vendor, vendors).place(order(), timeout_s=TIMEOUT_S)
    assert type(raised.value) is leaf
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize("fault", ["reset", "half", "silence"])
async def test_a_new_call_without_an_answer_may_have_been_placed(
    fault: Any, vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    vendor.script(reply(fault=fault, body={"sid": "CA1"}))
    with pytest.raises(OutcomeUnknown):
        await carrier(vendor, vendors).place(order(), timeout_s=TIMEOUT_S)
    assert len(vendor.heard) == 1


@pytest.mark.parametrize("body", [b"{", {}, {"sid": "CA1", "status": "odd"}])
async def test_a_new_call_whose_answer_nobody_can_read_may_have_been_placed(
    body: Any, vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    vendor.script(reply(status=201, body=body))
    with pytest.raises(OutcomeUnknown):
        await carrier(vendor, vendors).place(order(), timeout_s=TIMEOUT_S)


async def test_an_order_says_everything_to_the_carrier(
    vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    vendor.script(reply(status=201, body={"sid": "CA1", "status": "queued", "direction": "x"}))
    asked = order(fallback_url="https://twimlets.com/echo", ring_timeout_s=30, longest_s=600)
    await carrier(vendor, vendors).place(asked, timeout_s=TIMEOUT_S)
    told = parse_qs(vendor.heard[0].body.decode())
    assert told["StatusCallbackEvent"] == ["initiated", "ringing", "answered", "completed"]
    assert (told["Timeout"], told["TimeLimit"]) == (["30"], ["600"])
    assert told["FallbackUrl"] == ["https://twimlets.com/echo"]
    assert told["Url"] == [asked.answer_url]


async def test_a_call_that_waits_is_found_and_its_price_is_read(
    vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    made = "Sun, 22 Nov 2026 04:00:00 +0000"
    ended = {"end_time": "Sun, 22 Nov 2026 04:02:00 +0000", "duration": "115"}
    calls = [
        {"sid": "CA2", "status": "queued", "direction": "outbound-api", "date_created": made},
        {"sid": "CA1", "status": "completed", "date_created": made, "price": "-0.03000", **ended},
    ]
    vendor.script(reply(body={"calls": calls, "next_page_uri": None}))
    since = datetime(2026, 11, 22, 3, 59, tzinfo=UTC)
    found = await carrier(vendor, vendors).find(to_number=CALLED, from_number=NUMBER, since=since)
    assert [(call.sid, call.state, call.price_usd) for call in found] == [
        ("CA1", "completed", 0.03),
        ("CA2", "queued", None),
    ]
    assert found[0].duration_s == 115


async def test_a_read_that_breaks_is_no_news(
    vendor: ScriptedVendor, vendors: Vendors, reply: type[Reply]
) -> None:
    vendor.script(reply(status=503, body=b"upstream"))
    with pytest.raises(Unavailable):
        await carrier(vendor, vendors).call("CA1")


async def test_a_report_is_read_and_nonsense_is_not(
    vendor: ScriptedVendor, vendors: Vendors
) -> None:
    held = carrier(vendor, vendors)
    said = {"CallSid": "CA1", "CallStatus": "completed", "SequenceNumber": "3"}
    timed = {"Timestamp": "Thu, 30 Jul 2015 23:19:04 +0000", "CallDuration": "15"}
    report = held.report(list({**said, **timed}.items()))
    assert (report.state, report.sequence, report.duration_s) == ("completed", 3, 15)
    assert report.at == datetime(2015, 7, 30, 23, 19, 4, tzinfo=UTC)
    for wrong in (
        {"CallSid": ""},
        {"CallStatus": "odd"},
        {"SequenceNumber": "x"},
        {"SequenceNumber": "9" * 10},
        {"CallDuration": "-1"},
        {"Timestamp": "yesterday"},
        {"Timestamp": "Fri, 31 Dec 9999 23:59:59 -2300"},
    ):
        with pytest.raises(InvalidInput):
            held.report(list({**said, **wrong}.items()))


async def test_signatures_of_the_vendors_documentation_hold(
    vendor: ScriptedVendor, vendors: Vendors
) -> None:
    wire = vendors.wire(vendor.url, "Twilio")
    held = TwilioCarrier(
        wire,
        Pace(Rates()),
        account=SID,
        token="12345",
        read_timeout_s=1,
        shared_keys={"webhooks_sharedkey_1": "12345"},
    )
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    body = (
        b"CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234"
        b"&From=%2B14158675309&To=%2B18005551212"
    )
    settings = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"

    def holds(signature: str, settings: str = "", *, at: str = url) -> bool:
        request = SignedRequest("/myapp.php?foo=1&bar=2", body, FORM, signature, settings)
        return held.is_signed(request, at)

    assert holds("RSOYDt4T1cUTdK1PDd93/VVr8B8=")
    assert holds("kvajT1Ptam85bY51eRf/AJRuM3w=")
    assert holds("033hgUJA9M/hXIZsYjwkerEP/DBm35nEri5FhCYjA5s=", settings)
    assert not holds("033hgUJA9M/hXIZsYjwkerEP/DBm35nEri5FhCYjA5s=")
    assert not holds("RSOYDt4T1cUTdK1PDd93/VVr8B8=", settings)
    assert not holds("RSOYDt4T1cUTdK1PDd93/VVr8B8=", at=url.replace("https", "http"))


async def test_an_upgrade_is_signed_for_its_own_address_alone(
    vendor: ScriptedVendor, vendors: Vendors
) -> None:
    held = carrier(vendor, vendors)
    wanted = "wss://calls.example.com/v1/media"

    def holds(url: str) -> bool:
        signature = RequestValidator(TOKEN).compute_signature(url, {})
        return held.is_signed(SignedRequest("/v1/media", signature=signature), wanted)

    assert holds(wanted)
    assert holds("wss://calls.example.com:443/v1/media")
    for wrong in ("ws://calls.example.com", "https://calls.example.com", "wss://other.example.com"):
        assert not holds(f"{wrong}/v1/media")
    assert not holds("wss://calls.example.com:80/v1/media")


def test_answers_are_the_vendors_own_markup() -> None:
    said = answers.apology("Sorry <you>", language="de", forward_to=NUMBER)
    assert [(one.tag, one.text, dict(one.attrib)) for one in ET.fromstring(said)] == [  # noqa: S314
        ("Say", "Sorry <you>", {"language": "de-DE"}),
        ("Dial", NUMBER, {}),
    ]
    quiet = answers.apology("", language="xx", forward_to="")
    assert [one.tag for one in ET.fromstring(quiet)] == ["Hangup"]  # noqa: S314 - our own
    in_german = answers.transfer(NUMBER, sentence="Einen Moment.", language="de")
    assert '<Say language="de-DE">Einen Moment.</Say>' in in_german
    moved = answers.transfer(NUMBER, sentence="A caller about a bill.", caller_id=CALLED)
    assert [one.tag for one in ET.fromstring(moved)] == ["Say", "Dial"]  # noqa: S314 - our own


def test_whoever_takes_over_is_whispered_to_in_the_vendors_own_markup() -> None:
    passed = answers.transfer(
        NUMBER, caller_id=CALLED, whisper_url="https://a/w?x=1&y=2", then="https://a/then"
    )
    (dial,) = ET.fromstring(passed)  # noqa: S314 - our own
    (dialled,) = dial
    assert dial.attrib == {
        "action": "https://a/then",
        "answerOnBridge": "true",
        "callerId": CALLED,
        "method": "POST",
    }
    assert (dialled.tag, dialled.text) == ("Number", NUMBER)
    assert dialled.attrib == {"url": "https://a/w?x=1&y=2", "method": "POST"}
    (said,) = ET.fromstring(answers.whisper("Bill <7> & more", language="de"))  # noqa: S314 - ours
    assert (said.tag, said.text, said.attrib) == ("Say", "Bill <7> & more", {"language": "de-DE"})
    assert list(ET.fromstring(answers.whisper("", language="de"))) == []  # noqa: S314 - our own


def test_what_the_carrier_hosts_names_a_number_or_a_sentence() -> None:
    dialled = urlsplit(answers.hosted_fallback(NUMBER, "unsaid"))
    assert (dialled.path, parse_qs(dialled.query)) == ("/forward", {"PhoneNumber": [NUMBER]})
    spoken = urlsplit(answers.hosted_fallback("", "Please call later."))
    (document,) = parse_qs(spoken.query)["Twiml"]
    said = ET.fromstring(document)  # noqa: S314 - our own
    assert [one.text for one in said] == ["Please call later.", None]


def test_what_no_document_can_hold_is_left_out_of_a_sentence() -> None:
    words = "Of Mr. \x01\ufffeM\u00fcller \U0001f469\ud800"
    documents = (
        answers.apology(words, language="en", forward_to=""),
        answers.transfer(NUMBER, sentence=words),
        answers.whisper(words, language="en"),
    )
    assert {ET.fromstring(one)[0].text for one in documents} == {  # noqa: S314 - our own answers
        "Of Mr. M\u00fcller \U0001f469"
    }
