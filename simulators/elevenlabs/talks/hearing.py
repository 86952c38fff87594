"""What the platform understands of a caller's audio: only what somebody said it would hear.

There is no speech recognition here. The control plane registers sound with the words in it; of the
sound its rise and fall is kept. What a caller sends is compared with that, so another sample rate,
another volume or some noise do not matter. Everything else is ``(unintelligible)``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulators.limits import MAX_HEARD_S, MAX_HEARINGS
from simulators.wire import Json

UNINTELLIGIBLE = "(unintelligible)"
FRAME_S = 0.02
ALIKE = 0.8
# Frames two recordings of the same may be shifted against each other: silence around them differs.
MAX_SHIFT_FRAMES = 40
LENGTH_TOLERANCE = 0.2
LENGTH_SLACK_FRAMES = 25
VOICED_SHARE = 0.08
LEAST_FRAMES = 4
PAUSE_FRAMES = 15

Samples = NDArray[np.int16]
Envelope = NDArray[np.float64]


def envelope(samples: Samples, rate: int) -> Envelope:
    """Loudness in steps of 20 ms, without the silence around it; a pause in it is as long as it is
    between words, because a line that is late makes longer ones.
    """
    size = max(1, round(rate * FRAME_S))
    count = len(samples) // size
    frames = samples[: count * size].astype(np.float64).reshape(count, size)
    loudness: Envelope = np.sqrt(np.mean(frames**2, axis=1)) if count else np.zeros(0)
    if not count:
        return loudness
    floor = float(np.percentile(loudness, 5))
    voiced = np.flatnonzero(loudness - floor > VOICED_SHARE * (loudness.max() - floor))
    kept = [
        loudness[start : min(following, start + 1 + PAUSE_FRAMES)]
        for start, following in zip(voiced, [*voiced[1:], *(voiced[-1:] + 1)], strict=True)
    ]
    return np.concatenate(kept) if kept else np.zeros(0)


def alike(left: Envelope, right: Envelope) -> float:
    """How much two envelopes rise and fall together, at the best shift; 1 is the same."""
    length = min(len(left), len(right))
    if length < LEAST_FRAMES:
        return 0.0
    best = 0.0
    reach = min(MAX_SHIFT_FRAMES, length // 3)
    for shift in range(-reach, reach + 1):
        a, b = left[max(0, shift) :], right[max(0, -shift) :]
        overlap = min(len(a), len(b))
        a, b = a[:overlap], b[:overlap]
        spread = float(np.std(a) * np.std(b))
        if spread > 0:
            together = float(np.mean((a - a.mean()) * (b - b.mean()))) / spread
            best = max(best, together * overlap / max(len(left), len(right)))
    return best


class Hearing:
    """Sounds with the words in them."""

    def __init__(self) -> None:
        self._known: list[tuple[Envelope, str]] = []

    def register(self, samples: Samples, rate: int, text: str) -> None:
        """This sound says this. Raises ValueError for what has no sound in it or is too long."""
        if len(samples) / rate > MAX_HEARD_S:
            raise ValueError(f"at most {MAX_HEARD_S:g} seconds")
        shape = envelope(samples, rate)
        if len(shape) < LEAST_FRAMES:
            raise ValueError("there is no sound in it")
        self._known = [*self._known, (shape, text)][-MAX_HEARINGS:]

    def understood(self, samples: Samples, rate: int) -> str:
        """The words in a sound, or that it cannot be understood."""
        shape = envelope(samples, rate)
        best, words = 0.0, UNINTELLIGIBLE
        for known, text in reversed(self._known):
            slack = LENGTH_TOLERANCE * len(known) + LENGTH_SLACK_FRAMES
            if abs(len(known) - len(shape)) <= slack:
                found = alike(known, shape)
                if found > best:
                    best, words = found, text
        return words if best >= ALIKE else UNINTELLIGIBLE

    def describe(self) -> Json:
        """What can be understood."""
        return {"texts": [text for _, text in self._known]}

    def clear(self) -> None:
        """Understand nothing."""
        self._known = []
