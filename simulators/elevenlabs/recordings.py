"""Recordings of conversations, which are silent here.

The vendor answers with MPEG audio. No sound is kept by a simulator, so what it answers is as long
as the conversation was and has nothing in it.
"""

from __future__ import annotations

# MPEG-1 layer III, 32 kbit/s, 32 kHz, one channel: 144 bytes for 36 ms. With side information and
# data of nothing but zeros a frame decodes to silence.
HEADER = b"\xff\xfb\x18\xc4"
FRAME = HEADER + bytes(140)
FRAME_S = 1152 / 32_000


def silence(seconds: float) -> bytes:
    """That much silence, at least one frame."""
    return FRAME * max(1, round(seconds / FRAME_S))
