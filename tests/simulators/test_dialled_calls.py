"""Calls that calls make: a number that is answered or not, a SIP address, the voice platform."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING

import pytest

from simulators.twilio.calls import voices
from tests.simulators.telephony import CALLER, NUMBER, Telephony, noted, until

if TYPE_CHECKING:
    from tests.simulators.conftest import World

COLLEAGUE = "+14155550111"
OTHER = "+14155550112"


def dial(nouns: str, attributes: str = "") -> str:
    return (
        f'<Response><Dial action="/dialled" {attributes}>{nouns}</Dial>'
        "<Redirect>/never</Redirect></Response>"
    )


@pytest.mark.slow
async def test_two_people_hear_each_other(telephony: Telephony) -> None:
    office = telephony.office
    office.documents["/voice"] = dial(
        f'<Number statusCallback="/leg" statusCallbackEvent="ringing answered completed">'
        f"{COLLEAGUE}</Number>"
    )
    script = [{"say": "yes"}, {"wait_for": "speech_end"}, {"hangup": True}]
    await telephony.steer("people", {"number": COLLEAGUE, "after_ms": 20, "script": script})
    sid = await telephony.call(script=[{"wait_for": "speech_end", "say": "help"}])
    parent = await telephony.over(sid)
    (child_sid,) = parent["children"]
    child = await telephony.over(child_sid)
    assert base64.b64decode(parent["heard"]["played_base64"]).startswith(voices.said("yes"))
    assert base64.b64decode(child["heard"]["played_base64"]).startswith(voices.said("help"))
    (dialled,) = office.forms("/dialled")
    assert (dialled["DialCallSid"], dialled["DialCallStatus"]) == (child_sid, "completed")
    assert (dialled["DialBridged"], dialled["DialCallDuration"]) == (
        "true",
        dialled["DialCallDuration"],
    )
    await until(lambda: len(office.forms("/leg")) == 3)
    assert [form["CallStatus"] for form in office.forms("/leg")] == [
        "ringing",
        "in-progress",
        "completed",
    ]
    assert office.forms("/never") == []
    record = await asyncio.to_thread(lambda: telephony.client.calls(child_sid).fetch())
    assert (record.parent_call_sid, record.direction) == (sid, "outbound-dial")
    assert (record.to, record._from) == (COLLEAGUE, CALLER)


@pytest.mark.parametrize("answers", ["busy", "no-answer", "failed"])
async def test_the_action_learns_who_does_not_answer(telephony: Telephony, answers: str) -> None:
    office = telephony.office
    office.documents["/voice"] = dial(COLLEAGUE)
    person = {"number": COLLEAGUE, "answers": answers, "after_ms": 10}
    await telephony.steer("people", person)
    await telephony.over(await telephony.call())
    assert office.forms("/dialled")[0]["DialCallStatus"] == answers
    assert office.forms("/dialled")[0]["DialBridged"] == "false"


async def test_the_first_who_answers_is_connected_and_the_other_stops_ringing(
    telephony: Telephony,
) -> None:
    office = telephony.office
    office.documents["/voice"] = dial(f"<Number>{COLLEAGUE}</Number><Number>{OTHER}</Number>")
    await telephony.steer("people", {"number": COLLEAGUE, "after_ms": 60_000})
    script = [{"after_ms": 50, "hangup": True}]
    await telephony.steer("people", {"number": OTHER, "after_ms": 10, "script": script})
    parent = await telephony.over(await telephony.call())
    statuses = [(await telephony.over(sid))["status"] for sid in parent["children"]]
    assert statuses == ["canceled", "completed"]


WORDS = "A caller about a bill."


@pytest.mark.slow
@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_who_picks_up_hears_what_the_number_says_before_the_caller(
    telephony: Telephony, method: str
) -> None:
    office = telephony.office
    office.documents["/voice"] = dial(
        f'<Number url="/whisper" method="{method}">{COLLEAGUE}</Number>'
    )
    office.documents["/whisper"] = f"<Response><Say>{WORDS}</Say></Response>"
    script = [
        {"wait_for": "speech_end", "say": "yes"},
        {"wait_for": "speech_end"},
        {"hangup": True},
    ]
    await telephony.steer("people", {"number": COLLEAGUE, "after_ms": 10, "script": script})
    sid = await telephony.call(script=[{"wait_for": "speech_end", "say": "hello"}])
    parent = await telephony.over(sid)
    (child_sid,) = parent["children"]
    child = await telephony.over(child_sid)
    heard = base64.b64decode(child["heard"]["played_base64"])
    assert heard.startswith(voices.said(WORDS) + voices.said("hello"))
    assert [note["words"] for note in noted(child, "says")] == [WORDS]
    assert base64.b64decode(parent["heard"]["played_base64"]) == voices.said("yes")
    (asked,) = [one for one in office.asked if one.path == "/whisper"]
    assert asked.is_signed
    if method == "POST":
        told = {name: asked.form[name] for name in ("CallSid", "ParentCallSid", "CallStatus")}
        assert told == {"CallSid": child_sid, "ParentCallSid": sid, "CallStatus": "in-progress"}
    (dialled,) = office.forms("/dialled")
    assert (dialled["DialCallStatus"], dialled["DialBridged"]) == ("completed", "true")


@pytest.mark.parametrize(
    ("document", "status", "said"),
    [
        ("<Response><Hangup/></Response>", 200, []),
        ("<Response><Dial>+14155550112</Dial></Response>", 200, []),
        ("", 500, ["We are sorry, an application error has occurred. Goodbye."]),
    ],
)
async def test_who_hangs_up_before_the_caller_is_there_is_not_connected(
    telephony: Telephony, document: str, status: int, said: list[str]
) -> None:
    office = telephony.office
    office.documents["/voice"] = dial(f'<Number url="/whisper">{COLLEAGUE}</Number>')
    office.documents["/whisper"], office.statuses["/whisper"] = document, status
    script = [{"wait_for": "speech_start"}, {"hangup": True}]
    await telephony.steer("people", {"number": COLLEAGUE, "after_ms": 10, "script": script})
    parent = await telephony.over(await telephony.call())
    child = await telephony.over(parent["children"][0])
    assert noted(parent, "connected") == []
    assert [note["words"] for note in noted(child, "says")] == said
    (dialled,) = office.forms("/dialled")
    assert (dialled["DialCallStatus"], dialled["DialBridged"]) == ("completed", "false")


async def test_a_caller_who_goes_takes_the_dialled_call_along(telephony: Telephony) -> None:
    telephony.office.documents["/voice"] = dial(COLLEAGUE)
    await telephony.steer("people", {"number": COLLEAGUE, "after_ms": 0})
    sid = await telephony.call()
    await telephony.notes(sid, "connected")
    await telephony.steer(f"calls/{sid}", {"do": "hangup"})
    parent = await telephony.over(sid)
    assert (await telephony.over(parent["children"][0]))["status"] == "completed"


@pytest.mark.parametrize(
    ("nouns", "attributes"),
    [
        ("<Sip>sip:desk@pbx.example.com</Sip>", ""),
        ("<Sip>sip:+15005559998@sip.rtc.elevenlabs.io:5060;transport=tcp</Sip>", ""),
        (COLLEAGUE, 'callerId="+15005559999"'),
        ("", ""),
    ],
)
async def test_what_cannot_be_dialled_fails(
    telephony: Telephony, nouns: str, attributes: str
) -> None:
    office = telephony.office
    office.documents["/voice"] = dial(nouns, attributes)
    await telephony.over(await telephony.call())
    assert office.forms("/dialled")[0]["DialCallStatus"] == "failed"


async def test_the_vendors_own_forwarding_dials(telephony: Telephony) -> None:
    await telephony.steer("people", {"number": COLLEAGUE, "answers": "busy", "after_ms": 10})
    back = f"{telephony.office.url}/back"
    url = f"https://twimlets.com/forward?PhoneNumber=%2B14155550111&FailUrl={back}"
    await telephony.number(VoiceUrl=url)
    parent = await telephony.over(await telephony.call())
    assert noted(parent, "dials")[0]["number"] == COLLEAGUE
    assert len(telephony.office.forms("/back")) == 1


def agent_behind(world: World) -> str:
    agent = {"agent": {"first_message": "Hello from the agent."}}
    agent_id = world.new_agent(conversation_config=agent)
    assert world.import_number(NUMBER).status_code == 200
    number_id = world.call("GET", "/v1/convai/phone-numbers").json()[0]["phone_number_id"]
    patched = world.call(
        "PATCH", f"/v1/convai/phone-numbers/{number_id}", json={"agent_id": agent_id}
    )
    assert patched.status_code == 200
    return agent_id


@pytest.mark.slow
async def test_the_platforms_number_is_answered_by_its_agent(
    world: World, telephony: Telephony
) -> None:
    agent_id = await asyncio.to_thread(agent_behind, world)
    script = [
        {"wait_for": "speech_end", "say": "What are your hours?"},
        {"wait_for": "speech_start"},
        {"hangup": True},
    ]
    shown = await telephony.over(await telephony.call(script=script))
    assert shown["status"] == "completed"
    assert len(shown["heard"]["spells_ms"]) == 2
    assert noted(shown, "asked")[0]["url"] == "https://api.elevenlabs.io/twilio/inbound_call"
    listed = world.call("GET", "/v1/convai/conversations", params={"agent_id": agent_id}).json()
    conversation_id = listed["conversations"][0]["conversation_id"]
    found = world.call("GET", f"/v1/convai/conversations/{conversation_id}").json()
    assert found["metadata"]["phone_call"]["call_sid"] == shown["sid"]
    said = [turn["message"] for turn in found["transcript"] if turn["role"] == "user"]
    assert said == ["What are your hours?"]


@pytest.mark.slow
async def test_a_sip_address_of_the_platform_is_answered_by_its_agent(
    world: World, telephony: Telephony
) -> None:
    await asyncio.to_thread(agent_behind, world)
    office = telephony.office
    office.documents["/voice"] = dial(f"<Sip>sip:{NUMBER}@sip.rtc.elevenlabs.io?X-A=1</Sip>")
    await telephony.number(VoiceUrl=f"{office.url}/voice")
    sid = await telephony.call(script=[{"wait_for": "speech_end"}, {"hangup": True}])
    parent = await telephony.over(sid)
    assert parent["heard"]["spells_ms"]
    child = await telephony.over(parent["children"][0])
    assert child["status"] == "completed"
    assert child["streams"][0]["frames_sent"] > 10
