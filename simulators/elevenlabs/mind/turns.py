"""What is made of one utterance: danger first, then what was asked for, rules, errands, answers.

The order is fixed and the same for every agent; what happens in each place is the agent's own
configuration.
"""

from __future__ import annotations

import re
from typing import Final

from simulators.elevenlabs.mind import errands
from simulators.elevenlabs.mind.agenda import ask, look_up, perform, speak
from simulators.elevenlabs.mind.briefing import Guide
from simulators.elevenlabs.mind.conversation import Conversation
from simulators.elevenlabs.mind.danger import calm, danger_again, in_danger, yes_no
from simulators.elevenlabs.mind.directives import Directive, question_of
from simulators.elevenlabs.mind.languages import languages_in
from simulators.elevenlabs.mind.lexicon import NO, YES, above, concept
from simulators.elevenlabs.mind.meaning import (
    FITS,
    KIND_WEIGHT,
    concepts,
    fit,
    measured,
    overlap,
    terms,
)
from simulators.elevenlabs.mind.memory import slot_of
from simulators.elevenlabs.mind.speech import is_question, words
from simulators.elevenlabs.mind.temptations import temptation
from simulators.elevenlabs.mind.times import DAYS, named_moment
from simulators.elevenlabs.mind.toolbox import Tool
from simulators.elevenlabs.mind.words import folded, tokens

_BYE: Final = re.compile(
    r"\b(?:good ?bye|bye|see you|that(?:'s| is| will be|'ll be) (?:all|everything)|hasta luego|"
    r"adiós|tschüss|auf wiedersehen|au revoir|have a (?:nice|good) (?:day|evening|night))\b"
)
_REPEAT: Final = re.compile(
    r"\b(?:say|repeat|tell me|explain|read)\b.{0,20}\b(?:that|it|again|this|once more)\b|"
    r"\brepet\w+|\bwiederhol\w+|\brépét\w+|\bonce more\b|\bpardon\b"
)
_MUMBLE: Final = re.compile(
    r"^\W*(?:\(?(?:unintelligible|inaudible|noise)\)?|h+m+|u+h+|e+r+|m+h*|…)\W*$"
)
_FOLLOWS_UP: Final = re.compile(
    r"^\W*(?:and|what about|how about|y|und|et)\b|\b(?:does|is|will) (?:it|that)\b"
)
THANKS_WORDS: Final = 5
"""Thanks of so few words mean that nothing is left to say."""

FOLLOW_UP_WORDS: Final = 2
"""A question about so few things may lean on the one before: "and on Sunday?"."""

ASKED_AGAIN: Final = 1
"""How often something is asked again when the caller answered with something else."""

_WHO: Final = re.compile(
    r"\bwho (?:is this|are you|am i (?:speaking|talking))\b|\bcon quién hablo\b|\bquién es usted\b"
)
_THAT: Final = 8


def hear(talk: Conversation, raw: str, heard: str) -> None:
    """Answer one utterance; ``heard`` is ``raw`` in English words."""
    if in_danger(talk, heard) or _about_talking(talk, raw) or _temptation_met(talk, heard):
        return
    if _expected(talk, raw, heard) or _by_rule(talk, heard) or _errand(talk, heard):
        return
    if is_question(raw):
        if not (_answered(talk, heard) or (_asks_favour(heard) and _procedure(talk))):
            _unknown(talk)
        return
    if calm(talk, heard) or _procedure(talk) or _answered(talk, heard) or danger_again(talk):
        return
    if talk.memory.learned:
        talk.say_phrase("ask_need")
    else:
        talk.say_phrase("unknown" if concepts(heard) else "again")


def _about_talking(talk: Conversation, raw: str) -> bool:
    """Answer what is about the conversation itself: say it again, who is there, goodbye."""
    if _again(talk, raw) or _no_word(talk, raw) or _goodbye(talk, raw):
        return True
    return bool(_WHO.search(folded(raw))) and _introduced(talk)


def _errand(talk: Conversation, heard: str) -> bool:
    tool = errands.intended(talk, heard)
    if tool is None:
        return False
    talk.repeated = False
    errands.start(talk, tool)
    return True


def _introduced(talk: Conversation) -> bool:
    for fact in talk.briefing.library.facts:
        if fact.text.startswith("This is "):
            talk.say(words(fact.text))
            return True
    return False


def _asks_favour(heard: str) -> bool:
    """Whether a question is a request: "could you help me?"."""
    return bool(
        re.match(r"\W*(?:hello|hi|please)?\W*(?:can|could|would|will|may)\b", folded(heard))
    )


def _again(talk: Conversation, raw: str) -> bool:
    plain = folded(raw)
    wants = _REPEAT.search(plain) or (languages_in(raw) and len(tokens(raw)) <= _THAT)
    if not wants or not talk.last_pieces or concepts(raw) & errands.INQUIRIES:
        return False
    talk.say(*talk.last_pieces)
    return True


def _no_word(talk: Conversation, raw: str) -> bool:
    if not _MUMBLE.match(folded(raw)) and re.search(r"\w", raw):
        talk.misunderstood = 0
        return False
    talk.misunderstood += 1
    limit = talk.briefing.policies.not_understood
    guide = talk.briefing.guide("misunderstood")
    if limit and guide and talk.misunderstood >= limit:
        talk.misunderstood = 0
        talk.agenda = [*guide.directives]
        perform(talk)
    else:
        talk.say_phrase("again")
    return True


def _goodbye(talk: Conversation, raw: str) -> bool:
    plain = folded(raw)
    thanks = re.match(r"\W*(?:thanks|thank you|gracias|danke|merci)\b", plain)
    if not _BYE.search(plain) and not (thanks and len(tokens(raw)) <= THANKS_WORDS):
        return False
    if not _BYE.search(plain) and talk.pending.kind != "nothing":
        return False
    talk.say_phrase("goodbye")
    talk.end("the caller said goodbye")
    return True


def _temptation_met(talk: Conversation, heard: str) -> bool:
    """Refuse what the prompt forbids; give in to what it does not."""
    found = temptation(heard)
    if found is None:
        return False
    if talk.briefing.library.find(heard) and found.name != "dose":
        return False
    if found.resisted(talk.briefing.policies):
        talk.say_phrase("refuse")
        guide = _own_rule(talk, heard)
        if guide:
            talk.agenda = list(guide.directives)
            perform(talk)
    else:
        talk.say_phrase(found.claim)
    return True


def _own_rule(talk: Conversation, heard: str) -> Guide | None:
    return next(
        (
            guide
            for guide in talk.briefing.guides
            if guide.trigger == "heard"
            and not any(one.kind == "use" for one in guide.directives)
            and fit(guide.rule.condition, heard) >= FITS
        ),
        None,
    )


def _expected(talk: Conversation, raw: str, heard: str) -> bool:
    kind, about = talk.pending.kind, talk.pending.about
    if kind == "choice" and errands.choose(talk, raw):
        return True
    if kind == "consent" and errands.consent(talk, raw):
        return True
    if kind == "question" and not is_question(raw):
        return _yes_or_no(talk, about, heard)
    if kind == "info" and (not is_question(raw) or talk.memory.knows(slot_of(about))):
        _informed(talk, raw, about)
        return True
    return False


def _informed(talk: Conversation, raw: str, about: str) -> None:
    slot = about if talk.memory.knows(about) else slot_of(about)
    if set(tokens(raw)) <= YES | NO and not talk.memory.knows(slot):
        talk.say(errands.question(about))
        return
    elsewhere = talk.memory.learned and slot in errands.TYPED and not talk.memory.knows(slot)
    if elsewhere and talk.memory.asked.count(about) <= ASKED_AGAIN:
        talk.memory.asked.append(about)
        talk.say(errands.question(about))
        return
    talk.memory.answer(slot, raw)
    if slot not in talk.memory.known and slot not in {"day", "clock"}:
        talk.memory.known[about] = raw.strip(" .")
    talk.wait("nothing")
    if talk.selected is not None and talk.commit is not None:
        errands.agree_or_do(talk, talk.commit, "")
    elif talk.errand is not None:
        errands.start(talk, talk.errand)
    elif talk.agenda:
        perform(talk)
    elif not _by_rule(talk, raw) and not _procedure(talk):
        talk.say_phrase("yes")


def _yes_or_no(talk: Conversation, about: str, heard: str) -> bool:
    rule = _by_rule(talk, heard)
    if rule:
        return True
    yes, no = yes_no(heard)
    if not yes and not no:
        return False
    talk.wait("nothing")
    index = _place_of(talk, about)
    wanted = "no" if no and not yes else "yes"
    for guide in talk.briefing.guides:
        if guide.trigger == wanted and guide.rule.block in {index, index + 1}:
            talk.agenda = _within(talk, guide)
            perform(talk)
            return True
    return _procedure(talk)


def _within(talk: Conversation, guide: Guide) -> list[Directive]:
    """The directives of a rule without those whose own condition does not hold here."""
    held = " ".join([*talk.memory.heard, *map(str, talk.briefing.variables.values())])
    dropped: set[str] = set()
    for body in guide.rule.body:
        inner = re.match(r"if ([^,]+), (.+)", body)
        if inner and fit(inner[1].replace(" is an ", " ").replace(" is a ", " "), held) < FITS:
            dropped.add(inner[2].strip(". "))
    return [
        one
        for one in guide.directives
        if not any(overlap(one.text, text) >= FITS and one.kind == "say" for text in dropped)
    ]


def _place_of(talk: Conversation, about: str) -> int:
    for sentence in talk.briefing.sentences:
        if about and about.partition(" ")[2] in sentence.text:
            return sentence.block
    return -1


def _by_rule(talk: Conversation, heard: str) -> bool:
    best: tuple[float, Guide | None] = (0.0, None)
    for guide in talk.briefing.guides:
        share = _share(talk, guide, heard)
        if share >= FITS and share > best[0]:
            best = (share, guide)
    if best[1] is None:
        return False
    talk.wait("nothing")
    tool = _errand_of(talk, best[1])
    if tool is not None:
        errands.start(talk, tool)
        return True
    talk.agenda = list(best[1].directives)
    perform(talk)
    return True


def _errand_of(talk: Conversation, guide: Guide) -> Tool | None:
    """The tool a rule leads to, if getting there is an errand of its own."""
    for one in guide.directives:
        tool = talk.briefing.tools.get(one.tool)
        if tool is not None and errands.is_errand(talk, tool):
            return tool
    return None


def _share(talk: Conversation, guide: Guide, heard: str) -> float:
    """How well an utterance fits a rule, by words or by a figure the rule names."""
    if guide.overriding or not guide.directives:
        return 0.0
    condition = guide.rule.condition
    if guide.trigger == "heard":
        within = measured(condition, heard)
        if within is None:
            return fit(condition, heard)
        return float(within and bool(concepts(condition) & concepts(heard)))
    return _of_topic(talk, guide, heard) if guide.trigger == "topic" else 0.0


def _of_topic(talk: Conversation, guide: Guide, heard: str) -> float:
    """Mention in passing what is to be said about a topic; 1 for questions sent elsewhere."""
    condition = guide.rule.condition
    used = any(one.kind == "use" for one in guide.directives)
    if used or id(guide) in talk.mentioned:
        return 0.0
    about = concepts(re.sub(r"^questions? (?:about|on) ", "", condition.lower()))
    shared = (about - {"animal", "owner"}) & concepts(heard)
    if not shared:
        return 0.0
    if guide.rule.lead == "for" and not condition.lower().startswith("question"):
        talk.mentioned.add(id(guide))
        talk.say(*(words(one.text) for one in guide.directives if one.kind == "say"))
        return 0.0
    return 1.0


def _procedure(talk: Conversation) -> bool:
    """Take the next step of the prompt that has not been taken."""
    first = talk.briefing.first_message
    for position, step in enumerate(talk.briefing.steps):
        one = step.directive
        if position in talk.done_steps or one.kind in {"end", "repeat"}:
            continue
        talk.done_steps.add(position)
        if one.kind == "ask":
            asked_in_opening = overlap(question_of(one.text), first) >= FITS and "?" in first
            if not asked_in_opening and ask(talk, one.text):
                return True
        elif one.kind == "use":
            tool = talk.briefing.tools.get(one.tool)
            if tool and tool.name not in talk.called and errands.leads(talk, tool):
                errands.start(talk, tool)
                return True
        else:
            speak(talk, one)
    return not talk.silent


def _answered(talk: Conversation, heard: str) -> bool:
    question = _with_context(talk, heard)
    if not _find(talk, question):
        return False
    talk.question = question
    return True


def _find(talk: Conversation, question: str) -> bool:
    day = named_moment(question, talk.memory.today).day
    about_day = day and concepts(question) & {"opening", "come"}
    asked = f"{question} {DAYS['en'][day.weekday()]}" if day and about_day else question
    about = concepts(asked)
    if "come" in about and about & {"opening"}:
        asked = re.sub(r"\bcome\b", "", asked)
    return look_up(talk, asked)


def _with_context(talk: Conversation, heard: str) -> str:
    solid = [term for term in terms(heard) if term.weight >= KIND_WEIGHT]
    leans = bool(_FOLLOWS_UP.search(folded(heard))) and 0 < len(solid) <= FOLLOW_UP_WORDS
    if not talk.question or not leans:
        return heard
    kinds = {above(term.concept) for term in solid} - {None}
    kept = [
        word for word in tokens(talk.question) if above(concept(word)) not in kinds or not kinds
    ]
    return f"{heard} {' '.join(kept)}"


def _unknown(talk: Conversation) -> None:
    """What the prompt says to do when the documents do not say."""
    guide = talk.briefing.guide("unknown")
    talk.say_phrase("unknown")
    if guide:
        talk.agenda = list(guide.directives)
        perform(talk)


def asks_first(talk: Conversation) -> None:
    """Know what the first message asked."""
    message = talk.briefing.first_message
    for number, check in enumerate(talk.briefing.checks):
        if overlap(check.split("?")[0], message) >= FITS and "?" in message:
            talk.wait("check", str(number))
            return
    for position, step in enumerate(talk.briefing.steps):
        asked = step.directive.text
        asks = step.directive.kind == "ask" and asked.startswith("whether") and "?" in message
        if asks and overlap(question_of(asked), message) >= FITS:
            talk.done_steps.add(position)
            talk.memory.asked.append(asked)
            talk.wait("question", asked)
            return
