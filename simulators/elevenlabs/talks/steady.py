"""A voice for measuring: sound that costs next to nothing and says which frame it is.

In the mode ``tone`` an agent plays from the first moment to the last, at the pace of a clock, and
hears nothing. In the mode ``echo`` it sends back every piece of audio it gets. Each frame of a tone
begins with its number and the moment it was sent, so whoever is at the other end can say which
frames were lost and how long the others took. Nothing here understands or means anything.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import struct
import time
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from simulators import sound
from simulators.elevenlabs.talks import events
from simulators.elevenlabs.talks.initiation import Initiation
from simulators.elevenlabs.talks.link import NORMAL, Link, TalkOver
from simulators.wire import Json, SocketClosed

FRAME_MS: Final = 20
FRAME_BYTES: Final = 160
HEADER: Final = struct.Struct(">IQ")
PING_INTERVAL_S: Final = 5.0
TONE_HZ: Final = 440.0
TONE_RATE: Final = 8_000
MAX_CHUNK_MS: Final = 1_000
# Lags are counted by the millisecond up to here; what is later counts as this late.
MAX_LAG_MS: Final = 5_000


class VoiceMode(StrEnum):
    """What agents sound like."""

    WORDS = "words"
    TONE = "tone"
    ECHO = "echo"


class VoiceSettings(BaseModel):
    """Body of ``POST /_sim/voice``: ``chunk_ms`` of a tone go out in one message."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: VoiceMode = VoiceMode.WORDS
    chunk_ms: Annotated[int, Field(ge=FRAME_MS, le=MAX_CHUNK_MS, multiple_of=FRAME_MS)] = FRAME_MS


class SteadyVoice:
    """The settings in force, and what was sent and heard since they were made."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Words again."""
        self.change(VoiceSettings())

    def change(self, settings: VoiceSettings) -> None:
        """These settings for conversations that begin from now on; the counters begin afresh."""
        self.settings = settings
        self.frames_sent = 0
        self.chunks_heard = 0
        self._lags = [0] * (MAX_LAG_MS + 1)

    def late(self, seconds: float) -> None:
        """A piece went out that much after its time."""
        self._lags[min(MAX_LAG_MS, int(max(0.0, seconds) * 1000))] += 1

    def describe(self) -> Json:
        """The settings and the counters; lags are those of the pacing, in whole milliseconds."""
        return {
            **self.settings.model_dump(mode="json"),
            "frames_sent": self.frames_sent,
            "chunks_heard": self.chunks_heard,
            "lag_ms": {
                "p50": self._lag_ms(0.5),
                "p99": self._lag_ms(0.99),
                "max": self._lag_ms(1.0),
            },
        }

    def _lag_ms(self, share: float) -> int:
        wanted, seen = share * sum(self._lags), 0
        for lag_ms, count in enumerate(self._lags):
            seen += count
            if count and seen >= wanted:
                return lag_ms
        return 0


def _tone() -> bytes:
    wave = sound.sine(TONE_HZ, FRAME_BYTES - HEADER.size, TONE_RATE)
    return sound.encoded(wave, sound.ULAW)


_REST: Final = _tone()


def frame(number: int, sent_ns: int) -> bytes:
    """20 ms of tone at 8 kHz; the first 12 bytes say its number and when it was sent."""
    return HEADER.pack(number, sent_ns) + _REST


class SteadyTalk:
    """One conversation with such a voice."""

    def __init__(self, link: Link, start: Initiation, voice: SteadyVoice) -> None:
        self._link = link
        self._start = start
        self._voice = voice
        self._settings = voice.settings

    async def run(self, conversation_id: str) -> TalkOver:
        """Until the caller leaves or the longest time is over; how it ended."""
        config = self._start.config
        longest_s = float(config["conversation"]["max_duration_seconds"])
        self._link.choose([])
        over = TalkOver(NORMAL, "Conversation exceeded its maximum duration.", by_agent=True)
        try:
            async with asyncio.timeout(longest_s):
                await self._link.send(
                    events.metadata(
                        conversation_id,
                        config["tts"]["agent_output_audio_format"],
                        config["asr"]["user_input_audio_format"],
                    )
                )
                over = await self._both_ways()
        except TimeoutError:
            pass
        except TalkOver as ended:
            over = ended
        with contextlib.suppress(SocketClosed):
            await self._link.close(over)
        return over

    async def _both_ways(self) -> TalkOver:
        tone = self._settings.mode is VoiceMode.TONE
        parts = [self._listen(echo=not tone), *([self._play()] if tone else [])]
        tasks = [asyncio.create_task(part) for part in parts]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return done.pop().result()

    async def _listen(self, *, echo: bool) -> TalkOver:
        while True:
            chunk = await self._link.chunk()
            self._voice.chunks_heard += 1
            if echo:
                await self._link.send(_audio(chunk, self._link.next_id()))

    async def _play(self) -> TalkOver:
        count = self._settings.chunk_ms // FRAME_MS
        step_s = self._settings.chunk_ms / 1000
        number, due_s = 0, time.monotonic()
        ping_s = due_s + PING_INTERVAL_S
        while True:
            wait_s = due_s - time.monotonic()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            self._voice.late(time.monotonic() - due_s)
            now_ns = time.monotonic_ns()
            content = b"".join(frame(number + extra, now_ns) for extra in range(count))
            await self._link.send(_audio(base64.b64encode(content).decode(), self._link.next_id()))
            number, due_s = number + count, due_s + step_s
            self._voice.frames_sent += count
            if due_s >= ping_s:
                await self._link.send(events.ping(self._link.next_id(), None))
                ping_s += PING_INTERVAL_S


def _audio(content: str, event_id: int) -> Json:
    return {"type": "audio", "audio_event": {"audio_base_64": content, "event_id": event_id}}
