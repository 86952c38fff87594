"""What a sentence of a prompt asks for: to say, to ask, to use a tool, to look up, to end.

Sentences are cut into clauses at imperatives; third persons become "you", the agent's "you"
becomes "I". It is crude English, and it is heard as what the prompt meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal

from simulators.elevenlabs.mind.reading import IMPERATIVES, QUOTE

Kind = Literal[
    "say", "quote", "ask", "use", "end", "lookup", "repeat", "code", "sorry", "phrase", "identify"
]


@dataclass(frozen=True, slots=True)
class Directive:
    """One thing to do. ``text`` is what is said or asked about, ``tool`` a function's name."""

    kind: Kind
    text: str = ""
    tool: str = ""
    quotes: tuple[str, ...] = ()
    documents_only: bool = False


_ADVERBS: Final = (
    r"(?:(?:then|first|also|please|kindly|politely|plainly|immediately|always|and|gently|calmly|"
    r"only)\s+)*"
)
_THEM: Final = (
    r"(?:them|him|her|(?:the|every|each|any) (?:caller|customer|client|owner|person|guest|patron|"
    r"reader|driver|member|visitor)s?|callers|people|customers|owners)"
)
_PERSON: Final = re.compile(
    r"(?<!from )(?<!by )(?<!with )\b(?:the|every|each) (?:caller|customer|client|owner|guest|"
    r"patron|reader)\b(?!'s)|"
    r"\bthey\b|\bcallers\b",
    re.IGNORECASE,
)
_SAYING: Final = (
    "say|tell|mention|explain|state|inform|announce|name|give|read|add|answer|reply|respond|let"
)


def clauses(sentence: str) -> tuple[str, ...]:
    """The clauses of a sentence, each beginning with its own imperative where it has one."""
    quotes: list[str] = []

    def mask(match: re.Match[str]) -> str:
        quotes.append(match.group())
        return f"\ue002{len(quotes) - 1}\ue002"

    text = QUOTE.sub(mask, sentence.strip())
    verbs = "|".join(sorted(IMPERATIVES - {"first", "then", "only", "please"}))
    cut = re.split(rf"(?:;|,)?\s*(?:\band\b|\bthen\b|;|,)\s+(?={_ADVERBS}(?:{verbs})\b)", text)
    found: list[str] = []
    for piece in cut:
        found += re.split(r",? and (?=that\b)", piece)
    out = []
    for piece in found:
        whole = re.sub(r"\ue002(\d+)\ue002", lambda match: quotes[int(match[1])], piece)
        if whole.strip(" .,;"):
            out.append(whole.strip(" ,;"))
    return tuple(out)


def directives(body: Iterable[str], functions: Iterable[str]) -> tuple[Directive, ...]:
    """What the sentences of a body ask for, in order."""
    known = tuple(functions)
    found: list[Directive] = []
    for sentence in body:
        verb = ""
        for clause in clauses(sentence):
            carried = f"{verb} {clause}" if clause.lower().startswith("that ") and verb else clause
            found += _of_clause(carried, known)
            first = re.match(rf"{_ADVERBS}(\w+)", clause.lower())
            if first and re.fullmatch(f"{_SAYING}|remind|leave", first[1]):
                verb = "say"
    return tuple(found)


def _of_clause(clause: str, functions: tuple[str, ...]) -> list[Directive]:
    text = re.sub(rf"^{_ADVERBS}", "", clause.strip(), flags=re.IGNORECASE).rstrip(".")
    lower = text.lower()
    if re.match(r"(?:never|do not|don't|no|you (?:never|do not|don't|give no)|avoid)\b", lower):
        return []
    for name in functions:
        if _acts(lower) and re.search(rf"(?<![\w]){re.escape(name)}(?![\w])", text):
            return [Directive("use", text, tool=name)]
    if re.search(r"\b(?:end|finish|close|hang up|conclude)\b", lower) and re.search(
        r"\b(?:call|conversation|hang up|line)\b", lower
    ):
        return [Directive("end", text)]
    for pattern, make in _FORMS:
        match = re.match(pattern, text, re.IGNORECASE | re.DOTALL)
        if match:
            return make(match)
    quotes = tuple(QUOTE.findall(text))
    return [Directive("quote", text, quotes=quotes)] if quotes else []


def _acts(lower: str) -> bool:
    first = re.match(r"[^\w`]*([\w']+)", lower)
    return bool(first) and first is not None and first[1] in IMPERATIVES


def _quoted(match: re.Match[str]) -> list[Directive]:
    return [Directive("quote", match[0], quotes=tuple(QUOTE.findall(match[0])))]


def _said(match: re.Match[str]) -> list[Directive]:
    return [Directive("say", sentence_of(match[1]))]


def _value(match: re.Match[str]) -> list[Directive]:
    return [Directive("say", sentence_of(f"{match[1]} is {match[2]}"))]


def _relative(match: re.Match[str]) -> list[Directive]:
    return [Directive("say", sentence_of(f"{match[1]} {match[2]}"))]


def _please(match: re.Match[str]) -> list[Directive]:
    parts = re.split(r",? and to ", match[1])
    return [Directive("say", f"Please {you(part)}.") for part in parts]


def _looked_up(match: re.Match[str]) -> list[Directive]:
    from_documents = bool(re.search(r",? from (?:the|our|your) \w+", match[0]))
    return [Directive("lookup", match[1], documents_only=from_documents)]


def _asked(match: re.Match[str]) -> list[Directive]:
    return [Directive("ask", part) for part in items(match[1])]


def _offered(match: re.Match[str]) -> list[Directive]:
    what = re.split(r",? (?:instead|rather than)\b", match[1])[0]
    return [Directive("say", f"I can offer you {you(what)}.")]


def _referred(match: re.Match[str]) -> list[Directive]:
    return [Directive("say", f"Please ask {you(match[1])} about that.")]


def _sent_to(match: re.Match[str]) -> list[Directive]:
    found = [Directive("say", f"Please go to {you(match[1])}.")]
    return found + ([Directive("say", sentence_of(f"{match[1]} {match[2]}"))] if match[2] else [])


def _willing(match: re.Match[str]) -> list[Directive]:
    return [Directive("say", f"I can {you(match[1])}.")]


def _listed(match: re.Match[str]) -> list[Directive]:
    wants = re.match(r"(?:which|what) (\w+) (.+)", match[1])
    if not wants:
        return [Directive("say", sentence_of(match[2]))]
    return [Directive("say", sentence_of(f"{wants[2]} these {wants[1]}: {match[2]}"))]


def _reminded(match: re.Match[str]) -> list[Directive]:
    found = [Directive("lookup", match[1])]
    told = re.search(r"\bthat (.+)$", match[2] or "")
    return found + ([Directive("say", sentence_of(told[1]))] if told else [])


def _message(match: re.Match[str]) -> list[Directive]:
    told = re.search(r"\bthat (.+)$", match[1])
    found = [Directive("identify")]
    return found + ([Directive("say", sentence_of(told[1]))] if told else [])


def _kind(kind: Kind, text: str = "") -> list[Directive]:
    return [Directive(kind, text)]


_MANNER_OF_ASKING: Final = (
    r"(?!.*\b(?:name|kind|number)\b)(?:ask|find out|learn|take|get|collect|request|note|check)\b"
    r".*\b(?:one after|one question|one thing|in order|these)\b.*"
)
_TELL: Final = rf"(?:{_SAYING})"
_FORMS: Final[tuple[tuple[str, Callable[[re.Match[str]], list[Directive]]], ...]] = (
    (rf"{_TELL}\b[^\"“]*[\"“].*", _quoted),
    (r"(?:take|get) (?:your|their|the|some|enough) time\b.*", lambda _: []),
    (_MANNER_OF_ASKING, lambda _: []),
    (r"repeat the question\b.*", lambda _: _kind("phrase", "question")),
    (rf"give {_THEM} (?:time|a (?:moment|minute))\b.*", lambda _: _kind("phrase", "moment")),
    (rf"refer {_THEM} to (.+)", _referred),
    (r"(?:repeat|recap|summari[sz]e|restate|read back)\b(?! the question)(.*)",
     lambda match: _kind("repeat", match[1])),
    (r"(?:read|say|give|spell|tell)\b.*\bcode\b.*", lambda match: _kind("code", match[0])),
    (rf"{_TELL} so\b.*", lambda _: _kind("sorry")),
    (rf"(?:tell|ask|invite|urge|advise|remind|direct|get) {_THEM} to (.+)", _please),
    (rf"(?:tell|inform|remind|let) {_THEM} (?:know )?that (.+)", _said),
    (rf"remind {_THEM} of (.+?)(?::(.*))?$", _reminded),
    (r"leave (?:one|a) message(.*)", _message),
    (rf"{_TELL} (?:{_THEM} )?that (.+)", _said),
    (rf"{_TELL} (?:{_THEM} )?(you will .+)", _said),
    (rf"(?:say|explain|state|tell {_THEM}) ((?:which|what) [^:]+): (.+)", _listed),
    (rf"{_TELL} (?:{_THEM} )?(.+?),? from (?:the|our|your) (?:documents?|information|list).*",
     _looked_up),
    (rf"{_TELL} (?:{_THEM} )?((?:which|what|how|when|where|who)\b.+)", _looked_up),
    (rf"(?:name|give|say|mention) (?:{_THEM} )?([^,]+), which ((?:is|are|ha\w+) .+)", _relative),
    (rf"(?:name|give|say|mention|tell) (?:{_THEM} )?((?:the|our|your) [^,]+), (.+)", _value),
    (r"mention (.+)", _said),
    (r"(?:find out|learn|take|get|collect|request|note|ask for|ask about|ask) (.+)", _asked),
    (r"offer (?:them |the caller )?to (.+)", _willing),
    (r"offer (?:at most|up to|no more|them|only|the (?:earliest|first|times?))\b.*", lambda _: []),
    (r"offer ((?:a|an|the|our)\b.+)", _offered),
    (r"(?:suggest|recommend|propose) (.+)", _offered),
    (r"(?:thank)\b.*", lambda _: _kind("phrase", "thanks")),
    (r"confirm (?:it|that)\b.*", lambda _: _kind("phrase", "yes")),
    (rf"send {_THEM} to ([^,]+)(?:, which (.+))?", _sent_to),
    (r"(?:admit|apologi[sz]e)\b.*", lambda _: _kind("sorry")),
    (r"send (.+)", lambda match: [Directive("say", f"I will send {you(match[1])}.")]),
    (r"(?:name|give|explain) ((?:the|our)\b.+)", _looked_up),
)  # fmt: skip


def items(asked: str) -> tuple[str, ...]:
    """What a sentence asks to be found out, one by one."""
    asked = re.sub(r"^(?:one|a single) (?:thing|question)[^:,]*: ", "", asked)
    text = re.split(r",? (?:one (?:thing|question|at)|in (?:this|that) order|then)\b", asked)[0]
    text = re.sub(rf"^(?:{_THEM} )(?=(?:for|about|which|what|how|whether|when|if)\b)", "", text)
    text = re.sub(r"^(?:for|about) ", "", text.strip(" .,:;"))
    shared = re.search(r"(?:the )?(\w+) and (\w+) of (the \w+|their \w+|your \w+)", text)
    if shared:
        both = f"the {shared[1]} of {shared[3]}, the {shared[2]} of {shared[3]}"
        text = text.replace(shared[0], both)
    parts = re.split(r",\s*(?:and )?|\s+and\s+(?=what|which|how|whether|the|when|who|why)", text)
    return tuple(re.sub(r"^if\b", "whether", part.strip()) for part in parts if part.strip())


def you(text: str) -> str:
    """Third persons turned to the one spoken to, and the agent's "you" to "I"."""
    said = re.sub(r"\byou (will|can|would|are)\b", r"I \1", text.strip(" .,;"))
    said = _PERSON.sub("you", said)
    said = re.sub(rf"\b(?:{_THEM})'s\b", "your", said)
    said = re.sub(r"\btheir\b", "your", said)
    said = re.sub(r"\bthemselves\b", "yourself", said)
    said = re.sub(r"\bthem\b", "you", said)
    said = re.sub(r"\byou has\b", "you have", said)
    said = re.sub(r"\byou (need|want|wish|seek)s\b", r"you \1", said)
    return re.sub(r"\byou is\b", "you are", said)


def sentence_of(text: str) -> str:
    """A clause as a sentence of its own, turned to the one spoken to."""
    said = re.sub(r"^that\s+", "", you(text))
    said = re.sub(r"^its ", "Its ", said)
    return f"{said[:1].upper()}{said[1:]}." if said else ""


def question_of(asked: str) -> str:
    """What is asked about, as a question: "how old" becomes "How old is it?"."""
    text = you(asked)
    whether = re.match(r"(?:whether|if) (.+)", text)
    if whether:
        return _inverted(whether[1])
    wh = re.match(r"((?:which|what|how|when|where|who|why)\b.*)", text, re.IGNORECASE)
    if wh:
        return _of_wh(wh[1])
    return f"What is {text}?"


def _inverted(text: str) -> str:
    found = re.match(
        r"(.+?) (is|are|can|was|were|will|would|should|has|have|could|may)\b(.*)", text
    )
    if not found:
        return f"{text[:1].upper()}{text[1:]}?"
    return f"{found[2].capitalize()} {found[1]}{found[3]}?"


def _of_wh(text: str) -> str:
    tail = re.match(r"(.+?) (it|he|she|you|this|that) (is|are|was)$", text)
    if tail:
        return f"{tail[1][:1].upper()}{tail[1][1:]} {tail[3]} {tail[2]}?"
    if re.fullmatch(r"how (?:old|big|heavy|tall|long|far)|roughly how \w+", text):
        return f"{text[:1].upper()}{text[1:]} is it?"
    need = re.match(r"(what|which \w+|why|when|where) you (\w+)(.*)", text, re.IGNORECASE)
    if need and need[2] not in {"can", "will", "are", "would"}:
        return f"{need[1].capitalize()} do you {need[2]}{need[3]}?"
    inverted = re.match(
        r"(when|where|why|how|what) (.+?) (is|are|can|will|would|should)\b(.*)", text
    )
    if inverted:
        return f"{inverted[1].capitalize()} {inverted[3]} {inverted[2]}{inverted[4]}?"
    return f"{text[:1].upper()}{text[1:]}?"
