"""Documents as facts, and finding those that answer a question.

A fact is a sentence, an item of a list or a row of a table, with the headings above it. Facts are
weighed by how rare their concepts are in all that the agent has to read.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from simulators.elevenlabs.mind.lexicon import above
from simulators.elevenlabs.mind.meaning import (
    GENERIC_WEIGHT,
    KIND_WEIGHT,
    concepts,
    fit,
    terms,
)
from simulators.elevenlabs.mind.reading import sentences
from simulators.elevenlabs.mind.times import weekday_of
from simulators.elevenlabs.mind.words import tokens

ANSWERS: Final = 0.4
"""The share of a question's weight a fact must have to be an answer."""

URGENT: Final = frozenset({"now", "emergency"})
_HEADING: Final = re.compile(r"^\s*(#{1,6})\s+(.*?)\s*#*\s*$")
_ITEM: Final = re.compile(r"^\s*(?:\d+[.)]|[-*•])\s+(.*)$")
_TIE: Final = 0.93
NOTE: Final = "note"
"""The document of facts that came with a contextual update."""

NAME_WORDS: Final = 4
"""A name in "name: value" is no longer; what is, is a sentence with a colon in it."""

_STATEMENT: Final = re.compile(r"([^\W\d_][\w -]*?)(?: ?:(?:\s+|$)| ?= ?)(.*)", re.DOTALL)
_LABELS: Final = frozenset(
    {"note", "notes", "remember", "reminder", "important", "attention", "hint", "info", "context"}
)
_NOTHING: Final = frozenset({"", "none", "nothing", "unknown", "n/a", "-"})
_FORGETS: Final = re.compile(r"(?:please )?(?:forget|disregard|ignore|discard)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing a document says. ``columns`` are the cells of a row by the names of its table;
    ``name`` is what it states in the form "name: value", in plain words.
    """

    text: str
    headings: tuple[str, ...]
    document: str
    item: bool = False
    columns: tuple[tuple[str, str], ...] = ()
    name: str = ""

    @property
    def tells_hours(self) -> bool:
        """Whether it says when something is open on some days."""
        days, colon, rest = self.text.partition(":")
        named = any(weekday_of(word) is not None for word in tokens(days))
        return bool(colon) and named and bool(re.search(r"\d:\d\d|\bclosed\b", rest.lower()))

    @property
    def heading(self) -> str:
        """The nearest heading above it."""
        return self.headings[-1] if self.headings else ""


def facts_of(text: str, document: str) -> tuple[Fact, ...]:
    """The facts of a Markdown document in order."""
    found: list[Fact] = []
    headings: list[tuple[int, str]] = []
    header: list[str] = []
    paragraph: list[str] = []

    def close() -> None:
        titles = tuple(title for _, title in headings)
        found.extend(_of_paragraph(" ".join(paragraph), titles, document))
        paragraph.clear()

    for line in [*text.splitlines(), ""]:
        title, item = _HEADING.match(line), _ITEM.match(line)
        if title or item or not line.strip() or line.lstrip().startswith("|"):
            close()
        titles = tuple(name for _, name in headings)
        if title:
            depth = len(title[1])
            headings = [*((d, t) for d, t in headings if d < depth), (depth, title[2])]
        elif item:
            entry = item[1].strip()
            found.append(Fact(entry, titles, document, item=True, name=name_of(entry)))
        elif line.lstrip().startswith("|"):
            cells = _cells(line)
            if header and cells:
                row = tuple(zip(header, cells, strict=False))
                found.append(Fact(cells[0], titles, document, columns=row))
            header = header or cells
        elif line.strip():
            paragraph.append(line.strip())
        if not line.lstrip().startswith("|"):
            header = []
    return tuple(found)


def _of_paragraph(text: str, titles: tuple[str, ...], document: str) -> Iterable[Fact]:
    """The sentences of a paragraph; those behind a "name: value" belong to the value."""
    name = ""
    for one in sentences(text):
        name = name_of(one) or name
        yield Fact(one, titles, document, name=name)


def stated(text: str) -> tuple[Fact, ...]:
    """The facts of a contextual update. What orders to forget something is no fact."""
    facts = facts_of(text, NOTE)
    return tuple(fact for fact in facts if fact.name or not _FORGETS.match(fact.text))


def name_of(text: str) -> str:
    """The name in a "name: value", in plain words; "" for any other sentence."""
    statement = _STATEMENT.match(text)
    name = re.sub(r"[\s_-]+", " ", statement[1]).strip().lower() if statement else ""
    return "" if name in _LABELS or len(name.split()) > NAME_WORDS else name


def is_void(fact: Fact) -> bool:
    """Whether it only says that there is no value."""
    statement = _STATEMENT.match(fact.text) if fact.name else None
    return statement is not None and statement[2].strip(" .").lower() in _NOTHING


def _cells(line: str) -> list[str]:
    """The cells of a line of a table; none of the line below its header."""
    cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
    return [] if all(re.fullmatch(r":?-+:?", cell) for cell in cells) else cells


class Library:
    """All facts of an agent."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self.facts = tuple(facts)
        counts = Counter(one for fact in self.facts for one in self._own(fact) | self._above(fact))
        total = len(self.facts) + 1
        self._rarity = {one: math.log(1 + total / count) for one, count in counts.items()}
        self._unseen = math.log(1 + total)

    @property
    def vocabulary(self) -> frozenset[str]:
        """Every word of the facts, in lower case."""
        return frozenset(word for fact in self.facts for word in tokens(fact.text))

    @staticmethod
    def _own(fact: Fact) -> frozenset[str]:
        return concepts(" ".join([fact.text, *(value for _, value in fact.columns)]))

    @staticmethod
    def _above(fact: Fact) -> frozenset[str]:
        names = [name for name, _ in fact.columns[1:]]
        return concepts(" . ".join([*fact.headings, *names, fact.document]))

    def urgent(self, heard: str, *, other: bool = False) -> float:
        """How well what was heard fits the entries under a heading that says it is urgent; with
        ``other`` those under headings that let it wait.
        """
        return max(
            (
                fit(fact.text, heard)
                for fact in self.facts
                if fact.item and (self.waits(fact) if other else self.is_urgent(fact))
            ),
            default=0.0,
        )

    @staticmethod
    def is_urgent(fact: Fact) -> bool:
        """Whether the heading of an entry says that it is urgent."""
        return bool(concepts(fact.heading) & URGENT) and not Library.waits(fact)

    @staticmethod
    def waits(fact: Fact) -> bool:
        """Whether an entry stands under a heading that lets it wait."""
        about = concepts(fact.heading)
        denied = any(term.denied and term.concept in URGENT for term in terms(fact.heading))
        return "wait" in about or denied

    def find(
        self, question: str, hints: Sequence[str] = (), *, documents_only: bool = False
    ) -> tuple[Fact, ...]:
        """The facts that answer a question, best first; none if no fact does.

        ``documents_only`` leaves out what the prompt itself says. ``hints`` are words that may
        break a tie, such as the kind of the caller's animal.
        """
        wanted = {term.concept: term.weight for term in terms(question)}
        wanted = {one: weight for one, weight in wanted.items() if weight > GENERIC_WEIGHT}
        if not wanted:
            return ()
        known = {one for hint in hints for one in concepts(hint)}
        scored = [(self._score(fact, wanted, known), fact) for fact in self.facts]
        scored = [(score, fact) for score, fact in scored if fact.document or not documents_only]
        best = max((score for score, _ in scored), default=0.0)
        if best <= 0:
            return ()
        return tuple(fact for score, fact in scored if score >= best * _TIE)

    def _score(self, fact: Fact, wanted: dict[str, float], known: set[str]) -> float:
        own, beyond = self._own(fact), self._above(fact)
        if _other_kind(own, {*wanted} | known):
            return 0.0
        total = sum(weight * self._weight(one) for one, weight in wanted.items())
        mine = sum(weight * self._weight(one) for one, weight in wanted.items() if one in own)
        named = {one for one, weight in wanted.items() if weight >= KIND_WEIGHT}
        over = sum(
            weight * self._weight(one)
            for one, weight in wanted.items()
            if one not in own and one in beyond
        )
        if not named & own and not named <= beyond:
            return 0.0
        share = (mine + 0.8 * over) / total
        hinted = 0.05 * len(own & known)
        return share + hinted if share >= ANSWERS else 0.0

    def _weight(self, one: str) -> float:
        return self._rarity.get(one, self._unseen)


def _other_kind(own: frozenset[str], asked: set[str]) -> bool:
    """Whether a fact is about another kind of a thing than the one asked about."""
    for kind in ("animal", "weekday", "vehicle"):
        here = {one for one in own if above(one) == kind}
        there = {one for one in asked if above(one) == kind}
        if here and there and not here & there:
            return True
    return False
