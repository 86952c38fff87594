"""What a page or a file says, made up where it cannot be known.

The simulator fetches nothing and reads no office formats, yet a document has to have a text that is
the same for the same source and another for another one. A page says what the control plane put
there, or else a sentence made of its address; a file that is not text says its size and digest.
"""

from __future__ import annotations

import hashlib
import html
from dataclasses import dataclass
from pathlib import PurePath
from urllib.parse import urlsplit

from simulators.wire import Json

PAGES = (".html", ".htm", ".xhtml")


@dataclass(frozen=True, slots=True)
class Extract:
    """The text of a document, whether it is HTML already, and the size of its source."""

    text: str
    is_html: bool
    size_bytes: int

    def record(self) -> Json:
        """As a document keeps it."""
        return {"text": self.text, "is_html": self.is_html, "size_bytes": self.size_bytes}


def is_address(url: str) -> bool:
    """True for an absolute address of the web."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def of_text(text: str) -> Extract:
    """A text as it was given."""
    return Extract(text, is_html=False, size_bytes=len(text.encode()))


def edited(text: str, is_html: bool) -> Extract:  # noqa: FBT001 - a fact of the record
    """A text somebody put in the place of another one."""
    return Extract(text, is_html=is_html, size_bytes=len(text.encode()))


def of_page(url: str, page: str | None) -> Extract:
    """What the control plane says the page says, or a sentence that names its address."""
    named = html.escape(url)
    text = page if page is not None else f"<h1>{named}</h1><p>What {named} says.</p>"
    return Extract(text, is_html=True, size_bytes=len(text.encode()))


def of_file(filename: str, content: bytes) -> Extract:
    """A text file as it is; any other by name, size and digest."""
    try:
        text = content.decode("utf-8")
        is_text = "\0" not in text
    except UnicodeDecodeError:
        is_text = False
    if not is_text:
        digest = hashlib.sha256(content).hexdigest()
        text = f"{filename}: {len(content)} bytes, SHA-256 {digest}"
    is_html = is_text and PurePath(filename).suffix.lower() in PAGES
    return Extract(text, is_html=is_html, size_bytes=len(content))


def inner_html(text: str, is_html: bool) -> str:  # noqa: FBT001 - a fact of the record
    """The text as HTML."""
    return text if is_html else html.escape(text, quote=False)
