"""What a call does: TwiML fetched, read and carried out, verb by verb, until the call ends.

A document that cannot be had or read is asked of the fallback once, with what went wrong; without
one the caller is told that something failed, and the call ends. Verbs that connect calls are in
``dialling``, those that stream in ``streaming``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from simulators.twilio.calls import voices
from simulators.twilio.calls.bounds import MAX_DOCUMENTS
from simulators.twilio.calls.dialling import Dialling
from simulators.twilio.calls.gathering import Gathered, Recorded, Recordings
from simulators.twilio.calls.leg import COMPLETED, LIVE, Instructions, Leg
from simulators.twilio.calls.streaming import Streaming
from simulators.twilio.calls.twiml import BadTwiml, Verb, parsed
from simulators.twilio.calls.web import Unanswered, Web, joined

APOLOGY = "We are sorry, an application error has occurred. Goodbye."
UNKNOWN_VERB = 12200
BAD_SOUND = 12300
DIAL_IN_WHISPER = 13201
# The longest a loop of one verb may go on.
MAX_LOOPS = 1_000
Following = Instructions | None
Perform = Callable[["Verb", str], Awaitable[Following]]


class HungUp(Exception):
    """The document ends the call, with this status."""

    def __init__(self, status: str = COMPLETED) -> None:
        super().__init__(status)
        self.status = status


class Performer:
    """Carries out the documents of one call; ``pick_up`` answers it if it is not yet."""

    def __init__(
        self,
        leg: Leg,
        web: Web,
        *,
        dialling: Dialling,
        streaming: Streaming,
        recordings: Recordings,
        pick_up: Callable[[Leg], None],
    ) -> None:
        self._leg = leg
        self._web = web
        self._dialling = dialling
        self._streaming = streaming
        self._recordings = recordings
        self._pick_up = pick_up
        self._verbs: dict[str, Perform] = {
            "Say": self._say,
            "Play": self._play,
            "Pause": self._pause,
            "Gather": self._gather,
            "Record": self._record,
            "Redirect": self._redirect,
            "Hangup": self._hangup,
            "Reject": self._reject,
            "Dial": self._dial,
            "Connect": self._connect,
            "Start": self._start,
            "Stop": self._stop,
        }

    async def run(self, first: Instructions) -> str:
        """Everything from the first document on; the status the call ends with."""
        self._leg.takes_instructions = True
        return await self.follow(first) or COMPLETED

    async def follow(self, first: Instructions) -> str | None:
        """Everything from the first document on; the status a verb ends the call with, None if
        the documents come to their end.
        """
        leg, following = self._leg, first
        for _ in range(MAX_DOCUMENTS):
            try:
                doing = asyncio.create_task(self._document(following))
                next_one = await leg.perform(doing)
            except HungUp as end:
                return end.status
            if next_one is None:
                return None
            following = next_one
        leg.note("error", code=UNKNOWN_VERB, message="too many documents in one call")
        return COMPLETED

    async def _document(self, instructions: Instructions) -> Following:
        try:
            verbs, base = await self._read(instructions)
        except (Unanswered, BadTwiml) as error:
            return await self._failed(instructions, error)
        return await self._perform(verbs, base)

    async def _failed(self, instructions: Instructions, error: Unanswered | BadTwiml) -> Following:
        leg = self._leg
        leg.note("error", code=error.code, message=str(error), url=instructions.url)
        if instructions.fallback_url:
            told = (("ErrorCode", str(error.code)), ("ErrorUrl", instructions.url))
            return Instructions(
                url=instructions.fallback_url,
                method=instructions.fallback_method,
                parameters=told,
            )
        self._answer()
        await self._speak(APOLOGY)
        raise HungUp

    async def _read(self, instructions: Instructions) -> tuple[tuple[Verb, ...], str]:
        leg = self._leg
        if instructions.twiml is not None:
            return parsed(instructions.twiml), ""
        parameters = {**leg.parameters(), **dict(instructions.parameters)}
        url, method = instructions.url, instructions.method
        leg.note("asked", url=url, method=method)
        text = await self._web.ask(url, method, parameters)
        leg.note("told", url=url, twiml=text[:4_000])
        return (parsed(text) if text.strip() else ()), url

    async def _perform(self, verbs: tuple[Verb, ...], base: str) -> Following:
        for verb in verbs:
            perform = self._verbs.get(verb.name)
            if perform is None:
                words = f"{verb.name} is no verb that is known here"
                self._leg.note("warning", code=UNKNOWN_VERB, message=words)
                continue
            if verb.name not in ("Reject", "Redirect"):
                self._answer()
            following = await perform(verb, base)
            if following is not None:
                return following
        return None

    def _answer(self) -> None:
        if self._leg.status != LIVE:
            self._pick_up(self._leg)

    def _at(self, verb: Verb, base: str, address: str, **parameters: str) -> Instructions:
        """What to do next, from an address in a document, with the call's own fallback."""
        fallback = self._leg.fallback
        return Instructions(
            url=joined(base, address),
            method=verb.attribute("method", "POST").upper(),
            fallback_url=fallback.fallback_url,
            fallback_method=fallback.fallback_method,
            parameters=tuple(parameters.items()),
        )

    def _after(self, verb: Verb, base: str, **parameters: str) -> Following:
        """The verb's action, if it has one."""
        action = verb.attribute("action")
        return self._at(verb, base, action, **parameters) if action else None

    async def _speak(self, words: str) -> None:
        self._leg.note("says", words=words)
        await self._leg.line.play(voices.said(words))

    async def _say(self, verb: Verb, base: str) -> Following:
        del base
        for _ in range(_loops(verb)):
            await self._speak(verb.text)
        return None

    async def _play(self, verb: Verb, base: str) -> Following:
        digits = verb.attribute("digits")
        if digits:
            self._leg.note("plays_digits", digits=digits)
            await asyncio.sleep(_digits_s(digits))
            return None
        url = joined(base, verb.text)
        try:
            sound = voices.from_wav(await self._web.sound(url))
        except (Unanswered, ValueError) as error:
            self._leg.note("warning", code=BAD_SOUND, message=str(error))
            return None
        for _ in range(_loops(verb)):
            self._leg.note("plays", url=url)
            await self._leg.line.play(sound)
        return None

    async def _pause(self, verb: Verb, base: str) -> Following:
        del base
        await asyncio.sleep(max(0.0, verb.number("length", 1.0)))
        return None

    async def _gather(self, verb: Verb, base: str) -> Following:
        gathered = Gathered(self._leg, verb)
        with gathered.listening():
            for inner in verb.children:
                if not gathered.has_begun and inner.name in ("Say", "Play", "Pause"):
                    await self._verbs[inner.name](inner, base)
            await gathered.end()
        found = gathered.parameters()
        if not found and verb.attribute("actionOnEmptyResult", "false") != "true":
            return None
        address = verb.attribute("action") or base
        return self._at(verb, base, address, **(found or {"Digits": ""})) if address else None

    async def _record(self, verb: Verb, base: str) -> Following:
        found = await Recorded(self._leg, verb, self._recordings).parameters()
        address = verb.attribute("action") or base
        return self._at(verb, base, address, **found) if found and address else None

    async def _redirect(self, verb: Verb, base: str) -> Following:
        return self._at(verb, base, verb.text)

    async def _hangup(self, verb: Verb, base: str) -> Following:
        del verb, base
        raise HungUp

    async def _reject(self, verb: Verb, base: str) -> Following:
        del base
        if self._leg.status == LIVE:
            raise HungUp
        raise HungUp("busy" if verb.attribute("reason") == "busy" else "no-answer")

    async def _dial(self, verb: Verb, base: str) -> Following:
        if self._leg.is_whispered_to:
            words = "whoever was dialled cannot dial before they are connected"
            self._leg.note("error", code=DIAL_IN_WHISPER, message=words)
            raise HungUp
        outcome = await self._dialling.dial(self._leg, verb, base)
        return self._after(verb, base, **outcome)

    async def _connect(self, verb: Verb, base: str) -> Following:
        outcome = await self._streaming.connect(self._leg, verb, base)
        return self._after(verb, base, **outcome)

    async def _start(self, verb: Verb, base: str) -> Following:
        await self._streaming.start(self._leg, verb, base)
        return None

    async def _stop(self, verb: Verb, base: str) -> Following:
        del base
        self._streaming.stop(self._leg, verb)
        return None


def _loops(verb: Verb) -> int:
    count = int(verb.number("loop", 1))
    return MAX_LOOPS if count == 0 else min(count, MAX_LOOPS)


def _digits_s(digits: str) -> float:
    """Half a second for ``w``, a whole one for ``W``, a fifth for a key."""
    return sum({"w": 0.5, "W": 1.0}.get(digit, 0.2) for digit in digits)
