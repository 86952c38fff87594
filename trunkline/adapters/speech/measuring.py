"""How loud sound is: frame by frame, and as a whole the way broadcasters measure it.

Loudness follows ITU-R BS.1770-4 for one channel, simplified: the two stages of the K weighting are
applied in the frequency domain to the whole, blocks are 400 ms at a step of 100 ms, gated at
-70 LUFS absolutely and then 10 LU below what passed; there is no true peak.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trunkline.adapters.speech.encoding import FULL_SCALE, at_rate, samples_of
from trunkline.model.testing.limits import SOUND_FRAME_MS
from trunkline.model.testing.sounds import Levels
from trunkline.model.testing.talk import Sound

SILENT_DBFS = -120.0
CLIPPED_HIGH, CLIPPED_LOW = 32_767, -32_768
K_RATE = 48_000
"""The rate the standard gives its filters at; their response is evaluated for it."""
SHELF = (
    (1.53512485958697, -2.69169618940638, 1.19839281085285),
    (-1.69065929318241, 0.73248077421585),
)
HIGH_PASS = ((1.0, -2.0, 1.0), (-1.99004745483398, 0.99007225036621))
BLOCK_S, STEP_S = 0.4, 0.1
ABSOLUTE_GATE_LUFS, RELATIVE_GATE_LU = -70.0, 10.0
OFFSET_LUFS = -0.691


def levels(sound: Sound) -> Levels:
    """Level of each frame of 20 ms, and how many samples lie at the ends of the scale."""
    samples = samples_of(sound)
    size = sound.rate * SOUND_FRAME_MS // 1000
    starts = np.arange(0, samples.size, size)
    if not starts.size:
        return Levels((), 0.0)
    energy = np.add.reduceat((samples / FULL_SCALE) ** 2, starts)
    lengths = np.diff([*starts, samples.size])
    decibels = 10 * np.log10(np.maximum(energy / lengths, 10 ** (SILENT_DBFS / 10)))
    clipped = np.count_nonzero((samples == CLIPPED_HIGH) | (samples == CLIPPED_LOW))
    return Levels(
        frames=tuple(float(level) for level in decibels),
        duration_ms=samples.size / sound.rate * 1000,
        clipped_samples=int(clipped),
    )


def loudness_lufs(sounds: Sequence[Sound]) -> float | None:
    """Integrated loudness of pieces played one after the other; None if all of it is silence."""
    if not sounds:
        return None
    rate = sounds[0].rate
    whole = np.concatenate([at_rate(sound, rate) for sound in sounds]) / FULL_SCALE
    size, step = round(BLOCK_S * rate), round(STEP_S * rate)
    if whole.size < size:
        return None
    squares = np.concatenate([[0.0], np.cumsum(_weighted(whole, rate) ** 2)])
    starts = np.arange(0, whole.size - size + 1, step)
    power = (squares[starts + size] - squares[starts]) / size
    loud = power[_lufs(power) > ABSOLUTE_GATE_LUFS]
    if not loud.size:
        return None
    kept = loud[_lufs(loud) > _lufs(loud.mean()) - RELATIVE_GATE_LU]
    return float(_lufs(kept.mean()))


def _lufs(power: NDArray[np.float64]) -> NDArray[np.float64]:
    return OFFSET_LUFS + 10 * np.log10(np.maximum(power, 1e-20))


def _weighted(signal: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    spectrum = np.fft.rfft(signal)
    at_hz = np.fft.rfftfreq(signal.size, 1 / rate)
    delay = np.exp(-2j * np.pi * at_hz / K_RATE)
    response = _response(SHELF, delay) * _response(HIGH_PASS, delay)
    return np.fft.irfft(spectrum * response, signal.size)


def _response(
    stage: tuple[tuple[float, float, float], tuple[float, float]], delay: NDArray[np.complex128]
) -> NDArray[np.complex128]:
    (b0, b1, b2), (a1, a2) = stage
    return (b0 + b1 * delay + b2 * delay**2) / (1 + a1 * delay + a2 * delay**2)
