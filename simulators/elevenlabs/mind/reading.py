"""A prompt as a list of sentences under headings, and what each is conditional on.

Reads Markdown the way people write prompts: headings, numbered and bulleted items, paragraphs. A
condition holds for the rest of its item or paragraph; a heading that is one ("If …") for its
section. What the sentences ask for is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

_DOING: Final = """
say tell ask give offer call use look find read repeat name mention explain remind invite answer
end hang stop thank confirm take leave book wait keep bring continue translate announce state
speak begin start greet apologise apologize make do never only check inform let send finish close
page spell suggest recommend propose describe list learn get collect request inquire enquire note
switch change reply respond drop interrupt advise urge direct refer run invoke alert wake query
present direct quote proceed skip avoid don't first then immediately kindly politely please always
recap summarise summarize restate follow go carry put pass return turn set hand transfer connect
serve refuse admit
"""
IMPERATIVES: Final = frozenset(_DOING.split())
QUOTE: Final = re.compile(r"[\"“„]([^\"”“]+)[\"”“]")
_OPENING: Final = re.compile(
    r"^(?:only )?(if|when|whenever|once|as soon as|in case|should|after|for|where|until|before|"
    r"in the event of|in)\b\s*(.*)$",
    re.IGNORECASE | re.DOTALL,
)
_TRAILING: Final = re.compile(
    r"^(.+?),? (?:only )?(if|when|whenever|once|as soon as|in case) (?!necessary)(.+?)[.!]?$",
    re.IGNORECASE | re.DOTALL,
)
_HEADING: Final = re.compile(r"^\s*#{1,6}\s+(.*?)\s*#*\s*$")
_ITEM: Final = re.compile(r"^\s*(?:(\d{1,3})[.)]|[-*•])\s+(.*)$")
_ABBREVIATIONS: Final = re.compile(r"\b(Dr|Mr|Mrs|Ms|St|No|e\.g|i\.e|etc|Sra|Sr|a\.m|p\.m)\.(?= )")
_OF_ONE_SENTENCE: Final = frozenset({"for", "after", "once", "in", "before", "until"})
_DOT, _MASK = "\ue000", "\ue001"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with where it stands. ``number`` is that of its list item, ``block`` counts items
    and paragraphs; ``condition`` is what it depends on ("" for nothing) and ``body`` the rest.
    """

    text: str
    heading: str
    block: int
    number: int | None = None
    bullet: bool = False
    condition: str = ""
    body: str = ""
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """What is to be done under a condition, in order."""

    condition: str
    lead: str
    heading: str
    block: int
    number: int | None
    body: tuple[str, ...]

    @property
    def text(self) -> str:
        """All that is to be done, as one text."""
        return " ".join(self.body)


def sentences(text: str) -> tuple[str, ...]:
    """A text cut into sentences; quotations stay whole."""
    quotes: list[str] = []

    def mask(match: re.Match[str]) -> str:
        quotes.append(match.group())
        end = "." if re.search(r"[.!?][\"”“]$", match.group()) else ""
        return f"{_MASK}{len(quotes) - 1}{_MASK}{end}"

    masked = QUOTE.sub(mask, _ABBREVIATIONS.sub(rf"\1{_DOT}", text))
    found = []
    for part in re.split(r"(?<=[.!?])\s+(?=[^\sa-z])", masked):
        plain = re.sub(
            rf"{_MASK}(\d+){_MASK}(\.?)", lambda match: quotes[int(match[1])], part
        ).replace(_DOT, ".")
        if plain.strip():
            found.append(plain.strip())
    return tuple(found)


def read(prompt: str) -> tuple[Sentence, ...]:
    """The sentences of a prompt in order."""
    found: list[Sentence] = []
    for heading, block, number, bullet, text in _blocks(prompt):
        above = _OPENING.match(heading)
        inherited = ("if", above[2]) if above and above[1].lower() in {"if", "when"} else ("", "")
        found += _with_scope(
            (Sentence(one, heading, block, number, bullet) for one in sentences(text)), inherited
        )
    return tuple(found)


def _blocks(prompt: str) -> Iterable[tuple[str, int, int | None, bool, str]]:
    heading, block, held = "", 0, list[str]()
    number: int | None = None
    bullet = False
    for line in [*prompt.splitlines(), ""]:
        title, item = _HEADING.match(line), _ITEM.match(line)
        if (title or item or not line.strip()) and held:
            yield heading, block, number, bullet, " ".join(held)
            held, number, bullet = [], None, False
            block += 1
        if title:
            heading = title[1]
        elif item:
            number = int(item[1]) if item[1] else None
            bullet = item[1] is None
            held = [item[2].strip()]
        elif line.strip():
            held.append(line.strip())
    return


def _with_scope(block: Iterable[Sentence], inherited: tuple[str, str]) -> Iterable[Sentence]:
    lead, condition = inherited
    for sentence in block:
        own_lead, own, body = split_condition(sentence.text)
        if own:
            lead, condition = own_lead, own
        yield replace(sentence, condition=condition, lead=lead, body=body)
        if own_lead in _OF_ONE_SENTENCE:
            lead, condition = inherited


def split_condition(text: str) -> tuple[str, str, str]:
    """The word a condition begins with, the condition and what depends on it.

    Two empty texts and the whole sentence when it depends on nothing.
    """
    opening = _OPENING.match(text)
    if opening:
        rest = opening[2]
        for match in re.finditer(r"[,:]\s+", rest):
            if _begins_directive(rest[match.end() :]):
                return opening[1].lower(), rest[: match.start()].strip(), rest[match.end() :]
        if opening[1].lower() not in {"for", "in", "before", "until", "after"}:
            first, comma, last = rest.rpartition(", ")
            if comma:
                return opening[1].lower(), first.strip(), last
    referred = re.search(
        r"\b(questions? (?:about|on) .+?) (?:go|belong|are passed|are) to (.+?)\.?$",
        text,
        re.IGNORECASE,
    )
    if referred:
        return "for", referred[1], f"refer them to {referred[2]}"
    subject, colon, body = text.partition(": ")
    quoted = body[:1] in '"“„' and "(" in subject
    if colon and (quoted or not _begins_directive(subject)) and _begins_directive(body):
        return "if", subject.strip(), body
    trailing = _TRAILING.match(text)
    asks = trailing and re.search(
        r"\b(?:ask|check|see|find out|learn|know|confirm)(?: \w+)?$", trailing[1], re.IGNORECASE
    )
    if trailing and not asks and _begins_directive(trailing[1]) and not QUOTE.search(trailing[3]):
        return trailing[2].lower(), trailing[3].strip(), trailing[1]
    return "", "", text


def _begins_directive(text: str) -> bool:
    first = re.match(r"[\s]*([\w'\u2019]+)", text)
    if text.lstrip()[:1] in '"“„`':
        return True
    if re.match(r"\s*(?:if|when)\b", text):
        return True
    return bool(first) and first is not None and first[1].lower() in IMPERATIVES


def rules(read_sentences: Iterable[Sentence]) -> tuple[Rule, ...]:
    """Conditional sentences of one scope put together. A heading's scope spans its items."""
    found: list[Rule] = []
    for sentence in read_sentences:
        if not sentence.condition:
            continue
        last = found[-1] if found else None
        heads = sentence.heading.lower().endswith(sentence.condition.lower())
        same = (
            last is not None
            and last.condition == sentence.condition
            and (last.block == sentence.block or (heads and last.heading == sentence.heading))
        )
        if same and last is not None:
            found[-1] = replace(last, body=(*last.body, sentence.body))
        else:
            found.append(
                Rule(
                    sentence.condition,
                    sentence.lead,
                    sentence.heading,
                    sentence.block,
                    sentence.number,
                    (sentence.body,),
                )
            )
    return tuple(found)
