"""The caller of a simulation: says what its scenario says, one thing at a time.

A scenario is prose about a caller. Quoted words are said as they are; of other sentences the caller
makes the first person. Asked for something the scenario speaks of, it answers that first.
"""

from __future__ import annotations

import re

from simulators.elevenlabs.talks.judging import QUOTED, likeness

FAREWELL = "Thank you, goodbye."
SENTENCES = re.compile(r"(?<=[.!?])\s+|\n+")
CALLER = r"\b(?:the|a|an) (?:caller|user|customer|patient|client)"
REWRITES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"^(?:then|next|after that|finally),?\s+", re.IGNORECASE), ""),
    (re.compile(CALLER + r"'s\b", re.IGNORECASE), "my"),
    (re.compile(CALLER + r" (\w+?)(?:s|es)?\b", re.IGNORECASE), r"I \1"),
    (re.compile(r"\byou are\b", re.IGNORECASE), "I am"),
    (re.compile(r"\byou\b", re.IGNORECASE), "I"),
    (re.compile(r"\b(?:his|her|their|your)\b", re.IGNORECASE), "my"),
)
RELATED = 0.1


class ScriptedCaller:
    """One caller; it is done when it has said everything and farewell."""

    def __init__(self, scenario: str) -> None:
        quoted = QUOTED.findall(scenario)
        sentences = [part.strip() for part in SENTENCES.split(scenario) if part.strip()]
        self._left: list[str] = quoted or [_first_person(sentence) for sentence in sentences]
        self._said_farewell = False

    def next_words(self, heard: str) -> str | None:
        """What the caller says to the agent's last words; None when it has nothing more to say."""
        if not self._left:
            if self._said_farewell:
                return None
            self._said_farewell = True
            return FAREWELL
        best = max(self._left, key=lambda words: likeness(words, heard))
        chosen = best if likeness(best, heard) >= RELATED else self._left[0]
        self._left.remove(chosen)
        return chosen


def _first_person(sentence: str) -> str:
    for pattern, replacement in REWRITES:
        sentence = pattern.sub(replacement, sentence)
    return sentence[:1].upper() + sentence[1:]
