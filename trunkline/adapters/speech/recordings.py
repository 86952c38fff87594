"""A recording that a test brings: a WAV file, checked before it is believed.

Only linear PCM is read, because that is what any program writes and nothing can hide in it.
Several channels become one by their mean.
"""

import io
import wave

import numpy as np

from trunkline.adapters.speech.encoding import limited, sound_of
from trunkline.model.errors import InvalidInput
from trunkline.model.testing.limits import SOUND_FILE_MAX_BYTES, SOUND_MAX_S
from trunkline.model.testing.talk import Sound

RATES_HZ = range(8_000, 48_001)
CHANNELS = range(1, 3)
WIDTH_8, WIDTH_16, WIDTH_24, WIDTH_32 = 1, 2, 3, 4
HINT = "save it as WAV with linear PCM, 8 to 48 kHz, mono or stereo, at most 60 s"


def recording(content: bytes) -> Sound:
    """The sound of a WAV file at its own rate. Raises InvalidInput saying what is wrong."""
    if len(content) > SOUND_FILE_MAX_BYTES:
        raise InvalidInput("the recording is larger than a minute of sound can be", hint=HINT)
    try:
        with wave.open(io.BytesIO(content)) as file:
            channels, width = file.getnchannels(), file.getsampwidth()
            rate, count = file.getframerate(), file.getnframes()
            _check(channels, width, rate, count)
            frames = file.readframes(count)
    except (wave.Error, EOFError) as error:
        raise InvalidInput(
            f"the recording is no WAV file we can read: {error}", hint=HINT
        ) from error
    whole = len(frames) // (channels * width) * channels * width
    signal = _signal(frames[:whole], width)
    if not signal.size:
        raise InvalidInput("the recording holds no sound", hint=HINT)
    return sound_of(limited(signal.reshape(-1, channels).mean(axis=1)), rate)


def _check(channels: int, width: int, rate: int, count: int) -> None:
    if channels not in CHANNELS:
        raise InvalidInput(f"the recording has {channels} channels", hint=HINT)
    if rate not in RATES_HZ:
        raise InvalidInput(f"the recording has {rate} samples a second", hint=HINT)
    if width not in {WIDTH_8, WIDTH_16, WIDTH_24, WIDTH_32}:
        raise InvalidInput(f"the recording has {8 * width} bits a sample", hint=HINT)
    if count / rate > SOUND_MAX_S:
        raise InvalidInput(f"the recording lasts {count / rate:.0f} s", hint=HINT)


def _signal(frames: bytes, width: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Samples in units of 16 bits, whatever their width."""
    if width == WIDTH_8:
        return (np.frombuffer(frames, dtype=np.uint8).astype(np.float64) - 128.0) * 256.0
    if width == WIDTH_16:
        return np.frombuffer(frames, dtype="<i2").astype(np.float64)
    if width == WIDTH_32:
        return np.frombuffer(frames, dtype="<i4").astype(np.float64) / 65_536.0
    three = np.frombuffer(frames, dtype=np.uint8).reshape(-1, 3).astype(np.int32)
    high = three[:, 2].astype(np.uint8).view(np.int8).astype(np.int32)
    value = (high << 16) | (three[:, 1] << 8) | three[:, 0]
    return value.astype(np.float64) / 256.0
