"""Calls to numbers of the account: which document they follow, and what its verbs do."""

from __future__ import annotations

import base64

import pytest

from simulators.twilio.calls import voices
from tests.simulators.telephony import CALLER, NUMBER, Json, Telephony, noted, until

WAV = voices.to_wav(voices.said("music"))


def played(shown: Json) -> bytes:
    """What the person on the line heard."""
    return base64.b64decode(shown["heard"]["played_base64"])


async def test_the_voice_url_is_asked_with_every_field_and_signed(telephony: Telephony) -> None:
    office = telephony.office
    office.documents["/voice"] = "<Response><Hangup/></Response>"
    sid = await telephony.call(**{"from": "+4930123456"})
    shown = await telephony.over(sid)
    (asked,) = [asked for asked in office.asked if asked.path == "/voice"]
    assert asked.is_signed
    assert (
        asked.form
        | {
            "CallSid": sid,
            "AccountSid": telephony.running.twilio_account_sid,
            "From": "+4930123456",
            "To": NUMBER,
            "Caller": "+4930123456",
            "Called": NUMBER,
            "CallStatus": "ringing",
            "ApiVersion": "2010-04-01",
            "Direction": "inbound",
            "FromCountry": "DE",
            "ToCountry": "US",
            "FromCity": "",
        }
        == asked.form
    )
    assert (shown["status"], shown["direction"]) == ("completed", "inbound")
    await until(lambda: bool(office.forms("/status")))
    (status,) = office.forms("/status")
    assert (status["CallStatus"], status["SequenceNumber"]) == ("completed", "0")


async def test_a_number_asks_by_get_when_it_says_so(telephony: Telephony) -> None:
    await telephony.number(VoiceMethod="GET")
    await telephony.over(await telephony.call())
    (asked,) = telephony.office.asked[:1]
    assert asked.is_signed
    assert asked.form == {}


async def test_an_application_wins_over_the_url_and_a_trunk_over_both(
    telephony: Telephony,
) -> None:
    office = telephony.office
    application = await telephony.steer(
        "applications", {"friendly_name": "a", "voice_url": f"{office.url}/application"}
    )
    await telephony.number(VoiceApplicationSid=application["sid"])
    await telephony.over(await telephony.call())
    assert [asked.path for asked in office.asked][:1] == ["/application"]
    await telephony.number(TrunkSid="TK" + "a" * 32)
    shown = await telephony.over(await telephony.call())
    assert shown["status"] == "failed"
    assert len(noted(shown, "trunk")) == 1
    assert office.forms("/voice") == []


@pytest.mark.parametrize(
    ("document", "status", "code"),
    [("<Response>", 200, "12100"), ("<Answer/>", 200, "12100"), ("<Response/>", 500, "11200")],
)
async def test_the_fallback_is_asked_with_what_went_wrong(
    telephony: Telephony, document: str, status: int, code: str
) -> None:
    office = telephony.office
    office.documents["/voice"] = document
    office.statuses["/voice"] = status
    await telephony.number(VoiceFallbackUrl=f"{office.url}/fallback")
    shown = await telephony.over(await telephony.call())
    (form,) = office.forms("/fallback")
    assert (form["ErrorCode"], form["ErrorUrl"]) == (code, f"{office.url}/voice")
    assert str(noted(shown, "error")[0]["code"]) == code


@pytest.mark.slow
async def test_without_a_fallback_the_caller_is_told_and_the_call_ends(
    telephony: Telephony,
) -> None:
    await telephony.number(VoiceUrl="https://nobody.example.com/voice")
    shown = await telephony.over(await telephony.call())
    assert shown["status"] == "completed"
    assert "error has occurred" in noted(shown, "says")[0]["words"]


@pytest.mark.parametrize(("reason", "status"), [("busy", "busy"), ("rejected", "no-answer")])
async def test_a_rejected_call_is_not_answered(
    telephony: Telephony, reason: str, status: str
) -> None:
    telephony.office.documents["/voice"] = f'<Response><Reject reason="{reason}"/></Response>'
    shown = await telephony.over(await telephony.call())
    assert shown["status"] == status
    assert shown["answered_unix_s"] is None


@pytest.mark.slow
async def test_words_and_sounds_are_heard_in_their_time(telephony: Telephony) -> None:
    office = telephony.office
    office.sounds["/music.wav"] = WAV
    office.documents["/voice"] = (
        "<Response><Say>hi</Say><Play>/music.wav</Play><Dance/><Play digits='1w'/>"
        "<Play>/nothing.wav</Play><Pause length='0'/></Response>"
    )
    shown = await telephony.over(await telephony.call())
    assert played(shown) == voices.said("hi") + voices.from_wav(WAV)
    assert noted(shown, "says")[0]["words"] == "hi"
    assert noted(shown, "plays")[0]["url"] == f"{office.url}/music.wav"
    assert noted(shown, "plays_digits")[0]["digits"] == "1w"
    assert [warning["code"] for warning in noted(shown, "warning")] == [12200, 12300]
    assert shown["heard"]["duration_ms"] >= len(played(shown)) / 8


async def test_gathered_keys_go_to_the_action(telephony: Telephony) -> None:
    office = telephony.office
    office.documents["/voice"] = (
        '<Response><Gather numDigits="2" action="/keys"><Say>please press two keys</Say></Gather>'
        "<Say>nothing came</Say></Response>"
    )
    shown = await telephony.over(await telephony.call(script=[{"digits": "427"}]))
    assert office.forms("/keys")[0]["Digits"] == "42"
    assert len(played(shown)) < len(voices.said("please press two keys"))


async def test_a_key_ends_what_is_gathered_and_nothing_goes_on(telephony: Telephony) -> None:
    office = telephony.office
    office.documents["/voice"] = (
        '<Response><Gather timeout="0" action="/never"/><Say>now</Say>'
        '<Gather action="/keys"/></Response>'
    )
    script = [{"wait_for": "speech_start"}, {"digits": "9#1"}]
    await telephony.over(await telephony.call(script=script))
    assert [form["Digits"] for form in office.forms("/keys")] == ["9"]
    assert office.forms("/never") == []


@pytest.mark.slow
async def test_a_redirect_to_itself_ends(telephony: Telephony) -> None:
    office = telephony.office
    office.documents["/voice"] = "<Response><Redirect>/voice</Redirect></Response>"
    shown = await telephony.over(await telephony.call())
    assert len(office.forms("/voice")) == 200
    assert noted(shown, "error")[0]["message"] == "too many documents in one call"


async def test_a_caller_who_hangs_up_ends_the_call(telephony: Telephony) -> None:
    office = telephony.office
    office.documents["/voice"] = "<Response><Say>one two three four five six</Say></Response>"
    script = [{"wait_for": "speech_start", "after_ms": 60}, {"hangup": True}]
    shown = await telephony.over(await telephony.call(script=script))
    assert noted(shown, "caller_hangs_up")
    assert 0 < len(played(shown)) < len(voices.said("one two three four five six"))


async def test_a_host_laid_onto_this_machine_is_reached_and_signed_as_written(
    telephony: Telephony,
) -> None:
    office = telephony.office
    address = office.url
    office.url = "https://calls.example.com"
    office.connect()
    await telephony.steer("hosts", {"hosts": {"calls.example.com": address}})
    await telephony.number(VoiceUrl=f"{office.url}/voice", StatusCallback=f"{office.url}/status")
    sid = await telephony.call()
    await until(lambda: bool(office.conversations))
    await telephony.steer(f"calls/{sid}", {"do": "hangup"})
    await telephony.over(sid)
    await until(lambda: bool(office.forms("/status")))
    assert all(asked.is_signed for asked in office.asked)
    assert office.conversations[0].is_signed
    refused = await telephony.http.post(
        f"{telephony.running.twilio_url}/_sim/hosts",
        json={"hosts": {"a.example.com": "http://192.0.2.1"}},
    )
    assert refused.status_code == 400


async def test_the_vendors_own_documents_need_no_office(telephony: Telephony) -> None:
    twiml = "%3CResponse%3E%3CSay%3Eecho%3C%2FSay%3E%3C%2FResponse%3E"
    await telephony.number(VoiceUrl=f"http://twimlets.com/echo?Twiml={twiml}")
    shown = await telephony.over(await telephony.call())
    assert noted(shown, "says")[0]["words"] == "echo"


async def test_a_number_that_is_not_there_cannot_be_called(telephony: Telephony) -> None:
    url = f"{telephony.running.twilio_url}/_sim/call"
    nobody = await telephony.http.post(url, json={"to": "+15005559999"})
    assert nobody.status_code == 404
    nonsense = await telephony.http.post(
        url, json={"to": NUMBER, "script": [{"say": "a", "hangup": True}]}
    )
    assert nonsense.status_code == 400
    broken = await telephony.http.post(url, json={"to": NUMBER, "wav_base64": "AAAA"})
    assert broken.status_code == 400


async def test_calls_are_shown_until_a_reset(telephony: Telephony) -> None:
    telephony.office.documents["/voice"] = "<Response><Pause length='60'/></Response>"
    sid = await telephony.call()
    await telephony.comes(sid, ("in-progress",))
    url = f"{telephony.running.twilio_url}/_sim/calls"
    listed = (await telephony.http.get(url)).json()
    assert (listed["live"], [call["from"] for call in listed["calls"]]) == (1, [CALLER])
    await telephony.steer("reset")
    assert (await telephony.http.get(url)).json() == {"calls": [], "live": 0}
    assert (await telephony.http.get(f"{url}/{sid}")).status_code == 404


@pytest.mark.parametrize("address", ["http://[::1", "http://127.0.0.1:99999/", "ftp://127.0.0.1/"])
async def test_an_address_that_is_none_is_an_answer_that_never_came(
    telephony: Telephony, address: str
) -> None:
    office = telephony.office
    await telephony.number(VoiceFallbackUrl=f"{office.url}/fallback")
    office.documents["/voice"] = f"<Response><Redirect>{address}</Redirect></Response>"
    shown = await telephony.over(await telephony.call())
    assert noted(shown, "error")[0]["code"] == 11200
    assert len(office.forms("/fallback")) == 1
