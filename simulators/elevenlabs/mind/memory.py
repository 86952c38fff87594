"""What a conversation has brought so far: names, day, reason, what was asked, said and chosen.

Pure reading of what the caller says; what is done with it is decided elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from simulators.elevenlabs.mind.glossary import to_english
from simulators.elevenlabs.mind.lexicon import STOP_WORDS, above, concept
from simulators.elevenlabs.mind.meaning import concepts, terms
from simulators.elevenlabs.mind.times import MONTHS, Moment, named_moment, weekday_of
from simulators.elevenlabs.mind.words import folded, tokens

_NAME = r"([A-ZÁÉÍÓÚÑÄÖÜ][\w'\u2019-]+)"
_INTRODUCES: Final = (
    r"(?i:my name is|my name's|this is|i am|i'm|me llamo|mi nombre es|soy|ich heiße|ich bin|"
    r"mein name ist|je m'appelle|mon nom est|je suis)"
)
_DOES: Final = (
    r"(?:needs?|has|is|was|wants|ate|swallowed|can't|cannot|won't|seems|got|keeps|necesita|tiene|"
    r"braucht|hat|a besoin)"
)
_PERSON: Final = (
    rf"{_INTRODUCES}\s+{_NAME}(?:\s+{_NAME})?",
    rf"^{_NAME}(?:\s{_NAME})? (?:here|speaking)\b",
)
_THING: Final = (
    rf"(?i:called|named|se llama|llamad[oa]|heißt|s'appelle)\s+{_NAME}",
    rf"(?i:\b(?:her|his|its) name(?:'s| is))\s+{_NAME}",
    rf"(?i:\b(?:my|our|mi|mein|meine|meinen|mon|ma)) [a-zäöüñáéíóú]+,? {_NAME}\b",
    rf"(?:^|[,.!?¡¿]\s+|\band )(?i:my )?{_NAME} {_DOES}\b",
    rf"\b(?:for|para|für|pour) {_NAME}\b",
)
_REASON: Final = re.compile(
    r"\b(?:(?:needs|braucht|necesita)\s+(?!to\b)(?=[a-z])|"
    r"(?:need|wants?|for|to have|to get|book|para|would like|like)\s+"
    r"(?=(?:her|his|its|their|a|an|the|some|our|my|su|una?|seine|ihre)\s))([^.,?!;]+)",
    re.IGNORECASE,
)
_ARTICLE: Final = re.compile(
    r"^(?:her|his|its|their|an?|the|some|our|my|su|una?|seine|ihre)\s+", re.IGNORECASE
)
_REASON_TAIL: Final = re.compile(
    r"\s*\b(?:on|at|for|this|next|el|am|by)\s+(?:\w+\s+)?(?:monday|tuesday|wednesday|thursday|"
    r"friday|saturday|sunday|tomorrow|today|week|lunes|martes|miércoles|jueves|viernes|sábado)\b.*",
    re.IGNORECASE,
)
_PHONE: Final = re.compile(r"\+?\d[\d ()/-]{6,}\d")
_AGE: Final = re.compile(
    r"\b(\d+|[a-z]+) (?:and a half )?(years?|months?|weeks?|años?|meses|jahre?|ans)(?: old)?\b",
    re.IGNORECASE,
)
REASON_WORDS: Final = 12


@dataclass(slots=True)
class Memory:
    """What is known, by what it is: person, thing, kind, reason, phone, age and what was asked."""

    today: date
    language: str = "en"
    known: dict[str, str] = field(default_factory=dict)
    moment: Moment = field(default_factory=Moment)
    heard: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    vocabulary: frozenset[str] = frozenset()
    learned: bool = False

    def take(self, raw: str, english: str) -> None:
        """Learn from what was heard; ``english`` is the same put into English words."""
        self.heard.append(english)
        before = dict(self.known)
        person = self._named(raw, _PERSON, whole=True)
        thing = self._named(raw, _THING)
        if person:
            self.known["person"] = person
        if thing and thing != person:
            self.known.setdefault("thing", thing)
        self._learn("kind", self._kind(raw, english))
        self._learn("phone", match[0] if (match := _PHONE.search(raw)) else "")
        self._learn("age", match[0] if (match := _AGE.search(raw)) else "")
        reason = self._reason(raw)
        if concepts(reason) - {"appointment", "animal"}:
            self.known.setdefault("reason", reason)
        found = named_moment(raw, self.today)
        if found.day or found.clock:
            kept = self.moment
            self.moment = Moment(found.day or kept.day, found.clock, found.loose)
        self.learned = self.known != before or bool(found.day or found.clock)

    def _learn(self, what: str, value: str) -> None:
        if value:
            self.known[what] = value

    def _named(self, raw: str, patterns: Iterable[str], *, whole: bool = False) -> str:
        for pattern in patterns:
            for match in re.finditer(pattern, raw):
                if self._is_name(match[1]):
                    last = match.groups()[-1]
                    rest = last if whole and last and self._is_name(last) else ""
                    return f"{match[1]} {rest}".strip() if rest != match[1] else match[1]
        return ""

    def _is_name(self, word: str) -> bool:
        plain = folded(word)
        first = tokens(plain)[:1]
        return (
            bool(first)
            and first[0] not in STOP_WORDS
            and plain not in self.vocabulary
            and weekday_of(plain) is None
            and plain not in MONTHS
            and plain not in to_english("es")
            and above(concept(plain)) is None
        )

    def _kind(self, raw: str, english: str) -> str:
        for word in [*tokens(raw), *tokens(english)]:
            if above(concept(word)) == "animal" and concept(word) != "animal":
                return word
        return next((word for word in tokens(english) if above(concept(word)) == "vehicle"), "")

    def _reason(self, raw: str) -> str:
        for match in _REASON.finditer(raw):
            text = _REASON_TAIL.sub("", match[1])
            text = " ".join(_ARTICLE.sub("", text).split()[:REASON_WORDS])
            left = {
                term.concept
                for term in terms(re.sub(rf"\b{_NAME}", "", text))
                if term.weight >= 1.0 and term.concept not in {"appointment", "time"}
            }
            if left:
                return re.sub(r"^(?:appointment|cita) (?:for|para) ", "", text)
        return ""

    def knows(self, slot: str) -> bool:
        """Whether something of that kind is known already."""
        if slot == "day":
            return self.moment.day is not None
        if slot == "clock":
            return self.moment.clock is not None
        if slot == "need":
            return bool(self.known.get("reason") or self.known.get("need"))
        return slot in self.known

    def answer(self, slot: str, raw: str) -> None:
        """What the caller says is the answer to a question about ``slot``."""
        if self.knows(slot) or slot in {"day", "clock"}:
            return
        text = raw.strip().strip(".!")
        if slot in {"person", "thing"}:
            capital = [word for word in re.findall(_NAME, text) if self._is_name(word)]
            text = capital[-1] if capital else text.split()[-1].capitalize() if text else ""
        if slot == "need":
            self.known.setdefault("reason", " ".join(text.split()[:REASON_WORDS]))
        if text:
            self.known[slot] = text


def slot_of(asked: str) -> str:
    """Which part of the memory a question is about; its own words if it is none of the usual."""
    about = concepts(asked)
    words = set(tokens(asked))
    if "name" in about:
        return "person" if about & {"owner"} or words & {"your", "their"} else _named_thing(about)
    if "day" in about and about & {"come"} and not about & {"suit"}:
        return folded(asked)
    for slot, signs in _SIGNS:
        if (about | words) & signs and not (slot == "need" and _of_something(asked)):
            return slot
    return "phone" if "number" in words and len(about) <= 1 else folded(asked)


_SIGNS: Final = (
    ("kind", {"kind"}),
    ("day", {"day"}),
    ("clock", {"time"}),
    ("need", {"need", "needs", "want", "wants", "wish", "concern", "reason"}),
    ("age", {"age", "old"}),
    ("phone", {"phone"}),
)


def _of_something(asked: str) -> bool:
    """Whether a wish is asked about that has a name: "which cake they want"."""
    wishes = {"need", "want", "wish", "concern", "reason", "owner", "come", "animal", "vehicle"}
    return any(term.weight >= 1.0 and term.concept not in wishes for term in terms(asked))


def _named_thing(about: frozenset[str]) -> str:
    return "thing" if about - {"name", "owner", "kind"} else "person"
