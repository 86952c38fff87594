"""The Calls resource: forms in, checked as the vendor checks them, JSON out."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qsl

from simulators.twilio import errors
from simulators.twilio.calls.bounds import (
    DEFAULT_RING_S,
    LONGEST_CALL_S,
    MAX_DIGITS,
    MAX_INLINE_TWIML,
    MAX_RING_S,
)
from simulators.twilio.calls.exchange import Exchange, TooManyCalls
from simulators.twilio.calls.leg import (
    COMPLETED,
    LIVE,
    OVER,
    WAITING,
    CallbackPlan,
    Instructions,
    Leg,
)
from simulators.twilio.calls.machines import WAITS_FOR_END, Detection
from simulators.twilio.calls.media import MediaStream, StreamPlan, tracks_of
from simulators.twilio.calls.twiml import RELATIVE_ADDRESS, BadTwiml, parsed, relative_addresses
from simulators.twilio.errors import Refused, not_found, refused
from simulators.twilio.numbers import API, E164, rfc2822
from simulators.twilio.workspace import Workspace
from simulators.wire import Answer, Handle, Json, Request, Route, json_answer

CALLS = API + "/{AccountSid}/Calls"
STREAMS = CALLS + "/{Sid}/Streams"
EVENTS = frozenset({"initiated", "ringing", "answered", COMPLETED})
ENDPOINT = re.compile(r"(sip|client):\S+")
DIGITS = re.compile(r"[0-9*#wW]{1,32}")
STREAM = re.compile(r"wss?://[^/\s]+")
URLS = ("Url", "FallbackUrl", "StatusCallback", "AsyncAmdStatusCallback")
METHODS = (
    "Method",
    "FallbackMethod",
    "StatusCallbackMethod",
    "AsyncAmdStatusCallbackMethod",
)
PARAMETER = re.compile(r"Parameter(\d{1,2})\.(Name|Value)")


class Form:
    """A request's form; names may be repeated."""

    def __init__(self, request: Request) -> None:
        text = request.body.decode("utf-8", "replace")
        self.pairs = parse_qsl(text, keep_blank_values=True)
        self._last = dict(self.pairs)

    def text(self, name: str) -> str:
        """The last value; empty when there is none."""
        return self._last.get(name, "")

    def texts(self, name: str) -> list[str]:
        """Every value, those in one text apart by blanks."""
        return [part for key, value in self.pairs if key == name for part in value.split()]

    def number(self, name: str, default: int, most: int) -> int:
        """A count of seconds. Raises Refused (400)."""
        value = self._last.get(name)
        if value is None:
            return default
        if not value.isdigit() or not 0 < int(value) <= most:
            text = f"{name} must be between 1 and {most}"
            raise refused(400, errors.INVALID_PARAMETER, text)
        return int(value)


class CallEndpoints:
    """Creates, reads, changes and deletes calls."""

    def __init__(self, workspace: Workspace, exchange: Exchange, account_sid: str) -> None:
        self._space = workspace
        self._exchange = exchange
        self._account_sid = account_sid

    def routes(self, checked: Callable[[Handle], Handle]) -> list[Route]:
        """Every route; ``checked`` lets only known credentials through."""
        table: list[tuple[str, str, Handle]] = [
            ("POST", CALLS + ".json", self._create),
            ("GET", CALLS + ".json", self._exchange.records.listed),
            ("GET", CALLS + "/{Sid}.json", self._fetch),
            ("POST", CALLS + "/{Sid}.json", self._update),
            ("DELETE", CALLS + "/{Sid}.json", self._delete),
            ("POST", STREAMS + ".json", self._start_stream),
            ("POST", STREAMS + "/{StreamSid}.json", self._stop_stream),
        ]
        return [Route(method, path, checked(handle)) for method, path, handle in table]

    def _create(self, request: Request) -> Answer:
        form = Form(request)
        called, caller = form.text("To"), form.text("From")
        self._check_parties(called, caller)
        _check_addresses(form)
        digits = form.text("SendDigits")
        if digits and not DIGITS.fullmatch(digits):
            text = f"SendDigits takes at most {MAX_DIGITS} digits, w and W"
            raise refused(400, errors.INVALID_PARAMETER, text)
        try:
            leg = self._exchange.outgoing(
                called=called,
                caller=caller,
                first=self._instructions(form),
                callbacks=_callbacks(form),
                ring_s=form.number("Timeout", DEFAULT_RING_S, MAX_RING_S),
                limit_s=form.number("TimeLimit", LONGEST_CALL_S, LONGEST_CALL_S),
                digits=digits,
                detection=_detection(form),
            )
        except TooManyCalls as error:
            text = "Too many concurrent calls"
            raise refused(429, errors.TOO_MANY_CALLS, text) from error
        return json_answer(self._exchange.records.body(leg.record), status=201)

    def _check_parties(self, called: str, caller: str) -> None:
        if not E164.fullmatch(called) and not ENDPOINT.fullmatch(called):
            text = f"The phone number you are attempting to call, {called}, is not valid."
            raise refused(400, errors.INVALID_TO, text)
        if not E164.fullmatch(caller):
            raise refused(400, errors.INVALID_FROM, f"Invalid From Number (caller ID): {caller}")
        if all(number["phone_number"] != caller for number in self._space.numbers):
            text = f"The source phone number provided, {caller}, is not yet verified."
            raise refused(400, errors.FROM_NOT_VERIFIED, text)

    def _instructions(self, form: Form) -> Instructions:
        url, twiml, sid = form.text("Url"), form.text("Twiml"), form.text("ApplicationSid")
        application = self._space.applications.get(sid) if sid else None
        if application is not None:
            url, twiml = application["voice_url"], ""
        if not url and not twiml:
            raise refused(400, errors.NO_INSTRUCTIONS, "Url is not a valid URL: it is missing")
        if not url:
            _check_twiml(twiml)
        return Instructions(
            url=url,
            method=form.text("Method") or "POST",
            fallback_url=form.text("FallbackUrl"),
            fallback_method=form.text("FallbackMethod") or "POST",
            twiml=None if url else twiml,
        )

    def _fetch(self, request: Request) -> Answer:
        record = self._exchange.records.known(request.path_values["Sid"])
        return json_answer(self._exchange.records.body(record))

    def _update(self, request: Request) -> Answer:
        record = self._exchange.records.known(request.path_values["Sid"])
        form = Form(request)
        _check_addresses(form)
        status, url, twiml = form.text("Status"), form.text("Url"), form.text("Twiml")
        if url and twiml:
            text = "Url and Twiml exclude each other"
            raise refused(400, errors.INVALID_PARAMETER, text)
        if status not in ("", "canceled", COMPLETED):
            raise refused(400, errors.INVALID_PARAMETER, f"{status} is not a status to set")
        leg = self._exchange.legs.get(record["sid"])
        if record["status"] in OVER or leg is None:
            raise _wrong_state(record)
        if status:
            self._end(leg, status)
        elif url or twiml:
            self._redirect(leg, form)
        if form.text("TimeLimit"):
            limit_s = form.number("TimeLimit", LONGEST_CALL_S, LONGEST_CALL_S)
            self._exchange.limit(leg, limit_s)
        return json_answer(self._exchange.records.body(record))

    @staticmethod
    def _end(leg: Leg, status: str) -> None:
        if status == "canceled" and leg.status not in WAITING:
            raise _wrong_state(leg.record)
        leg.stop()

    def _redirect(self, leg: Leg, form: Form) -> None:
        if leg.status != LIVE or not leg.takes_instructions:
            raise _wrong_state(leg.record)
        instructions = self._instructions(form)
        if form.text("StatusCallback") and form.text("Url"):
            leg.callbacks = _callbacks(form)
        if instructions.fallback_url:
            leg.fallback = instructions
        leg.redirect(instructions)

    def _delete(self, request: Request) -> Answer:
        record = self._exchange.records.known(request.path_values["Sid"])
        if record["status"] not in OVER:
            text = "Call cannot be deleted because it is still in progress."
            raise refused(409, errors.IN_PROGRESS, text)
        self._exchange.records.drop(record["sid"])
        self._exchange.legs.pop(record["sid"], None)
        return Answer(status=204)

    async def _start_stream(self, request: Request) -> Answer:
        leg = self._live(request)
        form = Form(request)
        tracks = tracks_of(form.text("Track"))
        if tracks is None:
            raise refused(400, errors.INVALID_PARAMETER, "Track is not a track")
        if not STREAM.match(form.text("Url")):
            raise refused(400, errors.INVALID_STREAM_URL, "Url is not a WebSocket address")
        sid = self._space.identifiers.twilio("MZ")
        plan = StreamPlan(
            sid=sid,
            call_sid=leg.sid,
            account_sid=self._account_sid,
            url=form.text("Url"),
            name=form.text("Name") or sid,
            tracks=tracks,
            parameters=_parameters(form),
            is_bidirectional=False,
            status_callback=form.text("StatusCallback"),
            status_method=form.text("StatusCallbackMethod") or "POST",
        )
        opened = await self._exchange.streaming.open(leg, plan)
        status = "stopped" if opened is None else "in-progress"
        return json_answer(self._stream_body(plan, status))

    def _stop_stream(self, request: Request) -> Answer:
        leg = self._live(request)
        asked = request.path_values["StreamSid"]
        if Form(request).text("Status") != "stopped":
            raise refused(400, errors.INVALID_PARAMETER, "Status can only be set to stopped")
        stream: MediaStream | None = next(
            (known for known in leg.streams if asked in (known.plan.sid, known.plan.name)), None
        )
        if stream is None:
            raise not_found(request.path)
        stream.end()
        return json_answer(self._stream_body(stream.plan, "stopped"))

    def _live(self, request: Request) -> Leg:
        record = self._exchange.records.known(request.path_values["Sid"])
        leg = self._exchange.legs.get(record["sid"])
        if leg is None or leg.status != LIVE:
            raise _wrong_state(record)
        return leg

    def _stream_body(self, plan: StreamPlan, status: str) -> Json:
        path = f"{API}/{self._account_sid}/Calls/{plan.call_sid}/Streams/{plan.sid}.json"
        return {
            "sid": plan.sid,
            "account_sid": self._account_sid,
            "call_sid": plan.call_sid,
            "name": plan.name,
            "status": status,
            "date_updated": rfc2822(self._space.clock.now()),
            "uri": path,
        }


def _wrong_state(record: Json) -> Refused:
    text = f"Call is not in-progress. Cannot redirect. Its status is {record['status']}."
    return refused(400, errors.INVALID_CALL_STATE, text)


def _callbacks(form: Form) -> CallbackPlan:
    events = frozenset(form.texts("StatusCallbackEvent")) or frozenset({COMPLETED})
    if not events <= EVENTS:
        text = f"{', '.join(sorted(events - EVENTS))} is no event of calls"
        raise refused(400, errors.INVALID_PARAMETER, text)
    method = form.text("StatusCallbackMethod") or "POST"
    return CallbackPlan(url=form.text("StatusCallback"), method=method, events=events)


def _detection(form: Form) -> Detection:
    mode = form.text("MachineDetection")
    if mode not in ("Enable", WAITS_FOR_END):
        return Detection()
    return Detection(
        mode=mode,
        is_beside=form.text("AsyncAmd").lower() == "true",
        url=form.text("AsyncAmdStatusCallback"),
        method=form.text("AsyncAmdStatusCallbackMethod") or "POST",
    )


def _check_addresses(form: Form) -> None:
    for name in URLS:
        value = form.text(name)
        if value and not re.match(r"https?://[^/\s]+", value):
            raise refused(400, errors.NO_INSTRUCTIONS, f"{name} is not a valid URL: {value}")
    for name in METHODS:
        if form.text(name) not in ("", "GET", "POST"):
            raise refused(400, errors.INVALID_METHOD, f"{name} is not a valid HTTP method")


def _check_twiml(twiml: str) -> None:
    if len(twiml) > MAX_INLINE_TWIML:
        text = f"Twiml must be at most {MAX_INLINE_TWIML} characters"
        raise refused(400, errors.INVALID_PARAMETER, text)
    try:
        relative = list(relative_addresses(parsed(twiml)))
    except BadTwiml:
        return
    if relative:
        text = f"Relative URLs are not allowed in Twiml: {relative[0]}"
        raise refused(400, RELATIVE_ADDRESS, text)


def _parameters(form: Form) -> dict[str, str]:
    names: dict[str, str] = {}
    values: dict[str, str] = {}
    for key, value in form.pairs:
        match = PARAMETER.fullmatch(key)
        if match:
            (names if match[2] == "Name" else values)[match[1]] = value
    return {name: values.get(number, "") for number, name in names.items()}
