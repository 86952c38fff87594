"""Sound as the protocol carries it: linear samples, μ-law, words as tones, keys as tones.

Nothing here is speech. A word is a tone of its own with the rise and fall of a syllable, the same
for the same word, so that a listener can measure when an agent speaks and how loud. μ-law is the
one of ITU-T G.711, the keys' tones are those of ITU-T Q.23.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]
Floats = NDArray[np.float64]

ULAW = "ulaw_8000"
BIAS = 0x84
CLIP = 32635
LOUDEST = 32767.0
# About the loudness of a voice on the telephone.
AMPLITUDE = 0.25
WORD_S = 0.08
LETTER_S = 0.045
GAP_S = 0.06
LOWEST_HZ = 140.0
SPREAD_HZ = 160.0
EDGE_S = 0.01
HARMONICS = ((1, 1.0), (2, 0.5), (3, 0.25))
ROWS_HZ = (697.0, 770.0, 852.0, 941.0)
COLUMNS_HZ = (1209.0, 1336.0, 1477.0, 1633.0)
KEYS = ("123A", "456B", "789C", "*0#D")
KEY_SHARE = 0.8
KEY_FRAME_S = 0.04
SILENT_POWER = 200.0**2
SILENCE, NO_KEY = " ", "?"


@dataclass(frozen=True, slots=True)
class Word:
    """Where a word of a reply is: characters from ``offset`` on, seconds from the beginning."""

    text: str
    offset: int
    start_s: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class Spoken:
    """A reply as sound."""

    samples: Samples
    rate: int
    words: tuple[Word, ...]

    @property
    def duration_s(self) -> float:
        """How long it lasts."""
        return len(self.samples) / self.rate


def rate_of(audio_format: str) -> int:
    """Samples a second of a format such as ``pcm_16000``."""
    return int(audio_format.rpartition("_")[2])


def encoded(samples: Samples, audio_format: str) -> bytes:
    """Samples as the bytes of a format."""
    if audio_format == ULAW:
        return bytes(_to_ulaw(samples).tobytes())
    return bytes(samples.astype("<i2").tobytes())


def decoded(content: bytes, audio_format: str) -> Samples:
    """The samples of a format's bytes; half a sample at the end is dropped."""
    if audio_format == ULAW:
        return _FROM_ULAW[np.frombuffer(content, np.uint8)]
    whole = len(content) - len(content) % 2
    return np.frombuffer(content[:whole], "<i2").astype(np.int16)


def _to_ulaw(samples: Samples) -> NDArray[np.uint8]:
    wide = samples.astype(np.int32)
    sign = np.where(wide < 0, 0x80, 0)
    biased = np.minimum(np.abs(wide), CLIP) + BIAS
    exponent = np.floor(np.log2(biased)).astype(np.int32) - 7
    mantissa = (biased >> (exponent + 3)) & 0x0F
    codes: NDArray[np.uint8] = (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8)
    return codes


def _ulaw_table() -> Samples:
    codes = ~np.arange(256, dtype=np.int32) & 0xFF
    exponent, mantissa = (codes >> 4) & 0x07, codes & 0x0F
    magnitude = (((mantissa << 3) + BIAS) << exponent) - BIAS
    return np.where(codes & 0x80, -magnitude, magnitude).astype(np.int16)


_FROM_ULAW = _ulaw_table()


# What no one hears, about a hundredth of the loudest.
QUIET_LEVEL = 250
_QUIET_CODES = np.flatnonzero(np.abs(_FROM_ULAW.astype(np.int32)) < QUIET_LEVEL).astype(np.uint8)
_QUIET = _QUIET_CODES.tobytes()


def is_quiet(content: bytes, audio_format: str) -> bool:
    """True if there is nothing to hear in it; says so of plain silence without decoding it."""
    return not (content.translate(None, _QUIET) if audio_format == ULAW else content.strip(b"\0"))


def spoken(text: str, rate: int, speed: float) -> Spoken:
    """A reply as a row of tones, one for each word."""
    pieces: list[Floats] = []
    words: list[Word] = []
    position_s, offset = 0.0, 0
    for part in text.split(" "):
        if part:
            duration_s = (WORD_S + LETTER_S * len(part)) / speed
            tone = _tone(part, round(duration_s * rate), rate)
            gap = np.zeros(round(GAP_S / speed * rate))
            words.append(Word(part, offset, position_s, len(tone) / rate))
            pieces += [tone, gap]
            position_s += (len(tone) + len(gap)) / rate
        offset += len(part) + 1
    joined = np.concatenate(pieces) if pieces else np.zeros(0)
    return Spoken((joined * LOUDEST).astype(np.int16), rate, tuple(words))


def sine(hertz: float, length: int, rate: int) -> Samples:
    """One plain tone of so many samples."""
    wave = AMPLITUDE * LOUDEST * np.sin(2 * np.pi * hertz * np.arange(length) / rate)
    return wave.astype(np.int16)


def _tone(word: str, length: int, rate: int) -> Floats:
    digest = hashlib.sha256(word.casefold().encode()).digest()
    pitch_hz = LOWEST_HZ + SPREAD_HZ * digest[0] / 255
    time_s = np.arange(length) / rate
    wave = sum(
        (share * np.sin(2 * np.pi * pitch_hz * number * time_s) for number, share in HARMONICS),
        np.zeros(length),
    )
    syllables = 2 + digest[1] % 3
    swell = 0.65 + 0.35 * np.cos(2 * np.pi * syllables * np.arange(length) / max(length, 1))
    edge = np.minimum(1.0, np.minimum(time_s, time_s[::-1]) / EDGE_S)
    shaped: Floats = AMPLITUDE / 1.75 * wave * swell * edge
    return shaped


def pressed(samples: Samples, rate: int) -> str:
    """The telephone keys in a stretch of sound; empty when it is anything else."""
    size = round(KEY_FRAME_S * rate)
    starts = range(0, len(samples) - size + 1, size)
    found = [_key(samples[start : start + size].astype(np.float64), rate) for start in starts]
    sounding = [key for key in found if key != SILENCE]
    if _strange(found) * 2 > len(sounding):
        return ""
    keys: list[str] = []
    before = SILENCE
    for key in found:
        if key != NO_KEY:
            keys += [key] if key not in (SILENCE, before) else []
            before = key
    return "".join(keys)


def _strange(found: list[str]) -> int:
    """Frames of something else than keys; one beside a key is where its tone begins or ends."""
    beside = zip([SILENCE, *found], found, [*found[1:], SILENCE], strict=False)
    return sum(
        key == NO_KEY and before in (SILENCE, NO_KEY) and after in (SILENCE, NO_KEY)
        for before, key, after in beside
    )


def _key(frame: Floats, rate: int) -> str:
    """The key that sounds in a frame, a blank for silence, a question mark for anything else."""
    energy = float(np.sum(frame**2))
    if energy / len(frame) < SILENT_POWER:
        return SILENCE
    rows = [_power(frame, hertz, rate) for hertz in ROWS_HZ]
    columns = [_power(frame, hertz, rate) for hertz in COLUMNS_HZ]
    share = (max(rows) + max(columns)) / energy
    if share < KEY_SHARE or min(max(rows), max(columns)) < energy * (1 - KEY_SHARE) / 2:
        return NO_KEY
    return KEYS[rows.index(max(rows))][columns.index(max(columns))]


def _power(frame: Floats, hertz: float, rate: int) -> float:
    angle = 2j * np.pi * hertz / rate * np.arange(len(frame))
    return float(2 / len(frame) * np.abs(np.sum(frame * np.exp(-angle))) ** 2)
