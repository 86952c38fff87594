"""Files that reach a platform as files: which kinds there are, and whether bytes are of that kind.

A platform reads such a file by its name's ending. A file that is not what its name says would be
refused only after a push, or worse, be taken and say nothing; so its first bytes are looked at
here. Nothing is unpacked and nothing is read out of a file.
"""

import io
import wave
from collections.abc import Mapping
from typing import Final

from trunkline.model.testing.limits import SOUND_MAX_S

MEDIA_TYPES: Final[Mapping[str, str]] = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "epub": "application/epub+zip",
    "htm": "text/html",
    "html": "text/html",
    "md": "text/markdown",
    "pdf": "application/pdf",
    "txt": "text/plain",
}
"""What can be uploaded, by the ending of its name, and how it is announced."""

BINARY: Final = frozenset({"docx", "epub", "pdf"})
"""Kinds that are never text, so they are only ever uploaded."""

LARGE_FILE_POINTER: Final = b"version https://git-lfs.github.com/spec/"
RECORDING: Final = "wav"
"""The kind of a caller's recording; it is played to an agent and never uploaded."""
RECORDING_CHANNELS: Final = range(1, 3)
RECORDING_RATES_HZ: Final = range(8_000, 48_001)
RECORDING_BITS: Final = frozenset({8, 16, 24, 32})

_ZIP: Final = b"PK\x03\x04"
_PDF: Final = b"%PDF-"
_PDF_BEGINS_WITHIN: Final = 1_024
"""Readers of PDF accept other bytes before the header, up to here."""


def file_type(path: str) -> str:
    """The ending of a file's name in lower case, without the dot; empty without one."""
    name = path.rpartition("/")[2]
    stem, _, ending = name.rpartition(".")
    return ending.lower() if stem else ""


def endings() -> str:
    """Every ending that can be uploaded, for a sentence."""
    *most, last = sorted(f".{each}" for each in MEDIA_TYPES)
    return f"{', '.join(most)} or {last}"


def flaw(kind: str, content: bytes) -> str:
    """What is wrong with a file of that kind, after its name; empty if nothing shows."""
    if not content:
        return "is empty"
    if content.startswith(LARGE_FILE_POINTER):
        return "is a pointer of Git LFS and not the file itself; commit the file without LFS"
    if kind == "pdf" and _PDF not in content[:_PDF_BEGINS_WITHIN]:
        return "is no PDF, whatever its name says"
    if kind == RECORDING:
        return _recording_flaw(content)
    if kind in ("docx", "epub") and not content.startswith(_ZIP):
        return f"is no .{kind} file, whatever its name says"
    return "" if kind in BINARY else _text_flaw(content)


def _recording_flaw(content: bytes) -> str:
    try:
        with wave.open(io.BytesIO(content)) as file:
            rate, count = file.getframerate(), file.getnframes()
            channels, bits = file.getnchannels(), 8 * file.getsampwidth()
    except (wave.Error, EOFError):
        return "is no WAV file with linear PCM"
    if channels not in RECORDING_CHANNELS:
        return f"has {channels} channels; a recording is mono or stereo"
    if rate not in RECORDING_RATES_HZ:
        return f"has {rate} samples a second; a recording has 8,000 to 48,000"
    if bits not in RECORDING_BITS:
        return f"has {bits} bits a sample; a recording has 8, 16, 24 or 32"
    if count / rate > SOUND_MAX_S:
        return f"lasts {count / rate:.0f} s; a recording lasts at most {SOUND_MAX_S:.0f} s"
    return "" if count else "holds no sound"


def _text_flaw(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "is not UTF-8 text"
    if "\x00" in text:
        return "is not text: it holds a NUL character"
    return "" if text.strip() else "is empty"
