"""Controls of telephony: who calls, who is where, what calls heard, what goes wrong."""

from __future__ import annotations

import base64
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from simulators.control_bodies import control
from simulators.twilio.calls import voices
from simulators.twilio.calls.bounds import FRAME_S, MAX_HOSTS, MAX_PEOPLE
from simulators.twilio.calls.exchange import Exchange, TooManyCalls
from simulators.twilio.calls.leg import Leg
from simulators.twilio.calls.people import Person, Script, ScriptItem
from simulators.twilio.calls.signing import SharedKey
from simulators.twilio.calls.troubles import TelephonySettings
from simulators.wire import Answer, Json, Request, Route, json_answer

FRAME_MS = round(FRAME_S * 1000)
DEFAULT_CALLER = "+14155550100"


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CallRequest(_Body):
    """Body of ``POST /_sim/call``: somebody calls a number of the account.

    ``wav_base64`` is short for a script with that sound alone.
    """

    to: str
    caller: Annotated[str, Field(alias="from")] = DEFAULT_CALLER
    wav_base64: Annotated[str | None, Field(repr=False)] = None
    script: Script = ()

    @model_validator(mode="after")
    def _one_of_both(self) -> CallRequest:
        if self.wav_base64 is not None:
            if self.script:
                raise ValueError("give wav_base64 or script")
            voices.from_base64(self.wav_base64)
        return self


class CallActRequest(_Body):
    """Body of ``POST /_sim/calls/{sid}``: the person does this now."""

    do: Literal["hangup", "drop", "press", "signal"]
    digits: Annotated[str, Field(pattern=r"^[0-9*#A-D]{0,64}$")] = ""


class HostsRequest(_Body):
    """Body of ``POST /_sim/hosts``: hosts that are on this machine, each with its address."""

    hosts: Annotated[dict[str, str], Field(max_length=MAX_HOSTS)]


class SigningRequest(_Body):
    """Body of ``POST /_sim/signing``: the shared key that signs, or null for the token."""

    key_id: str | None
    secret: Annotated[str, Field(repr=False)] = ""


class TelephonyControls:
    """The control plane of calls."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def routes(self) -> list[Route]:
        """Every control."""
        telephony = "/_sim/telephony"
        people = "/_sim/people"
        return [
            Route("POST", "/_sim/call", control(CallRequest, self._call)),
            Route("GET", "/_sim/calls", self._list),
            Route("GET", "/_sim/calls/{sid}", self._show),
            Route("POST", "/_sim/calls/{sid}", self._act),
            Route("GET", "/_sim/recordings/{sid}", self._recording),
            Route("GET", people, self._show_people),
            Route("POST", people, control(Person, self._put_person)),
            Route("DELETE", people, self._clear_people),
            Route("GET", telephony, self._show_telephony),
            Route("POST", telephony, control(TelephonySettings, self._set_telephony)),
            Route("DELETE", telephony, self._reset_telephony),
            Route("POST", "/_sim/hosts", control(HostsRequest, self._lay_hosts)),
            Route("POST", "/_sim/signing", control(SigningRequest, self._sign)),
        ]

    def _call(self, request: CallRequest) -> Json | Answer:
        script = request.script
        if request.wav_base64 is not None:
            script = (ScriptItem(wav_base64=request.wav_base64),)
        person = Person(number=request.caller, script=script)
        try:
            leg = self._exchange.incoming(called=request.to, caller=request.caller, person=person)
        except LookupError:
            return json_answer({"error": "no such number in the account"}, status=404)
        except TooManyCalls:
            return json_answer({"error": "too many calls at once"}, status=429)
        return {"sid": leg.sid}

    def _recording(self, request: Request) -> Answer:
        wav = self._exchange.recordings.wav(request.path_values["sid"])
        if wav is None:
            return json_answer({"error": "no such recording"}, status=404)
        return json_answer({"wav_base64": base64.b64encode(wav).decode()})

    def _list(self, request: Request) -> Answer:
        del request
        legs = [_short(leg) for leg in self._exchange.legs.values()]
        return json_answer({"calls": legs, "live": len(self._exchange.live())})

    def _show(self, request: Request) -> Answer:
        leg = self._exchange.legs.get(request.path_values["sid"])
        if leg is None:
            return json_answer({"error": "no such call"}, status=404)
        return json_answer(_long(leg, with_sound=request.value("sound") != "false"))

    async def _act(self, request: Request) -> Answer:
        leg = self._exchange.legs.get(request.path_values["sid"])
        if leg is None:
            return json_answer({"error": "no such call"}, status=404)
        found: Leg = leg

        def act(body: CallActRequest) -> Json:
            if body.do == "press":
                found.press(body.digits)
            elif body.do == "signal":
                found.line.signal()
            elif body.do == "hangup":
                found.stop()
            else:
                found.cut()
            return {"sid": found.sid, "did": body.do}

        return await control(CallActRequest, act)(request)

    def _show_people(self, request: Request) -> Answer:
        del request
        people = [
            person.model_dump(mode="json", exclude_defaults=True)
            for person in self._exchange.people.all()
        ]
        return json_answer({"people": people})

    def _put_person(self, person: Person) -> Json:
        self._exchange.people.put(person, MAX_PEOPLE)
        return {"number": person.number, "answers": person.answers}

    def _clear_people(self, request: Request) -> Answer:
        self._exchange.people.clear()
        return self._show_people(request)

    def _described(self) -> Json:
        return {
            **self._exchange.troubles.describe(),
            "hosts": self._exchange.web.places.describe(),
            "live": len(self._exchange.live()),
            "pace": self._exchange.pace.describe(),
            "measured": self._exchange.streaming.measured.describe(),
        }

    def _show_telephony(self, request: Request) -> Answer:
        del request
        return json_answer(self._described())

    def _set_telephony(self, settings: TelephonySettings) -> Json:
        self._exchange.troubles.change(settings)
        return self._described()

    def _reset_telephony(self, request: Request) -> Answer:
        self._exchange.troubles.clear()
        self._exchange.measure_afresh()
        return self._show_telephony(request)

    def _lay_hosts(self, request: HostsRequest) -> Json:
        self._exchange.web.places.lay(request.hosts)
        return {"hosts": self._exchange.web.places.describe()}

    def _sign(self, request: SigningRequest) -> Json:
        key_id = request.key_id
        key = None if key_id is None else SharedKey(key_id, request.secret)
        self._exchange.web.signer.shared_key = key
        return {"key_id": key_id}


def _short(leg: Leg) -> Json:
    names = ("sid", "parent_call_sid", "from", "to", "direction", "status")
    return {name: leg.record[name] for name in names}


def _long(leg: Leg, *, with_sound: bool) -> Json:
    line = leg.line
    heard: Json = {
        "spells_ms": [[start * FRAME_MS, end * FRAME_MS] for start, end in line.heard.spells],
        "duration_ms": line.ticks * FRAME_MS,
        "dropped_frames": line.heard.dropped_frames,
    }
    if with_sound:
        sound = line.heard.sound(line.ticks)
        heard["wav_base64"] = base64.b64encode(voices.to_wav(sound)).decode()
        heard["played_base64"] = base64.b64encode(line.heard.played()).decode()
    return {
        **_short(leg),
        "answered_unix_s": line.begun_unix_s or None,
        "events": list(leg.events),
        "heard": heard,
        "streams": [stream.describe() for stream in leg.past_streams],
        "children": leg.children,
        "pace": line.pace.describe(),
    }
