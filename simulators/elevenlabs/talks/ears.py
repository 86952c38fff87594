"""When a caller speaks: pieces of audio in, beginnings and ends of utterances out.

Decided by loudness against what it is when nobody speaks. Knows no talk and no words.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.limits import MAX_HEARD_S
from simulators.sound import QUIET_LEVEL

Samples = NDArray[np.int16]

FRAME_S = 0.02
# Below this nothing is taken for a voice, however quiet the room is.
LEAST_LOUDNESS = float(QUIET_LEVEL)
LOUDER_THAN_ROOM = 2.5
ROOM_ADAPTS = 0.05
BEGINS_AFTER_FRAMES = 2


@dataclass(frozen=True, slots=True)
class Heard:
    """What a piece of audio came to: ``began`` and ``ended`` of an utterance, with its samples."""

    score: float
    began: bool = False
    ended: Samples | None = None


class Ears:
    """Listens to one caller."""

    def __init__(self, rate: int, patience_s: float) -> None:
        self._rate = rate
        self._size = round(rate * FRAME_S)
        self._patience_frames = max(1, round(patience_s / FRAME_S))
        self._left: Samples = np.zeros(0, np.int16)
        self._room = LEAST_LOUDNESS / LOUDER_THAN_ROOM
        self._kept: list[Samples] = []
        self._voiced = 0
        self._silent = 0
        self.speaking = False

    def take(self, samples: Samples) -> Heard:
        """One more piece of audio."""
        joined = np.concatenate([self._left, samples])
        count = len(joined) // self._size
        self._left = joined[count * self._size :]
        began, ended, voiced = False, None, 0
        for number in range(count):
            frame = joined[number * self._size : (number + 1) * self._size]
            is_voice = self._is_voice(frame)
            voiced += is_voice
            if not self.speaking:
                began = self._await_beginning(frame, is_voice=is_voice) or began
            elif self._goes_on(frame, is_voice=is_voice):
                ended = self.finish()
        return Heard(score=voiced / count if count else 0.0, began=began, ended=ended)

    def rest(self) -> None:
        """A piece of audio without any sound in it, while nobody speaks."""
        self._left = self._left[:0]
        self._kept, self._voiced = [], 0
        self._room *= 1 - ROOM_ADAPTS

    def _is_voice(self, frame: Samples) -> bool:
        loudness = float(np.sqrt(np.mean(frame.astype(np.float64) ** 2)))
        is_voice = loudness > max(LEAST_LOUDNESS, LOUDER_THAN_ROOM * self._room)
        if not is_voice:
            self._room += ROOM_ADAPTS * (loudness - self._room)
        return is_voice

    def _await_beginning(self, frame: Samples, *, is_voice: bool) -> bool:
        self._voiced = self._voiced + 1 if is_voice else 0
        self._kept = [*self._kept, frame][-BEGINS_AFTER_FRAMES:]
        if self._voiced < BEGINS_AFTER_FRAMES:
            return False
        self.speaking, self._silent = True, 0
        return True

    def _goes_on(self, frame: Samples, *, is_voice: bool) -> bool:
        """Keep a frame of an utterance; True if it was the last one."""
        self._kept.append(frame)
        self._silent = 0 if is_voice else self._silent + 1
        too_long = len(self._kept) * FRAME_S >= MAX_HEARD_S
        return self._silent >= self._patience_frames or too_long

    def finish(self) -> Samples | None:
        """End the utterance; None when there is none."""
        if not self.speaking:
            return None
        samples = np.concatenate(self._kept)
        self._kept, self._voiced, self._silent, self.speaking = [], 0, 0, False
        return samples
