"""``<Gather>`` and ``<Record>``: what the caller presses or says becomes what an address is told.

Words are understood because a person's script says them: a sound alone is speech that nobody
makes out. What was recorded stays readable by its id, of the newest recordings.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from simulators.twilio.calls import voices
from simulators.twilio.calls.bounds import FRAME_S, LONGEST_CALL_S, MAX_KEPT_RECORDINGS, RATE
from simulators.twilio.calls.leg import Leg
from simulators.twilio.calls.line import SILENT_FRAME, SOFT
from simulators.twilio.calls.twiml import Verb

GATHER_TIMEOUT_S = 5.0
RECORD_TIMEOUT_S = 5.0
LONGEST_RECORDING_S = 3_600.0
ANY_KEY = "1234567890*#"
CONFIDENCE = "0.9"
RECORDINGS = "https://api.twilio.com/2010-04-01/Accounts/{account}/Recordings/{sid}"


class Recordings:
    """What callers left, by id."""

    def __init__(self, new_sid: Callable[[], str]) -> None:
        self._new_sid = new_sid
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    def keep(self, ulaw: bytes) -> str:
        """Keep a sound; its id."""
        sid = self._new_sid()
        self._kept[sid] = ulaw
        while len(self._kept) > MAX_KEPT_RECORDINGS:
            self._kept.popitem(last=False)
        return sid

    def wav(self, sid: str) -> bytes | None:
        """A recording as a WAV file, None for one that is not there."""
        ulaw = self._kept.get(sid)
        return None if ulaw is None else voices.to_wav(ulaw)

    def clear(self) -> None:
        """None was ever made."""
        self._kept.clear()


class Gathered:
    """What one ``<Gather>`` got: keys, or words, whatever it asks for."""

    def __init__(self, leg: Leg, verb: Verb) -> None:
        self._leg = leg
        self._verb = verb
        self._inputs = frozenset(verb.attribute("input", "dtmf").split())
        self._keys: list[str] = []
        self._words = ""
        self._news = asyncio.Event()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take what comes until the block ends."""
        leg = self._leg
        if "dtmf" in self._inputs:
            leg.gather(self._pressed)
        leg.line.listen(self._hear)
        if "speech" in self._inputs:
            leg.line.understand(self._understood)
        try:
            yield
        finally:
            leg.gather(None)
            leg.line.understand(None)
            leg.line.leave(self._hear)

    @property
    def has_begun(self) -> bool:
        """True once there is something: nothing more is said to the caller then."""
        return bool(self._keys or self._words)

    async def end(self) -> None:
        """Wait until it is enough, or nothing more comes."""
        verb = self._verb
        wanted = int(verb.number("numDigits", 0))
        timeout_s = verb.number("timeout", GATHER_TIMEOUT_S)
        finish = verb.attribute("finishOnKey", "#")
        while not self._words and not (finish and finish in self._keys):
            if wanted and len(self._keys) >= wanted:
                return
            self._news.clear()
            try:
                async with asyncio.timeout(timeout_s):
                    await self._news.wait()
            except TimeoutError:
                return

    def parameters(self) -> dict[str, str]:
        """What the action is told; nothing if nothing came."""
        digits = _until(self._keys, self._verb)
        self._leg.note("gathered", digits=digits, words=self._words)
        if self._words:
            return {"SpeechResult": self._words, "Confidence": CONFIDENCE}
        return {"Digits": digits} if digits else {}

    def _hear(self, spoken: bytes | None, played: bytes | None) -> None:
        """Whoever listens lets the person speak; time runs out only while they do not."""
        del played
        if "speech" in self._inputs and spoken is not None and spoken.strip(SOFT):
            self._news.set()

    def _pressed(self, keys: str) -> None:
        self._keys.extend(keys)
        self._heard()

    def _understood(self, words: str) -> None:
        self._words = words
        self._heard()

    def _heard(self) -> None:
        self._leg.line.ear.clear()
        self._news.set()


class Recorded:
    """One ``<Record>``: the caller's voice until silence, a key, or its longest time."""

    def __init__(self, leg: Leg, verb: Verb, recordings: Recordings) -> None:
        self._leg = leg
        self._verb = verb
        self._recordings = recordings
        self._sound = bytearray()
        self._spoken_bytes = 0
        self._quiet_s = 0.0
        self._key = ""
        self._over = asyncio.Event()

    async def parameters(self) -> dict[str, str]:
        """Record; what the action is told, nothing if nobody said anything."""
        leg = self._leg
        leg.line.listen(self._hear)
        leg.gather(self._pressed)
        longest_s = self._verb.number("maxLength", LONGEST_RECORDING_S)
        try:
            async with asyncio.timeout(min(longest_s, LONGEST_CALL_S)):
                await self._over.wait()
        except TimeoutError:
            pass
        finally:
            leg.gather(None)
            leg.line.leave(self._hear)
        sound = bytes(self._sound[: self._spoken_bytes])
        leg.note("recorded", duration_s=len(sound) / RATE, digits=self._key)
        if not sound:
            return {}
        sid = self._recordings.keep(sound)
        account = str(leg.record["account_sid"])
        return {
            "RecordingUrl": RECORDINGS.format(account=account, sid=sid),
            "RecordingSid": sid,
            "RecordingDuration": str(max(1, round(len(sound) / RATE))),
            **({"Digits": self._key} if self._key else {}),
        }

    def _hear(self, spoken: bytes | None, played: bytes | None) -> None:
        del played
        if self._over.is_set():
            return
        self._sound += spoken or SILENT_FRAME
        if spoken is not None and spoken.strip(SOFT):
            self._spoken_bytes = len(self._sound)
            self._quiet_s = 0.0
            return
        self._quiet_s += FRAME_S
        if self._quiet_s >= self._verb.number("timeout", RECORD_TIMEOUT_S):
            self._over.set()

    def _pressed(self, keys: str) -> None:
        known = self._verb.attribute("finishOnKey", ANY_KEY)
        self._key = next((key for key in keys if key in known), "")
        if self._key:
            self._over.set()


def _until(digits: list[str], verb: Verb) -> str:
    finish = verb.attribute("finishOnKey", "#")
    text = "".join(digits)
    if finish:
        text = text.partition(finish)[0]
    wanted = int(verb.number("numDigits", 0))
    return text[:wanted] if wanted else text
