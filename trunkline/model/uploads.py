"""Files that reach a platform as files: which kinds there are, and whether bytes are of that kind.

A platform reads such a file by its name's ending. A file that is not what its name says would be
refused only after a push, or worse, be taken and say nothing; so its first bytes are looked at
here. Nothing is unpacked and nothing is read out of a file.
"""

from collections.abc import Mapping
from typing import Final

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
    if kind in ("docx", "epub") and not content.startswith(_ZIP):
        return f"is no .{kind} file, whatever its name says"
    return "" if kind in BINARY else _text_flaw(content)


def _text_flaw(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "is not UTF-8 text"
    if "\x00" in text:
        return "is not text: it holds a NUL character"
    return "" if text.strip() else "is empty"
