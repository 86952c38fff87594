"""``calls listen``: a call that goes on as a WAV file, written as it is spoken."""

import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO, Final

from trunkline.cli.call_streams import messages, opened
from trunkline.cli.exits import ExitCode, WrongUsage
from trunkline.cli.progress import Progress
from trunkline.cli.server import Server, project_path, text
from trunkline.model.base import JsonObject
from trunkline.model.calls.recordings import RATE, side_by_side, wav_header, wav_length

STDOUT: Final = "-"
_ENDLESS: Final = 2**31 - wav_length(0)
"""Samples a file is said to have that nobody knows the end of: as many as the format can say."""


class SideBySide:
    """Two tracks that come piece by piece. The caller's is the clock, because a carrier sends it
    without a pause; the agent's waits for its turn, because it comes faster than it is spoken.
    """

    def __init__(self) -> None:
        self.samples = 0
        self._agent = bytearray()

    def hear(self, track: str, content: bytes) -> bytes:
        """What can be written now."""
        if track != "caller":
            self._agent += content
            return b""
        beside = bytes(self._agent[: len(content)])
        del self._agent[: len(content)]
        self.samples += len(content)
        return side_by_side(content, beside)

    def rest(self) -> bytes:
        """What is left once nothing more comes."""
        beside = bytes(self._agent)
        self._agent.clear()
        self.samples += len(beside)
        return side_by_side(b"", beside)


def listen(server: Server, project: str | None, call: str, *, wav: str) -> ExitCode:
    """Write what is heard until the call ends or Ctrl-C."""
    if wav == STDOUT and sys.stdout.isatty():
        raise WrongUsage(
            "Sound on a terminal is noise",
            hint="--wav FILE writes a file; or: trunkline calls listen … --wav - | ffplay -",
        )
    path = f"{project_path(server, project)}/calls/{call}/listen"
    with opened(server, path, {}) as socket, _file(wav) as file:
        both = SideBySide()
        tracks: list[str] = []
        file.write(wav_header(_ENDLESS))
        file.flush()
        try:
            with Progress(f"listening to {call}") as progress:
                for message in messages(socket):
                    if isinstance(message, bytes):
                        track = tracks[message[0]] if message[0] < len(tracks) else ""
                        _write(file, both.hear(track, message[1:]))
                        progress.show(note=f"{both.samples // RATE} s")
                    else:
                        tracks = _tracks(message) or tracks
        finally:
            _write(file, both.rest())
            if wav != STDOUT:
                file.seek(0)
                file.write(wav_header(both.samples))
    sys.stderr.write(f"{both.samples / RATE:.1f} s heard\n")
    return ExitCode.DONE


def _tracks(message: JsonObject) -> list[str]:
    named = message.get("tracks")
    begun = text(message, "type") == "listening_begun" and isinstance(named, list)
    return [str(name) for name in named] if begun and isinstance(named, list) else []


def _write(file: BinaryIO, content: bytes) -> None:
    """At once: whoever reads it wants to hear it now."""
    file.write(content)
    file.flush()


def _file(wav: str) -> AbstractContextManager[BinaryIO]:
    """Where the sound goes. Raises WrongUsage."""
    if wav == STDOUT:
        return nullcontext(sys.stdout.buffer)
    try:
        return Path(wav).open("wb")
    except OSError as error:
        raise WrongUsage(f"{wav} cannot be written: {error.strerror}") from error
