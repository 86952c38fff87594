"""Words of strangers in a comment on a forge: they stay words.

A manifest, a transcript, a vendor and a login may hold anything. Shown by us they must neither
open a tag, a table cell, a link or a fence, nor call people or other threads, nor be taken for a
command of ours.
"""

import re
from typing import Final

BREAK: Final = "\u2060"
"""A word joiner: nothing to see, and what a forge would act on is no longer together."""
_CONTROL: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]+"
)
_MARKDOWN: Final = re.compile(r"([\\`*_\[\](){}|~!<>$^=+-])")
_CALLED: Final = re.compile(r"(@|#|!(?=\d)|\bGH-|\bgh-|://|\bwww\.|\bmailto:)", re.IGNORECASE)
_HEXADECIMAL: Final = re.compile(r"\b([0-9a-f]{6})(?=[0-9a-f]{1,34}\b)", re.IGNORECASE)
_LINE_CONTROL: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def flat(text: str, limit: int = 0) -> str:
    """On one line, without what steers a reader; at most ``limit`` characters if that is given."""
    line = " ".join(_CONTROL.sub(" ", text).split())
    return line if not limit or len(line) <= limit else f"{line[: max(limit - 1, 0)]}…"


def escaped(text: str, limit: int = 0) -> str:
    """As words in a line or a cell of Markdown: nothing of it is markup, calls or links."""
    line = "".join(_ENTITIES.get(one, one) for one in flat(text, limit))
    line = re.sub(r"([\\`*_\[\](){}|~!$^=+])", r"\\\1", line)
    line = re.sub(r"^([-+#>]|\d+[.)])", lambda found: f"{BREAK}{found[0]}", line)
    line = _CALLED.sub(_apart, line)
    return _HEXADECIMAL.sub(rf"\1{BREAK}", line)


def block(text: str, limit: int, *, language: str = "") -> tuple[str, bool]:
    """A fenced block that its own text cannot leave, and whether it was cut."""
    plain = _LINE_CONTROL.sub("", text.replace("\r\n", "\n"))
    cut = len(plain) > limit
    if cut:
        plain = plain[:limit].rsplit("\n", 1)[0] + "\n…"
    fence = "```"
    while fence in plain:
        fence += "`"
    body = plain if plain.endswith("\n") else f"{plain}\n"
    return f"{fence}{language}\n{body}{fence}\n", cut


def code(text: str, limit: int = 0) -> str:
    """As an inline code span, in which nothing is markup and nobody is called."""
    line = flat(text, limit)
    fence = "`"
    while fence in line:
        fence += "`"
    edge = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{edge}{line}{edge}{fence}".replace("|", "\\|") if line else ""


def _apart(found: re.Match[str]) -> str:
    word = found[0]
    return f"{word[:-1]}{BREAK}{word[-1]}" if len(word) > 1 else f"{word}{BREAK}"
