"""Audio of a call from one coding into another as it is spoken: µ-law, PCM, and other rates.

A rate is changed by one continuous filter for each direction of a call, so that nothing clicks
between two pieces. Knows no wire.
"""

import numpy as np
import soxr  # type: ignore[import-untyped]

from trunkline.adapters.speech.encoding import (
    SAMPLE_BYTES,
    Samples,
    decoded,
    encoded,
    limited,
    samples_of,
)
from trunkline.model.calls.lines import LineFormat
from trunkline.ports.calls import Conversion


class SteadyConversion:
    """``ports.Conversion``. Half a sample at the end of a piece is kept for the next one.

    soxr's filter of a variable rate gives as much as it takes, 15 to 30 ms later; its others gather
    up to 120 ms for the sake of a quality no telephone passes on.
    """

    def __init__(self, source: LineFormat, target: LineFormat) -> None:
        self._source = source
        self._target = target
        self._half = b""
        self._filter = (
            None
            if source.rate == target.rate
            else soxr.ResampleStream(source.rate, target.rate, 1, dtype="float32", vr=True)
        )

    def convert(self, content: bytes) -> bytes:
        """The next piece in the other coding."""
        samples = self._samples(content)
        if self._filter is not None:
            samples = limited(self._filter.resample_chunk(samples.astype(np.float32)))
        return encoded(samples, self._target)

    def _samples(self, content: bytes) -> Samples:
        if self._source.coding == "pcm":
            content = self._half + content
            whole = len(content) // SAMPLE_BYTES * SAMPLE_BYTES
            self._half = content[whole:]
            return np.frombuffer(content[:whole], dtype="<i2").astype(np.int16)
        return samples_of(decoded(content, self._source))


class SteadyConversions:
    """``ports.Conversions``."""

    def between(self, source: LineFormat, target: LineFormat) -> Conversion:
        """A conversion for one direction of one call."""
        return SteadyConversion(source, target)
