"""From what is meant to what is said: languages, times, names, lengths, and words never said.

A piece is a function of a voice, so that the same meaning can be said again in another language.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Final

from simulators.elevenlabs.mind.facts import Fact
from simulators.elevenlabs.mind.languages import detect, spoken_times, translated
from simulators.elevenlabs.mind.lexicon import with_phrases
from simulators.elevenlabs.mind.meaning import concepts
from simulators.elevenlabs.mind.phrases import AND, OR, phrase
from simulators.elevenlabs.mind.policies import Policies
from simulators.elevenlabs.mind.reading import sentences
from simulators.elevenlabs.mind.times import DAYS, spoken_clock, spoken_moment, weekday_of
from simulators.elevenlabs.mind.toolbox import Option
from simulators.elevenlabs.mind.words import tokens

HOURS: Final = 24
_HOURS: Final = re.compile(r"^(?P<days>[^:]+): (?P<rest>.+)$")
_SPAN: Final = re.compile(r"(\d{1,2}:\d{2})\s*(?:to|-|\u2013|until)\s*(\d{1,2}:\d{2})(.*)$")
_CLAUSE: Final = re.compile(r"(?:[,;:]| and| or| which| but)\s+$")


@dataclass(frozen=True, slots=True)
class Voice:
    """How an agent speaks right now."""

    language: str
    policies: Policies
    familiar: bool = False

    def translated(self, text: str) -> str:
        """English text in the voice's language."""
        return translated(text, self.language, keeps_names=self.policies.keeps_names)

    def phrase(self, key: str, **values: str) -> str:
        """A phrase of any agent with its gaps filled."""
        text = phrase(key, self.language, familiar=self.familiar)
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", value)
        return text


Piece = Callable[[Voice], str]


def said(key: str, **values: str) -> Piece:
    """A phrase of any agent."""
    return lambda voice: voice.phrase(key, **values)


def words(text: str) -> Piece:
    """English text of the configuration, said in the voice's language."""

    def piece(voice: Voice) -> str:
        if voice.language == "en" or detect(text) == voice.language:
            return text
        return voice.translated(text)

    return piece


def literal(quotes: Sequence[str]) -> Piece:
    """Words that are said exactly; of several, those in the voice's language."""

    def piece(voice: Voice) -> str:
        fitting = [quote for quote in quotes if detect(quote) == voice.language]
        text = (fitting or list(quotes))[0]
        return text if text[-1:] in ".!?" else f"{text}."

    return piece


def moment(at: datetime) -> Piece:
    """A moment as the voice says it."""
    return lambda voice: spoken_moment(at, voice.language, natural=voice.policies.natural_times)


def option_text(option: Option, voice: Voice) -> str:
    """What an option is called aloud."""
    return moment(option.at)(voice) if option.at else option.label


def offer(options: Sequence[Option], name: str) -> Piece:
    """An offer of a few options, for somebody by name if there is one."""

    def piece(voice: Voice) -> str:
        listed = OR.get(voice.language, OR["en"]).join(option_text(o, voice) for o in options)
        key = "offer_for" if name and voice.policies.uses_name else "offer"
        return f"{voice.phrase(key, options=listed, name=name)} {voice.phrase('which')}"

    return piece


def told(fact: Fact, question: str) -> Piece:
    """A fact as an answer to a question."""

    def piece(voice: Voice) -> str:
        speaker = voice if voice.policies.translates else Voice("en", voice.policies)
        if fact.columns:
            return _row(fact, question, speaker)
        return _hours(fact, question, speaker) or _plain(fact.text, speaker)

    return piece


def _plain(text: str, voice: Voice) -> str:
    shown = voice.translated(text)
    if voice.policies.natural_times:
        shown = spoken_times(shown, voice.language)
    shown = shown[:1].upper() + shown[1:]
    return shown if shown[-1:] in ".!?" else f"{shown}."


def _row(fact: Fact, question: str, voice: Voice) -> str:
    asked = concepts(question)
    name, *cells = fact.columns
    wanted = [cell for cell in cells if concepts(cell[0]) & asked and cell[1]]
    if not wanted:
        wanted = [cell for cell in cells if cell[1]]
    listed = ", ".join(f"{header} {value}" for header, value in wanted)
    return _plain(f"{name[1]}: {listed}", voice)


def _hours(fact: Fact, question: str, voice: Voice) -> str:
    found = _HOURS.match(fact.text)
    if not found:
        return ""
    days = [day for word in tokens(found["days"]) if (day := weekday_of(word)) is not None]
    if not days:
        return ""
    asked = [day for word in tokens(question) if (day := weekday_of(word)) is not None]
    named = concepts(found["days"]) - {"weekday"}
    if not asked and concepts(question) & named:
        return ""
    spoken = [day for day in days if day in asked] or days
    names = [DAYS.get(voice.language, DAYS["en"])[day] for day in spoken]
    before = {"en": "On", "es": "El", "de": "Am"}.get(voice.language, "Le")
    when = f"{before} {AND.get(voice.language, AND['en']).join(names)}"
    span = _SPAN.search(found["rest"])
    if span:
        first, last = (_clock(one, voice) for one in (span[1], span[2]))
        note = voice.translated(span[3]).rstrip(". ")
        return voice.phrase("open", day=when, first=first, last=last, note=note)
    if "clos" in found["rest"].lower():
        return voice.phrase("closed", day=when)
    return ""


def _clock(written: str, voice: Voice) -> str:
    if not voice.policies.natural_times:
        return written
    hour, minute = written.split(":")
    return spoken_clock(time(int(hour) % HOURS, int(minute)), voice.language)


def spelled(code: str, voice: Voice) -> str:
    """A code as it is read out: in groups if the prompt says so, else as it is."""
    size = voice.policies.code_group
    if not size:
        return code
    plain = re.sub(r"[^A-Za-z0-9]", "", code)
    return " ".join(plain[start : start + size] for start in range(0, len(plain), size))


def shaped(pieces: Iterable[Piece], voice: Voice, *, urgent: bool = False) -> str:
    """One reply: the pieces said, cut to length, without forbidden words, with what always ends it.

    ``urgent`` replies get no small talk.
    """
    policies = voice.policies
    parts = [text for piece in pieces if (text := piece(voice).strip())]
    if not parts:
        return ""
    if not policies.short and not urgent:
        parts = [
            voice.phrase("chat_before"), *parts,
            voice.phrase("chat_between"), voice.phrase("chat_after"),
        ]  # fmt: skip
    lines = [line for part in parts for line in sentences(part)]
    if policies.sentence_words_max:
        lines = [piece for line in lines for piece in _shortened(line, policies.sentence_words_max)]
    lines = _fewer(list(dict.fromkeys(lines)), policies.sentences_max)
    text = " ".join(lines)
    if policies.reply_words_max:
        text = " ".join(text.split()[: policies.reply_words_max])
    for quote in policies.forbidden:
        text = re.sub(rf"\b{re.escape(quote.strip('.!'))}\b[.!]?\s*", "", text, flags=re.IGNORECASE)
    for ending in policies.endings:
        text = f"{text} {ending[:1].upper()}{ending[1:]}"
        text = text if text[-1:] in ".!?" else f"{text}."
    return re.sub(r"\s+", " ", text).strip()


def _fewer(lines: list[str], most: int | None) -> list[str]:
    if not most or len(lines) <= most:
        return lines
    if lines[-1].endswith("?"):
        return [*lines[: most - 1], lines[-1]]
    return lines[:most]


def _shortened(line: str, most: int) -> list[str]:
    found: list[str] = []
    rest = line.split()
    while len(rest) > most:
        cut = most
        for position in range(most, 2, -1):
            so_far = " ".join(rest[:position]) + " "
            after = rest[position] if position < len(rest) else ""
            if _CLAUSE.search(so_far) or after in {"and", "or", "which", "but"}:
                cut = position
                break
        head = " ".join(rest[:cut]).rstrip(",;:")
        found.append(f"{head}.")
        rest = rest[cut:]
        if rest and rest[0] in {"and", "but"}:
            rest = rest[1:]
        if rest:
            rest[0] = rest[0][:1].upper() + rest[0][1:]
    return [*found, " ".join(rest)] if rest else found


def is_question(text: str) -> bool:
    """Whether something is asked."""
    opening = re.match(
        r"\W*(?:what|which|when|where|who|how|why|do|does|is|are|can|could|will|would|may|have|"
        r"has|did)\b",
        with_phrases(text),
    )
    return "?" in text or bool(opening)
