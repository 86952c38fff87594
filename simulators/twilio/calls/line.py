"""One person's telephone: what they say and what they hear, in frames of 20 ms by one clock.

Every tick takes a frame of the person's voice for those who listen, and plays the next frame that
waits for their ear. A late tick is made up for, so nothing drifts. A voice waits until somebody
listens: the people here do not talk to a line nobody is at.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable

from simulators.twilio.calls.bounds import (
    FRAME_BYTES,
    FRAME_S,
    MAX_KEPT_SOUND_S,
    QUIET_MS,
)
from simulators.twilio.calls.pace import Pace
from simulators.twilio.calls.playout import Playout

SILENT_FRAME = b"\xff" * FRAME_BYTES
# Codes of μ-law whose sound is too soft to be speech: the smallest 48 steps on either side.
SOFT = bytes([*range(0x50, 0x80), *range(0xD0, 0x100)])
QUIET_FRAMES = round(QUIET_MS / 1000 / FRAME_S)
MAX_KEPT_FRAMES = round(MAX_KEPT_SOUND_S / FRAME_S)

# A frame of the voice (None: silence) and a frame that was played to the ear (None: silence).
Listener = Callable[[bytes | None, bytes | None], None]


class Heard:
    """What a person heard, frame by frame since they picked up."""

    def __init__(self) -> None:
        self._ticks = array("I")
        self._sizes = array("B")
        self._sound = bytearray()
        self.spells: list[list[int]] = []
        self.is_speech = False
        self._quiet = 0
        self.dropped_frames = 0

    def take(self, tick: int, frame: bytes | None) -> str | None:
        """One frame; ``speech_start`` or ``speech_end`` when that is what it means."""
        if frame is not None:
            self._keep(tick, frame)
            if frame.strip(SOFT):
                self._quiet = 0
                if self.is_speech:
                    self.spells[-1][1] = tick + 1
                    return None
                self.is_speech = True
                self.spells.append([tick, tick + 1])
                return "speech_start"
        if self.is_speech:
            self._quiet += 1
            if self._quiet >= QUIET_FRAMES:
                self.is_speech = False
                return "speech_end"
        return None

    def _keep(self, tick: int, frame: bytes) -> None:
        if len(self._ticks) < MAX_KEPT_FRAMES:
            self._ticks.append(tick)
            self._sizes.append(len(frame))
            self._sound += frame
        else:
            self.dropped_frames += 1

    def played(self) -> bytes:
        """What was played, end to end, without the silence between it."""
        return bytes(self._sound)

    def sound(self, ticks: int) -> bytes:
        """What was heard in so many ticks, silence included."""
        whole = bytearray(b"\xff" * (min(ticks, MAX_KEPT_FRAMES) * FRAME_BYTES))
        position = 0
        for tick, size in zip(self._ticks, self._sizes, strict=True):
            start = tick * FRAME_BYTES
            if start + size <= len(whole):
                whole[start : start + size] = self._sound[position : position + size]
            position += size
        return bytes(whole)


class Line:
    """A telephone that was picked up; ``end`` puts it down."""

    def __init__(self, paces: tuple[Pace, ...] = ()) -> None:
        self.voice = Playout()
        self.ear = Playout()
        self.heard = Heard()
        self.pace = Pace()
        self.ticks = 0
        self._signals = 0
        self._paces = (self.pace, *paces)
        self._listeners: tuple[Listener, ...] = ()
        self._understand: Callable[[str], None] | None = None
        self._hopes: dict[str, list[asyncio.Future[None]]] = {}
        self._loop = asyncio.get_running_loop()
        self._due_s = 0.0
        self._handle: asyncio.Handle | None = None
        self.begun_unix_s = 0.0

    def begin(self, now_unix_s: float) -> None:
        """Pick up."""
        self.begun_unix_s = now_unix_s
        self._due_s = self._loop.time()
        self._handle = self._loop.call_soon(self._tick)

    def end(self) -> None:
        """Put down; whoever hopes for something of this line hopes no longer."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self.ear.clear()
        self.voice.clear()
        for hopes in self._hopes.values():
            for hope in hopes:
                hope.cancel()
        self._hopes.clear()

    def _tick(self) -> None:
        late_s = self._loop.time() - self._due_s
        for pace in self._paces:
            pace.note(late_s)
        listeners = self._listeners
        spoken = self.voice.take() if listeners else None
        played = self.ear.take()
        for listener in listeners:
            listener(spoken, played)
        news = self.heard.take(self.ticks, played)
        if news is not None:
            self.tell(news)
        self.ticks += 1
        self._due_s += FRAME_S
        if self._handle is not None:
            self._handle = self._loop.call_at(self._due_s, self._tick)

    def listen(self, listener: Listener) -> None:
        """Call this with every frame from now on."""
        self._listeners = (*self._listeners, listener)
        self.tell("listener")

    def leave(self, listener: Listener) -> None:
        """No longer."""
        self._listeners = tuple(known for known in self._listeners if known is not listener)

    def understand(self, understand: Callable[[str], None] | None) -> None:
        """Tell this from now on what words are said; None for nobody."""
        self._understand = understand

    @property
    def has_listener(self) -> bool:
        """True if somebody would hear the voice."""
        return bool(self._listeners)

    def tell(self, news: str) -> None:
        """Something happened; whoever hoped for it goes on."""
        for hope in self._hopes.pop(news, ()):
            if not hope.done():
                hope.set_result(None)

    def signal(self) -> None:
        """Somebody outside says that the person may go on: once, now or when they come to it."""
        self._signals += 1
        self.tell("signal")

    def take_signal(self) -> bool:
        """True if there was one that nobody has taken."""
        self._signals -= (given := self._signals > 0)
        return given

    def hope(self, news: str) -> asyncio.Future[None]:
        """The next time this happens; cancelled when the line ends."""
        hope: asyncio.Future[None] = self._loop.create_future()
        self._hopes.setdefault(news, []).append(hope)
        return hope

    async def play(self, sound: bytes) -> None:
        """Play to the ear after what waits; returns when it was heard or dropped."""
        await _passed(self.ear, sound)

    async def speak(self, sound: bytes, words: str = "") -> None:
        """Say something; returns when it was said, and understood if it is words."""
        await _passed(self.voice, sound)
        if words and self._understand is not None:
            self._understand(words)


async def _passed(playout: Playout, sound: bytes) -> None:
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def reached() -> None:
        if not done.done():
            done.set_result(None)

    playout.put(sound)
    playout.mark(reached)
    await done
