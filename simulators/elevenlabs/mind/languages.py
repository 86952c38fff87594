"""Which language a text is in, and a crude rendering of one in another.

Told apart by function words; rendered word by word through the glossary. It is meant to be
recognised, not admired.
"""

from __future__ import annotations

import re
from datetime import time
from typing import Final

from simulators.elevenlabs.mind.glossary import LANGUAGES, from_english, to_english
from simulators.elevenlabs.mind.times import (
    DAYS,
    LAST_HOUR,
    LAST_MINUTE,
    spoken_clock,
    value_of,
    weekday_of,
)
from simulators.elevenlabs.mind.words import folded

_FUNCTION_WORDS: Final = {
    "en": "the a an and or is are was i you he she it we they my your his her this that what when "
    "where how do does did can could would will have has for with of to in on at not please yes "
    "hello hi sorry thank thanks need want open me be an if",
    "es": "el la los las un una unos y o es está son soy yo usted tú él ella mi su que qué cuándo "
    "dónde cómo puedo puede tiene tengo para por con de del en no favor sí hola gracias quiero "
    "quisiera me se lo le a al hay buenos buenas días cuánto abren adiós cuesta",
    "de": "der die das ein eine einen und oder ist sind bin ich sie er wir mein meine ihr ihre was "
    "wann wo wie kann können haben habe hat für mit von zu im am nicht bitte ja hallo danke guten "
    "möchte brauche den dem es um auf ob tag",
    "fr": "le la les un une des et ou est sont suis je vous il elle nous mon ma mes votre que quoi "
    "quand où comment puis pouvez avez ai pour avec de du dans ne pas oui bonjour merci voudrais "
    "j'ai c'est l d au aux à en quelle quel êtes",
}
_SETS: Final = {code: frozenset(words.split()) for code, words in _FUNCTION_WORDS.items()}
_MARKS: Final = {"es": "¿¡ñáíó", "de": "äöüß", "fr": "çàèêîœ"}
NAMES: Final = {
    "en": ("english", "inglés", "ingles", "englisch", "anglais"),
    "es": ("spanish", "español", "castellano", "spanisch", "espagnol"),
    "de": ("german", "alemán", "deutsch", "allemand"),
    "fr": ("french", "francés", "französisch", "français"),
}
SENTENCE_WORDS: Final = 3
"""Words that make a sentence when a language is to be followed; "OK" alone changes nothing."""


def detect(text: str) -> str | None:
    """The language of a text: ``en``, ``es``, ``de`` or ``fr``; None when the words do not say."""
    words = re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", folded(text))
    scores = {
        code: sum(word in known for word in words)
        + sum(2 for word in words if code != "en" and (_day_in(word, code)))
        + sum(mark in text.lower() for mark in _MARKS.get(code, ""))
        for code, known in _SETS.items()
    }
    best = max(scores, key=lambda code: (scores[code], code == "en"))
    ranked = sorted(scores.values(), reverse=True)
    return best if ranked[0] > 0 and ranked[0] > ranked[1] else None


def _day_in(word: str, code: str) -> bool:
    day = weekday_of(word)
    return day is not None and word in {DAYS[code][day].lower(), DAYS[code][day].lower() + "s"}


def is_sentence(text: str) -> bool:
    """Whether a text is long enough to tell the language its speaker has chosen."""
    return len(re.findall(r"[^\W\d_]+", text)) >= SENTENCE_WORDS


def languages_in(text: str) -> tuple[str, ...]:
    """Codes of the languages a text names."""
    words = set(re.findall(r"[^\W\d_]+", text.lower()))
    return tuple(code for code in LANGUAGES if words & set(NAMES[code]))


def in_english(text: str, language: str) -> str:
    """What was heard, word by word in English, for the parts of a mind that think in English."""
    if language not in LANGUAGES or language == "en":
        return text
    known = to_english(language)

    def put(match: re.Match[str]) -> str:
        word = match.group().lower()
        day = weekday_of(word)
        if day is not None:
            return DAYS["en"][day]
        return known.get(word) or ("" if word in _SETS[language] else match.group())

    return re.sub(r"[^\W\d_]+", put, text)


_TIME: Final = re.compile(r"\b(\d{1,2}):(\d{2})\b")
_CLOCK_RANGE: Final = re.compile(r"\b(\d{1,2}:\d{2}) to (\d{1,2}:\d{2})\b")


def translated(text: str, language: str, *, keeps_names: bool = False) -> str:
    """An English text in another language; unknown words stay, and names where they are kept."""
    if language not in LANGUAGES or language == "en":
        return text
    known = from_english(language)
    phrases = sorted((key for key in known if " " in key), key=len, reverse=True)
    for phrase in phrases:
        text = re.sub(rf"\b{re.escape(phrase)}\b", known[phrase], text, flags=re.IGNORECASE)

    def put(match: re.Match[str]) -> str:
        word = match.group()
        day = weekday_of(word)
        if day is not None and word.lower() in {name.lower() for name in DAYS["en"]}:
            return DAYS[language][day]
        if keeps_names and word[:1].isupper() and match.start() > 0:
            return word
        other = known.get(word.lower(), word)
        return other[:1].upper() + other[1:] if word[:1].isupper() else other

    return re.sub(r"[^\W\d_]+(?:['-][^\W\d_]+)*", put, text)


def spoken_times(text: str, language: str) -> str:
    """Times in digits put into words: "8:15" becomes "quarter past eight"."""

    def said(written: str) -> str:
        hour, minute = written.split(":")
        if int(hour) > LAST_HOUR or int(minute) > LAST_MINUTE:
            return written
        return spoken_clock(time(int(hour), int(minute)), language)

    def span(match: re.Match[str]) -> str:
        first, last = said(match[1]), said(match[2])
        return {
            "es": f"de {first} a {last}",
            "de": f"von {first} bis {last}",
            "fr": f"de {first} à {last}",
        }.get(language, f"{first} to {last}")

    text = _CLOCK_RANGE.sub(span, text)
    return _TIME.sub(lambda match: said(match.group()), text)


def numeral(word: str) -> int | None:
    """A small number in words or digits; None for anything else."""
    return value_of(word.lower())
