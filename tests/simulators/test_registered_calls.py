"""Calls that somebody else answers: registered, streamed here, held and recorded."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import ConnectionClosed

from simulators import sound
from tests.simulators.call_flows import CALLER, LINE, registered
from tests.simulators.call_flows import ULAW as SOUND
from tests.simulators.phoning import CALL_SID, RATE, STREAM_SID, phone, register, stream_of
from tests.simulators.talking import PATIENCE_S, talker

if TYPE_CHECKING:
    from tests.simulators.conftest import World

Json = dict[str, Any]
PROMPT = 'You answer the phone. Be brief. If the caller asks when you open, say "At nine."'
ULAW: Any = {**SOUND, "agent": {"prompt": {"prompt": PROMPT}}}
LONG = "Welcome to the bakery, we are glad that you call, what can we do for you today?"
ENDLESS = " ".join([LONG] * 6)
"""Half a minute: who breaks in does so long before its end, however late they are."""
POLL_INTERVAL_S = 0.02


@pytest.fixture(autouse=True)
def _analysed_late(world: World) -> None:
    """A conversation that is over stays to be analysed until the clock is moved."""
    world.steer("talks", {"analysis_lag_s": 50})


def record_of(world: World, conversation_id: str, *, status: str) -> Json:
    """The conversation once it is in this state."""
    path = f"/v1/convai/conversations/{conversation_id}"
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        record: Json = world.call("GET", path).json()
        world.check("GET", path, record)
        if record["status"] == status:
            return record
        assert time.monotonic() < deadline_s, record
        time.sleep(POLL_INTERVAL_S)


def test_a_registered_call_is_held_and_recorded(world: World) -> None:
    register(world, "When do you open?")
    agent_id = talker(world, **ULAW)
    twiml = registered(world, agent_id)
    conversation_id = stream_of(twiml)[1]["conversation_id"]
    before = record_of(world, conversation_id, status="initiated")
    assert before["metadata"]["phone_call"]["call_sid"] == ""
    with phone(twiml) as call:
        call.until("mark")
        greeting = sound.decoded(call.heard(), sound.ULAW)
        assert len(greeting) == len(sound.spoken("Welcome.", RATE, 1.0).samples)
        during = record_of(world, conversation_id, status="in-progress")
        call.say("When do you open?")
        call.until("mark")
        call.stop()
        with pytest.raises(ConnectionClosed):
            call.until("never")
    assert during["metadata"]["phone_call"]["call_sid"] == CALL_SID
    record_of(world, conversation_id, status="processing")
    world.steer("clock", {"advance_s": 60})
    after = record_of(world, conversation_id, status="done")
    assert after["metadata"]["phone_call"] == {
        "type": "twilio",
        "direction": "inbound",
        "phone_number_id": "",
        "agent_number": LINE,
        "external_number": CALLER,
        "stream_sid": STREAM_SID,
        "call_sid": CALL_SID,
    }
    assert after["metadata"]["termination_reason"] == "Call ended by remote party"
    said = [(line["role"], line["message"]) for line in after["transcript"]]
    assert said[:2] == [("agent", "Welcome."), ("user", "When do you open?")]
    assert said[2] == ("agent", "At nine.")
    assert after["has_audio"] is True
    listed = world.call("GET", "/v1/convai/conversations", params={"agent_id": agent_id}).json()
    assert [row["direction"] for row in listed["conversations"]] == ["inbound"]


@pytest.mark.slow
def test_a_caller_who_breaks_in_clears_what_was_to_be_heard(world: World) -> None:
    register(world, "Stop, please.")
    agent_id = talker(world, ENDLESS, **ULAW)
    with phone(registered(world, agent_id)) as call:
        call.until("media")
        call.say("Stop, please.")
        call.until("clear")
        whole = len(sound.spoken(ENDLESS, RATE, 1.0).samples)
        assert len(call.heard()) < whole
        call.told.clear()
        call.until("mark")
        answer = len(call.heard())
        call.stop()
        with pytest.raises(ConnectionClosed):
            call.until("never")
    listed = world.call("GET", "/v1/convai/conversations", params={"agent_id": agent_id}).json()
    conversation_id = listed["conversations"][0]["conversation_id"]
    lines = record_of(world, conversation_id, status="processing")["transcript"]
    assert lines[0]["interrupted"] is True
    assert lines[0]["original_message"] == ENDLESS
    assert answer == len(sound.spoken(lines[2]["message"], RATE, 1.0).samples)


def test_what_a_call_is_registered_with_is_used(world: World) -> None:
    allowed = {"agent": {"first_message": True}}
    overrides = {"conversation_config_override": allowed}
    agent_id = talker(world, platform_settings={"overrides": overrides}, **ULAW)
    data: Any = {
        "dynamic_variables": {"name": "Ann"},
        "conversation_config_override": {"agent": {"first_message": "Hello {{name}}."}},
    }
    twiml = registered(world, agent_id, conversation_initiation_client_data=data)
    conversation_id = stream_of(twiml)[1]["conversation_id"]
    with phone(twiml) as call:
        call.until("mark")
        lines = record_of(world, conversation_id, status="in-progress")["transcript"]
    assert [line["message"] for line in lines] == ["Hello Ann."]
    forbidden: Json = {"conversation_config_override": {"tts": {"voice_id": "other"}}}
    answer = world.call(
        "POST",
        "/v1/convai/twilio/register-call",
        json={
            "agent_id": agent_id,
            "from_number": CALLER,
            "to_number": LINE,
            "conversation_initiation_client_data": forbidden,
        },
    )
    assert answer.status_code == 400
    assert "voice_id" in answer.json()["detail"]["message"]


def test_the_callers_number_is_a_variable(world: World) -> None:
    agent_id = talker(world, "You call from {{system__caller_id}}.", **ULAW)
    twiml = registered(world, agent_id)
    with phone(twiml) as call:
        call.until("mark")
    conversation_id = stream_of(twiml)[1]["conversation_id"]
    lines = record_of(world, conversation_id, status="processing")["transcript"]
    assert lines[0]["message"] == f"You call from {CALLER}."


def test_a_stream_nobody_registered_is_closed(world: World) -> None:
    twiml = registered(world, talker(world, **ULAW))
    known = stream_of(twiml)[1]["conversation_id"]
    for text in (twiml.replace(known, "conv_0000"), twiml):
        with phone(text) as call:
            if text is twiml:
                call.until("mark")
                continue
            with pytest.raises(ConnectionClosed) as closed:
                call.next()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1008
    with phone(twiml) as again, pytest.raises(ConnectionClosed):
        again.next()


def test_a_missing_variable_fails_the_call(world: World) -> None:
    twiml = registered(world, talker(world, "Hello {{name}}.", **ULAW))
    conversation_id = stream_of(twiml)[1]["conversation_id"]
    with phone(twiml) as call, pytest.raises(ConnectionClosed):
        call.next()
    record = record_of(world, conversation_id, status="failed")
    assert "'name'" in record["metadata"]["termination_reason"]


@pytest.mark.slow
def test_keys_pressed_together_are_one_answer(world: World) -> None:
    twiml = registered(world, talker(world, **ULAW))
    with phone(twiml) as call:
        call.until("mark")
        for digit in "421":
            call.press(digit)
        call.until("mark")
    conversation_id = stream_of(twiml)[1]["conversation_id"]
    lines = record_of(world, conversation_id, status="processing")["transcript"]
    heard = [line["message"] for line in lines if line["role"] == "user"]
    assert heard == ["421"]


def test_the_platforms_leg_can_be_cut(world: World) -> None:
    world.steer("talks", {"faults": [{"kind": "drop", "after_events": 2}]})
    with phone(registered(world, talker(world, LONG, **ULAW))) as call:
        with pytest.raises(ConnectionClosed) as closed:
            call.until("mark")
        assert closed.value.rcvd is None
    assert [message["event"] for message in call.told] == ["media", "media"]


@pytest.mark.slow
def test_the_platforms_leg_can_be_slow(world: World) -> None:
    world.steer("talks", {"faults": [{"kind": "slow", "after_events": 1, "seconds": 0.5}]})
    with phone(registered(world, talker(world, LONG, **ULAW))) as call:
        call.until("media")
        began_s = time.monotonic()
        call.until("media")
        assert time.monotonic() - began_s >= 0.5


def test_a_frame_without_sound_ends_the_stream(world: World) -> None:
    with phone(registered(world, talker(world, **ULAW))) as call:
        call.send("media", media={"track": "inbound"})
        with pytest.raises(ConnectionClosed) as closed:
            call.until("never")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008
