"""``ports.Telephone``: a caller's line, keys as tones, and what comes back, all in µ-law.

What is heard comes in the carrier's own time, so frames in which nobody speaks are left out: a
frame that was late once would otherwise put off everything behind it for the rest of the call.
"""

from collections.abc import Awaitable, Callable

from trunkline.adapters.speech.encoding import Samples, decoded, encoded
from trunkline.adapters.speech.lines import CallerLine
from trunkline.adapters.speech.measuring import levels
from trunkline.adapters.speech.tones import tones
from trunkline.model.calls.lines import LineFormat
from trunkline.model.testing.limits import SOUND_FRAME_MS
from trunkline.model.testing.sounds import VOICED_DBFS
from trunkline.model.testing.talk import Sound

TELEPHONE = LineFormat("ulaw", 8_000)
SILENCE = b"\xff"
FRAME_SAMPLES = TELEPHONE.rate * SOUND_FRAME_MS // 1000
AHEAD_FRAMES = 3
"""A carrier plays what it has: so much ahead, a frame that is late tears no hole into a word."""


class SpokenTelephone:
    """One telephone of one call."""

    def __init__(self, background: Sound | None) -> None:
        self._line = CallerLine(TELEPHONE.rate, background)

    async def run(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        """Send frames until cancelled."""

        async def coded(frame: Samples) -> None:
            await send(encoded(frame, TELEPHONE))

        await send(SILENCE * AHEAD_FRAMES * FRAME_SAMPLES)
        await self._line.run(coded)

    async def play(self, sound: Sound) -> None:
        """Say it; returns when it has been sent. Raises InvalidInput for too long a sound."""
        await self._line.play(sound)

    async def press(self, keys: str) -> None:
        """The tones of keys."""
        await self.play(tones(keys, TELEPHONE.rate))

    def heard(self, content: bytes) -> Sound | None:
        """A frame from the other end; None for one in which nobody speaks."""
        sound = decoded(content, TELEPHONE)
        is_voiced = any(level > VOICED_DBFS for level in levels(sound).frames)
        return sound if is_voiced else None
