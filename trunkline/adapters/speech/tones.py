"""The tones of telephone keys, as ITU-T Q.23 gives their frequencies and Q.24 their lengths."""

import numpy as np

from trunkline.adapters.speech.encoding import FULL_SCALE, limited, sound_of
from trunkline.model.testing.talk import Sound

ROWS_HZ = (697.0, 770.0, 852.0, 941.0)
COLUMNS_HZ = (1209.0, 1336.0, 1477.0)
KEYS = ("123", "456", "789", "*0#")
TONE_S = 0.1
"""Receivers must take 40 ms for a key; people press longer, and codecs smear."""
PAUSE_S = 0.08
LEVEL = 0.2
"""Of full scale, for each of the two frequencies: about -14 dB."""

FREQUENCIES_HZ = {
    key: (ROWS_HZ[row], COLUMNS_HZ[column])
    for row, keys in enumerate(KEYS)
    for column, key in enumerate(keys)
}


def tones(keys: str, rate: int) -> Sound:
    """Keys pressed one after the other, each with a pause after it."""
    at_s = np.arange(round(TONE_S * rate)) / rate
    pause = np.zeros(round(PAUSE_S * rate))
    parts = []
    for key in keys:
        low_hz, high_hz = FREQUENCIES_HZ[key]
        tone = np.sin(2 * np.pi * low_hz * at_s) + np.sin(2 * np.pi * high_hz * at_s)
        parts += [tone * LEVEL * FULL_SCALE, pause]
    return sound_of(limited(np.concatenate(parts)), rate)
