"""Linear sound to and from what goes over a wire: PCM of any rate and G.711's µ-law.

The µ-law tables follow ITU-T G.711: a sign, three bits of segment and four of interval, all
inverted. Rates are changed by soxr in high quality. Nothing here knows who names formats how.
"""

from typing import TypeAlias

import numpy as np
import soxr  # type: ignore[import-untyped]
from numpy.typing import NDArray

from trunkline.model.calls.lines import LineFormat
from trunkline.model.testing.talk import Sound

Samples: TypeAlias = NDArray[np.int16]

FULL_SCALE = 32_768.0
MULAW_BIAS = 132
MULAW_CLIP = 32_635
SAMPLE_BYTES = 2


def encoded(samples: Samples, wire: LineFormat) -> bytes:
    """Samples at the format's rate as its bytes."""
    if wire.coding == "ulaw":
        return _MULAW_OF[samples.astype(np.int32) + MULAW_OFFSET].tobytes()
    return samples.astype("<i2").tobytes()


def decoded(content: bytes, wire: LineFormat) -> Sound:
    """Bytes of a format as sound at its rate; half a sample at the end is left out."""
    if wire.coding == "ulaw":
        samples = _LINEAR_OF[np.frombuffer(content, dtype=np.uint8)]
        return Sound(samples.astype("<i2").tobytes(), wire.rate)
    return Sound(content[: len(content) // SAMPLE_BYTES * SAMPLE_BYTES], wire.rate)


def samples_of(sound: Sound) -> Samples:
    """The samples of a sound."""
    return np.frombuffer(sound.samples, dtype="<i2").astype(np.int16)


def sound_of(samples: Samples, rate: int) -> Sound:
    """Samples as a sound."""
    return Sound(samples.astype("<i2").tobytes(), rate)


def at_rate(sound: Sound, rate: int) -> Samples:
    """The samples of a sound at another rate; as they are if it is the same."""
    samples = samples_of(sound)
    if sound.rate == rate or not samples.size:
        return samples
    resampled: Samples = soxr.resample(samples, sound.rate, rate, quality="HQ")
    return resampled


def limited(signal: NDArray[np.float64]) -> Samples:
    """A signal in units of a sample, rounded and kept within 16 bits."""
    return np.clip(np.rint(signal), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def _linear_table() -> NDArray[np.int16]:
    """G.711 table 2a, decoder: one sample for each of 256 codes."""
    code = ~np.arange(256, dtype=np.uint8)
    segment = ((code >> 4) & 7).astype(np.int32)
    interval = (code & 15).astype(np.int32)
    magnitude = (((interval << 3) + MULAW_BIAS) << segment) - MULAW_BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _mulaw_table() -> NDArray[np.uint8]:
    """G.711 table 2a, encoder: one code for each of 65,536 samples."""
    sample = np.arange(-32_768, 32_768, dtype=np.int32)
    biased = np.minimum(np.abs(sample), MULAW_CLIP) + MULAW_BIAS
    segment = np.floor(np.log2(biased)).astype(np.int32) - 7
    interval = (biased >> (segment + 3)) & 15
    sign = np.where(sample < 0, 0x80, 0)
    codes: NDArray[np.uint8] = (~(sign | (segment << 4) | interval) & 0xFF).astype(np.uint8)
    return codes


MULAW_OFFSET = 32_768
_LINEAR_OF = _linear_table()
_MULAW_OF = _mulaw_table()
