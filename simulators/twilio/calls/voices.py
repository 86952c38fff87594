"""Sound of telephone calls: words as tones, WAV files in and out, silence.

The tones are the ones the voice platform's look-alike speaks with, so one word sounds the same
whoever says it.
"""

from __future__ import annotations

import base64
import binascii
import io
import wave
from functools import lru_cache

import numpy as np

from simulators import sound
from simulators.twilio.calls.bounds import RATE

WIDTH_BYTES = 2


@lru_cache(maxsize=256)
def said(text: str) -> bytes:
    """Words as μ-law."""
    return sound.encoded(sound.spoken(text, RATE, 1.0).samples, sound.ULAW)


@lru_cache(maxsize=64)
def from_base64(text: str) -> bytes:
    """A WAV file in base64 as μ-law. Raises ValueError."""
    try:
        content = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("the sound is not base64") from error
    return from_wav(content)


def from_wav(content: bytes) -> bytes:
    """A WAV file of 16-bit samples as μ-law, in the telephone's rate. Raises ValueError."""
    try:
        with wave.open(io.BytesIO(content)) as file:
            rate, channels = file.getframerate(), file.getnchannels()
            if file.getsampwidth() != WIDTH_BYTES:
                raise ValueError("the sound has to have 16-bit samples")
            frames = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise ValueError(f"the sound is no WAV file: {error}") from error
    samples = sound.decoded(frames, "pcm").reshape(-1, channels)[:, 0]
    if rate != RATE and len(samples):
        count = max(1, round(len(samples) * RATE / rate))
        places = np.arange(count) * (rate / RATE)
        samples = np.interp(places, np.arange(len(samples)), samples).astype(np.int16)
    return sound.encoded(samples, sound.ULAW)


def to_wav(ulaw: bytes) -> bytes:
    """μ-law as a WAV file of 16-bit samples."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(WIDTH_BYTES)
        writer.setframerate(RATE)
        writer.writeframes(sound.encoded(sound.decoded(ulaw, sound.ULAW), "pcm_8000"))
    return file.getvalue()
