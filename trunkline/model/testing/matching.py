"""Whether a text or a value is what a matcher wants, and how to say so in one line.

What only a judge can tell is handed back as ``asks``; everything else is decided here. A bare text
means different things in a reply (looked for) and in an argument (the whole value), so there are
two entrances. Nothing here knows turns, time or tools.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Final

from trunkline.model.base import Frozen, Json
from trunkline.model.canonical import canonical
from trunkline.model.kinds.matchers import Matcher
from trunkline.model.kinds.patterns import found as pattern_found
from trunkline.model.testing.likeness import same_words, says_words

SHOWN_CHARACTERS: Final = 160
"""Of a text in a report's line; the transcript beside it has the whole."""

_NEGATIVE: Final = ("not_contains", "not_matches", "not_like", "not_any_of")
_POSITIVE: Final = ("contains", "matches", "like", "any_of", "judge", "anything")

Holds = Callable[[str, str], bool]


class Match(Frozen):
    """``holds`` is what could be decided here; ``asks`` are sentences a judge must still agree
    with. ``wanted`` and ``found`` are one line each.
    """

    holds: bool
    wanted: str
    found: str
    asks: tuple[str, ...] = ()


def text_match(matcher: str | Matcher, text: str) -> Match:
    """Whether something said is as wanted. A bare text, and those of ``anyOf``, are looked for
    whatever their case and spacing; ``like`` finds its words in order; ``equals`` is the whole.
    """
    wanted = wanted_text(matcher)
    if isinstance(matcher, str):
        return Match(holds=_mentions(matcher, text), wanted=wanted, found=shown(text))
    holds = all(
        _form_holds(matcher, form, text, bare=_mentions, like=says_words)
        for form in _forms(matcher)
    )
    if "equals" in matcher.model_fields_set:
        holds = holds and isinstance(matcher.equals, str) and matcher.equals.strip() == text.strip()
    return Match(holds=holds, wanted=wanted, found=shown(text), asks=_asks(matcher))


def value_match(matcher: Json | Matcher, value: Json) -> Match:
    """Whether an argument is as wanted. A bare value is equal to it (numbers by value, True is no
    1); matchers of texts see other values as canonical JSON; ``like`` compares the whole value.
    """
    wanted = wanted_value(matcher)
    if not isinstance(matcher, Matcher):
        return Match(holds=equal(matcher, value), wanted=wanted, found=shown_value(value))
    text = value if isinstance(value, str) else canonical(value)
    holds = all(
        _form_holds(matcher, form, text, bare=_is_text, like=same_words) for form in _forms(matcher)
    )
    if "equals" in matcher.model_fields_set:
        holds = holds and equal(matcher.equals, value)
    return Match(holds=holds, wanted=wanted, found=shown_value(value), asks=_asks(matcher))


def forbids_only(matcher: str | Matcher) -> bool:
    """True if the matcher wants nothing but that something is not there, which every reply can
    break and none alone fulfils.
    """
    if isinstance(matcher, str) or "equals" in matcher.model_fields_set:
        return False
    return not any(getattr(matcher, form) is not None for form in _POSITIVE)


def asks_only(matcher: str | Matcher) -> bool:
    """True if only a judge can tell."""
    return isinstance(matcher, Matcher) and set(_given(matcher)) == {"judge"}


def equal(wanted: Json, found: Json) -> bool:
    """Equality of JSON values: 1 is 1.0, True is no 1, keys have no order."""
    return canonical(wanted) == canonical(found)


def wanted_text(matcher: str | Matcher) -> str:
    """One line that says what a reply must be like."""
    if isinstance(matcher, str):
        return f"says {quoted(matcher)}"
    return " and ".join(_phrases(matcher))


def wanted_value(matcher: Json | Matcher) -> str:
    """One line that says what a value must be like."""
    if isinstance(matcher, Matcher):
        return " and ".join(_phrases(matcher))
    return shown_value(matcher)


def shown(text: str) -> str:
    """A text in quotes on one line, shortened."""
    return quoted(text) if text.strip() else "nothing"


def shown_value(value: Json) -> str:
    """A value on one line, shortened."""
    return quoted(value) if isinstance(value, str) else _cut(canonical(value))


def quoted(text: str) -> str:
    """A text in double quotes on one line, shortened."""
    return f'"{_cut(" ".join(text.split()))}"'


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"


def _given(matcher: Matcher) -> Iterator[str]:
    if "equals" in matcher.model_fields_set:
        yield "equals"
    for form in (*_POSITIVE, *_NEGATIVE):
        if getattr(matcher, form) is not None:
            yield form


def _forms(matcher: Matcher) -> Iterator[str]:
    """The forms that are about a text and decided here."""
    return (form for form in _given(matcher) if form not in ("equals", "judge", "anything"))


def _form_holds(matcher: Matcher, form: str, text: str, *, bare: Holds, like: Holds) -> bool:
    argument = getattr(matcher, form)
    positive = form.removeprefix("not_")
    if positive == "contains":
        holds = _composed(argument) in _composed(text)
    elif positive == "matches":
        holds = pattern_found(argument, text)
    elif positive == "like":
        holds = like(argument, text)
    else:
        holds = any(bare(each, text) for each in argument)
    return holds == (positive == form)


def _asks(matcher: Matcher) -> tuple[str, ...]:
    return () if matcher.judge is None else (matcher.judge,)


def _phrases(matcher: Matcher) -> Iterator[str]:
    words = {
        "contains": "contains",
        "matches": "matches",
        "like": "is like",
        "any_of": "says one of",
        "not_contains": "does not contain",
        "not_matches": "does not match",
        "not_like": "is not like",
        "not_any_of": "says none of",
        "judge": "is, as a judge sees it:",
    }
    for form in _given(matcher):
        if form == "anything":
            yield "is anything at all"
            continue
        argument = getattr(matcher, form)
        if form == "equals":
            yield f"equals {shown_value(argument)}"
        elif isinstance(argument, tuple):
            yield f"{words[form]} {', '.join(quoted(each) for each in argument)}"
        else:
            yield f"{words[form]} {quoted(argument)}"


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _folded(text: str) -> str:
    return re.sub(r"\s+", " ", _composed(text)).strip().casefold()


def _mentions(wanted: str, text: str) -> bool:
    return _folded(wanted) in _folded(text)


def _is_text(wanted: str, text: str) -> bool:
    return _composed(wanted) == _composed(text)
