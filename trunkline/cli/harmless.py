"""Texts of strangers on somebody's terminal: names, commits and answers may hold anything.

What moves the cursor, sets a title or rings a bell would let whoever wrote a name rewrite what an
operator reads. Colours stay, because we print some ourselves.
"""

import re
from typing import Final

_DRIVES_A_TERMINAL: Final = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"
    r"|\x1b(?!\[[0-9;]*m)"
    r"|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]"
)


def harmless(text: str) -> str:
    """The text without what drives a terminal; lines and tabs stay."""
    return _DRIVES_A_TERMINAL.sub("", text)


def one_line(text: str) -> str:
    """The text on one line, without any escape at all."""
    shown = " ".join(harmless(text).split())
    return "".join(letter for letter in shown if letter.isprintable())
