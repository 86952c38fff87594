"""What an utterance is about: concepts, each affirmed or denied, and how well two texts fit.

A condition such as "has trouble breathing, or cannot stand" is a list of alternatives; one of them
fits an utterance when most of what it says is there, and nothing that matters is denied there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from simulators.elevenlabs.mind.lexicon import (
    ADJECTIVES,
    GENERIC,
    NEGATORS,
    STOP_WORDS,
    above,
    concept,
    with_phrases,
)
from simulators.elevenlabs.mind.times import value_of
from simulators.elevenlabs.mind.words import folded, stem, tokens

NEGATION_REACH: Final = 4
"""Words a negation reaches: in "cannot really get up" the last one still counts as denied."""

FITS: Final = 0.6
"""The share of an alternative's weight an utterance must have."""

_CLAUSE_END: Final = re.compile(r"[.,;:!?()\"“”]|\bbut\b|\band\b|\bso\b|\bbecause\b")
_ADJUNCT: Final = re.compile(r"\s(?:for|after|within|before|longer|during|even|above all|and)\s")
_QUALIFIES: Final = re.compile(r"\s*(?:no|without|less|more|but|only|even|if)\b")
_LIGHT: Final = 0.25
GENERIC_WEIGHT: Final = 0.2
"""What a word weighs that could stand in any sentence; 1 is what others weigh."""

KIND_WEIGHT: Final = 0.5
"""What the kind of a thing weighs: an alternative is never only "a cat"."""

_PAIR: Final = 2


@dataclass(frozen=True, slots=True)
class Term:
    """A concept as it stands in a text; ``word`` is how it was written."""

    concept: str
    denied: bool
    weight: float
    word: str


@lru_cache(maxsize=4096)
def terms(text: str) -> tuple[Term, ...]:
    """The concepts of a text that say something, in order, affirmed or denied."""
    found: list[Term] = []
    for clause in _CLAUSE_END.split(with_phrases(text)):
        denied_for = 0
        for word in tokens(clause):
            if word in NEGATORS:
                denied_for = 0 if denied_for and word == "without" else NEGATION_REACH + 1
                continue
            denied_for = max(0, denied_for - 1)
            if word in STOP_WORDS:
                continue
            one = concept(word)
            if one == "stop" and denied_for:
                denied_for = 0
                found.append(Term(one, True, KIND_WEIGHT, word))
                continue
            found.append(Term(one, denied_for > 0, _weight(word, one), word))
    return tuple(found)


def _weight(word: str, one: str) -> float:
    if word[0].isdigit() or one in GENERIC or stem(word) in GENERIC:
        return GENERIC_WEIGHT
    return KIND_WEIGHT if above(one) else 1.0


@lru_cache(maxsize=4096)
def concepts(text: str) -> frozenset[str]:
    """The concepts of a text, denied or not, with the kinds they belong to."""
    found = {term.concept for term in terms(text)}
    return frozenset(found | {kind for one in found if (kind := above(one))})


@lru_cache(maxsize=2048)
def alternatives(condition: str) -> tuple[str, ...]:
    """The alternatives a condition or an entry of a list names."""
    text = re.sub(r"\((?:in|on|like|such as|e\.g\.) ([^)]*)\)", r", \1", condition)
    text = re.sub(r"\([^)]*\)", " ", text)
    found: list[str] = []
    for part in re.split(r"[,;:]", text):
        if found and _QUALIFIES.match(part):
            found[-1] = f"{found[-1]} and {part.strip()}"
            continue
        held = found.pop() if found and found[-1].strip().lower() in ADJECTIVES else ""
        found += _either(f"{held} {part}".strip())
    return tuple(one for one in found if one and not re.match(r"(?:even|and then)\b", one))


def _either(part: str) -> list[str]:
    part = re.sub(r"^(\w+) and (\w+)$", r"\1 or \2", part.strip())
    pieces = [piece.strip() for piece in re.split(r"\bor\b", re.sub(r"^(?:or|and)\b", "", part))]
    pieces = [piece for piece in pieces if piece]
    if len(pieces) == _PAIR and len(pieces[0].split()) == 1 and len(pieces[1].split()) > 1:
        rest = pieces[1].split()[1:]
        return [" ".join([pieces[0], *rest]), pieces[1]]
    return pieces


def fit(condition: str, heard: str) -> float:
    """How well what was heard fits a condition: the best alternative's share, from 0 to 1."""
    return max((_covered(one, heard) for one in alternatives(condition)), default=0.0)


def _covered(alternative: str, heard: str) -> float:
    core, *adjuncts = _ADJUNCT.split(f" {alternative} ")
    wanted = [(term, 1.0) for term in terms(core)]
    wanted += [(term, _LIGHT) for adjunct in adjuncts for term in terms(adjunct)]
    solid = [term for term, share in wanted if term.weight >= 1.0 and share == 1.0]
    if not solid:
        return 0.0
    said = terms(heard)
    met = sum(term.weight * share for term, share in wanted if _meets(term, said))
    if not any(_meets(term, said) for term in solid) or _contradicted(solid, said):
        return 0.0
    if _other_kind((term for term, _ in wanted), said):
        return 0.0
    return met / sum(term.weight * share for term, share in wanted)


def _meets(wanted: Term, said: Iterable[Term]) -> bool:
    return any(
        (term.concept == wanted.concept or above(term.concept) == wanted.concept)
        and (term.denied == wanted.denied or wanted.weight < 1.0)
        for term in said
    )


def _contradicted(solid: Iterable[Term], said: tuple[Term, ...]) -> bool:
    return any(
        any(term.concept == one.concept for term in said) and not _meets(one, said) for one in solid
    )


def _other_kind(wanted: Iterable[Term], said: Iterable[Term]) -> bool:
    """Whether the condition is about one kind of a thing and the speaker has another."""
    kinds = {term.concept: kind for term in wanted if (kind := above(term.concept))}
    spoken = {term.concept: kind for term in said if (kind := above(term.concept))}
    return any(
        kind in spoken.values()
        and one not in spoken
        and not any(other in kinds for other in spoken)
        for one, kind in kinds.items()
    )


_FIGURE: Final = re.compile(
    r"\b([\w]+) (year|month|week|day|hour|minute|kilo|euro|dollar|mile)s?\b"
)
_BELOW: Final = re.compile(r"\b(?:under|below|less than|younger than|fewer than|up to)\b")
_BEYOND: Final = re.compile(r"\b(?:over|above|more than|older than|longer than|at least)\b")
_PER: Final = {"year": 365, "month": 30, "week": 7, "day": 1}


def measured(condition: str, heard: str) -> bool | None:
    """Whether a figure that was heard is within what a condition names ("under eight weeks").

    None if the condition names no bound or nothing comparable was heard.
    """
    bound, said = _figure(condition), _figure(heard)
    below, beyond = _BELOW.search(condition.lower()), _BEYOND.search(condition.lower())
    if bound is None or not (below or beyond):
        return None
    if said is None or (bound[1] in _PER) != (said[1] in _PER):
        return False if _starts_bare(condition) else None
    limit = bound[0] * _PER.get(bound[1], 1)
    value = said[0] * _PER.get(said[1], 1)
    return value < limit if below else value > limit


def _starts_bare(condition: str) -> bool:
    return not any(term.weight >= 1.0 for term in terms(_FIGURE.sub("", condition)))


def _figure(text: str) -> tuple[int, str] | None:
    for match in _FIGURE.finditer(folded(text)):
        value = value_of(match[1])
        if value is not None:
            return value, match[2]
    return None


def overlap(one: str, other: str) -> float:
    """The share of the smaller text's concepts that the other has too, from 0 to 1."""
    here, there = concepts(one), concepts(other)
    smaller = min(len(here), len(there))
    return len(here & there) / smaller if smaller else 0.0
