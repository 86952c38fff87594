"""``ports.Studio``: all there is to do with sound besides sending it."""

import asyncio
from collections.abc import Sequence

from trunkline.adapters.speech import measuring, noises, recordings
from trunkline.adapters.speech.espeak import EspeakSpeaker
from trunkline.model.kinds.conversation import Noise
from trunkline.model.testing.sounds import Levels
from trunkline.model.testing.talk import Sound


class SpeechStudio(EspeakSpeaker):
    """Speaks by espeak-ng, reads WAV files, makes noise, measures. Holds nothing."""

    def recording(self, content: bytes) -> Sound:
        """The sound of a WAV file. Raises InvalidInput."""
        return recordings.recording(content)

    def background(self, noise: Noise, seed: int) -> Sound:
        """Noise that can be played over and over, the same for the same seed."""
        return noises.background(noise, seed)

    def levels(self, sound: Sound) -> Levels:
        """How loud each frame is."""
        return measuring.levels(sound)

    async def loudness_lufs(self, sounds: Sequence[Sound]) -> float | None:
        """Integrated loudness of what was played; None if it was silence."""
        return await asyncio.to_thread(measuring.loudness_lufs, sounds)
