"""``<Dial>``: other telephones ring, and one that is picked up is connected with the caller.

A number is whoever the control plane put there; what its ``url`` says they hear before both are
connected. A SIP address of the voice platform is connected
as its incoming calls are; every other SIP host cannot be reached.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol
from urllib.parse import parse_qsl

from simulators.twilio.calls.bounds import DEFAULT_DIAL_S, LONGEST_CALL_S
from simulators.twilio.calls.leg import COMPLETED, LIVE, CallbackPlan, Instructions, Leg
from simulators.twilio.calls.line import Line
from simulators.twilio.calls.records import duration_of
from simulators.twilio.calls.twiml import Verb
from simulators.twilio.calls.web import Unanswered, Web, joined

ANSWERED = "answered"
SIP_HOST = "sip.rtc.elevenlabs.io"
SIP_ANSWER_URL = "https://api.elevenlabs.io/twilio/inbound_call"
SIP_OK, SIP_UNAVAILABLE, SIP_NOT_FOUND = "200", "480", "404"
BAD_CALLER_ID = 13214
NOTHING_TO_DIAL = 13223


class Network(Protocol):
    """What dialling needs of the exchange."""

    def child(
        self, parent: Leg, *, called: str, caller: str, callbacks: CallbackPlan, line: Line | None
    ) -> Leg:
        """A call that belongs to another; on the parent's line if that is given."""

    def begin(self, leg: Leg, life: Coroutine[Any, Any, str]) -> None:
        """Let a call live; it ends with the status its life returns."""

    async def ring(self, leg: Leg, timeout_s: float) -> str:
        """Let it ring; ``answered`` or the status it ends with."""

    def pick_up(self, leg: Leg) -> None:
        """It is answered."""

    def may_show(self, parent: Leg, caller: str) -> bool:
        """True if a call may go out with this number."""

    async def perform(self, leg: Leg, first: Instructions) -> str:
        """Carry out documents on a call."""

    async def whisper(self, leg: Leg, first: Instructions) -> str | None:
        """Carry out documents before a call is connected; the status it ends with, if it does."""


class Dialling:
    """Calls that belong to calls."""

    def __init__(self, network: Network, web: Web) -> None:
        self._network = network
        self._web = web

    async def dial(self, leg: Leg, verb: Verb, base: str) -> dict[str, str]:
        """Ring, connect, wait for the end; what the action is told."""
        caller = verb.attribute("callerId") or str(leg.record["from"])
        nouns = [noun for noun in verb.children if noun.name in ("Number", "Sip") and noun.text]
        if verb.text:
            nouns.append(Verb("Number", {}, verb.text, ()))
        if not nouns or not self._network.may_show(leg, caller):
            code = BAD_CALLER_ID if nouns else NOTHING_TO_DIAL
            leg.note("warning", code=code, message=f"nobody can be dialled as {caller}")
            return {"DialCallStatus": "failed"}
        timeout_s = verb.number("timeout", DEFAULT_DIAL_S)
        children = [self._rung(leg, noun, caller, timeout_s, base) for noun in nouns]
        limit_s = verb.number("timeLimit", LONGEST_CALL_S)
        try:
            winner = await _first_answered(children)
            for child in children:
                if child is not winner:
                    child.stop()
            if winner is None:
                return _outcome(children[-1], bridged=False)
            bridged = await asyncio.shield(winner.joinable) == ANSWERED
            if bridged:
                await self._connected(leg, winner, limit_s)
            return _outcome(winner, bridged=bridged)
        finally:
            for child in children:
                child.stop()

    def _rung(self, leg: Leg, noun: Verb, caller: str, timeout_s: float, base: str) -> Leg:
        is_sip = noun.name == "Sip"
        called = noun.text if is_sip else "".join(noun.text.split()).replace("-", "")
        callback = noun.attribute("statusCallback")
        plan = CallbackPlan(
            url=joined(base, callback) if callback else "",
            method=noun.attribute("statusCallbackMethod", "POST").upper(),
            events=frozenset(noun.attribute("statusCallbackEvent", COMPLETED).split()),
        )
        child = self._network.child(
            leg,
            called=called,
            caller=caller,
            callbacks=plan,
            line=leg.line if is_sip else None,
        )
        leg.children.append(child.sid)
        leg.note("dials", number=called, call=child.sid)
        whisper = _whisper(noun, base, child)
        life = self._sip(child) if is_sip else self._telephone(child, timeout_s, whisper)
        self._network.begin(child, life)
        return child

    async def _telephone(self, child: Leg, timeout_s: float, whisper: Instructions | None) -> str:
        outcome = await self._network.ring(child, timeout_s)
        if outcome != ANSWERED:
            return outcome
        self._network.pick_up(child)
        if whisper is not None:
            ended_as = await self._network.whisper(child, whisper)
            if ended_as is not None:
                return ended_as
        child.joinable.set_result(ANSWERED)
        await asyncio.get_running_loop().create_future()
        return COMPLETED

    async def _sip(self, child: Leg) -> str:
        address, _, query = str(child.record["to"]).partition("?")
        user, _, host = address.removeprefix("sip:").partition("@")
        name = host.partition(";")[0].partition(":")[0].lower()
        headers = {f"SipHeader_{key}": value for key, value in parse_qsl(query)}
        child.extra = {"DialSipResponseCode": SIP_NOT_FOUND}
        if not name.endswith(SIP_HOST) or not user:
            child.note("error", code=13224, message=f"{address} cannot be reached")
            return "failed"
        try:
            asked = {**child.parameters(), **headers, "To": user, "Called": user}
            twiml = await self._web.ask(SIP_ANSWER_URL, "POST", asked)
        except Unanswered as error:
            child.extra = {"DialSipResponseCode": SIP_UNAVAILABLE}
            child.note("error", code=error.code, message=str(error))
            return "failed"
        child.extra = {"DialSipResponseCode": SIP_OK, "DialSipCallId": f"{child.sid}@127.0.0.1"}
        self._network.pick_up(child)
        child.joinable.set_result(ANSWERED)
        return await self._network.perform(child, Instructions(twiml=twiml))

    async def _connected(self, leg: Leg, child: Leg, limit_s: float) -> None:
        """Both hear each other until one of them is gone."""
        if child.line is leg.line:
            await _until_over(child, limit_s)
            return

        def to_child(spoken: bytes | None, played: bytes | None) -> None:
            del played
            if spoken is not None:
                child.line.ear.put(spoken)

        def to_parent(spoken: bytes | None, played: bytes | None) -> None:
            del played
            if spoken is not None:
                leg.line.ear.put(spoken)

        leg.note("connected", call=child.sid)
        leg.line.listen(to_child)
        child.line.listen(to_parent)
        try:
            await _until_over(child, limit_s)
        finally:
            leg.line.leave(to_child)
            child.line.leave(to_parent)


async def _until_over(child: Leg, limit_s: float) -> None:
    try:
        async with asyncio.timeout(limit_s):
            await asyncio.shield(child.over)
    except TimeoutError:
        child.stop()
        await asyncio.shield(child.over)


async def _first_answered(children: list[Leg]) -> Leg | None:
    waiting = {child.answered: child for child in children}
    while waiting:
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for future in done:
            child = waiting.pop(future)
            if future.result() == ANSWERED:
                return child
    return None


def _whisper(noun: Verb, base: str, child: Leg) -> Instructions | None:
    """What whoever picks up hears first; asked about them, as a call that was dialled."""
    url = noun.attribute("url")
    if not url:
        return None
    method = noun.attribute("method", "POST").upper()
    told = (("DialCallSid", child.sid), ("DialCallStatus", LIVE))
    return Instructions(url=joined(base, url), method=method, parameters=told)


def _outcome(child: Leg, *, bridged: bool) -> dict[str, str]:
    status = child.status
    told = {
        "DialCallSid": child.sid,
        "DialCallStatus": COMPLETED if child.record["answered_at"] else status,
        "DialBridged": str(bridged).lower(),
    }
    seconds = duration_of(child.record)
    if seconds is not None:
        told["DialCallDuration"] = str(seconds)
    return {**told, **{name: value for name, value in child.extra.items() if "Sip" in name}}
