"""A caller's line: 20 ms of sound every 20 ms, whether somebody speaks or not.

A platform hears the end of a sentence by the silence after it, so a line is never quiet on the
wire. The schedule is one of the monotonic clock from the line's beginning: a late frame is followed
by an early one, and nothing drifts. Which bytes carry a frame is not known here.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import numpy as np

from trunkline.adapters.speech.encoding import Samples, at_rate, limited
from trunkline.model.errors import InvalidInput
from trunkline.model.testing.limits import SOUND_FRAME_MS, SOUND_MAX_S
from trunkline.model.testing.talk import Sound

FRAME_S = SOUND_FRAME_MS / 1000


@dataclass(slots=True, eq=False)
class _Playing:
    samples: Samples
    sent: "asyncio.Future[None]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def end(self) -> None:
        if not self.sent.done():
            self.sent.set_result(None)


class CallerLine:
    """Sounds one after the other over a background, in frames of ``rate``."""

    def __init__(self, rate: int, background: Sound | None) -> None:
        self._size = rate * SOUND_FRAME_MS // 1000
        self._rate = rate
        self._behind = at_rate(background, rate) if background is not None else None
        self._behind_at = 0
        self._playing: deque[_Playing] = deque()

    async def play(self, sound: Sound) -> None:
        """Returns when the last frame has been sent. Raises InvalidInput for too long a sound."""
        if sound.duration_s > SOUND_MAX_S:
            raise InvalidInput(f"a sound of {sound.duration_s:.0f} s is too long to be played")
        playing = _Playing(at_rate(sound, self._rate))
        if not playing.samples.size:
            return
        self._playing.append(playing)
        try:
            await playing.sent
        finally:
            if playing in self._playing:
                self._playing.remove(playing)

    async def run(self, send: Callable[[Samples], Awaitable[None]]) -> None:
        """Send frames until cancelled, each when its sound has just been over.

        Whatever is still being played then counts as played.
        """
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        number = 0
        try:
            while True:
                number += 1
                await asyncio.sleep(max(0.0, begun_s + number * FRAME_S - loop.time()))
                await send(self._frame())
                if self._playing and not self._playing[0].samples.size:
                    self._playing[0].end()
        finally:
            for waiting in self._playing:
                waiting.end()

    def _frame(self) -> Samples:
        frame = np.zeros(self._size, dtype=np.int16)
        playing = next((each for each in self._playing if each.samples.size), None)
        if playing is not None:
            part = playing.samples[: self._size]
            frame[: part.size] = part
            playing.samples = playing.samples[self._size :]
        if self._behind is None:
            return frame
        places = np.arange(self._behind_at, self._behind_at + self._size)
        self._behind_at = (self._behind_at + self._size) % self._behind.size
        return limited(frame.astype(np.float64) + self._behind.take(places, mode="wrap"))
