"""Telephone calls with agents: registered by somebody else, arriving at a number, or placed.

Each ends in TwiML that leads Twilio's stream to this server, where the call is expected under its
conversation's id and then held like any other. Whatever goes wrong before somebody speaks is a
failed conversation, and news.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qs

from pydantic import BaseModel, ConfigDict

from simulators.elevenlabs import telephony
from simulators.elevenlabs.calls import Call, Endpoint
from simulators.elevenlabs.conversations import Conversations
from simulators.elevenlabs.errors import Refused, not_found, refused
from simulators.elevenlabs.phone_numbers import credentials_of, signing_token
from simulators.elevenlabs.phones import signing, twiml
from simulators.elevenlabs.phones.lines import PhoneLine, opened
from simulators.elevenlabs.talks.beginnings import Beginnings, Reached, Wish
from simulators.elevenlabs.talks.initiation import CONTRACT, Unacceptable
from simulators.elevenlabs.talks.link import OPERATIONAL
from simulators.elevenlabs.talks.troubles import Troubles
from simulators.elevenlabs.telephony import TwilioAccount
from simulators.elevenlabs.workspace import Workspace
from simulators.limits import MAX_EXPECTED_CALLS, MAX_REMEMBERED_CALLS
from simulators.wire import Answer, Json, Request, Route, Socket, json_answer

REGISTER = "/v1/convai/twilio/register-call"
OUTBOUND = "/v1/convai/twilio/outbound-call"
STREAM_PATH = "/v1/convai/conversation"
FORBIDDEN = 403
UNKNOWN = 404
NEVER_ANSWERED = {"busy": "busy", "no-answer": "no-answer", "failed": "unknown"}
DETECTION = {"enable": "Enable", "detect_message_end": "DetectMessageEnd"}
PROGRESS = ["initiated", "ringing", "answered", "completed"]
# Twilio rings no longer than this.
MAX_RINGING_S = 600


class PhoneSettings(BaseModel):
    """Body of ``POST /_sim/phone-calls``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verify_signatures: bool = True


class Reporting(Protocol):
    """What happens around a call for whoever built the agent."""

    async def client_data(self, settings: Json, asked: Json) -> Json:
        """What the agent's owner wants an inbound call to begin with. Raises Unacceptable."""

    def call_failed(self, settings: Json, facts: Json) -> None:
        """Nobody came to speak with the agent; ``facts`` are the data of the news."""


@dataclass(frozen=True, slots=True)
class _Expected:
    """A call whose stream has not come yet."""

    reached: Reached
    message: Json
    phone_call: Json


class PhoneCalls:
    """The calls of one account."""

    def __init__(
        self,
        workspace: Workspace,
        conversations: Conversations,
        beginnings: Beginnings,
        troubles: Troubles,
        twilio: TwilioAccount,
        reporting: Reporting,
        *,
        commit: Callable[[], None],
    ) -> None:
        self._space = workspace
        self._conversations = conversations
        self._beginnings = beginnings
        self._troubles = troubles
        self._twilio = twilio
        self._reporting = reporting
        self._commit = commit
        self.clear()

    def clear(self) -> None:
        """Expect nobody."""
        self.settings = PhoneSettings()
        self._expected: dict[str, _Expected] = {}
        self._by_call: dict[str, str] = {}

    def endpoints(self) -> list[Endpoint]:
        """Routes of the vendor's API."""
        return [
            Endpoint("POST", REGISTER, self.register, body="CallRegistration"),
            Endpoint("POST", OUTBOUND, self.outbound, body="OutboundCall"),
        ]

    def routes(self) -> list[Route]:
        """Routes that Twilio asks, without a key."""
        return [
            Route("POST", telephony.INBOUND_PATH, self.inbound),
            Route("POST", telephony.STATUS_PATH, self.status),
        ]

    def set(self, settings: PhoneSettings) -> Json:
        """These settings from now on."""
        self.settings = settings
        return settings.model_dump()

    def register(self, call: Call) -> Answer:
        """TwiML for a call that somebody else answers or places."""
        body = call.body
        inbound = body["direction"] == "inbound"
        ours, theirs = (
            (body["to_number"], body["from_number"])
            if inbound
            else (body["from_number"], body["to_number"])
        )
        number = self._number(ours)
        phone_call = _phone_call(
            body["direction"], number["phone_number_id"] if number else "", ours, theirs
        )
        agent = self._agent(body["agent_id"])
        message = body["conversation_initiation_client_data"] or {}
        conversation_id = self._expect_or_refuse(agent, message, phone_call, native=False)
        text = twiml.connected(call.host, STREAM_PATH, conversation_id)
        return Answer(200, text.encode(), content_type="text/html; charset=utf-8")

    def _agent(self, agent_id: str) -> Json:
        agent = self._space.agents.get(agent_id)
        if agent is None:
            raise not_found("Agent", agent_id)
        return agent

    def _expect_or_refuse(
        self, agent: Json, message: Json, phone_call: Json, *, native: bool
    ) -> str:
        """Expect a call; ``native`` ones have their sound made to fit. Raises Refused."""
        wish = self._wish(message, None)
        try:
            reached = self._beginnings.reached(agent, wish)
            if native:
                reached = reached.by_telephone()
            reached.start(message)
        except Unacceptable as refusal:
            raise refused(400, "invalid_initiation_data", refusal.reason) from refusal
        self._expect(_Expected(reached, message, phone_call))
        return wish.conversation_id

    def _wish(self, message: Json, assigned: Json | None) -> Wish:
        pinned = assigned or {}
        return Wish(
            conversation_id=self._space.identifiers.elevenlabs("conv"),
            branch_id=message.get("branch_id") or pinned.get("branch_id"),
            environment=message.get("environment") or pinned.get("environment") or "production",
        )

    def _expect(self, expected: _Expected) -> None:
        reached = expected.reached
        wish = reached.wish
        if len(self._expected) >= MAX_EXPECTED_CALLS:
            self._forget(next(iter(self._expected)), "The call never began.")
        self._expected[wish.conversation_id] = expected
        self._conversations.expect(
            conversation_id=wish.conversation_id,
            agent=reached.agent,
            branch_id=reached.branch["id"],
            version_id=reached.version["id"],
            environment=wish.environment,
            phone_call=expected.phone_call,
        )
        self._commit()

    def _forget(self, conversation_id: str, reason: str) -> _Expected | None:
        expected = self._expected.pop(conversation_id, None)
        if expected is not None:
            self._conversations.fail(conversation_id, OPERATIONAL, reason)
            self._commit()
        return expected

    def _remember(self, call_sid: str, conversation_id: str) -> None:
        if len(self._by_call) >= MAX_REMEMBERED_CALLS:
            del self._by_call[next(iter(self._by_call))]
        self._by_call[call_sid] = conversation_id

    def _number(self, phone_number: str) -> Json | None:
        found = (one for one in self._space.numbers if one["phone_number"] == phone_number)
        return next(found, None)

    async def outbound(self, call: Call) -> Answer:
        """Have the number's Twilio account ring somebody, and the agent speak."""
        body = call.body
        number = self._space.numbers.get(body["agent_phone_number_id"])
        if number is None:
            raise not_found("Document", body["agent_phone_number_id"])
        if number["provider"] != "twilio":
            raise refused(
                400,
                "invalid_phone_number_provider",
                "The phone number is not one of Twilio.",
                param="agent_phone_number_id",
            )
        phone_call = _phone_call(
            "outbound", number["phone_number_id"], number["phone_number"], body["to_number"]
        )
        agent = self._agent(body["agent_id"])
        message = body["conversation_initiation_client_data"] or {}
        conversation_id = self._expect_or_refuse(agent, message, phone_call, native=True)
        try:
            placed = await self._twilio.place(
                credentials_of(number),
                number["twilio"]["account_sid"],
                self._order(call, number, conversation_id),
            )
        except Refused as refusal:
            reason = refusal.answer.body.decode()
            self._forget(conversation_id, "The call could not be placed.")
            return _placed(f"The call could not be placed: {reason}", None, None)
        self._conversations.ringing(conversation_id, placed["sid"])
        self._remember(placed["sid"], conversation_id)
        return _placed("The call was placed.", conversation_id, placed["sid"])

    def _order(
        self, call: Call, number: Json, conversation_id: str
    ) -> Mapping[str, str | list[str]]:
        config = call.body["telephony_call_config"] or {}
        detection = config.get("twilio_machine_detection")
        records = config.get("twilio_call_recording_enabled")
        ringing_s = min(MAX_RINGING_S, config.get("ringing_timeout_secs", 60))
        return {
            "To": call.body["to_number"],
            "From": number["phone_number"],
            "Twiml": twiml.connected(call.host, STREAM_PATH, conversation_id),
            "Timeout": str(ringing_s),
            "StatusCallback": telephony.status_url(number["region_id"]),
            "StatusCallbackEvent": PROGRESS,
            **({"Record": "true"} if records else {}),
            **({"MachineDetection": DETECTION[detection["mode"]]} if detection else {}),
        }

    async def inbound(self, request: Request) -> Answer:
        """What Twilio asks when somebody calls a number the vendor owns."""
        form = _form(request)
        number = self._asked(form)
        if number is None:
            return Answer(UNKNOWN, b"no such number", content_type="text/plain")
        if not self._is_signed(request, form, number, telephony.voice_url(number["region_id"])):
            return Answer(FORBIDDEN, b"the signature is not valid", content_type="text/plain")
        assigned = number["assigned"]
        agent = self._space.agents.get(assigned["agent_id"]) if assigned else None
        if agent is None:
            return _twiml(twiml.rejected())
        fields = {name: values[-1] for name, values in form.items()}
        phone_call = _phone_call(
            "inbound", number["phone_number_id"], number["phone_number"], fields.get("From", "")
        )
        phone_call["call_sid"] = fields.get("CallSid", "")
        wish = self._wish({}, assigned)
        settings: Json = {}
        try:
            reached = self._beginnings.reached(agent, wish).by_telephone()
            settings = reached.config["platform_settings"]
            message = await self._client_data(reached, phone_call)
            reached.start(message)
        except Unacceptable as refusal:
            self._report(agent, settings, wish.conversation_id, "unknown", fields)
            return _twiml(twiml.told(refusal.reason))
        self._expect(_Expected(reached, message, phone_call))
        self._remember(phone_call["call_sid"], wish.conversation_id)
        host = request.headers.get("host", "")
        return _twiml(twiml.connected(host, STREAM_PATH, wish.conversation_id))

    def _asked(self, form: signing.Form) -> Json | None:
        number = self._number(form.get("To", [""])[-1])
        if number is None or number["provider"] != "twilio":
            return None
        same = number["twilio"]["account_sid"] == form.get("AccountSid", [""])[-1]
        return number if same else None

    def _is_signed(self, request: Request, form: signing.Form, number: Json, url: str) -> bool:
        if not self.settings.verify_signatures:
            return True
        host = request.headers.get("host", "")
        urls = [url, *(f"{scheme}://{host}{request.path}" for scheme in ("http", "https"))]
        given = request.headers.get(signing.HEADER, "")
        return signing.is_signed(given, signing_token(number), urls, form)

    async def _client_data(self, reached: Reached, phone_call: Json) -> Json:
        asked = {
            "caller_id": phone_call["external_number"],
            "agent_id": reached.agent["agent_id"],
            "called_number": phone_call["agent_number"],
            "call_sid": phone_call["call_sid"],
            "conversation_id": reached.wish.conversation_id,
        }
        return await self._reporting.client_data(reached.config["platform_settings"], asked)

    def status(self, request: Request) -> Answer:
        """How a call goes on, as Twilio reports it."""
        form = _form(request)
        fields = {name: values[-1] for name, values in form.items()}
        number = self._number(fields.get("To", "")) or self._number(fields.get("From", ""))
        if number is None or number["provider"] != "twilio":
            return Answer(UNKNOWN, b"no such number", content_type="text/plain")
        if not self._is_signed(request, form, number, telephony.status_url(number["region_id"])):
            return Answer(FORBIDDEN, b"the signature is not valid", content_type="text/plain")
        conversation_id = self._by_call.get(fields.get("CallSid", ""))
        status = fields.get("CallStatus", "")
        over = status in NEVER_ANSWERED or status in ("canceled", "completed")
        if conversation_id is not None and over:
            expected = self._forget(conversation_id, f"The call ended before it began: {status}.")
            if expected is not None:
                reason = NEVER_ANSWERED.get(status, "unknown")
                reached = expected.reached
                settings = reached.config["platform_settings"]
                self._report(reached.agent, settings, conversation_id, reason, fields)
        return Answer(204)

    def _report(
        self,
        agent: Json,
        settings: Json,
        conversation_id: str,
        reason: str,
        fields: Mapping[str, str],
    ) -> None:
        facts = {
            "agent_id": agent["agent_id"],
            "conversation_id": conversation_id,
            "failure_reason": reason,
            "metadata": {"type": "twilio", "body": dict(fields)},
        }
        self._reporting.call_failed(settings, facts)

    async def speak(self, socket: Socket) -> None:
        """Serve a stream of Twilio's: the call that its parameter names."""
        try:
            stream = await opened(socket)
        except Unacceptable as refusal:
            await socket.close(refusal.code, refusal.reason)
            return
        conversation_id = str(stream.parameters.get(twiml.PARAMETER, ""))
        expected = self._expected.pop(conversation_id, None)
        if expected is None:
            await socket.close(CONTRACT, "There is no such conversation.")
            return
        reached = expected.reached
        phone_call = {
            **expected.phone_call,
            "call_sid": stream.call_sid,
            "stream_sid": stream.stream_sid,
        }
        self._remember(stream.call_sid, conversation_id)
        fault = self._troubles.fault_of(reached.agent["agent_id"])
        line = PhoneLine(socket, fault, stream.stream_sid)
        try:
            await self._beginnings.hold(
                line, reached, expected.message, phone_call=phone_call, attend=line.attend
            )
        except Unacceptable as refusal:
            self._conversations.fail(conversation_id, refusal.code, refusal.reason)
            self._commit()
            settings = reached.config["platform_settings"]
            self._report(reached.agent, settings, conversation_id, "unknown", {})
            await socket.close(refusal.code, refusal.reason)


def _phone_call(direction: str, number_id: str, agent_number: str, external: str) -> Json:
    return {
        "direction": direction,
        "phone_number_id": number_id,
        "agent_number": agent_number,
        "external_number": external,
        "type": "twilio",
        "stream_sid": "",
        "call_sid": "",
    }


def _form(request: Request) -> signing.Form:
    return parse_qs(request.body.decode(errors="replace"), keep_blank_values=True)


def _twiml(text: str) -> Answer:
    return Answer(200, text.encode(), content_type=twiml.CONTENT_TYPE)


def _placed(message: str, conversation_id: str | None, call_sid: str | None) -> Answer:
    content = {
        "success": call_sid is not None,
        "message": message,
        "conversation_id": conversation_id,
        "callSid": call_sid,
    }
    return json_answer(content)
