"""Doing what a rule asks for, one directive after the other, until somebody has to answer.

How a directive becomes a piece of speech stands here; which rule is due does not.
"""

from __future__ import annotations

import re
from typing import Final

from simulators.elevenlabs.mind import errands
from simulators.elevenlabs.mind.conversation import Conversation
from simulators.elevenlabs.mind.directives import Directive, question_of
from simulators.elevenlabs.mind.facts import Fact
from simulators.elevenlabs.mind.meaning import KIND_WEIGHT, concepts, terms
from simulators.elevenlabs.mind.memory import slot_of
from simulators.elevenlabs.mind.speech import literal, told, words

ENTRIES_TOLD: Final = 3
"""Entries of a list that are told at once; more is not heard."""

HOURS_TOLD: Final = 7
"""A week of opening hours."""

GREETING_WORDS: Final = 2
"""A first clause this short only greets."""

_WITHHOLDS: Final = re.compile(
    r"(?:name|mention|say|give|leave) (?:neither|no|not|nothing)\b|never\b|do not\b"
)


def perform(talk: Conversation) -> None:
    """Do what is on the agenda, until a tool or the caller has to answer."""
    while talk.agenda:
        one = talk.agenda.pop(0)
        if one.kind == "use":
            tool = talk.briefing.tools.get(one.tool)
            if tool is None:
                continue
            if talk.in_danger or not errands.is_errand(talk, tool):
                talk.use(tool, of_rule=True)
            else:
                errands.start(talk, tool)
            return
        if one.kind == "ask":
            if ask(talk, one.text):
                return
        elif one.kind == "end":
            talk.end("the prompt says to end here")
        else:
            speak(talk, one)


def speak(talk: Conversation, one: Directive) -> None:
    """Say what one directive asks for."""
    if one.kind == "say":
        talk.say(words(one.text))
    elif one.kind == "quote":
        talk.say(literal(one.quotes))
    elif one.kind == "lookup":
        look_up(talk, one.text, documents_only=one.documents_only)
    elif one.kind == "sorry":
        talk.say_phrase("failed")
    elif one.kind == "phrase":
        _phrase(talk, one.text)
    elif one.kind == "identify":
        whole = re.split(r"[.!?]", talk.briefing.first_message)[0]
        discreet = any(topic & {"animal", "name", "reason"} for topic in _kept_back(talk))
        talk.say(words(f"{_who(whole) if discreet else whole}."))


def _who(opening: str) -> str:
    """The part of an opening that says who speaks: the greeting and the clause after it."""
    first, _, rest = opening.partition(",")
    greets = len(first.split()) <= GREETING_WORDS
    return f"{first},{rest.split(',')[0]}" if rest and greets else first


def _kept_back(talk: Conversation) -> list[frozenset[str]]:
    return [
        concepts(sentence.text)
        for sentence in talk.briefing.sentences
        if _WITHHOLDS.match(sentence.text.lower())
    ]


def _phrase(talk: Conversation, name: str) -> None:
    if name == "care":
        look_up(talk, " ".join(talk.heard_of_care()))
        talk.say_phrase("invented_care")
    elif name == "question":
        talk.say(*talk.last_pieces)
    elif name == "thanks":
        talk.say(words("Thank you."))
    else:
        talk.say_phrase(name)


def ask(talk: Conversation, asked: str) -> bool:
    """Ask for something, unless it is known or was asked; whether an answer is waited for."""
    slot = slot_of(asked)
    if asked.startswith(("whether", "when ")):
        if asked in talk.memory.asked:
            return False
        talk.memory.asked.append(asked)
        talk.say(words(question_of(asked)))
        talk.wait("question" if asked.startswith("whether") else "info", asked)
        return True
    if talk.memory.knows(slot) or asked in talk.memory.asked:
        return False
    talk.memory.asked.append(asked)
    talk.say(errands.question(asked))
    talk.wait("info", asked)
    return True


def look_up(talk: Conversation, wanted: str, *, documents_only: bool = False) -> bool:
    """Say what prompt and documents have about something."""
    hints = [talk.memory.known.get("kind", "")]
    library = talk.briefing.library
    found = _hours(talk, wanted)
    found = found or library.find(wanted, hints, documents_only=documents_only)
    lead = re.match(r"(?:which|what) (\w+ would .+)", wanted)
    if not found or lead:
        found = _entries_about(talk, wanted) or found
    if found and lead:
        talk.say(words(f"These {lead[1]}:"))
    kept = found[: HOURS_TOLD if found and found[0].tells_hours else ENTRIES_TOLD]
    talk.say(*(told(fact, wanted) for fact in kept))
    return bool(kept)


def _hours(talk: Conversation, wanted: str) -> tuple[Fact, ...]:
    """All opening hours, if they are asked for without a day or anything else."""
    solid = {term.concept for term in terms(wanted) if term.weight >= KIND_WEIGHT}
    if solid != {"opening"}:
        return ()
    return tuple(fact for fact in talk.briefing.library.facts if fact.tells_hours)


def _entries_about(talk: Conversation, wanted: str) -> tuple[Fact, ...]:
    """The first urgent entries of a document whose headings name what is wanted."""
    about = concepts(wanted)
    return tuple(
        fact
        for fact in talk.briefing.library.facts
        if fact.item
        and talk.briefing.library.is_urgent(fact)
        and about & (concepts(" . ".join(fact.headings)) | concepts(fact.document))
    )
