"""A talk with sound: replies are played, the caller is listened to and may interrupt.

Audio is sent twice as fast as it plays, in pieces of a quarter of a second, as the platform sends
ahead of playback too. What has been played by now is a matter of the clock, and so is how much of a
reply the caller heard when breaking in.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from dataclasses import dataclass
from functools import partial

from simulators import sound
from simulators.elevenlabs.talks import events
from simulators.elevenlabs.talks.ears import Ears
from simulators.elevenlabs.talks.hearing import Hearing
from simulators.elevenlabs.talks.initiation import CONTRACT
from simulators.elevenlabs.talks.link import TalkOver
from simulators.elevenlabs.talks.talk import Talk
from simulators.elevenlabs.talks.transcripts import corrected
from simulators.elevenlabs.talks.troubles import TalkSettings
from simulators.wire import Json

PIECE_S = 0.25
FASTER = 2.0
# How long a caller has to be silent before the agent takes its turn, by the agent's eagerness.
PATIENCE_S = {"eager": 0.3, "normal": 0.5, "patient": 0.9}
MILLISECONDS = 1000


@dataclass(slots=True)
class _Playing:
    """A reply that is being played."""

    text: str
    event_id: int
    spoken: sound.Spoken
    line: Json
    began_s: float
    interruptible: bool

    @property
    def ends_s(self) -> float:
        return self.began_s + self.spoken.duration_s


class AudioVoice:
    """Replies as sound; the settings say what is said of waiting for a caller."""

    def __init__(self, talk: Talk, hearing: Hearing, settings: TalkSettings) -> None:
        config = talk.start.config
        self._talk = talk
        self._hearing = hearing
        self._format: str = config["tts"]["agent_output_audio_format"]
        self._caller_format: str = config["asr"]["user_input_audio_format"]
        self._caller_rate = sound.rate_of(self._caller_format)
        self._speed = float(config["tts"]["speed"] or 1.0)
        self._patience_s = settings.patience_s or PATIENCE_S[config["turn"]["turn_eagerness"]]
        self._gap_s = settings.sound_gap_s
        self._ears = Ears(self._caller_rate, self._patience_s)
        self._first_is_safe = bool(config["agent"]["disable_first_message_interruptions"])
        self._replies = 0
        self._playing: _Playing | None = None
        self._broken = asyncio.Event()
        self._ending: asyncio.TimerHandle | None = None
        self.busy_until_s = 0.0

    async def say(self, text: str) -> bool:
        """Play one reply; False if the caller broke in before all of it was sent."""
        talk = self._talk
        rate = sound.rate_of(self._format)
        event_id = talk.link.next_id()
        playing = _Playing(
            text=text,
            event_id=event_id,
            spoken=sound.spoken(text, rate, self._speed),
            line=talk.transcript.said(text),
            began_s=max(talk.clock.now(), self.busy_until_s),
            interruptible=bool(self._replies) or not self._first_is_safe,
        )
        self._replies += 1
        self._playing, self.busy_until_s = playing, playing.ends_s
        self._broken.clear()
        await talk.link.send(events.agent_response(text, event_id))
        whole = await self._sent(playing)
        if whole:
            await talk.link.send(events.agent_response_complete(event_id))
        return whole

    async def _sent(self, playing: _Playing) -> bool:
        rate = playing.spoken.rate
        size = round(PIECE_S * rate)
        for start in range(0, len(playing.spoken.samples), size):
            if self._broken.is_set():
                return False
            piece = playing.spoken.samples[start : start + size]
            content = base64.b64encode(sound.encoded(piece, self._format)).decode()
            alignment = _alignment(playing.spoken, start / rate, (start + len(piece)) / rate)
            await self._talk.link.send(events.audio(content, playing.event_id, alignment))
            await self._talk.clock.wait(len(piece) / rate / FASTER)
        return not self._broken.is_set()

    async def interrupt(self) -> None:
        """The caller breaks in: what has not been played is void."""
        playing, now = self._playing, self._talk.clock.now()
        if playing is None or now >= playing.ends_s or not playing.interruptible:
            return
        self._playing, self.busy_until_s = None, now
        self._broken.set()
        link = self._talk.link
        await link.send(events.interruption(playing.event_id))
        played_s = now - playing.began_s
        kept = " ".join(word.text for word in playing.spoken.words if word.start_s < played_s)
        corrected(playing.line, kept)
        await link.send(events.agent_response_correction(playing.text, kept, playing.event_id))

    async def hear(self, chunk: str) -> None:
        """A piece of the caller's audio, in base64."""
        try:
            content = base64.b64decode(chunk, validate=True)
        except binascii.Error as error:
            raise TalkOver(CONTRACT, "Invalid message: user_audio_chunk is no base64.") from error
        if not self._ears.speaking and sound.is_quiet(content, self._caller_format):
            self._ears.rest()
            await self._talk.link.send(events.vad_score(0.0))
            return
        heard = self._ears.take(sound.decoded(content, self._caller_format))
        await self._talk.link.send(events.vad_score(heard.score))
        if self._ears.speaking or heard.ended is not None:
            self._talk.caller_speaks()
        if heard.began:
            await self.interrupt()
        if heard.ended is not None:
            await self._understand(heard.ended)
        self._end_later()

    def _end_later(self) -> None:
        """An utterance also ends when nothing more comes, not even silence."""
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None
        if self._ears.speaking:
            loop = asyncio.get_running_loop()
            self._ending = loop.call_later(self._patience_s + self._gap_s, self._give_up_waiting)

    def _give_up_waiting(self) -> None:
        samples = self._ears.finish()
        if samples is not None:
            self._talk.later(partial(self._understand, samples))

    async def _understand(self, samples: sound.Samples) -> None:
        keys = sound.pressed(samples, self._caller_rate)
        if keys:
            self._talk.caller_pressed(keys)
            return
        text = self._hearing.understood(samples, self._caller_rate)
        await self._talk.link.send(events.user_transcript(text, self._talk.link.next_id()))
        self._talk.caller_said(text, "audio")


def _alignment(spoken: sound.Spoken, from_s: float, to_s: float) -> Json:
    """The letters that begin in a piece of a reply, with their times in it."""
    chars: list[str] = []
    starts: list[int] = []
    lasts: list[int] = []
    for word in spoken.words:
        each_s = word.duration_s / len(word.text)
        for number, letter in enumerate(word.text):
            start_s = word.start_s + number * each_s
            if from_s <= start_s < to_s:
                chars.append(letter)
                starts.append(round((start_s - from_s) * MILLISECONDS))
                lasts.append(round(each_s * MILLISECONDS))
    return {"chars": chars, "char_start_times_ms": starts, "char_durations_ms": lasts}
