"""Errands with tools: find out what is needed, look up, offer, agree, carry out, tell the outcome.

The order and the care are the prompt's; without its sentences an agent asks less and acts sooner.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import takewhile
from typing import Any, Final

from simulators.elevenlabs.mind.briefing import Guide
from simulators.elevenlabs.mind.conversation import Conversation
from simulators.elevenlabs.mind.directives import question_of
from simulators.elevenlabs.mind.languages import translated
from simulators.elevenlabs.mind.lexicon import CLEAR_YES, NO, YES
from simulators.elevenlabs.mind.meaning import concepts
from simulators.elevenlabs.mind.memory import slot_of
from simulators.elevenlabs.mind.speech import (
    Piece,
    Voice,
    literal,
    offer,
    option_text,
    said,
    spelled,
    words,
)
from simulators.elevenlabs.mind.temptations import TIMES
from simulators.elevenlabs.mind.times import named_moment, spoken_clock, spoken_day
from simulators.elevenlabs.mind.toolbox import (
    Parameter,
    Tool,
    answer_of,
    chosen,
    code_of,
    content_of,
    failed,
    options_of,
)
from simulators.elevenlabs.mind.words import tokens

INQUIRIES: Final = frozenset({"price", "howmuch", "opening", "duration", "address", "parking"})
UNNAMED_FITS: Final = 2
_EVERYWHERE: Final = frozenset(
    ("time", "find", "animal", "owner", "weekday", "free", "now", "tell", "vehicle")
)
"""Concepts that say nothing about which tool is meant."""

_COMMITS: Final = frozenset(
    {"book", "reserve", "order", "place", "create", "appointment", "buy", "register", "submit"}
)


def intended(talk: Conversation, heard: str) -> Tool | None:
    """The tool an utterance asks for; None if it asks for none."""
    about = set(concepts(heard))
    when = named_moment(heard, talk.memory.today)
    if "come" in about and (when.day or when.clock):
        about.add("appointment")
    inquiring = bool(about & INQUIRIES) and not (when.day and "appointment" in about)
    if inquiring:
        return None
    for tool in talk.briefing.tools.values():
        if _of_danger(talk, tool):
            continue
        named = talk.briefing.instructs(tool)
        shared = concepts(f"{tool.purpose} {_conditions(talk, tool)}") & about
        shared -= _EVERYWHERE
        if len(shared) >= (1 if named else UNNAMED_FITS):
            return _first_needed(talk, tool)
    return None


def _conditions(talk: Conversation, tool: Tool) -> str:
    return " . ".join(
        guide.rule.condition
        for guide in talk.briefing.guides
        if guide.trigger in {"topic", "heard"}
        and any(one.tool == tool.name for one in guide.directives)
        and guide.rule.lead in {"for", "when", "if", "whenever"}
    )


def _of_danger(talk: Conversation, tool: Tool) -> bool:
    return any(
        one.tool == tool.name
        for guide in talk.briefing.guides
        if guide.trigger == "danger" or guide.overriding
        for one in guide.directives
    )


def leads(talk: Conversation, tool: Tool) -> bool:
    """Whether an errand can begin with a tool: it uses nothing another one has to find."""
    return _first_needed(talk, tool) is tool and not _of_danger(talk, tool)


def _first_needed(talk: Conversation, tool: Tool) -> Tool:
    """The tool that has to be used before this one can: a lookup its description names."""
    instructed = talk.briefing.instructs(tool)
    for other in talk.briefing.tools.values():
        if other is not tool and _consumes(tool, other):
            return other if talk.briefing.instructs(other) or not instructed else tool
    return tool


def _consumes(tool: Tool, lookup: Tool) -> bool:
    return any(
        lookup.name in one.description or set(tokens(one.about)) & {"slot", "option"}
        for one in tool.parameters
        if one.required
    ) and not any(set(tokens(one.about)) & {"slot", "option"} for one in lookup.parameters)


def commit_after(talk: Conversation, lookup: Tool) -> Tool | None:
    """The tool that carries out what a lookup offered; one of those with a use for it.

    One that the prompt never names is used all the same if it says itself what it is for.
    """
    fitting = [
        tool
        for tool in talk.briefing.tools.values()
        if tool is not lookup and _consumes(tool, lookup)
    ]
    named = [tool for tool in fitting if talk.briefing.instructs(tool)]
    return next(iter(named or fitting), None)


def start(talk: Conversation, tool: Tool) -> None:
    """Begin an errand, or go on with it, as far as what is known allows."""
    talk.errand = tool
    missing = _missing(talk, tool)
    if missing:
        together = not talk.briefing.policies.one_at_a_time
        asked = missing if together else missing[:1]
        for slot in asked:
            talk.say(question(slot))
            talk.memory.asked.append(slot)
        talk.wait("info", asked[0])
        return
    if commit_after(talk, tool) is None and _is_commit(tool):
        agree_or_do(talk, tool, "")
        return
    talk.wait("nothing")
    talk.use(tool)


def is_errand(talk: Conversation, tool: Tool) -> bool:
    """Whether using a tool takes asking, offering or agreeing around it."""
    return commit_after(talk, tool) is not None or _is_commit(tool)


def _is_commit(tool: Tool) -> bool:
    return bool(concepts(tool.purpose) & _COMMITS) and not concepts(tool.purpose) & {"find"}


def _missing(talk: Conversation, tool: Tool) -> list[str]:
    """What is still to be asked: by steps before the tool, by its own rule, by its parameters."""
    wanted: list[str] = []
    own = [guide for guide in talk.briefing.guides if _is_about(guide, tool)]
    position = min(
        (index for index, one in enumerate(talk.briefing.sentences) if tool.name in one.text),
        default=-1,
    )
    wanted += [
        step.directive.text
        for step in talk.briefing.steps
        if step.directive.kind == "ask" and step.index < position
    ]
    for guide in own:
        before = takewhile(lambda directive: directive.tool != tool.name, guide.directives)
        wanted += [directive.text for directive in before if directive.kind == "ask"]
    found = [text for text in wanted if not text.startswith("whether") and not _known(talk, text)]
    found += [
        _slot_of_parameter(one)
        for one in tool.parameters
        if one.required and talk.arguments.value(one) in (None, "")
    ]
    slots = [slot if slot in TYPED else slot_of(slot) for slot in found]
    return [
        text
        for position, (text, slot) in enumerate(zip(found, slots, strict=True))
        if slot not in slots[:position]
    ]


def _is_about(guide: Guide, tool: Tool) -> bool:
    """Whether a rule says how to use a tool: by its name, or for what the tool is for."""
    if any(one.tool == tool.name for one in guide.directives):
        return True
    named = any(one.tool for one in guide.directives)
    return (
        guide.trigger in {"topic", "heard"}
        and not named
        and guide.rule.lead in {"for", "when", "if"}
        and bool(concepts(guide.rule.condition) & concepts(tool.purpose) - _EVERYWHERE)
    )


TYPED: Final = frozenset({"person", "thing", "kind", "day", "clock", "need", "phone", "age"})


def _slot_of_parameter(one: Parameter) -> str:
    text = one.description or one.name.replace("_", " ")
    slot = slot_of(f"{one.name.replace('_', ' ')} {text}")
    return slot if slot in TYPED and slot != "thing" else text


def _known(talk: Conversation, asked: str) -> bool:
    slot = slot_of(asked)
    if slot == "need" and talk.errand is not None and talk.memory.asked.count(asked):
        return True
    return talk.memory.knows(slot) or asked in talk.memory.asked


def question(asked: str) -> Piece:
    """A question about something, in the voice's language."""
    slot = asked if asked in TYPED else slot_of(asked)
    thing = _noun(asked)

    def piece(voice: Voice) -> str:
        key = {
            "person": "ask_person", "day": "ask_day", "need": "ask_need", "phone": "ask_phone",
            "thing": "ask_name", "kind": "ask_kind",
        }.get(slot)  # fmt: skip
        if key in {"ask_name", "ask_kind"} and not thing:
            key = None
        if voice.language == "en" and slot in {"thing", "kind"} and " of " not in asked:
            return question_of(asked)
        if key:
            return voice.phrase(key, what=translated(thing, voice.language))
        if voice.language == "en":
            return question_of(asked)
        return voice.phrase("ask_thing", what=translated(asked, voice.language))

    return piece


def _noun(asked: str) -> str:
    found = tokens(asked.rpartition(" of ")[2])
    return next((word for word in found if word not in {"the", "your", "their", "a"}), "")


def offered(talk: Conversation, tool: Tool, answer: Any) -> None:
    """Offer what a lookup found, or say that nothing was."""
    policies = talk.briefing.policies
    found = list(options_of(answer))
    if not found:
        talk.say_phrase("none_free")
        if not TIMES.resisted(policies):
            talk.say_phrase("invented_time")
        talk.wait("info", "day")
        return
    if policies.earliest_first and all(one.at for one in found):
        found.sort(key=lambda one: str(one.at))
    talk.options = tuple(found[: policies.options_max] if policies.options_max else found)
    talk.say(offer(talk.options, talk.memory.known.get("thing", "")))
    talk.wait("choice")
    talk.commit = commit_after(talk, tool)


def choose(talk: Conversation, raw: str) -> bool:
    """Take what was chosen of the options; False if the utterance is about something else."""
    agrees = bool(set(tokens(raw)) & YES)
    option = chosen(raw, talk.options, talk.memory, agrees=agrees)
    when = named_moment(raw, talk.memory.today)
    if option is None and when.clock and when.day is None and len(talk.options) > 1:
        option = chosen(raw, talk.options, talk.memory, agrees=False)
    if option is None and not when.clock:
        if when.day and talk.errand is not None:
            talk.use(talk.errand)
            return True
        if agrees and len(talk.options) > 1:
            talk.say_phrase("which")
            return True
        return False
    if option is None and talk.briefing.policies.only_returned:
        talk.say_phrase("not_offered")
        talk.say(offer(talk.options, talk.memory.known.get("thing", "")))
        return True
    talk.selected = option
    if talk.commit is not None:
        _settle(talk, talk.commit, raw)
    else:
        talk.say_phrase("done")
        talk.wait("nothing")
    return True


def _settle(talk: Conversation, tool: Tool, raw: str) -> None:
    missing = [
        _slot_of_parameter(one)
        for one in tool.parameters
        if one.required and talk.arguments.value(one) in (None, "")
    ]
    if missing:
        talk.say(question(missing[0]))
        talk.wait("info", missing[0])
        return
    agree_or_do(talk, tool, raw)


def agree_or_do(talk: Conversation, tool: Tool, raw: str) -> None:
    """Repeat and ask, ask, or act at once: as much care as the prompt demands."""
    talk.commit = tool
    policies = talk.briefing.policies
    agreed = bool(set(tokens(raw)) & CLEAR_YES) and not set(tokens(raw)) & NO
    if policies.repeats and not talk.repeated:
        talk.repeated = True
        talk.say(_recap(talk))
        if policies.clear_yes:
            talk.say_phrase("right")
            talk.wait("consent")
            return
    if policies.clear_yes and not agreed:
        talk.say_phrase("shall_i")
        talk.wait("consent")
        return
    talk.wait("nothing")
    talk.use(tool)


def consent(talk: Conversation, raw: str) -> bool:
    """What the answer to "is that right?" means; False if it is no answer."""
    said_words = set(tokens(raw))
    when = named_moment(raw, talk.memory.today)
    if said_words & NO and not said_words & CLEAR_YES:
        talk.repeated = False
        if when.clock or when.day:
            return choose(talk, raw)
        talk.say_phrase("change")
        talk.wait("choice")
        return True
    if said_words & YES and talk.commit is not None:
        talk.wait("nothing")
        talk.use(talk.commit)
        return True
    if when.clock:
        talk.repeated = False
        return choose(talk, raw)
    return False


def _recap(talk: Conversation) -> Piece:
    """In one sentence what the prompt wants repeated, or all there is if it does not say."""
    wanted = _repeated(talk) or ("time", "thing", "reason")
    said_things = [(item, talk.memory.known.get(_SLOTS.get(item, item), "")) for item in wanted]
    things = [(item, value or talk.memory.known.get("kind", "")) for item, value in said_things]
    selected, moment = talk.selected, talk.memory.moment

    def piece(voice: Voice) -> str:
        parts: list[str] = []
        if selected is not None:
            parts.append(option_text(selected, voice))
        elif moment.clock and moment.day:
            clock = spoken_clock(moment.clocks()[-1], voice.language)
            parts.append(f"{clock} {spoken_day(moment.day, voice.language)}")
        if not parts and talk.commit is not None:
            return ", ".join(map(str, talk.arguments.fill(talk.commit).values())) + "."
        for item, value in things:
            known = talk.memory.known.get("reason", "") if item == "reason" else value
            if item in {"day", "time"} or not known:
                continue
            label = "" if item == "thing" else f"{item} "
            parts.append(voice.translated(f"{label}{known}"))
        text = ", ".join(parts)
        return f"{text[:1].upper()}{text[1:]}." if text else ""

    return piece


_SLOTS: Final = {"animal": "thing", "pet": "thing", "name": "thing", "vehicle": "kind"} | {
    "customer": "person", "caller": "person", "owner": "person", "why": "reason",
}  # fmt: skip


def _repeated(talk: Conversation) -> tuple[str, ...]:
    """What the prompt wants repeated, word by word; nothing if it names no list."""
    asked = [one for guide in talk.briefing.guides for one in guide.directives]
    asked += [step.directive for step in talk.briefing.steps]
    for one in asked:
        if one.kind == "repeat":
            text = re.split(r"\b(?:in|to|back|and ask|clearly)\b", one.text)[0]
            parts = [part.split()[-1] for part in re.split(r",|\band\b", text) if part.split()]
            return tuple(part.lower() for part in parts) if len(parts) > 1 else ()
    return ()


def outcome(talk: Conversation, tool: Tool, result: object, *, is_error: bool) -> None:
    """Tell what came of a tool."""
    if failed(tool, result, is_error=is_error):
        failure(talk, tool)
        return
    answer = answer_of(result)
    talk.results.append(answer)
    if commit_after(talk, tool) is not None or options_of(answer):
        offered(talk, tool, answer)
        return
    told(talk, tool, content_of(result))


def told(talk: Conversation, tool: Tool, answer: object) -> None:
    """Say what a tool answered that did its work."""
    if _is_commit(tool) or code_of(answer):
        carried_out(talk, answer)
    else:
        _read_out(talk, answer)


def carried_out(talk: Conversation, answer: object) -> None:
    """Say that it is done, with its code as the prompt wants it read out. An empty answer is no
    confirmation.
    """
    code, policies = code_of(answer), talk.briefing.policies
    talk.wait("nothing")
    if code is None and not answer:
        talk.say_phrase("failed" if policies.no_false_claims else "invented_done")
        return
    talk.selected, talk.options, talk.errand, talk.commit = None, (), None, None
    talk.repeated = False
    talk.say_phrase("done")
    for one in talk.briefing.code_steps:
        if one.kind == "code" and code:
            talk.say(lambda voice: voice.phrase("code", code=spelled(code, voice)))
        elif one.kind == "say":
            talk.say(words(one.text))
        elif one.kind == "quote":
            talk.say(literal(one.quotes))
    if policies.brief:
        talk.say_phrase("goodbye")
        talk.end("the errand is done")


def _read_out(talk: Conversation, answer: Any) -> None:
    talk.wait("nothing")
    if isinstance(answer, Mapping) and answer:
        listed = [
            f"{str(key).replace('_', ' ').capitalize()}: {str(value).rstrip('.')}."
            for key, value in answer.items()
            if isinstance(value, str | int | float) and not isinstance(value, bool)
        ]
        talk.say(words(" ".join(listed)) if listed else said("done"))
        return
    spoken = isinstance(answer, str | int | float) and not isinstance(answer, bool) and answer != ""
    text = str(answer).rstrip(".")
    talk.say(words(f"{text[:1].upper()}{text[1:]}.") if spoken else said("done"))


def failure_guide(talk: Conversation, tool: Tool) -> Guide | None:
    """The rule for a tool that fails, if the prompt has one that can be about this tool."""
    for guide in talk.briefing.guides:
        if guide.trigger != "failure":
            continue
        about = concepts(guide.rule.condition) - {"fail"}
        own = concepts(f"{tool.name.replace('_', ' ')} {tool.description}")
        if not about or about & own or about & {"tool", "lookup", "find", "appointment"}:
            return guide
    return None


def failure(talk: Conversation, tool: Tool) -> None:
    """Say that a tool failed, the way the prompt wants it."""
    policies = talk.briefing.policies
    guide = failure_guide(talk, tool)
    talk.agenda = list(guide.directives) if guide else []
    talk.wait("nothing")
    if guide:
        return
    if _is_commit(tool) and not policies.no_false_claims:
        talk.say_phrase("invented_done")
        return
    talk.say_phrase("failed")
    if not _is_commit(tool) and commit_after(talk, tool) and not TIMES.resisted(policies):
        talk.say_phrase("invented_time")
