"""What a release changes, in words that say something.

People read the changelog when production behaves differently; "changes" or "update" tells them
nothing then. No list of bad texts could be complete, so it is the other way round: what is left of
a text without the words any change could be called by, the agent's own name, versions and signs
must be at least one word. Which commits a release consists of is not known here.
"""

import re
import unicodedata
from collections.abc import Iterable
from itertools import islice
from typing import Final

from trunkline.model.errors import InvalidInput
from trunkline.model.limits import (
    CHANGES_LINE_MAX_CHARACTERS,
    CHANGES_MAX_CHARACTERS,
    CHANGES_SUBJECTS_MAX,
)
from trunkline.model.promotions.fillers import FILLERS, folded

LETTERS_MIN: Final = 3
"""Of a word that says something; shorter ones are particles in most languages."""
IDEOGRAMS_MIN: Final = 2
"""The same for scripts that write a word with few characters and no blanks between words."""
NO_SUBJECTS: Final = "Promoted automatically; no commit says what changed"
HINT: Final = 'say what callers will notice, such as -m "Shorter greeting"'

_WORD: Final = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_IDEOGRAMS: Final = re.compile(r"^[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]+$")
_OWN_TRAILER: Final = re.compile(r"^\s*trunkline-[a-z-]+\s*:", re.IGNORECASE | re.MULTILINE)
_BLANK_LINES: Final = re.compile(r"\n{3,}")
_DIRECTIONS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that make a line read in another order than it is written."""


def require_meaning(text: str, *, agent: str = "") -> str:
    """The text, tidied: no blanks at the ends of lines, one blank line at most. Raises InvalidInput
    for one that is empty, says nothing, is too long, or has characters that are not for reading.
    """
    tidied = _tidied(text)
    if not tidied:
        raise InvalidInput("the changelog text is empty", hint=HINT)
    odd = next((each for each in tidied if _is_odd(each)), "")
    if odd:
        raise InvalidInput(
            f"the changelog text has a control character (U+{ord(odd):04X})",
            hint="write it again as plain text",
        )
    if len(tidied) > CHANGES_MAX_CHARACTERS:
        raise InvalidInput(
            f"the changelog text has {len(tidied)} characters; {CHANGES_MAX_CHARACTERS} are allowed"
        )
    first = tidied.partition("\n")[0]
    if len(first) > CHANGES_LINE_MAX_CHARACTERS:
        raise InvalidInput(
            f"the first line of the changelog text has {len(first)} characters;"
            f" {CHANGES_LINE_MAX_CHARACTERS} are allowed",
            hint="say it in one short line, and more below a blank one",
        )
    if _OWN_TRAILER.search(tidied):
        raise InvalidInput(
            "a line of the changelog text looks like a trailer of Trunkline's own",
            hint="begin that line with another word",
        )
    if not _telling(tidied, agent):
        shown = first if len(first) <= CHANGES_LINE_MAX_CHARACTERS else first[:60]
        raise InvalidInput(f'"{shown}" does not say what changes', hint=HINT)
    return tidied


def from_subjects(subjects: Iterable[str]) -> str:
    """The changelog of an automatic promotion: first lines of commits, newest first, as a list of
    bounded length; never empty. Merges are left out, and a line that comes twice.
    """
    lines: dict[str, None] = {}
    more = 0
    for subject in subjects:
        line = _readable(subject)
        if not line or line.startswith("Merge ") or line in lines:
            continue
        if len(lines) < CHANGES_SUBJECTS_MAX:
            lines[line] = None
        else:
            more += 1
    if not lines:
        return NO_SUBJECTS
    if len(lines) == 1:
        return next(iter(lines))
    listed = [f"- {line}" for line in lines]
    return "\n".join([*listed, f"- and {more} more"] if more else listed)


def _telling(text: str, agent: str) -> bool:
    """True if at least one word is left that not every change could be called by."""
    own = {folded(word) for word in _WORD.findall(agent)}
    seen = unicodedata.normalize("NFKC", text)
    words = (folded(word) for word in _WORD.findall("".join(filter(_is_shown, seen))))
    return any(_says_something(word) for word in words if word not in FILLERS and word not in own)


def _says_something(word: str) -> bool:
    if _IDEOGRAMS.match(unicodedata.normalize("NFC", word)):
        return len(unicodedata.normalize("NFC", word)) >= IDEOGRAMS_MIN
    return len(word) >= LETTERS_MIN and len(set(word)) > 1


def _tidied(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ").split("\n")
    return _BLANK_LINES.sub("\n\n", "\n".join(line.rstrip() for line in lines)).strip()


def _readable(subject: str) -> str:
    """One line of bounded length without characters that are not for reading."""
    first = next((line for line in subject.splitlines() if line.strip()), "")
    kept = "".join(" " if each == "\t" else each for each in islice(first, CHANGES_MAX_CHARACTERS))
    line = " ".join("".join(each for each in kept if not _is_odd(each)).split())
    if _OWN_TRAILER.match(line):
        line = f'"{line}"'
    if len(line) <= CHANGES_LINE_MAX_CHARACTERS:
        return line
    return f"{line[: CHANGES_LINE_MAX_CHARACTERS - 1]}…"


def _is_odd(character: str) -> bool:
    if character == "\n":
        return False
    return unicodedata.category(character) in ("Cc", "Cs") or character in _DIRECTIONS


def _is_shown(character: str) -> bool:
    """False for characters of no width, which could cut a word into ones nobody lists."""
    return unicodedata.category(character) != "Cf"
