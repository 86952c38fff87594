"""Sound of a caller: spoken, read from a file, pressed on keys, mixed with noise, encoded."""

from __future__ import annotations

import asyncio
import io
import math
import wave

import numpy as np
import pytest

from trunkline.adapters.speech.encoding import (
    at_rate,
    decoded,
    encoded,
    samples_of,
    sound_of,
)
from trunkline.adapters.speech.formats import format_of
from trunkline.adapters.speech.noises import PROFILES, SPEECH_DBFS
from trunkline.adapters.speech.studio import SpeechStudio
from trunkline.adapters.speech.tones import COLUMNS_HZ, FREQUENCIES_HZ, ROWS_HZ, tones
from trunkline.model.errors import InvalidInput, SpeechUnavailable
from trunkline.model.kinds.conversation import Noise
from trunkline.model.testing.limits import SOUND_MAX_S, SPEECH_MAX_CHARACTERS
from trunkline.model.testing.talk import Sound

STUDIO = SpeechStudio()
SPOKEN = {
    "en": "Hello, I would like an appointment on Tuesday, please.",
    "es": "Hola, ¿a qué hora abren el sábado?",
    "de": "Guten Tag, haben Sie am Montag geöffnet?",
}


def sine(hertz: float, seconds: float, rate: int, level: float = 1.0) -> Sound:
    """A tone; ``level`` 1 is full scale."""
    at_s = np.arange(round(seconds * rate)) / rate
    wave = np.sin(2 * np.pi * hertz * at_s) * level * 32_767
    return sound_of(np.rint(wave).astype(np.int16), rate)


def wav(frames: bytes, *, channels: int = 1, width: int = 2, rate: int = 16_000) -> bytes:
    """A WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(width)
        writer.setframerate(rate)
        writer.writeframes(frames)
    return file.getvalue()


@pytest.mark.parametrize("language", SPOKEN)
async def test_words_are_spoken(language: str) -> None:
    sound = await STUDIO.speak(SPOKEN[language], language=language, voice=None)
    assert 1.0 < sound.duration_s < 6.0
    loud = [level for level in STUDIO.levels(sound).frames if level > -45]
    assert 10 * math.log10(np.mean([10 ** (level / 10) for level in loud])) == pytest.approx(
        SPEECH_DBFS, abs=1.0
    )


async def test_a_language_changes_how_the_same_words_sound() -> None:
    english, spanish = await asyncio.gather(
        STUDIO.speak("animal", language="en", voice=None),
        STUDIO.speak("animal", language="es", voice=None),
    )
    assert english.samples != spanish.samples


async def test_a_voice_sounds_like_itself() -> None:
    once = await STUDIO.speak("Good morning.", language="en", voice="f2")
    again = await STUDIO.speak("Good morning.", language="en", voice="f2")
    other = await STUDIO.speak("Good morning.", language="en", voice="m3")
    assert loud_share(once, again) > 0.9 > loud_share(once, other)


def loud_share(one: Sound, other: Sound) -> float:
    """How alike the spectra of two sounds are, 0 to 1."""
    spectra = [
        np.log1p(np.abs(np.fft.rfft(samples_of(each).astype(np.float64), 1 << 17))[:65_536])
        .reshape(256, -1)
        .mean(axis=1)
        for each in (one, other)
    ]
    a, b = (spectrum - spectrum.mean() for spectrum in spectra)
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


async def test_many_may_speak_at_once() -> None:
    said = [f"This is number {number}." for number in range(8)]
    alone = [await STUDIO.speak(text, language="en", voice=None) for text in said]
    together = await asyncio.gather(
        *(STUDIO.speak(text, language="en", voice=None) for text in said)
    )
    assert all(loud_share(a, b) > 0.9 for a, b in zip(alone, together, strict=True))


@pytest.mark.parametrize(
    ("text", "language", "voice"),
    [("Hello", "xx", None), ("Hello", "en", "nobody"), ("  ", "en", None)],
)
async def test_what_cannot_be_spoken_says_so(text: str, language: str, voice: str | None) -> None:
    with pytest.raises(SpeechUnavailable):
        await STUDIO.speak(text, language=language, voice=voice)


async def test_a_speech_is_bounded() -> None:
    longest = await STUDIO.speak("word " * (SPEECH_MAX_CHARACTERS // 5), language="en", voice=None)
    assert longest.duration_s <= SOUND_MAX_S
    with pytest.raises(InvalidInput):
        await STUDIO.speak("a" * (SPEECH_MAX_CHARACTERS + 1), language="en", voice=None)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_a_recording_of_any_width_is_read(width: int) -> None:
    wanted = samples_of(sine(440, 0.1, 16_000, 0.5)).astype(np.int64)
    if width == 1:
        frames = ((wanted >> 8) + 128).astype(np.uint8).tobytes()
    else:
        wide = (wanted << (8 * (width - 2))).astype("<i4")
        frames = wide.view(np.uint8).reshape(-1, 4)[:, :width].tobytes()
    read = samples_of(STUDIO.recording(wav(frames, width=width)))
    assert np.max(np.abs(read - wanted)) <= (256 if width == 1 else 0)


def test_two_channels_become_one() -> None:
    left = samples_of(sine(440, 0.1, 8_000, 0.4))
    right = np.zeros_like(left)
    frames = np.stack([left, right], axis=1).astype("<i2").tobytes()
    read = STUDIO.recording(wav(frames, channels=2, rate=8_000))
    assert read.rate == 8_000
    assert np.max(np.abs(samples_of(read) - left / 2)) <= 1


BROKEN = {
    "no WAV": b"ID3 something else",
    "an empty file": b"",
    "a header alone": wav(b"\0\0" * 1600)[:20],
    "no sound": wav(b""),
    "three channels": wav(b"\0\0" * 300, channels=3),
    "a rate nobody hears": wav(b"\0\0" * 300, rate=4_000),
    "more than a minute": wav(b"\0\0" * (8_000 * 61), rate=8_000),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_recording_that_cannot_be_used(case: str) -> None:
    with pytest.raises(InvalidInput):
        STUDIO.recording(BROKEN[case])


def goertzel(samples: np.ndarray, hertz: float, rate: int) -> float:
    """Power of one frequency."""
    factor = 2 * math.cos(2 * math.pi * hertz / rate)
    before, last = 0.0, 0.0
    for sample in samples:
        before, last = last, sample + factor * last - before
    return before**2 + last**2 - factor * before * last


@pytest.mark.parametrize("rate", [8_000, 16_000])
@pytest.mark.parametrize("key", FREQUENCIES_HZ)
def test_keys_are_heard_by_a_detector(key: str, rate: int) -> None:
    heard = samples_of(tones(key, rate)).astype(np.float64)
    pressed = heard[: round(0.1 * rate)]
    low = max(ROWS_HZ, key=lambda hertz: goertzel(pressed, hertz, rate))
    high = max(COLUMNS_HZ, key=lambda hertz: goertzel(pressed, hertz, rate))
    assert (low, high) == FREQUENCIES_HZ[key]
    assert not np.any(heard[round(0.11 * rate) :])


def test_keys_come_one_after_the_other() -> None:
    assert tones("12#", 8_000).duration_s == pytest.approx(3 * 0.18)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("snr_db", [0.0, 15.0])
def test_noise_lies_so_far_below_speech(profile: str, snr_db: float) -> None:
    noise = Noise.model_validate({"profile": profile, "snrDb": snr_db})
    made = samples_of(STUDIO.background(noise, 7)) / 32_768
    level = 10 * math.log10(np.mean(made**2))
    assert level == pytest.approx(SPEECH_DBFS - snr_db, abs=0.2)


def test_noise_is_the_same_for_the_same_seed() -> None:
    noise = Noise.model_validate({"profile": "cafe", "snrDb": 10.0})
    assert STUDIO.background(noise, 7) == STUDIO.background(noise, 7)
    assert STUDIO.background(noise, 7) != STUDIO.background(noise, 8)


MULAW = {0xFF: 0, 0x7F: 0, 0xFE: 8, 0xF0: 120, 0x80: 32_124, 0x00: -32_124, 0x8F: 16_764}


def test_mulaw_is_that_of_the_standard() -> None:
    wire = format_of("ulaw_8000")
    assert wire is not None
    read = samples_of(decoded(bytes(MULAW), wire))
    assert read.tolist() == [*MULAW.values()]
    codes = bytes(range(256))
    again = encoded(samples_of(decoded(codes, wire)), wire)
    assert again == codes.replace(b"\x7f", b"\xff")


def test_mulaw_is_within_its_noise() -> None:
    wire = format_of("ulaw_8000")
    assert wire is not None
    said = sine(440, 0.5, 8_000, 0.5)
    heard = samples_of(decoded(encoded(samples_of(said), wire), wire)).astype(np.float64)
    wanted = samples_of(said).astype(np.float64)
    assert 10 * math.log10(np.mean(wanted**2) / np.mean((heard - wanted) ** 2)) > 35


@pytest.mark.parametrize("name", ["mp3_44100_128", "opus_48000_32", "pcm_", "alaw_8000", ""])
def test_a_format_nobody_reads_is_none(name: str) -> None:
    assert format_of(name) is None


@pytest.mark.parametrize("rate", [8_000, 24_000, 44_100])
def test_another_rate_keeps_the_tone(rate: int) -> None:
    changed = at_rate(sine(440, 0.5, 16_000, 0.5), rate).astype(np.float64)
    assert changed.size == pytest.approx(rate / 2, abs=2)
    spectrum = np.abs(np.fft.rfft(changed * np.hanning(changed.size)))
    assert np.argmax(spectrum) * rate / changed.size == pytest.approx(440, abs=3)
