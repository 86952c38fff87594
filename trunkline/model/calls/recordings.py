"""A recording as a file every player knows: WAV in G.711 µ-law, the caller left, the agent right.

Kept as it came over the wire, so nothing is converted and nothing is lost. Its length is known
before its first byte is read.
"""

import struct
from typing import Final

RATE: Final = 8_000
TRACKS: Final = 2
SILENCE: Final = b"\xff"
"""µ-law's zero."""
_ULAW: Final = 7
_HEADER_BYTES: Final = 58


def wav_length(samples: int) -> int:
    """Bytes of a whole file; ``samples`` are of one track."""
    return _HEADER_BYTES + samples * TRACKS


def wav_header(samples: int) -> bytes:
    """What stands before the audio: RIFF with the chunks that a coded format must have."""
    size = samples * TRACKS
    form = struct.pack("<HHIIHHH", _ULAW, TRACKS, RATE, RATE * TRACKS, TRACKS, 8, 0)
    return b"".join(
        (
            b"RIFF" + struct.pack("<I", _HEADER_BYTES - 8 + size) + b"WAVE",
            b"fmt " + struct.pack("<I", len(form)) + form,
            b"fact" + struct.pack("<II", 4, samples),
            b"data" + struct.pack("<I", size),
        )
    )


def side_by_side(caller: bytes, agent: bytes) -> bytes:
    """Both tracks sample by sample; the shorter one goes on in silence."""
    length = max(len(caller), len(agent))
    both = bytearray(SILENCE * (length * TRACKS))
    both[0 : 2 * len(caller) : 2] = caller
    both[1 : 2 * len(agent) : 2] = agent
    return bytes(both)
