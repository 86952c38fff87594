"""The Twilio look-alike put together: one account, its numbers and applications.

Unlike its sibling it checks credentials before anything else, as Twilio does.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
from collections import deque
from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, Field

from simulators.clock import Clock
from simulators.control_bodies import control
from simulators.limits import MAX_QUEUED_EDITS
from simulators.store import Store
from simulators.tally import Namers, Tally
from simulators.twilio import errors
from simulators.twilio.calls.controls import TelephonyControls
from simulators.twilio.calls.endpoints import CallEndpoints
from simulators.twilio.calls.exchange import Exchange
from simulators.twilio.errors import Refused, error_answer, not_found, refused
from simulators.twilio.numbers import API, Numbers, plain_listing, rfc2822
from simulators.twilio.workspace import Workspace
from simulators.wire import (
    Admission,
    Answer,
    Handle,
    Json,
    Request,
    Route,
    RouteTable,
    json_answer,
)

ACCOUNT = API + "/{AccountSid}"
NUMBERS = ACCOUNT + "/IncomingPhoneNumbers"
APPLICATIONS = ACCOUNT + "/Applications"
# 2010-04-01, the day this API version is named after.
ACCOUNT_CREATED_AT = 1_270_080_000
SERVER_ERROR_STATUS = 500
NAMERS: Namers = {
    "numbers": lambda record: str(record["phone_number"]),
    "applications": lambda record: str(record["friendly_name"]),
    "calls": lambda record: str(record["to"]),
}


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NumberRequest(_Body):
    """Body of ``POST /_sim/numbers``: a number put into the account, with form fields."""

    phone_number: str
    fields: dict[str, str] = {}


class NumberEditRequest(_Body):
    """Body of ``POST /_sim/edit``: form fields someone else sets on a number."""

    phone_number: str
    fields: dict[str, str]
    when: Literal["now", "before-next-write"] = "now"
    times: Annotated[int, Field(ge=1, le=MAX_QUEUED_EDITS)] = 1


class ApplicationRequest(_Body):
    """Body of ``POST /_sim/applications``: a TwiML application put into the account."""

    friendly_name: str
    voice_url: str = ""


class Twilio:
    """One simulated Twilio account."""

    name = "twilio"

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        seed: int,
        account_sid: str,
        credentials: Mapping[str, str],
        auth_token: str = "",
        platform_url: str | None = None,
        stocked: tuple[str, ...] = (),
    ) -> None:
        self._store = store
        self._space = Workspace(store, clock, seed=seed)
        self._numbers = Numbers(self._space)
        self._account_sid = account_sid
        self._credentials = credentials
        self._stocked = stocked
        self.lag = self._space.lag
        self.past = store.past
        self.tally = Tally(store, NAMERS)
        self._queued_edits: deque[NumberEditRequest] = deque()
        self._exchange = Exchange(
            self._space,
            self._numbers,
            account_sid=account_sid,
            auth_token=auth_token,
            platform_url=platform_url,
        )
        calls = CallEndpoints(self._space, self._exchange, account_sid)
        self.routes = RouteTable(
            [
                Route("GET", API + ".json", self._checked(self._accounts)),
                Route("GET", ACCOUNT + ".json", self._checked(self._account)),
                Route("GET", NUMBERS + ".json", self._checked(self._list)),
                Route("POST", NUMBERS + ".json", self._checked(self._create)),
                Route("GET", NUMBERS + "/{Sid}.json", self._checked(self._fetch)),
                Route("POST", NUMBERS + "/{Sid}.json", self._checked(self._update)),
                Route("DELETE", NUMBERS + "/{Sid}.json", self._checked(self._release)),
                Route("GET", APPLICATIONS + ".json", self._checked(self._list_applications)),
                Route("POST", APPLICATIONS + ".json", self._checked(self._create_application)),
                Route("GET", APPLICATIONS + "/{Sid}.json", self._checked(self._application)),
                *calls.routes(self._checked),
            ]
        )
        self.socket_routes = RouteTable([])
        self.control_routes = [
            Route("POST", "/_sim/numbers", control(NumberRequest, self._stock)),
            Route("POST", "/_sim/edit", control(NumberEditRequest, self._edit)),
            Route("POST", "/_sim/applications", control(ApplicationRequest, self._add_application)),
            *TelephonyControls(self._exchange).routes(),
        ]
        for number in self._space.numbers:
            self._numbers.show(number, at_once=True)
        self._exchange.close_abandoned()
        for call in self._space.calls:
            self._exchange.records.show(call, at_once=True)
        if not len(self._space.numbers):
            self._stock_all()

    def _stock_all(self) -> None:
        for phone_number in self._stocked:
            self._numbers.stock(self._account_sid, phone_number)
        self._store.commit()

    def _checked(self, handle: Handle) -> Handle:
        async def checked(request: Request) -> Answer:
            try:
                self._authenticate(request)
                outcome = handle(request)
                return outcome if isinstance(outcome, Answer) else await outcome
            except Refused as refusal:
                return refusal.answer

        return checked

    def _authenticate(self, request: Request) -> None:
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        try:
            text = base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            text = ""
        username, _, password = text.partition(":")
        known = scheme.lower() == "basic" and self._credentials.get(username) == password
        asked = request.path_values.get("AccountSid", self._account_sid)
        if not known or asked != self._account_sid:
            raise refused(401, errors.AUTHENTICATE, "Authenticate")

    async def answer(self, route: Route, request: Request) -> Answer:
        """Take effect and answer; what changed is in the journal before this returns."""
        if request.method != "GET":
            self._edit_before(request.path_values.get("Sid"))
        outcome = route.handle(request)
        if not isinstance(outcome, Answer):
            outcome = await outcome
        self.tally.commit()
        return outcome

    def _edit_before(self, sid: str | None) -> None:
        for edit in self._queued_edits:
            number = self._numbers.find(edit.phone_number)
            if number is not None and number["sid"] == sid:
                self._queued_edits.remove(edit)
                with contextlib.suppress(Refused):
                    self._numbers.update(self._account_sid, number["sid"], edit.fields)
                self._store.commit()
                return

    def _accounts(self, request: Request) -> Answer:
        return json_answer(plain_listing("accounts", request, [self._account_body()]))

    def _account(self, request: Request) -> Answer:
        del request
        return json_answer(self._account_body())

    def _account_body(self) -> Json:
        path = f"{API}/{self._account_sid}"
        return {
            "sid": self._account_sid,
            "owner_account_sid": self._account_sid,
            "friendly_name": "Simulated account",
            "status": "active",
            "type": "Full",
            "auth_token": None,
            "date_created": rfc2822(ACCOUNT_CREATED_AT),
            "date_updated": rfc2822(ACCOUNT_CREATED_AT),
            "uri": f"{path}.json",
            "subresource_uris": {
                "incoming_phone_numbers": f"{path}/IncomingPhoneNumbers.json",
                "applications": f"{path}/Applications.json",
            },
        }

    def _list(self, request: Request) -> Answer:
        return self._numbers.listed(self._account_sid, request)

    def _create(self, request: Request) -> Answer:
        return self._numbers.create(self._account_sid, _form(request))

    def _fetch(self, request: Request) -> Answer:
        return self._numbers.fetch(self._account_sid, request)

    def _update(self, request: Request) -> Answer:
        sid = request.path_values["Sid"]
        return self._numbers.update(self._account_sid, sid, _form(request))

    def _release(self, request: Request) -> Answer:
        return self._numbers.release(self._account_sid, request.path_values["Sid"])

    def _list_applications(self, request: Request) -> Answer:
        name = request.value("FriendlyName")
        found = [
            self._application_body(application)
            for application in self._space.applications
            if name in (None, "", application["friendly_name"])
        ]
        return json_answer(plain_listing("applications", request, found))

    def _create_application(self, request: Request) -> Answer:
        form = _form(request)
        body = self._new_application(form.get("FriendlyName", ""), form.get("VoiceUrl", ""))
        return json_answer(body, status=201)

    def _application(self, request: Request) -> Answer:
        application = self._space.applications.get(request.path_values["Sid"])
        if application is None:
            raise not_found(request.path)
        return json_answer(self._application_body(application))

    def _application_body(self, application: Json) -> Json:
        path = f"{API}/{self._account_sid}/Applications/{application['sid']}.json"
        return {
            "sid": application["sid"],
            "account_sid": self._account_sid,
            "api_version": "2010-04-01",
            "friendly_name": application["friendly_name"],
            "voice_url": application["voice_url"] or None,
            "voice_method": "POST",
            "voice_fallback_url": None,
            "voice_fallback_method": "POST",
            "voice_caller_id_lookup": False,
            "status_callback": "",
            "status_callback_method": "POST",
            "sms_url": None,
            "sms_method": "POST",
            "sms_fallback_url": None,
            "sms_fallback_method": "POST",
            "sms_status_callback": None,
            "message_status_callback": None,
            "public_application_connect_enabled": False,
            "date_created": rfc2822(application["created_at"]),
            "date_updated": rfc2822(application["created_at"]),
            "uri": path,
        }

    async def admit(self, request: Request) -> Answer | Admission:
        """No WebSocket is served here."""
        return self.refuse_route(request, [])

    async def stop(self) -> None:
        """End every call."""
        await self._exchange.stop()

    def refuse_rate(self, retry_after_s: int) -> Answer:
        """429: Twilio's only word for too much."""
        answer = error_answer(429, errors.TOO_MANY_REQUESTS, "Too Many Requests")
        return Answer(429, answer.body, headers={"Retry-After": str(retry_after_s)})

    def refuse_concurrency(self, limit: int) -> Answer:
        """429, which at Twilio is about requests at once."""
        message = f"Too Many Requests: more than {limit} at once"
        return error_answer(429, errors.TOO_MANY_REQUESTS, message)

    def refuse_size(self, limit_bytes: int) -> Answer:
        """413."""
        text = f"The request is larger than {limit_bytes} bytes"
        return error_answer(413, errors.INVALID_PARAMETER, text)

    def refuse_route(self, request: Request, allowed: list[str]) -> Answer:
        """404 or 405 with Twilio's codes."""
        if allowed:
            answer = error_answer(405, errors.METHOD_NOT_ALLOWED, "Method not allowed")
            return Answer(405, answer.body, headers={"Allow": ", ".join(allowed)})
        return not_found(request.path).answer

    def fail(self, status: int) -> Answer:
        """An error of that status."""
        server = status >= SERVER_ERROR_STATUS
        code = errors.SERVER_ERROR if server else errors.INVALID_PARAMETER
        words = "An internal server error has occurred" if server else "The request was refused"
        return error_answer(status, code, words)

    def set_noise(self, *, enabled: bool) -> None:
        """With or without the noise real answers have."""
        self._space.noise = enabled

    def reset(self) -> None:
        """The account as on the first start."""
        self._store.reset()
        self._queued_edits.clear()
        self._space.number_index.clear()
        self._space.call_index.clear()
        self._exchange.forget()
        self._stock_all()

    def _stock(self, request: NumberRequest) -> Json | Answer:
        try:
            number = self._numbers.stock(self._account_sid, request.phone_number)
            answer = self._numbers.update(self._account_sid, number["sid"], request.fields)
        except Refused as refusal:
            return refusal.answer
        self._store.commit()
        return answer

    def _edit(self, request: NumberEditRequest) -> Json | Answer:
        number = self._numbers.find(request.phone_number)
        if number is None:
            return json_answer({"error": "no such number in the account"}, status=404)
        if request.when != "now":
            if len(self._queued_edits) + request.times > MAX_QUEUED_EDITS:
                raise ValueError("too many edits are queued")
            self._queued_edits.extend([request] * request.times)
            return {"queued": len(self._queued_edits)}
        try:
            answer = self._numbers.update(self._account_sid, number["sid"], request.fields)
        except Refused as refusal:
            return refusal.answer
        self._store.commit()
        return answer

    def _add_application(self, request: ApplicationRequest) -> Json:
        body = self._new_application(request.friendly_name, request.voice_url)
        self._store.commit()
        return body

    def _new_application(self, friendly_name: str, voice_url: str) -> Json:
        sid = self._space.identifiers.twilio("AP")
        application: Json = {
            "sid": sid,
            "friendly_name": friendly_name or sid,
            "voice_url": voice_url,
            "created_at": self._space.clock.now(),
        }
        self._space.applications.put(sid, application)
        return self._application_body(application)


def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
