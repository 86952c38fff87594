"""Words and recordings of callers, and who answered: told to addresses as the vendor tells them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from simulators.twilio.calls import voices
from tests.simulators.telephony import CALLER, Telephony, noted, until

if TYPE_CHECKING:
    from tests.simulators.telephony import Json

COLLEAGUE = "+14155550111"


def gathering(inputs: str, timeout_s: int = 30) -> str:
    gather = f'<Gather input="{inputs}" action="/gathered" timeout="{timeout_s}" numDigits="2">'
    return f"<Response>{gather}<Say>well</Say></Gather><Redirect>/nothing</Redirect></Response>"


@pytest.mark.parametrize("inputs", ["speech", "dtmf speech"])
async def test_words_of_a_script_are_understood(telephony: Telephony, inputs: str) -> None:
    telephony.office.documents["/voice"] = gathering(inputs)
    await telephony.over(await telephony.call(script=[{"say": "a table"}]))
    (told,) = telephony.office.forms("/gathered")
    assert (told["SpeechResult"], told["Confidence"]) == ("a table", "0.9")
    assert "Digits" not in told
    assert telephony.office.forms("/nothing") == []


async def test_keys_count_where_words_do_too(telephony: Telephony) -> None:
    telephony.office.documents["/voice"] = gathering("dtmf speech")
    await telephony.over(await telephony.call(script=[{"digits": "42"}]))
    (told,) = telephony.office.forms("/gathered")
    assert told["Digits"] == "42"
    assert "SpeechResult" not in told


@pytest.mark.slow
@pytest.mark.parametrize(
    ("inputs", "item"),
    [
        ("dtmf", {"say": "a table"}),
        ("speech", {"digits": "42"}),
        ("speech", {"wav_base64": base64.b64encode(voices.to_wav(voices.said("no"))).decode()}),
    ],
)
async def test_what_is_not_asked_for_is_nothing(
    telephony: Telephony, inputs: str, item: Json
) -> None:
    telephony.office.documents["/voice"] = gathering(inputs, timeout_s=1)
    await telephony.over(await telephony.call(script=[item]))
    assert telephony.office.forms("/gathered") == []
    assert len(telephony.office.forms("/nothing")) == 1


@pytest.mark.parametrize("key", ["", "5"])
async def test_what_a_caller_leaves_is_recorded(telephony: Telephony, key: str) -> None:
    timeout = 60 if key else 1
    telephony.office.documents["/voice"] = (
        f'<Response><Record action="/left" timeout="{timeout}"/>'
        "<Redirect>/nothing</Redirect></Response>"
    )
    script: list[Json] = [{"say": "call me"}, *([{"digits": key}] if key else [])]
    sid = await telephony.call(script=script)
    await telephony.over(sid)
    (told,) = telephony.office.forms("/left")
    assert told["RecordingUrl"].endswith(f"/Recordings/{told['RecordingSid']}")
    assert int(told["RecordingDuration"]) >= 1
    assert told.get("Digits", "") == key
    assert telephony.office.forms("/nothing") == []
    shown = await telephony.http.get(
        f"{telephony.running.twilio_url}/_sim/recordings/{told['RecordingSid']}"
    )
    heard = voices.from_wav(base64.b64decode(shown.json()["wav_base64"]))
    assert voices.said("call me").rstrip(b"\xff").strip(b"\xff") in heard


async def test_silence_is_no_recording(telephony: Telephony) -> None:
    telephony.office.documents["/voice"] = (
        '<Response><Record action="/left" maxLength="1" timeout="9"/>'
        "<Redirect>/nothing</Redirect></Response>"
    )
    await telephony.over(await telephony.call())
    assert telephony.office.forms("/left") == []
    assert len(telephony.office.forms("/nothing")) == 1
    unknown = await telephony.http.get(f"{telephony.running.twilio_url}/_sim/recordings/RE1")
    assert unknown.status_code == 404


@pytest.mark.parametrize(
    ("machine", "mode", "word"),
    [
        (False, "Enable", "human"),
        (True, "Enable", "machine_start"),
        (True, "DetectMessageEnd", "machine_end_beep"),
    ],
)
async def test_who_answered_is_told_beside_the_call(
    telephony: Telephony, machine: bool, mode: str, word: str
) -> None:
    office = telephony.office
    office.documents["/out"] = "<Response><Pause length='60'/></Response>"
    person = {"number": CALLER, "after_ms": 0, "machine": machine}
    await telephony.steer("people", person)
    call = await telephony.place(
        url=f"{office.url}/out",
        machine_detection=mode,
        async_amd="true",
        async_amd_status_callback=f"{office.url}/amd",
    )
    await until(lambda: bool(office.forms("/amd")))
    assert "AnsweredBy" not in office.forms("/out")[0]
    (told,) = office.forms("/amd")
    assert (told["CallSid"], told["AnsweredBy"]) == (call.sid, word)
    assert int(told["MachineDetectionDuration"]) > 0
    assert (await telephony.steer(f"calls/{call.sid}", {"do": "hangup"})) is not None
    shown = await telephony.over(call.sid)
    assert noted(shown, "detected")
    assert all(asked.is_signed for asked in office.asked)


async def test_who_was_dialled_is_named_where_their_whisper_is_asked_for(
    telephony: Telephony,
) -> None:
    office = telephony.office
    office.documents["/voice"] = (
        f'<Response><Dial><Number url="/whisper">{COLLEAGUE}</Number></Dial></Response>'
    )
    office.documents["/whisper"] = "<Response><Hangup/></Response>"
    await telephony.steer("people", {"number": COLLEAGUE, "after_ms": 10})
    sid = await telephony.call()
    shown = await telephony.over(sid)
    (asked,) = office.forms("/whisper")
    assert asked["ParentCallSid"] == sid
    assert asked["DialCallSid"] == asked["CallSid"] == shown["children"][0]
    assert asked["DialCallStatus"] == "in-progress"
