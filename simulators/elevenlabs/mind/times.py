"""Days and times in words, read and spoken, in English, Spanish, German and French.

Relative days count from the conversation's own ``today``; no clock is read here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from simulators.elevenlabs.mind.words import folded, tokens, unaccented

DAYS: Final = {
    "en": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    "es": ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"],
    "de": ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"],
    "fr": ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"],
}
_MONTHS: Final = """
january february march april may june july august september october november december
"""
MONTHS: Final = _MONTHS.split()
_FRENCH: Final = """
zéro une deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize
dix-sept dix-huit dix-neuf vingt
"""
_GERMAN: Final = """
null ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn
sechzehn siebzehn achtzehn neunzehn zwanzig
"""
_SPANISH: Final = """
cero una dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis
diecisiete dieciocho diecinueve veinte
"""
_ENGLISH: Final = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen twenty
"""
NUMBERS: Final = {
    "en": _ENGLISH.split(),
    "es": _SPANISH.split(),
    "de": _GERMAN.split(),
    "fr": _FRENCH.split(),
}
_TENS: Final = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "veinte": 20, "treinta": 30,
    "zwanzig": 20, "dreissig": 30, "dreißig": 30, "vingt": 20, "trente": 30, "half": 30,
}  # fmt: skip
_VALUES: Final = (
    {unaccented(word): value for words in NUMBERS.values() for value, word in enumerate(words)}
    | {unaccented(word): value for word, value in _TENS.items()}
    | {"un": 1, "eins": 1, "uno": 1}
)
_TOMORROW: Final = {"tomorrow", "mañana", "morgen", "demain"}
_TODAY: Final = {"today", "hoy", "heute", "aujourd", "tonight"}
_HOUR = r"(\d{1,2}|[a-z]+)"
NOON: Final = 12
LAST_HOUR: Final = 23
LAST_MINUTE: Final = 59
_SHORT_ANSWER: Final = 4


@dataclass(frozen=True, slots=True)
class Moment:
    """A day or a time somebody named; either may be missing. ``loose`` if the half of the day is
    open, as in "at two".
    """

    day: date | None = None
    clock: time | None = None
    loose: bool = False

    def fits(self, at: datetime) -> bool:
        """Whether what was named can mean that moment."""
        if self.day and at.date() != self.day:
            return False
        return self.clock is None or at.time() in self.clocks()

    def clocks(self) -> tuple[time, ...]:
        """The times of a day it can mean."""
        if self.clock is None:
            return ()
        if not self.loose:
            return (self.clock,)
        other = self.clock.replace(hour=(self.clock.hour + NOON) % 24)
        return (self.clock, other)


def value_of(word: str) -> int | None:
    """The number a word or digits stand for."""
    return int(word) if word.isdigit() else _VALUES.get(unaccented(word))


def named_day(text: str, today: date) -> date | None:
    """The day a text names: an ISO date, a weekday (the next one), tomorrow, "16 June"."""
    iso = re.search(r"\b(\d{4})-(\d{2})-(\d{2})\b", text)
    if iso:
        return _date(int(iso[1]), int(iso[2]), int(iso[3]))
    for clause in re.split(r"[.,;!?]\s|\bbut\b", text):
        found = _day_of_clause(clause, today)
        if found:
            return found
    return None


def _day_of_clause(text: str, today: date) -> date | None:
    """The day a clause names, unless the clause rules it out: "tomorrow is not possible"."""
    words = tokens(text)
    plain = folded(text)
    if "not" in words[:-1]:
        return None
    for position, word in enumerate(words):
        weekday = weekday_of(word)
        if weekday is not None:
            ahead = (weekday - today.weekday()) % 7 or 7
            return today + timedelta(days=ahead)
        if word in _TOMORROW and "por la mañana" not in plain and "guten morgen" not in plain:
            return today + timedelta(days=2 if "day after tomorrow" in plain else 1)
        if word in _TODAY:
            return today
        if word in MONTHS and word != "may":
            found = _of_month(words, position, today)
            if found:
                return found
    return None


def _of_month(words: list[str], position: int, today: date) -> date | None:
    month = MONTHS.index(words[position]) + 1
    around = words[max(0, position - 3) : position][::-1] + words[position + 1 : position + 3]
    for word in around:
        digits = re.match(r"\d{1,2}", word)
        if digits:
            found = _date(today.year, month, int(digits[0]))
            return found if not found or found >= today else found.replace(year=today.year + 1)
    return None


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def weekday_of(word: str) -> int | None:
    """0 for Monday … 6 for Sunday, in any of the languages; plural and accents do not matter."""
    plain = unaccented(word.lower())
    if plain == "sonnabend":
        return 5
    for names in DAYS.values():
        for number, name in enumerate(names):
            if plain in {unaccented(name.lower()), unaccented(name.lower()) + "s"}:
                return number
    return None


_PATTERNS: Final = (
    ("clock", re.compile(r"\b(\d{1,2})[:.](\d{2})\s*(am|pm|a\.m|p\.m)?")),
    ("clock", re.compile(r"\b(\d{1,2})()\s*(am|pm|a\.m|p\.m)\b")),
    ("half", re.compile(rf"\bhalf (?:past )?{_HOUR}\b")),
    ("past", re.compile(rf"\b(?:a )?quarter past {_HOUR}\b")),
    ("to", re.compile(rf"\b(?:a )?quarter to {_HOUR}\b")),
    ("half", re.compile(rf"\b{_HOUR} y media\b")),
    ("past", re.compile(rf"\b{_HOUR} y cuarto\b")),
    ("halbe", re.compile(rf"\bhalb {_HOUR}\b")),
    ("half", re.compile(rf"\b{_HOUR} heures? et demie\b")),
    ("whole", re.compile(rf"\b{_HOUR} (?:o'clock|oclock|uhr|heures?)\b")),
    ("two", re.compile(r"\b([a-z]+)[ -](fifteen|thirty|forty[- ]five|forty|twenty)\b")),
    ("whole", re.compile(rf"\b(?:at|by|around|um|a las|a la|las|à) {_HOUR}\b")),
    ("whole", re.compile(rf"\b{_HOUR} (?:on|am|in the) ")),
    (
        "whole",
        re.compile(rf"\b{_HOUR},? (?:please|is (?:fine|good|ok)|works|would|suits|sounds)\b"),
    ),
)


def named_time(text: str) -> tuple[time, bool] | None:
    """The time a text names, and whether its half of the day is open."""
    plain = folded(text)
    if re.search(r"\b(noon|midday|mediodía|mittags|midi)\b", plain):
        return time(NOON), False
    for kind, pattern in _PATTERNS:
        for match in pattern.finditer(plain):
            found = _time(kind, match, plain)
            if found:
                return found
    first = tokens(plain)[:1]
    hour = value_of(first[0]) if first else None
    if hour is not None and 1 <= hour < LAST_HOUR and len(tokens(plain)) <= _SHORT_ANSWER:
        return time(hour), hour <= NOON
    return None


def _time(kind: str, match: re.Match[str], plain: str) -> tuple[time, bool] | None:
    hour = value_of(match[1])
    if hour is None or hour > LAST_HOUR:
        return None
    minute = {"half": 30, "past": 15, "to": 45, "halbe": 30}.get(kind, 0)
    if kind in {"to", "halbe"}:
        hour -= 1
    if kind == "clock" and match[2]:
        minute = int(match[2])
    if kind == "two":
        words = re.split("[ -]", match[2])
        minute = sum(value_of(word) or 0 for word in words)
    half = (match[3] if kind == "clock" else "") or _half_of_day(plain)
    if minute > LAST_MINUTE or hour < 0:
        return None
    if half.startswith("p") and hour < NOON:
        return time(hour + NOON, minute), False
    if half.startswith("a"):
        return time(hour % NOON, minute), False
    written = kind == "clock" and match[0].startswith("0")
    return time(hour, minute), hour <= NOON and hour > 0 and not written


def _half_of_day(plain: str) -> str:
    if re.search(r"\b(afternoon|evening|tarde|nachmittags?|après-midi)\b", plain):
        return "pm"
    return (
        "am" if re.search(r"\b(in the morning|por la mañana|vormittags|du matin)\b", plain) else ""
    )


def named_moment(text: str, today: date) -> Moment:
    """The day and the time a text names."""
    found = named_time(text)
    if found is None:
        return Moment(day=named_day(text, today))
    return Moment(day=named_day(text, today), clock=found[0], loose=found[1])


def moment_of(value: object) -> datetime | None:
    """The moment a value is in ISO 8601, without its offset; None if it is none."""
    if not isinstance(value, str) or not re.match(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}", value):
        return None
    try:
        return datetime.fromisoformat(value).replace(tzinfo=None)
    except ValueError:
        return None


def spoken_clock(at: time, language: str) -> str:
    """A time as people say it: "half past two", "las tres y cuarto", "halb drei"."""
    hour = at.hour % NOON or NOON
    names = NUMBERS.get(language, NUMBERS["en"])
    minute = at.minute
    if language == "es":
        article = "la" if hour == 1 else "las"
        tail = {0: "", 15: " y cuarto", 30: " y media"}.get(minute, f" y {minute}")
        return f"{article} {names[hour]}{tail}"
    if language == "de":
        following = names[hour % NOON + 1] + ("s" if hour == NOON else "")
        whole = f"{names[hour]} Uhr"
        return {0: whole, 15: f"Viertel nach {names[hour]}", 30: f"halb {following}"}.get(
            minute, f"{whole} {minute}"
        )
    if language == "fr":
        whole = f"{names[hour]} heure{'s' if hour > 1 else ''}"
        return {0: whole, 15: f"{whole} et quart", 30: f"{whole} et demie"}.get(
            minute, f"{whole} {minute}"
        )
    following = names[hour % NOON + 1]
    return {
        0: names[hour] if hour != NOON else "twelve",
        15: f"quarter past {names[hour]}",
        30: f"half past {names[hour]}",
        45: f"quarter to {following}",
    }.get(minute, f"{names[hour]} {_small(minute)}")


def _small(minute: int) -> str:
    names = NUMBERS["en"]
    if minute < len(names):
        return f"oh {names[minute]}" if minute in range(10) else names[minute]
    tens = ("twenty", "thirty", "forty", "fifty")[minute // 10 - 2]
    return tens if minute % 10 == 0 else f"{tens} {names[minute % 10]}"


def spoken_day(day: date, language: str) -> str:
    """The weekday as it stands after a time: "on Tuesday", "el martes"."""
    name = DAYS.get(language, DAYS["en"])[day.weekday()]
    return {"es": f"el {name}", "de": f"am {name}", "fr": name}.get(language, f"on {name}")


def spoken_moment(at: datetime, language: str, *, natural: bool) -> str:
    """A moment aloud; written as digits where nobody asked for how people say it."""
    if not natural:
        return f"{at:%H:%M}, {DAYS.get(language, DAYS['en'])[at.weekday()]} {at:%Y-%m-%d}"
    day = spoken_day(at.date(), language)
    clock = spoken_clock(at.time(), language)
    if language == "es":
        return f"{day} a {clock}"
    if language == "de":
        return f"{day} um {clock}"
    return f"{day} à {clock}" if language == "fr" else f"{clock} {day}"
