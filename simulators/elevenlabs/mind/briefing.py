"""An agent's whole configuration as its mind has it when a conversation opens.

Prompt, documents, tools and built-ins, read once; what is done with them is decided turn by turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from simulators.elevenlabs.mind.acts import Document
from simulators.elevenlabs.mind.directives import Directive, directives
from simulators.elevenlabs.mind.facts import Fact, Library, facts_of, name_of
from simulators.elevenlabs.mind.meaning import alternatives, concepts, terms
from simulators.elevenlabs.mind.policies import Policies, read_policies
from simulators.elevenlabs.mind.reading import Rule, Sentence, read, rules
from simulators.elevenlabs.mind.toolbox import Tool, tool_of
from simulators.elevenlabs.mind.words import tokens

Trigger = Literal[
    "heard", "topic", "danger", "no_danger", "yes", "no", "unknown", "misunderstood", "failure",
    "step",
]  # fmt: skip

VARIABLE: Final = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")
_NO: Final = re.compile(
    r"(?:it(?:'s| is) |they |they say |he |she )?(?:not|no|is not|isn't)\b[\w ]{0,12}"
)
_YES: Final = re.compile(
    r"(?:they |it is |they say |he |she )?(?:yes|so|they do|they can|agree\w*)"
)
_STEPS: Final = re.compile(
    r"\b(?:chosen|clear yes|explicit yes|agreed|confirmed|known?|learn\w*|picked|made a choice|"
    r"said|spoken|needed|necessary|possible|you can)\b"
)
_FAILS: Final = re.compile(
    r"\bfail|\berror|\bunavailable|\bunsuccessful|\bgoes wrong|"
    r"\b(?:not|cannot|can't) (?:work|go through|respond|be (?:paged|reached|called|sent))"
)
_QUESTIONS_MIN: Final = 2


@dataclass(frozen=True, slots=True)
class Guide:
    """A rule with what sets it off and what it asks for."""

    rule: Rule
    trigger: Trigger
    directives: tuple[Directive, ...]
    overriding: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do in the order of the prompt."""

    index: int
    directive: Directive
    number: int | None


@dataclass(slots=True)
class Briefing:
    """All an agent knows and was told. See ``brief``."""

    language: str
    languages: tuple[str, ...]
    first_message: str
    sentences: tuple[Sentence, ...]
    policies: Policies
    guides: tuple[Guide, ...]
    steps: tuple[Step, ...]
    checks: tuple[str, ...]
    code_steps: tuple[Directive, ...]
    library: Library
    tools: dict[str, Tool]
    built_in: frozenset[str]
    variables: dict[str, Any] = field(default_factory=dict)

    def guide(self, trigger: Trigger) -> Guide | None:
        """The first rule of a kind."""
        return next((guide for guide in self.guides if guide.trigger == trigger), None)

    def instructs(self, tool: Tool) -> bool:
        """Whether the prompt says when to use a tool; naming it in passing is not enough."""
        asked = [step.directive for step in self.steps]
        asked += [one for guide in self.guides for one in guide.directives]
        return any(one.tool == tool.name for one in asked)


def filled(text: str, variables: Mapping[str, Any]) -> str:
    """A text with its variables; those without a value are left as they are written."""
    return VARIABLE.sub(
        lambda match: str(variables[match[1]]) if match[1] in variables else match[0], text
    )


def variables_in(*texts: str) -> tuple[str, ...]:
    """Names of the variables texts need; those the platform or a secret store fills are not."""
    names = [match[1] for text in texts for match in VARIABLE.finditer(text)]
    own = [name for name in names if not name.startswith(("system__", "secret__"))]
    return tuple(dict.fromkeys(own))


def brief(
    config: Mapping[str, Any],
    documents: Iterable[Document],
    tools: Iterable[Mapping[str, Any]],
    variables: Mapping[str, Any],
) -> Briefing:
    """Read a configuration with its variables filled."""
    agent = config.get("agent") or {}
    prompt = agent.get("prompt") or {}
    text = filled(str(prompt.get("prompt") or ""), variables)
    known = {tool.name: tool for tool in map(tool_of, tools) if tool.name}
    read_prompt = read(text)
    policies = read_policies(read_prompt)
    guides = tuple(_guides(read_prompt, known))
    built_in = prompt.get("built_in_tools") or {}
    language = str(agent.get("language") or "en").split("-")[0]
    presets = tuple(str(code).split("-")[0] for code in config.get("language_presets") or {})
    facts = [fact for one in documents for fact in facts_of(one.text, one.name)]
    return Briefing(
        language=language,
        languages=tuple(dict.fromkeys((language, *presets))),
        first_message=filled(str(agent.get("first_message") or ""), variables),
        sentences=read_prompt,
        policies=policies,
        guides=guides,
        steps=tuple(_steps(read_prompt, known)),
        checks=_checks(read_prompt),
        code_steps=_code_steps(read_prompt, known),
        library=Library([*facts, *_facts_of_prompt(read_prompt, known)]),
        tools=known,
        built_in=frozenset(name for name, value in built_in.items() if value),
        variables=dict(variables),
    )


def _guides(read_prompt: Sequence[Sentence], tools: Mapping[str, Tool]) -> Iterable[Guide]:
    for rule in rules(read_prompt):
        asked = directives(rule.body, tools)
        trigger = trigger_of(rule)
        about = concepts(f"{rule.heading} . {rule.condition}")
        stops = bool(concepts(rule.text) & {"stop"}) or bool(about & {"emergency"})
        yield Guide(rule, trigger, asked, overriding=trigger == "heard" and stops)


def trigger_of(rule: Rule) -> Trigger:
    """What sets a rule off."""
    text = rule.condition.lower().replace("\u2019", "'").strip(" ,:.")
    about = terms(text)
    if _NO.fullmatch(text) or _YES.fullmatch(text):
        return "no" if _NO.fullmatch(text) else "yes"
    if "understand" in {term.concept for term in about} and any(t.denied for t in about):
        return "misunderstood"
    denied = {term.concept for term in about if term.denied}
    unknowing = denied & {"tell", "know", "answer", "contain", "find", "cover", "mention", "help"}
    missing = re.search(r"\banswer\b.*\b(?:not|missing|lacking)\b|\bno answer\b", text)
    if (unknowing or missing) and not re.search(r"\b(?:caller|customer|animal|owner)\b", text):
        return "unknown"
    if _FAILS.search(text):
        return "failure"
    return _of_events(rule, text)


def _of_events(rule: Rule, text: str) -> Trigger:
    """What sets a rule off that is about the caller or about the conversation's own course."""
    solid = [term for term in terms(text) if term.weight >= 1.0]
    if solid and all(term.concept == "emergency" for term in solid):
        return "no_danger" if solid[0].denied else "danger"
    own_course = re.match(r"you\b", text) and not re.search(r"reach|voicemail", text)
    if _STEPS.search(text) or own_course or re.search(r"\bmeans? (?:danger|emergency)", text):
        return "step"
    topic = rule.lead == "for" or re.match(r"questions? (?:about|on)\b", text)
    return "topic" if topic else "heard"


def _steps(read_prompt: Sequence[Sentence], tools: Mapping[str, Tool]) -> Iterable[Step]:
    for index, sentence in enumerate(read_prompt):
        if sentence.condition:
            continue
        asked = directives([sentence.text], tools)
        if any(one.kind == "code" for one in asked):
            continue
        for one in asked:
            if one.kind in {"ask", "say", "lookup", "use", "end", "repeat"}:
                yield Step(index, one, sentence.number)


def _code_steps(
    read_prompt: Sequence[Sentence], tools: Mapping[str, Tool]
) -> tuple[Directive, ...]:
    for sentence in read_prompt:
        asked = directives([sentence.body or sentence.text], tools)
        if any(one.kind == "code" for one in asked):
            return tuple(one for one in asked if one.kind != "use")
    return ()


def _checks(read_prompt: Sequence[Sentence]) -> tuple[str, ...]:
    """Numbered questions that are to be asked one after the other."""
    listed: dict[int, str] = {}
    for sentence in read_prompt:
        if sentence.number is not None and sentence.text.rstrip().endswith("?"):
            listed[sentence.block] = f"{listed.get(sentence.block, '')} {sentence.text}".strip()
    return tuple(listed.values()) if len(listed) >= _QUESTIONS_MIN else ()


def _facts_of_prompt(read_prompt: Sequence[Sentence], tools: Mapping[str, Tool]) -> Iterable[Fact]:
    name, block = "", -1
    for sentence in read_prompt:
        text = sentence.text
        name = name if sentence.block == block else ""
        name, block = name_of(text) or name, sentence.block
        slot = re.fullmatch(r"(\w+): (.+)", text)
        if slot and sentence.bullet:
            if slot[2].strip(". ").lower() in {"none", "no", "-"}:
                continue
            stated = f"{slot[1].replace('_', ' ')}: {slot[2]}"
            yield Fact(stated, (sentence.heading,), "", name=name)
            continue
        limit = re.match(r"you (?:cannot|can't|can not) (.+)$", text.rstrip("."), re.IGNORECASE)
        if limit:
            yield Fact(f"I am sorry, I cannot {limit[1]}.", (), "")
            continue
        stands = re.match(
            r"(?:you (?:answer|are|work|sit|speak|represent|run|call|phone|ring) (?:\w+ ){0,4}"
            r"(?:at|for|of|in)|(?:eres|usted es) (?:\w+ ){0,4}(?:de|en)) (.+)$",
            text.rstrip("."),
            re.IGNORECASE,
        )
        if stands and not sentence.condition and not concepts(text) & {"forbid"}:
            if not re.search(r"\b(?:not|never|no|nothing)\b", text.lower()):
                yield Fact(f"This is {stands[1]}.", (), "")
            continue
        if sentence.condition or directives([text], tools) or not _declares(text):
            continue
        yield Fact(text, (), "", name=name)


def _declares(text: str) -> bool:
    words = tokens(text)
    return bool(
        words
        and words[0] not in {"you", "your", "never", "do", "no", "calm", "short", "use", "keep"}
        and not text.endswith("?")
        and not re.search(r"\byou\b|`\w+`", text.lower())
        and re.search(
            r"\b(?:is|are|has|have|costs?|takes?|includes?|opens?|closes?|offers?)\b", text
        )
        and alternatives(text)
    )
