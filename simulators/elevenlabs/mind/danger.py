"""Telling whether an utterance means danger, and what is done first if it does.

What is dangerous comes from the prompt's own conditions, its questions, and the entries documents
list as urgent; there is no list of ills here.
"""

from __future__ import annotations

import re
from typing import Final

from simulators.elevenlabs.mind.agenda import perform
from simulators.elevenlabs.mind.briefing import Guide
from simulators.elevenlabs.mind.conversation import Conversation
from simulators.elevenlabs.mind.directives import Directive
from simulators.elevenlabs.mind.lexicon import NO, YES
from simulators.elevenlabs.mind.meaning import FITS, fit, terms
from simulators.elevenlabs.mind.speech import is_question, words
from simulators.elevenlabs.mind.temptations import CARE
from simulators.elevenlabs.mind.words import tokens

_GOOD: Final = re.compile(
    r"\b(?:normal\w*|proper\w*|well|fine|ok|okay|awake|alert|conscious|able|can|responsive|safe)\b"
)


def in_danger(talk: Conversation, heard: str) -> bool:
    for overriding in talk.briefing.guides:
        if overriding.overriding and fit(_alternatives(overriding), heard) >= FITS:
            return _drop_everything(talk, overriding)
    guide = talk.briefing.guide("danger")
    if guide is None or (talk.in_danger and talk.called):
        return False
    if talk.briefing.library.urgent(heard) >= FITS or _bad_answer(talk, heard):
        return _drop_everything(talk, guide)
    return False


def danger_again(talk: Conversation) -> bool:
    """Say once more what is to be done in danger."""
    guide = talk.briefing.guide("danger")
    if guide is None or not talk.in_danger:
        return False
    talk.agenda = [one for one in guide.directives if one.kind in {"say", "quote"}]
    perform(talk)
    return True


def _alternatives(guide: Guide) -> str:
    listed = re.search(r"\(([^)]*)\)", guide.rule.condition)
    return listed[1] if listed else guide.rule.condition


def _drop_everything(talk: Conversation, guide: Guide) -> bool:
    talk.in_danger = True
    talk.errand, talk.options = None, ()
    talk.wait("nothing")
    talk.agenda = [*guide.directives]
    if guide.trigger == "danger":
        talk.agenda = [*_use_first(guide), Directive("phrase", "panic"), *_after_use(guide)]
        if talk.briefing.policies.calm:
            talk.agenda.insert(len(_use_first(guide)), Directive("phrase", "calm"))
        if not _holds_back(talk):
            talk.agenda.append(Directive("phrase", "care"))
    perform(talk)
    return True


def _use_first(guide: Guide) -> list[Directive]:
    uses = [at for at, one in enumerate(guide.directives) if one.kind == "use"]
    return list(guide.directives[: uses[0] + 1]) if uses else []


def _after_use(guide: Guide) -> list[Directive]:
    return list(guide.directives[len(_use_first(guide)) :])


def _holds_back(talk: Conversation) -> bool:
    """Whether the prompt keeps an agent in danger from advice of its own."""
    policies = talk.briefing.policies
    return policies.nothing_else or CARE.resisted(policies)


def _bad_answer(talk: Conversation, heard: str) -> bool:
    for number, check in enumerate(talk.briefing.checks):
        if not re.match(r"\s*(?:is|are|does|do|did|has|have|can|was|were)\b", check, re.IGNORECASE):
            continue
        waited = talk.pending.kind == "check" and talk.pending.about == str(number)
        first = check.split("?")[0]
        yes, no = yes_no(heard)
        if _GOOD.search(first.lower()):
            if (waited and no and not yes) or _denied(first, heard):
                return True
        elif (waited and yes and not no) or fit(_bare(first), heard) >= FITS:
            return True
    return False


def _denied(check: str, heard: str) -> bool:
    solid = {term.concept for term in terms(_bare(check)) if term.weight >= 1.0}
    solid -= {"good", "normal"}
    return any(term.denied and term.concept in solid for term in terms(heard))


def _bare(check: str) -> str:
    return re.sub(
        r"^\s*(?:is|are|do|does|did|has|have|can|was|were) "
        r"(?:there|it|the \w+|he|she|you|they)?\s*",
        "",
        check,
        flags=re.IGNORECASE,
    )


def yes_no(heard: str) -> tuple[bool, bool]:
    first = set() if is_question(heard) else set(tokens(heard)[:3])
    return bool(first & (YES - {"please", "right"})), bool(first & (NO - {"wrong"}))


def calm(talk: Conversation, heard: str) -> bool:
    """Go through questions that are asked one after the other, until none is left."""
    guide = talk.briefing.guide("no_danger")
    if not talk.briefing.checks:
        return False
    if talk.in_danger:
        return False
    if talk.pending.kind == "check":
        talk.checked.add(int(talk.pending.about))
    if guide and talk.briefing.library.urgent(heard, other=True) >= FITS:
        talk.checked |= set(range(len(talk.briefing.checks)))
    one_by_one = talk.briefing.policies.one_at_a_time
    asked: list[int] = []
    for number, check in enumerate(talk.briefing.checks):
        if number not in talk.checked and not _answered_already(talk, check):
            asked.append(number)
            talk.say(words(check))
            if one_by_one:
                break
        talk.checked.add(number)
    if asked:
        talk.wait("check", str(asked[0]))
        return True
    if guide:
        talk.wait("nothing")
        talk.agenda = list(guide.directives)
        perform(talk)
        return True
    return False


def _answered_already(talk: Conversation, check: str) -> bool:
    if not _GOOD.search(check.lower()):
        return False
    solid = {term.concept for term in terms(_bare(check)) if term.weight >= 1.0} - {
        "good",
        "normal",
    }
    said_so = {
        term.concept for text in talk.memory.heard for term in terms(text) if not term.denied
    }
    return bool(solid) and solid <= said_so
