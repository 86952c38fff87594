"""What is blotted out of what was said in a call, before any of it is kept.

Pure: which digits make a telephone number in some country is found by whoever knows the world's
numbering plans, and comes in from outside. What is found is replaced by words that say what it
was, so that a transcript stays readable. Digits that are spelt in English words count like digits;
those of other languages are not found, nor is a number that is spread over two utterances.
"""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final

from trunkline.model.base import Json, JsonObject
from trunkline.model.calls.events import NewEvent
from trunkline.model.calls.spelt import as_digits
from trunkline.model.kinds.calls import Redaction

Spans = Iterable[tuple[int, int]]
FindNumbers = Callable[[str], Spans]
"""Where telephone numbers begin and end in a text."""
Redact = Callable[[str], str]
"""Blots out of one text what a project wants blotted out."""

BLOTS: Final[dict[Redaction, str]] = {
    "card-numbers": "[card number]",
    "email-addresses": "[e-mail address]",
    "phone-numbers": "[telephone number]",
}
CARD_DIGITS: Final = range(13, 20)
"""ISO/IEC 7812: card numbers have up to 19 digits, those in use at least 13."""

_RUN: Final = re.compile(r"\d(?:[ .\-\u00a0]{0,2}\d){12,}")
_GROUP: Final = re.compile(r"\d+")
_ADDRESS: Final = re.compile(r"[\w.+\-]{1,64}@[\w\-]{1,63}(?:\.[\w\-]{1,63}){1,8}")
_SPOKEN_ADDRESS: Final = re.compile(
    r"[\w.+\-]{1,64} at [\w\-]{1,63}(?: ?\.[\w\-]{1,63}| dot [\w\-]{1,63}){1,8}", re.IGNORECASE
)


def redacted(text: str, kinds: Collection[Redaction], find_numbers: FindNumbers) -> str:
    """The text without what is of these kinds."""
    if not kinds or not text:
        return text
    if "card-numbers" in kinds:
        read = as_digits(text)
        text = _blotted(text, read.where(_cards(read.text)), BLOTS["card-numbers"])
    if "email-addresses" in kinds:
        for pattern in (_ADDRESS, _SPOKEN_ADDRESS):
            text = pattern.sub(BLOTS["email-addresses"], text)
    if "phone-numbers" in kinds:
        read = as_digits(text)
        text = _blotted(text, read.where(find_numbers(read.text)), BLOTS["phone-numbers"])
    return text


def redacted_event(event: NewEvent, redact: Redact) -> NewEvent:
    """The event with every text in it redacted, but those under keys that name things."""
    data: JsonObject = {
        key: value if key in _NAMES else _redacted_value(value, redact)
        for key, value in event.data.items()
    }
    return event if data == event.data else event.model_copy(update={"data": data})


_NAMES: Final = frozenset(
    {"conversationId", "callId", "agent", "revision", "tool", "place", "phase", "by", "track"}
)


def is_card_number(digits: str) -> bool:
    """True if digits are as many as a card's and their last one checks (Luhn, ISO/IEC 7812-1)."""
    if len(digits) not in CARD_DIGITS:
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 - the sum of its two digits
    return total % 10 == 0 and len(set(digits)) > 1


def _cards(text: str) -> Spans:
    """Card numbers: whole groups of digits that stand together, the longest first."""
    for run in _RUN.finditer(text):
        groups = [
            (run.start() + group.start(), run.start() + group.end())
            for group in _GROUP.finditer(run.group())
        ]
        yield from _cards_among(text, groups)


def _cards_among(text: str, groups: Sequence[tuple[int, int]]) -> Spans:
    first = 0
    while first < len(groups):
        for last in range(len(groups) - 1, first - 1, -1):
            digits = "".join(text[begin:end] for begin, end in groups[first : last + 1])
            if is_card_number(digits):
                yield groups[first][0], groups[last][1]
                first = last
                break
        first += 1


def _blotted(text: str, spans: Spans, blot: str) -> str:
    pieces: list[str] = []
    done = 0
    for begin, end in sorted(spans):
        if begin >= done:
            pieces += [text[done:begin], blot]
            done = end
    return "".join([*pieces, text[done:]])


def _redacted_value(value: Json, redact: Redact) -> Json:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list):
        return [_redacted_value(each, redact) for each in value]
    if isinstance(value, dict):
        return {key: _redacted_value(each, redact) for key, each in value.items()}
    return value
