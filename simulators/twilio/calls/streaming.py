"""The verbs that stream a call, and the streams that a request starts on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

from simulators.twilio.calls.bounds import MAX_PARAMETER
from simulators.twilio.calls.callbacks import Callbacks
from simulators.twilio.calls.connection import CONNECT_REFUSED, MALFORMED_URL, NotOpened, opened
from simulators.twilio.calls.leg import Leg
from simulators.twilio.calls.media import MediaStream, StreamPlan, tracks_of
from simulators.twilio.calls.pace import Pace
from simulators.twilio.calls.stamps import Measured, Stamps
from simulators.twilio.calls.troubles import TelephonyTroubles
from simulators.twilio.calls.twiml import Verb
from simulators.twilio.calls.web import Place, Web, host_of, joined
from simulators.twilio.numbers import rfc2822

BAD_TRACK = 31941
UNKNOWN_NOUN = 12200


class Streaming:
    """Opens and ends streams of calls."""

    def __init__(
        self,
        web: Web,
        callbacks: Callbacks,
        troubles: TelephonyTroubles,
        *,
        new_sid: Callable[[], str],
        now: Callable[[], float],
    ) -> None:
        self._web = web
        self._callbacks = callbacks
        self._troubles = troubles
        self._new_sid = new_sid
        self._now = now
        self.clear()

    def clear(self) -> None:
        """Measure afresh."""
        self.measured = Measured(Pace())

    async def connect(self, leg: Leg, verb: Verb, base: str) -> dict[str, str]:
        """``<Connect>``: the call is the server's until its socket closes."""
        noun = next((child for child in verb.children if child.name == "Stream"), None)
        if noun is None:
            leg.note("warning", code=UNKNOWN_NOUN, message="Connect without a Stream")
            return {}
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def ended() -> None:
            if not over.done():
                over.set_result(None)

        stream = await self.open(leg, self._plan(leg, noun, base, both_ways=True), ended)
        if stream is None:
            return {}
        try:
            await over
        finally:
            stream.end()
        return {"StreamSid": stream.plan.sid}

    async def start(self, leg: Leg, verb: Verb, base: str) -> None:
        """``<Start>``: a server listens while the call goes on."""
        for noun in verb.children:
            if noun.name == "Stream":
                await self.open(leg, self._plan(leg, noun, base, both_ways=False))
            else:
                leg.note("warning", code=UNKNOWN_NOUN, message=f"Start {noun.name}")

    def stop(self, leg: Leg, verb: Verb) -> None:
        """``<Stop>``: by name."""
        names = {noun.attribute("name") for noun in verb.children if noun.name == "Stream"}
        for stream in list(leg.streams):
            if stream.plan.name in names:
                stream.end()

    def _plan(self, leg: Leg, noun: Verb, base: str, *, both_ways: bool) -> StreamPlan:
        parameters = {
            child.attribute("name"): child.attribute("value")
            for child in noun.children
            if child.name == "Parameter"
        }
        kept = {}
        for name, value in parameters.items():
            if len(name) + len(value) > MAX_PARAMETER:
                words = f"the parameter {name[:40]} is longer than {MAX_PARAMETER} characters"
                leg.note("warning", code=UNKNOWN_NOUN, message=words)
            else:
                kept[name] = value
        sid = self._new_sid()
        callback = noun.attribute("statusCallback")
        return StreamPlan(
            sid=sid,
            call_sid=leg.sid,
            account_sid=str(leg.record["account_sid"]),
            url=noun.attribute("url"),
            name=noun.attribute("name") or sid,
            tracks=()
            if tracks_of(noun.attribute("track")) is None
            else tracks_of("" if both_ways else noun.attribute("track")) or (),
            parameters=kept,
            is_bidirectional=both_ways,
            status_callback=joined(base, callback) if callback else "",
            status_method=noun.attribute("statusCallbackMethod", "POST").upper(),
        )

    async def open(
        self, leg: Leg, plan: StreamPlan, ended: Callable[[], None] | None = None
    ) -> MediaStream | None:
        """A stream that is open, or None when it could not be; ``ended`` is called at its end."""

        def over(code: int, words: str) -> None:
            leg.streams = [known for known in leg.streams if known is not stream]
            self._tell(leg, plan, "stream-error" if code else "stream-stopped", code, words)
            if ended is not None:
                ended()

        stream = MediaStream(
            plan, leg.line, self._troubles.rhythm(), stamps=self._stamps(), note=leg.note, over=over
        )
        try:
            url = _checked(plan)
            place = self._place(url)
            signed = "wss" + url[url.index(":") :]
            headers = {
                name.lower(): value for name, value in self._web.signer.headers(signed, {}).items()
            }
            connection = await opened(url, place, headers, stream.listener())
        except NotOpened as error:
            leg.note("stream_error", code=error.code, message=str(error), url=plan.url)
            self._tell(leg, plan, "stream-error", error.code, str(error))
            return None
        leg.streams.append(stream)
        leg.past_streams.append(stream)
        leg.note("stream_started", stream=plan.sid, url=plan.url)
        stream.start(connection)
        self._tell(leg, plan, "stream-started", 0, "")
        return stream

    def _stamps(self) -> Stamps | None:
        return Stamps(self.measured) if self._troubles.settings.stamps else None

    def _place(self, url: str) -> Place:
        place = self._web.places.find(url)
        if place is None:
            raise NotOpened(CONNECT_REFUSED, f"{url}: the host cannot be reached")
        return place

    def _tell(self, leg: Leg, plan: StreamPlan, event: str, code: int, words: str) -> None:
        if not plan.status_callback:
            return
        parameters = {
            "StreamSid": plan.sid,
            "StreamName": plan.name,
            "StreamEvent": event,
            "Timestamp": rfc2822(self._now()),
        }
        if code:
            parameters |= {"StreamError": words, "StreamErrorCode": str(code)}
        self._callbacks.tell(leg, plan.status_callback, plan.status_method, parameters)


def _checked(plan: StreamPlan) -> str:
    """The stream's address. Raises NotOpened for one that cannot be one."""
    parts = urlsplit(plan.url) if host_of(plan.url) else None
    if parts is None or parts.scheme not in ("wss", "ws") or parts.query or parts.fragment:
        raise NotOpened(MALFORMED_URL, f"{plan.url} is no address of a stream")
    if not plan.tracks:
        raise NotOpened(BAD_TRACK, "no such track")
    return plan.url
