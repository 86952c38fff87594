"""Both tracks of a call as the caller heard them, for the recording and for whoever listens in.

The caller's frames are the clock: with each of them as much of the agent's audio is taken as was
played meanwhile, or silence. The agent's audio comes ahead of time and is taken away by an
interruption, here as at the carrier. A call that nobody records or hears pays nothing for it.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from trunkline.model.calls.limits import RECORDING_PART_MS

SILENCE: Final = b"\xff"
"""Nothing, in µ-law."""
PART_BYTES: Final = RECORDING_PART_MS * 8
"""A part of one track, in µ-law at 8,000 Hz."""

WritePart = Callable[[int, bytes, bytes], None]
"""Takes the number of a part, from 0, and the part of both tracks, of equal length."""
TellTracks = Callable[[bytes, bytes], Awaitable[None]]
"""Takes what the caller said and what they heard meanwhile."""


class Tracks:
    """Puts the agent's audio beside the caller's; both in µ-law at 8,000 Hz."""

    def __init__(self) -> None:
        self._ahead = bytearray()

    def agent(self, content: bytes) -> None:
        """Audio for the caller, to be played behind what waits."""
        self._ahead += content

    def cut(self) -> None:
        """What was not played yet never will be."""
        self._ahead.clear()

    def played(self, size: int) -> bytes:
        """What the caller heard while so many bytes of theirs came."""
        taken = bytes(self._ahead[:size])
        del self._ahead[:size]
        return taken if len(taken) == size else taken.ljust(size, SILENCE)


class Recorder:
    """Gathers both tracks into parts of equal length; a part is handed on when it is full."""

    def __init__(self, write: WritePart, part_bytes: int = PART_BYTES) -> None:
        self._write = write
        self._part_bytes = part_bytes
        self._caller = bytearray()
        self._agent = bytearray()
        self._parts = 0

    def take(self, caller: bytes, agent: bytes) -> None:
        """A frame of both."""
        self._caller += caller
        self._agent += agent
        if len(self._caller) >= self._part_bytes:
            self.flush()

    def flush(self) -> None:
        """Hand on what is there."""
        if self._caller:
            self._write(self._parts, bytes(self._caller), bytes(self._agent))
            self._parts += 1
            self._caller.clear()
            self._agent.clear()


class Taps:
    """Everybody who wants a call's audio besides its legs."""

    def __init__(
        self, recorder: Recorder | None, is_heard: Callable[[], bool], tell: TellTracks
    ) -> None:
        self._tracks = Tracks()
        self._recorder = recorder
        self._is_heard = is_heard
        self._tell = tell
        self._was_open = False

    @property
    def open(self) -> bool:
        """True if anybody wants it now."""
        is_open = self._recorder is not None or self._is_heard()
        if is_open is not self._was_open:
            self._was_open = is_open
            self._tracks.cut()
        return is_open

    def agent(self, content: bytes) -> None:
        """Audio went to the caller, ahead of time."""
        self._tracks.agent(content)

    async def caller(self, content: bytes) -> None:
        """A frame of the caller came, and time has passed by as much."""
        agent = self._tracks.played(len(content))
        if self._recorder is not None:
            self._recorder.take(content, agent)
        if self._is_heard():
            await self._tell(content, agent)

    def cut(self) -> None:
        """What was not played yet never will be."""
        self._tracks.cut()

    def close(self) -> None:
        """The call is over; what is gathered is written."""
        if self._recorder is not None:
            self._recorder.flush()
