"""Noise of a caller's surroundings, made from a seed: no recordings, no surprises.

Four profiles, each white noise with a spectrum and a rhythm of its own. They are honest about what
they are: the difficulty of a place, not its likeness.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trunkline.adapters.speech.encoding import FULL_SCALE, limited, sound_of
from trunkline.model.kinds.conversation import Noise
from trunkline.model.testing.talk import Sound

SPEECH_DBFS = -26.0
"""Level of active speech that telephony is planned for; what we speak is brought to it."""
LOOP_S = 10.0
"""Noise goes round after so long: nobody counts along."""
RATE = 16_000


@dataclass(frozen=True, slots=True)
class Profile:
    """``low_hz`` to ``high_hz`` pass; above ``corner_hz`` it falls by ``slope`` in amplitude.

    ``swell`` is how much the level moves (0 to 1), ``swells_hz`` how often.
    """

    low_hz: float
    high_hz: float
    corner_hz: float
    slope: float
    swell: float
    swells_hz: float


PROFILES: dict[str, Profile] = {
    "white": Profile(20, 8_000, 8_000, 0, 0, 1),
    "cafe": Profile(200, 4_000, 500, 0.5, 0.6, 4),
    "street": Profile(50, 6_000, 250, 0.8, 0.5, 0.5),
    "car": Profile(20, 1_000, 100, 1.5, 0.2, 0.3),
}


def background(noise: Noise, seed: int) -> Sound:
    """Ten seconds that can be played over and over, so far below speech at its usual level."""
    generator = np.random.default_rng(seed)
    profile = PROFILES[noise.profile]
    signal = _shaped(generator, profile) * _swelling(generator, profile)
    level = 10 ** ((SPEECH_DBFS - noise.snr_db) / 20) * FULL_SCALE
    return sound_of(limited(signal * (level / np.sqrt(np.mean(signal**2)))), RATE)


def _shaped(generator: np.random.Generator, profile: Profile) -> NDArray[np.float64]:
    size = round(LOOP_S * RATE)
    spectrum = np.fft.rfft(generator.standard_normal(size))
    at_hz = np.fft.rfftfreq(size, 1 / RATE)
    falling = np.maximum(at_hz / profile.corner_hz, 1.0) ** -profile.slope
    passing = (at_hz >= profile.low_hz) & (at_hz <= profile.high_hz)
    signal: NDArray[np.float64] = np.fft.irfft(spectrum * falling * passing, size)
    return signal


def _swelling(generator: np.random.Generator, profile: Profile) -> NDArray[np.float64]:
    """A slow envelope that ends where it began."""
    size = round(LOOP_S * RATE)
    turns = max(2, round(LOOP_S * profile.swells_hz))
    points = generator.uniform(-profile.swell, profile.swell, turns)
    places = np.linspace(0, turns, size, endpoint=False)
    level: NDArray[np.float64] = 1.0 + np.interp(places, np.arange(turns + 1), [*points, points[0]])
    return level
