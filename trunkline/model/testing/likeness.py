"""When two texts say the same words: what ``like`` compares.

Transcripts spell what was heard in their own way: ``2:30``, ``half past two`` and ``14:30`` are one
time, ``twelve`` and ``12`` one number. The rules below never make two different numbers or times
equal; where a spelling is ambiguous it is left as it is.

- Compatibility forms are folded (NFKC), case is ignored, accents are kept.
- Apostrophes inside words are dropped, other punctuation separates words; ``%`` is ``percent``.
- English number words from 0 to 9999 are their digits (``one thousand two hundred and five`` is
  1205, ``twenty-one`` is 21), ordinals to the thirty-first are ``1st`` … ``31st``. Digits one after
  the other stay apart (``two zero four`` is no 204), years read in pairs too.
- ``1,250`` is 1250 and ``2.50`` is 2.5; leading zeros are kept, since a code is no quantity.
- ``half past two``, ``quarter to three``, ``ten past four``, ``two o'clock``, ``2.30 pm``,
  ``2pm``, ``noon`` and ``midnight`` are times. A time without am or pm fits both halves of the day;
  ``14:30`` is pm, ``02:30`` with its zero is am. ``two thirty`` is a time only with am or pm.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

_SMALL: Final = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
)
_TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
UNITS: Final = {word: number for number, word in enumerate(_SMALL)}
TENS: Final = {word: (number + 2) * 10 for number, word in enumerate(_TENS)}
_NTH: Final = (
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
)
_ORDINALS: Final = {**{word: number for number, word in enumerate(_NTH, start=1)}, "thirtieth": 30}
TEXTS_KEPT: Final = 1024
"""Texts kept as tokens: the replies of the conversations a process holds, a few kilobytes each."""
_HOURS_OF_HALF_A_DAY: Final = 12
ORDINAL_MARK: Final = "\ue000"
"""Marks an ordinal; a character for private use, taken out of what was said."""
_MINUTES: Final = 60
_CLOCK_DIGITS: Final = 2
_TEN: Final = 10
_HUNDRED: Final = 100
_DAYS_OF_A_MONTH: Final = 31

_TOKEN: Final = re.compile(
    r"(?<![0-9:])[0-9]{1,2}:[0-5][0-9](?![0-9])"
    r"|[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?(?![0-9])|[0-9]+(?:\.[0-9]+)?|%|[^\W0-9_]+"
)


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of the day; ``half`` is ``am``, ``pm``, or "" where the text does not say."""

    hour: int
    minute: int
    half: str = ""


Token: TypeAlias = str | Clock


@lru_cache(maxsize=TEXTS_KEPT)
def tokens(text: str) -> tuple[Token, ...]:
    """The text as words, numbers and times in their one spelling."""
    return tuple(_with_times(_with_numbers(_words(text))))


def same_words(wanted: str, found: str) -> bool:
    """True if both texts say the same words from beginning to end."""
    left, right = tokens(wanted), tokens(found)
    return len(left) == len(right) and _same(left, right)


def says_words(wanted: str, found: str) -> bool:
    """True if ``found`` says the words of ``wanted`` one after the other, somewhere."""
    needle, hay = tokens(wanted), tokens(found)
    if not needle:
        return False
    last = len(hay) - len(needle)
    return any(_same(needle, hay[at : at + len(needle)]) for at in range(last + 1))


def same_token(left: Token, right: Token) -> bool:
    """True if two tokens are the same word, number or time."""
    if isinstance(left, Clock) and isinstance(right, Clock):
        same_half = left.half == right.half or "" in (left.half, right.half)
        return same_half and (left.hour, left.minute) == (right.hour, right.minute)
    return left == right


def _same(left: Sequence[Token], right: Sequence[Token]) -> bool:
    return all(same_token(one, other) for one, other in zip(left, right, strict=True))


def _words(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKC", text).casefold().replace(ORDINAL_MARK, " ")
    folded = re.sub(r"\b([ap])\.\s?m\b\.?", r"\1m", folded)
    folded = re.sub(r"(?<=[0-9])([ap])m\b", r" \1m", folded)
    folded = re.sub(r"\b([0-9]{1,2})\.([0-5][0-9])(?= ?[ap]m\b)", r"\1:\2", folded)
    folded = re.sub(r"(?<=[0-9])t(?=[0-9]{2}:)", " ", folded)
    folded = re.sub(r"(?<=\w)['\u2019\u02bc](?=\w)", "", folded)
    folded = re.sub(r"\b([0-9]{1,2})(st|nd|rd|th)\b", lambda m: f" {_nth(int(m[1]))} ", folded)
    return [_plain(word) for word in re.findall(rf"{ORDINAL_MARK}[0-9]+|{_TOKEN.pattern}", folded)]


def _nth(number: int) -> str:
    return f"{ORDINAL_MARK}{number}"


def _plain(word: str) -> str:
    if word == "%":
        return "percent"
    if re.fullmatch(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?", word):
        word = word.replace(",", "")
    if re.fullmatch(r"[0-9]+\.[0-9]+", word):
        return word.rstrip("0").rstrip(".")
    return word


def _with_numbers(words: list[str]) -> list[str]:
    read: list[str] = []
    at = 0
    while at < len(words):
        ordinal = _ordinal(words, at)
        if ordinal is not None:
            number, taken = ordinal
            read.append(_nth(number))
        else:
            number, taken = _cardinal(words, at)
            read.append(str(number) if taken else words[at])
        at += taken or 1
    return read


def _ordinal(words: list[str], at: int) -> tuple[int, int] | None:
    word = words[at]
    if word in _ORDINALS:
        return _ORDINALS[word], 1
    following = _ORDINALS.get(words[at + 1]) if at + 1 < len(words) else None
    if word in ("twenty", "thirty") and following is not None and following < _TEN:
        number = TENS[word] + following
        return (number, 2) if number <= _DAYS_OF_A_MONTH else None
    return None


def _cardinal(words: list[str], start: int) -> tuple[int, int]:
    """The number spelt from here, and how many words it takes; none is (0, 0)."""
    thousands, taken = _below_hundred(words, start)
    if not taken:
        return 0, 0
    total, at = thousands, start + taken
    if _is(words, at, "thousand") and 0 < thousands < _TEN:
        total, at = thousands * 1000, at + 1
        rest, used = _hundreds(words, at)
        return total + rest, at + used - start
    hundreds, used = _hundreds(words, start)
    return (hundreds, used) if used else (total, taken)


def _hundreds(words: list[str], start: int) -> tuple[int, int]:
    """What follows a thousand: hundreds, tens and units, also with ``and`` before the last."""
    first, taken = _below_hundred(words, start)
    at = start + taken
    if taken and 0 < first < _TEN and _is(words, at, "hundred"):
        rest, used = _after_and(words, at + 1)
        return first * _HUNDRED + rest, taken + 1 + used
    return _after_and(words, start)


def _after_and(words: list[str], start: int) -> tuple[int, int]:
    skipped = 1 if _is(words, start, "and") else 0
    number, taken = _below_hundred(words, start + skipped)
    return (number, taken + skipped) if taken and number else (0, 0)


def _below_hundred(words: list[str], at: int) -> tuple[int, int]:
    if at >= len(words):
        return 0, 0
    word = words[at]
    if word in UNITS:
        return UNITS[word], 1
    if word not in TENS:
        return 0, 0
    unit = UNITS.get(words[at + 1], 0) if at + 1 < len(words) else 0
    return (TENS[word] + unit, 2) if 0 < unit < _TEN else (TENS[word], 1)


def _is(words: Sequence[str], at: int, word: str) -> bool:
    return at < len(words) and words[at] == word


def _with_times(words: list[str]) -> list[Token]:
    read: list[Token] = []
    at = 0
    while at < len(words):
        found = _time(words, at)
        read.append(words[at] if found is None else found[0])
        at += 1 if found is None else found[1]
    return read


def _time(words: list[str], at: int) -> tuple[Clock, int] | None:
    """The time that begins here, and how many words it takes."""
    word = words[at]
    if word in ("noon", "midnight"):
        return Clock(_HOURS_OF_HALF_A_DAY, 0, "pm" if word == "noon" else "am"), 1
    relative = _relative_time(words, at)
    if relative is not None:
        clock, taken = relative
    else:
        clock_and_taken = _absolute_time(words, at)
        if clock_and_taken is None:
            return None
        clock, taken = clock_and_taken
    half = words[at + taken] if at + taken < len(words) else ""
    if half in ("am", "pm") and clock.half in ("", half):
        return Clock(clock.hour, clock.minute, half), taken + 1
    return clock, taken


def _relative_time(words: list[str], at: int) -> tuple[Clock, int] | None:
    minutes = {"half": 30, "quarter": 15}.get(words[at], _number_below(words, at, _MINUTES))
    side = words[at + 1] if at + 1 < len(words) else ""
    hour = _hour(words, at + 2)
    if minutes is None or hour is None or side not in ("past", "to"):
        return None
    if side == "past":
        return Clock(hour, minutes), 3
    if words[at] == "half" or minutes == 0:
        return None
    before = hour - 1 if hour > 1 else _HOURS_OF_HALF_A_DAY
    return Clock(before, _MINUTES - minutes), 3


def _absolute_time(words: list[str], at: int) -> tuple[Clock, int] | None:
    written = re.fullmatch(r"([0-9]{1,2}):([0-9]{2})", words[at])
    half = words[at + 1] if at + 1 < len(words) else ""
    if written:
        clock = _of_day(written[1], int(written[2]))
        return None if clock is None else (clock, 1)
    hour = _hour(words, at)
    if hour is None:
        return None
    if half in ("am", "pm"):
        return Clock(hour, 0), 1
    if half == "oclock":
        return Clock(hour, 0), 2
    minute_after = _number_below(words, at + 1, _MINUTES)
    if minute_after is not None and at + 2 < len(words) and words[at + 2] in ("am", "pm"):
        return Clock(hour, minute_after), 2
    return None


def _of_day(hour: str, minute: int) -> Clock | None:
    """A time as written: 13 and above is pm, a leading zero is am, else it may be either."""
    number = int(hour)
    if number >= 2 * _HOURS_OF_HALF_A_DAY:
        return None
    half = "pm" if number > _HOURS_OF_HALF_A_DAY else "am" if hour.startswith("0") else ""
    return Clock((number - 1) % _HOURS_OF_HALF_A_DAY + 1, minute, half)


def _hour(words: list[str], at: int) -> int | None:
    number = _number_below(words, at, _HOURS_OF_HALF_A_DAY + 1)
    return number or None


def _number_below(words: list[str], at: int, bound: int) -> int | None:
    word = words[at] if at < len(words) else ""
    if not (word.isascii() and word.isdecimal() and len(word) <= _CLOCK_DIGITS):
        return None
    return int(word) if int(word) < bound else None
