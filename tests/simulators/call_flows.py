"""Walks over telephone calls and the news of them, for checks against what is published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
from elevenlabs.types import ConvAiWebhooks, WebhookHmacSettings
from twilio.request_validator import RequestValidator

from tests.simulators.phoning import CALL_SID, phone
from tests.simulators.talk_flows import finished
from tests.simulators.talking import talker

if TYPE_CHECKING:
    from tests.simulators.conftest import World

Json = dict[str, Any]
NO_RETRY: Any = {"max_retries": 0}
CALLER, LINE = "+15005550100", "+15005550006"
VOICE_URL = "https://api.elevenlabs.io/twilio/inbound_call"
STATUS_URL = "https://api.elevenlabs.io/twilio/status-callback"
ULAW: Any = {
    "conversation": {"text_only": False},
    "asr": {"user_input_audio_format": "ulaw_8000"},
    "tts": {"agent_output_audio_format": "ulaw_8000"},
}


def asked(world: World, url: str, *, token: str | None = None, **fields: str) -> httpx.Response:
    """What Twilio asks the platform about a call to the line, signed as Twilio signs."""
    form = {
        "AccountSid": world.running.twilio_account_sid,
        "CallSid": CALL_SID,
        "From": CALLER,
        "To": LINE,
        "CallStatus": "ringing",
        **fields,
    }
    validator = RequestValidator(token or world.running.twilio_auth_token)
    headers = {"x-twilio-signature": validator.compute_signature(url, form)}
    address = f"{world.running.elevenlabs_url}{httpx.URL(url).path}"
    return world.http.post(address, data=form, headers=headers)


def registered(world: World, agent_id: str, **body: Any) -> str:
    """The TwiML of a call somebody else answers, by the official client."""
    twilio = world.elevenlabs.conversational_ai.twilio
    numbers = {"from_number": CALLER, "to_number": LINE}
    return str(
        twilio.register_call(agent_id=agent_id, request_options=NO_RETRY, **{**numbers, **body})
    )


def walk_calls(world: World) -> None:
    """Calls registered, received and placed, and everything that can be read of one."""
    agent_id = talker(world, **ULAW)
    number_id = world.import_number(LINE, agent_id=agent_id).json()["phone_number_id"]
    convai = world.elevenlabs.conversational_ai
    with phone(registered(world, agent_id)) as call:
        call.until("mark")
        call.stop()
    convai.conversations.get(finished(world, agent_id), request_options=NO_RETRY)
    assert asked(world, VOICE_URL).status_code == 200
    assert asked(world, STATUS_URL, CallStatus="completed").status_code == 204
    placed = convai.twilio.outbound_call(
        agent_id=agent_id,
        agent_phone_number_id=number_id,
        to_number=CALLER,
        request_options=NO_RETRY,
    )
    assert placed.conversation_id is not None
    convai.conversations.get(placed.conversation_id, request_options=NO_RETRY)
    convai.agents.delete(agent_id, request_options=NO_RETRY)
    convai.phone_numbers.delete(number_id, request_options=NO_RETRY)


def walk_news(world: World) -> None:
    """Webhooks from their making to their end, and the settings that name them."""
    settings = WebhookHmacSettings(auth_type="hmac", name="ours", webhook_url="http://192.0.2.1")
    webhooks = world.elevenlabs.webhooks
    made = webhooks.create(settings=settings, request_options=NO_RETRY)
    chosen = ConvAiWebhooks(post_call_webhook_id=made.webhook_id, events=["transcript", "audio"])
    convai_settings = world.elevenlabs.conversational_ai.settings
    convai_settings.get(request_options=NO_RETRY)
    convai_settings.update(webhooks=chosen, request_options=NO_RETRY)
    webhooks.list(include_usages=True, request_options=NO_RETRY)
    webhooks.update(made.webhook_id, is_disabled=True, name="none", request_options=NO_RETRY)
    webhooks.delete(made.webhook_id, request_options=NO_RETRY)
