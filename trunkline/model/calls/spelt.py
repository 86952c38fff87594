"""Digits that are spelt in words, read as digits: "four one five", "double five", "oh".

Pure, and English alone: what a caller says to an agent in another language stays in words. Only
digit by digit, as people say numbers of cards and telephones, and only where several stand
together, for "one" by itself is no number. Knows nothing of what the digits mean.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

_DIGITS: Final = {
    "zero": "0",
    "nought": "0",
    "oh": "0",
    "o": "0",
    "one": "1",
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "seven": "7",
    "eight": "8",
    "nine": "9",
}
_TIMES: Final = {"double": 2, "triple": 3}
_ONE: Final = rf"(?:(?:{'|'.join(_TIMES)})[ \-])?(?:{'|'.join(_DIGITS)})"
_WORD: Final = re.compile(
    rf"\b(?:({'|'.join(_TIMES)})[ \-])?({'|'.join(_DIGITS)})\b", re.IGNORECASE
)
_RUN: Final = re.compile(rf"\b(?:plus[ ,]{{1,2}})?{_ONE}(?:[ ,.\-]{{1,3}}{_ONE})+\b", re.IGNORECASE)
TOGETHER_MIN: Final = 3
"""Digits that are read as such: "one or two" is none, an area code is three."""


@dataclass(frozen=True, slots=True)
class AsDigits:
    """A text with digits for words; ``places`` say of each character where it came from."""

    text: str
    places: tuple[tuple[int, int], ...]

    def where(self, spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """The same spans in the text as it was said."""
        for begin, end in spans:
            if begin < end:
                yield self.places[begin][0], self.places[end - 1][1]


def as_digits(text: str) -> AsDigits:
    """The text with every run of spelt digits written in digits, without what separates them."""
    pieces: list[str] = []
    places: list[tuple[int, int]] = []
    done = 0
    for run in _RUN.finditer(text):
        read = list(_read(text, run.start(), run.end()))
        if len(read) < TOGETHER_MIN:
            continue
        pieces.append(text[done : run.start()])
        places += [(at, at + 1) for at in range(done, run.start())]
        pieces += [character for character, _ in read]
        places += [place for _, place in read]
        done = run.end()
    pieces.append(text[done:])
    places += [(at, at + 1) for at in range(done, len(text))]
    return AsDigits("".join(pieces), tuple(places))


def _read(text: str, begin: int, end: int) -> Iterator[tuple[str, tuple[int, int]]]:
    """Each digit of a run, with the words it was said in."""
    words = list(_WORD.finditer(text, begin, end))
    if words and words[0].start() > begin:
        yield "+", (begin, words[0].start())
    for word in words:
        times = _TIMES[word[1].lower()] if word[1] else 1
        for _ in range(times):
            yield _DIGITS[word[2].lower()], word.span()
