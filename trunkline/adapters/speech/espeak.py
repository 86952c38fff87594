"""``ports.Speaker`` by espeak-ng, whose library comes in a wheel: nothing to install, no network.

The library is one machine for the whole process and not re-entrant, so one lock guards it and every
use happens in a thread. It asks us for leave after every piece it has spoken, and there the bounds
of time and length are kept. Its voices are plain and nearly the
same each time: a flutter that belongs to the whole process is never reset.
"""

import asyncio
import ctypes
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import espeakng_loader  # type: ignore[import-untyped]
import numpy as np

from trunkline.adapters.speech.encoding import FULL_SCALE, Samples, limited, sound_of
from trunkline.adapters.speech.measuring import levels
from trunkline.adapters.speech.noises import SPEECH_DBFS
from trunkline.model.errors import InvalidInput, SpeechUnavailable
from trunkline.model.testing.limits import (
    SOUND_FRAME_MS,
    SOUND_MAX_S,
    SPEECH_MAX_CHARACTERS,
    SPEECH_TIMEOUT_S,
)
from trunkline.model.testing.sounds import VOICED_DBFS, Levels
from trunkline.model.testing.talk import Sound

SYNCHRONOUS = 2
DONT_EXIT = 0x8000
TEXT_IS_UTF8 = 1
CHARACTERS = 1
DONE = 0
CONTINUE, STOP = 0, 1
DEFAULT_LANGUAGE = "en"
PAD_FRAMES = 1
"""Left around what is spoken when the silence before and after it is cut off."""

Piece = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class Espeak:
    """The library, loaded and started once. Every method must be called under ``_TURN``."""

    def __init__(self, library: ctypes.CDLL, data: Path) -> None:
        self._library = library
        self._voices = {path.name for path in (data / "voices" / "!v").iterdir()}
        place = str(data).encode()
        self.rate = library.espeak_Initialize(SYNCHRONOUS, 0, place, DONT_EXIT)
        if self.rate <= 0:
            raise SpeechUnavailable(
                "espeak-ng does not find its data",
                hint="install trunkline under a path of less than 140 characters",
            )

    def speak(self, text: str, language: str, voice: str | None, until_s: float) -> Samples:
        """What is spoken until a moment of the monotonic clock."""
        self._choose(language, voice)
        pieces: list[Samples] = []
        piece = Piece(_collector(pieces, round(self.rate * SOUND_MAX_S), until_s))
        self._library.espeak_SetSynthCallback(piece)
        spoken = text.encode()
        done = self._library.espeak_Synth(
            spoken, len(spoken) + 1, 0, CHARACTERS, 0, TEXT_IS_UTF8, None, None
        )
        self._library.espeak_SetSynthCallback(Piece())
        if done != DONE:
            raise SpeechUnavailable(f"espeak-ng did not speak (its code is {done})")
        if time.monotonic() > until_s:
            raise SpeechUnavailable(f"speaking took longer than {SPEECH_TIMEOUT_S:.0f} s")
        return np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.int16)

    def _choose(self, language: str, voice: str | None) -> None:
        if voice is not None and voice not in self._voices and not self._set(voice):
            raise SpeechUnavailable(
                f"there is no voice {voice!r}",
                hint="use a variant such as f2, m3 or whisper, or a language of espeak-ng with one",
            )
        if voice is not None and voice not in self._voices:
            return
        variant = f"+{voice}" if voice else ""
        spoken = language.lower()
        if not self._set(spoken + variant) and not self._set(spoken.split("-")[0] + variant):
            raise SpeechUnavailable(f"espeak-ng does not speak {language!r}")

    def _set(self, name: str) -> bool:
        return bool(self._library.espeak_SetVoiceByName(name.encode()) == DONE)


class EspeakSpeaker:
    """Speaks in threads, one voice at a time in the whole process."""

    async def speak(self, text: str, *, language: str, voice: str | None) -> Sound:
        """The words at the level telephony plans for, without silence around them.

        Raises InvalidInput for more words than one turn has, SpeechUnavailable.
        """
        if len(text) > SPEECH_MAX_CHARACTERS:
            raise InvalidInput(
                f"{len(text)} characters cannot be spoken at once",
                hint=f"split them into turns of at most {SPEECH_MAX_CHARACTERS}",
            )
        return await asyncio.to_thread(_spoken, text, language or DEFAULT_LANGUAGE, voice)


def _spoken(text: str, language: str, voice: str | None) -> Sound:
    until_s = time.monotonic() + SPEECH_TIMEOUT_S
    if not _TURN.acquire(timeout=SPEECH_TIMEOUT_S):
        raise SpeechUnavailable("too much is being spoken at once")
    try:
        machine = _machine()
        samples = machine.speak(text, language, voice, until_s)
    finally:
        _TURN.release()
    return _trimmed(samples, machine.rate)


@cache
def _machine() -> Espeak:
    try:
        library = ctypes.CDLL(espeakng_loader.get_library_path())
        return Espeak(library, Path(espeakng_loader.get_data_path()))
    except (OSError, RuntimeError, AttributeError) as error:
        raise SpeechUnavailable(
            f"espeak-ng cannot be loaded ({type(error).__name__})",
            hint="the wheel espeakng-loader has no library for this machine; talk in text",
        ) from error


def _collector(
    pieces: list[Samples], room: int, until_s: float
) -> Callable[["ctypes._Pointer[ctypes.c_short]", int, int | None], int]:
    """Takes what was spoken so far; stops the machine when there is no room or no time."""
    taken = 0

    def collect(wave: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int | None) -> int:
        nonlocal taken
        if count > 0:
            pieces.append(np.ctypeslib.as_array(wave, shape=(count,))[: room - taken].copy())
            taken += count
        return STOP if taken >= room or time.monotonic() > until_s else CONTINUE

    return collect


def _trimmed(samples: Samples, rate: int) -> Sound:
    measured: Levels = levels(sound_of(samples, rate))
    loud = [index for index, level in enumerate(measured.frames) if level > VOICED_DBFS]
    if not loud:
        raise SpeechUnavailable("there was nothing to speak in these words")
    size = rate * SOUND_FRAME_MS // 1000
    first, last = max(0, loud[0] - PAD_FRAMES), loud[-1] + 1 + PAD_FRAMES
    spoken = samples[first * size : last * size].astype(np.float64)
    power = np.mean([10 ** (measured.frames[index] / 10) for index in loud])
    gain = 10 ** (SPEECH_DBFS / 20) / np.sqrt(power)
    highest = (FULL_SCALE - 1) / max(1.0, float(np.max(np.abs(spoken))))
    return sound_of(limited(spoken * min(gain, highest)), rate)


_TURN = threading.Lock()
