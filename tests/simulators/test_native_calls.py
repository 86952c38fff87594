"""Calls to and from numbers the platform owns: who may ask, who answers, what becomes known."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from elevenlabs.types import WebhookHmacSettings

from simulators import sound
from simulators.twilio.calls.voices import said
from tests.simulators.call_flows import CALLER, LINE, STATUS_URL, VOICE_URL, asked
from tests.simulators.phoning import CALL_SID, RATE, phone, stream_of
from tests.simulators.receiving import Service, serving
from tests.simulators.talking import PATIENCE_S, talker
from tests.simulators.test_registered_calls import POLL_INTERVAL_S, record_of

if TYPE_CHECKING:
    from tests.simulators.conftest import World

Json = dict[str, Any]
SPEAKING: Any = {"conversation": {"text_only": False}}
ASKING: Json = {"overrides": {"enable_conversation_initiation_client_data_from_webhook": True}}
NO_RETRY: Any = {"max_retries": 0}


@pytest.fixture(autouse=True)
def _analysed_late(world: World) -> None:
    """A conversation that is over stays to be analysed until the clock is moved."""
    world.steer("talks", {"analysis_lag_s": 50})


def owned(world: World, agent_id: str | None, **assigned: Any) -> str:
    """A number the platform owns, assigned to an agent; its id."""
    number_id = str(world.import_number(LINE).json()["phone_number_id"])
    if agent_id is not None:
        body = {"agent_id": agent_id, **assigned}
        answer = world.call("PATCH", f"/v1/convai/phone-numbers/{number_id}", json=body)
        assert answer.status_code == 200, answer.text
    return number_id


def hearing_of(world: World, service: Service, *events: str) -> str:
    """Have the service told of these events; the secret of the webhook."""
    settings = WebhookHmacSettings(auth_type="hmac", name="ours", webhook_url=service.url)
    made = world.elevenlabs.webhooks.create(settings=settings, request_options=NO_RETRY)
    chosen = {"post_call_webhook_id": made.webhook_id, "events": list(events)}
    answer = world.call("PATCH", "/v1/convai/settings", json={"webhooks": chosen})
    assert answer.status_code == 200, answer.text
    return str(made.webhook_secret)


def placed_to(world: World, agent_id: str, number_id: str) -> Json:
    """What the platform answers when it is to call the caller."""
    answer = world.call(
        "POST",
        "/v1/convai/twilio/outbound-call",
        json={"agent_id": agent_id, "agent_phone_number_id": number_id, "to_number": CALLER},
    )
    world.check("POST", "/v1/convai/twilio/outbound-call", answer.json())
    content: Json = answer.json()
    return content


def test_a_call_to_an_owned_number_reaches_its_agent(world: World) -> None:
    agent_id = talker(world, "Main speaking.", **SPEAKING)
    number_id = owned(world, agent_id)
    answer = asked(world, VOICE_URL)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/xml")
    with phone(answer.text) as call:
        call.until("mark")
        heard = sound.decoded(call.heard(), sound.ULAW)
        assert len(heard) == len(sound.spoken("Main speaking.", RATE, 1.0).samples)
    conversation_id = stream_of(answer.text)[1]["conversation_id"]
    record = record_of(world, conversation_id, status="processing")
    call_of = record["metadata"]["phone_call"]
    assert (call_of["direction"], call_of["phone_number_id"]) == ("inbound", number_id)
    assert (call_of["agent_number"], call_of["external_number"]) == (LINE, CALLER)
    assert record["metadata"]["conversation_initiation_source"] == "twilio"


def test_a_number_may_be_pinned_to_a_branch(world: World) -> None:
    agent_id = talker(world, "Main speaking.", **SPEAKING)
    main = world.read_agent(agent_id)
    made = world.call(
        "POST",
        f"/v1/convai/agents/{agent_id}/branches",
        json={"parent_version_id": main["version_id"], "name": "b", "description": ""},
    ).json()
    branch_id = made["created_branch_id"]
    greeting = {"conversation_config": {"agent": {"first_message": "Branch speaking."}}}
    world.patch_agent(agent_id, greeting, branch_id=branch_id)
    owned(world, agent_id, branch_id=branch_id)
    answer = asked(world, VOICE_URL)
    with phone(answer.text) as call:
        call.until("mark")
    conversation_id = stream_of(answer.text)[1]["conversation_id"]
    record = record_of(world, conversation_id, status="processing")
    assert record["branch_id"] == branch_id
    assert record["transcript"][0]["message"] == "Branch speaking."


def test_only_twilio_may_ask(world: World) -> None:
    owned(world, talker(world, **SPEAKING))
    assert asked(world, VOICE_URL, token="f" * 32).status_code == 403
    assert asked(world, STATUS_URL, token="f" * 32).status_code == 403
    other_account = {"AccountSid": "AC" + "f" * 32}
    assert asked(world, VOICE_URL, **other_account).status_code == 404
    world.steer("phone-calls", {"verify_signatures": False})
    assert asked(world, VOICE_URL, token="f" * 32).status_code == 200


def test_a_number_without_an_agent_takes_no_call(world: World) -> None:
    owned(world, None)
    answer = asked(world, VOICE_URL)
    assert answer.status_code == 200
    assert "<Reject />" in answer.text
    assert asked(world, VOICE_URL, To="+15005550099").status_code == 404


def test_the_owner_is_asked_how_to_begin(world: World) -> None:
    agent_id = talker(world, "Hello {{name}}.", **SPEAKING, platform_settings=ASKING)
    number_id = owned(world, agent_id)
    secret = {"type": "new", "name": "key", "value": "s3cret"}
    secret_id = world.call("POST", "/v1/convai/secrets", json=secret).json()["secret_id"]
    with serving() as service:
        service.answer = json.dumps({"dynamic_variables": {"name": "Ann"}}).encode()
        headers = {"X-Key": {"secret_id": secret_id}, "X-Plain": "yes"}
        webhook = {"url": f"{service.url}/begin", "request_headers": headers}
        body = {"conversation_initiation_client_data_webhook": webhook}
        assert world.call("PATCH", "/v1/convai/settings", json=body).status_code == 200
        answer = asked(world, VOICE_URL)
    with phone(answer.text) as call:
        call.until("mark")
    conversation_id = stream_of(answer.text)[1]["conversation_id"]
    record = record_of(world, conversation_id, status="processing")
    assert record["transcript"][0]["message"] == "Hello Ann."
    assert record["metadata"]["phone_call"]["phone_number_id"] == number_id
    (question,) = service.asked
    assert (question["path"], question["headers"]["x-key"]) == ("/begin", "s3cret")
    assert question["headers"]["x-plain"] == "yes"
    assert json.loads(question["body"]) == {
        "caller_id": CALLER,
        "agent_id": agent_id,
        "called_number": LINE,
        "call_sid": CALL_SID,
        "conversation_id": conversation_id,
    }


def test_an_owner_who_does_not_say_how_to_begin_fails_the_call(world: World) -> None:
    agent_id = talker(world, "Hello {{name}}.", **SPEAKING, platform_settings=ASKING)
    owned(world, agent_id)
    with serving() as silent, serving() as service:
        silent.status = 500
        hearing_of(world, service, "call_initiation_failure")
        webhook = {"url": silent.url, "request_headers": {}}
        body = {"conversation_initiation_client_data_webhook": webhook}
        world.call("PATCH", "/v1/convai/settings", json=body)
        answer = asked(world, VOICE_URL)
        assert "<Say>" in answer.text
        assert "<Hangup />" in answer.text
        news = json.loads(service.until(1)[0]["body"])
    assert news["type"] == "call_initiation_failure"
    assert news["data"]["failure_reason"] == "unknown"


def test_a_call_that_is_placed_is_rung_by_the_numbers_account(world: World) -> None:
    agent_id = talker(world, "Good day.", **SPEAKING)
    number_id = owned(world, agent_id)
    twilio = world.elevenlabs.conversational_ai.twilio
    placed = twilio.outbound_call(
        agent_id=agent_id,
        agent_phone_number_id=number_id,
        to_number=CALLER,
        request_options=NO_RETRY,
    )
    assert placed.success is True
    assert placed.conversation_id is not None
    call = world.twilio.calls(placed.call_sid).fetch()
    assert (call.to, call._from) == (CALLER, LINE)
    record = world.call("GET", f"/v1/convai/conversations/{placed.conversation_id}").json()
    assert record["metadata"]["phone_call"]["direction"] == "outbound"
    assert record["metadata"]["phone_call"]["call_sid"] == placed.call_sid


def test_a_call_twilio_does_not_place_is_no_success(world: World) -> None:
    agent_id = talker(world, "Good day.", **SPEAKING)
    number_id = owned(world, agent_id)
    world.fault(on="twilio", kind="status-before", status=400, method="POST")
    content = placed_to(world, agent_id, number_id)
    assert (content["success"], content["conversation_id"], content["callSid"]) == (
        False,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("status", "reason"), [("busy", "busy"), ("no-answer", "no-answer"), ("failed", "unknown")]
)
def test_nobody_answering_is_news(world: World, status: str, reason: str) -> None:
    agent_id = talker(world, "Good day.", **SPEAKING)
    owned(world, agent_id)
    answer = asked(world, VOICE_URL)
    conversation_id = stream_of(answer.text)[1]["conversation_id"]
    with serving() as service:
        secret = hearing_of(world, service, "call_initiation_failure")
        assert asked(world, STATUS_URL, CallStatus="ringing").status_code == 204
        assert asked(world, STATUS_URL, CallStatus=status).status_code == 204
        asked(world, STATUS_URL, CallStatus=status)
        got = service.until(1)[0]
    header = got["headers"]["elevenlabs-signature"]
    news = world.elevenlabs.webhooks.construct_event(got["body"], header, secret)
    assert len(service.asked) == 1
    assert news["data"]["failure_reason"] == reason
    assert news["data"]["conversation_id"] == conversation_id
    assert news["data"]["metadata"]["body"]["CallStatus"] == status
    record_of(world, conversation_id, status="failed")


@pytest.mark.slow
def test_both_simulators_carry_a_call_between_them(world: World) -> None:
    words = "When do you open?"
    heard = base64.b64encode(said(words)).decode()
    world.steer("hearing", {"samples": heard, "format": "ulaw_8000", "text": words})
    prompt = 'You answer the phone. Be brief. If the caller asks when you open, say "At nine."'
    owned(world, talker(world, agent={"prompt": {"prompt": prompt}}, **SPEAKING))
    script = [{"wait_for": "speech_end", "say": words}, {"wait_for": "speech_end", "hangup": True}]
    sid = world.steer("call", {"to": LINE, "from": CALLER, "script": script}, on="twilio")["sid"]
    deadline_s = time.monotonic() + PATIENCE_S
    while world.twilio.calls(sid).fetch().status != "completed":
        assert time.monotonic() < deadline_s
        time.sleep(POLL_INTERVAL_S)
    listed = world.call("GET", "/v1/convai/conversations").json()["conversations"]
    assert len(listed) == 1
    record = record_of(world, listed[0]["conversation_id"], status="processing")
    assert record["metadata"]["phone_call"]["call_sid"] == sid
    lines = [(line["role"], line["message"]) for line in record["transcript"]]
    assert lines == [("agent", "Welcome."), ("user", words), ("agent", "At nine.")]


@pytest.mark.slow
def test_an_agent_calls_somebody_who_answers(world: World) -> None:
    agent_id = talker(world, "Good day.", **SPEAKING)
    number_id = owned(world, agent_id)
    script = [{"wait_for": "speech_end", "hangup": True}]
    world.steer("people", {"number": CALLER, "script": script}, on="twilio")
    placed = placed_to(world, agent_id, number_id)
    record = record_of(world, placed["conversation_id"], status="processing")
    assert record["metadata"]["phone_call"]["direction"] == "outbound"
    assert record["metadata"]["phone_call"]["call_sid"] == placed["callSid"]
    assert [line["message"] for line in record["transcript"]] == ["Good day."]


@pytest.mark.slow
def test_an_agent_calls_somebody_who_is_busy(world: World) -> None:
    agent_id = talker(world, "Good day.", **SPEAKING)
    number_id = owned(world, agent_id)
    world.steer("people", {"number": CALLER, "answers": "busy"}, on="twilio")
    with serving() as service:
        hearing_of(world, service, "call_initiation_failure")
        placed = placed_to(world, agent_id, number_id)
        news = json.loads(service.until(1)[0]["body"])
    assert news["data"]["failure_reason"] == "busy"
    assert news["data"]["conversation_id"] == placed["conversation_id"]
    record_of(world, placed["conversation_id"], status="failed")
