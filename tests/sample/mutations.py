"""What can go wrong with the sample, one thing at a time, computed from its own files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tests.sample.workbench import SAMPLE

DEPLOYED: Final = ("after-hours", "appointment-reminders", "bilingual-desk", "front-desk")
DOCUMENTS: Final = {
    "agents/after-hours/knowledge/emergency-signs.md": ("after-hours",),
    "knowledge/opening-hours.md": ("after-hours", "bilingual-desk", "front-desk"),
    "knowledge/services-and-prices.md": ("bilingual-desk", "front-desk"),
}
TOOLS: Final = {
    "tools/booking.yaml": ("appointment-reminders", "bilingual-desk", "front-desk"),
    "tools/paging.yaml": ("after-hours",),
}
FORBIDDEN: Final = {"after-hours": "don't panic"}
BRAND: Final = "no worries"

_SENTENCE: Final = re.compile(r'(?<=[.?!:])(?<!\bDr\.)["”]?\s+(?=[A-Z"“¿])')
_ENDS: Final = re.compile(r'[.?!]["”)]?(?=\s+["“¿A-Z])|[.?!:]["”)]?$')


@dataclass(frozen=True, slots=True)
class Mutation:
    """One change: what it is called, the files as they become, the agents it reaches."""

    key: str
    changed: Mapping[str, str]
    agents: tuple[str, ...]


def sentences(text: str) -> Iterator[str]:
    """The sentences of a Markdown text as they stand in it; headings, entries and rows are one."""
    for line in text.splitlines():
        if line.startswith(("#", "|")):
            yield line
            continue
        body = re.sub(r"^(?:- |\d+\. )", "", line).strip()
        start = 0
        for match in _ENDS.finditer(body):
            yield body[start : match.end()].strip()
            start = match.end()
        if body[start:].strip():
            yield body[start:].strip()


def without(text: str, sentence: str) -> str:
    """The text without one sentence; what is left empty of a list or a table goes too."""
    assert text.count(sentence) == 1, sentence
    left = text.replace(sentence, "")
    lines = [re.sub(r"  +", " ", line).rstrip() for line in left.splitlines()]
    kept = [line for line in lines if not re.fullmatch(r"(?:-|\d+\.)", line.strip())]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)) + "\n"


def texts() -> dict[str, tuple[str, ...]]:
    """Every prompt and document that deployed agents are made of, with the agents."""
    prompts = {f"agents/{name}/prompt.md": (name,) for name in DEPLOYED}
    return {**prompts, **DOCUMENTS}


def deletions() -> Iterator[Mutation]:
    """Every sentence and line, deleted."""
    for path, agents in texts().items():
        text = _read(path)
        for sentence in sentences(text):
            yield Mutation(f"{path}: {sentence}", {path: without(text, sentence)}, agents)


def renamings() -> Iterator[Mutation]:
    """Every function of a tool, and every argument, by another name."""
    for path, agents in TOOLS.items():
        text = _read(path)
        for function in re.findall(r"function: (\w+)", text):
            changed = text.replace(f"function: {function}", f"function: other_{function}")
            yield Mutation(f"{path}: {function}", {path: changed}, agents)
            begin = text.index(f"function: {function}")
            end = text.find("\n---", begin)
            tool = text[begin : end if end >= 0 else len(text)]
            for argument in re.findall(r"^      (\w+): \{ type", tool, re.MULTILINE):
                other = re.sub(rf"\b{argument}\b(?=[:,\]])", f"other_{argument}", tool)
                changed = text.replace(tool, other)
                yield Mutation(f"{path}: {function}.{argument}", {path: changed}, agents)


def settings() -> Iterator[Mutation]:
    """Each agent without a first message, in another language, and with a forbidden phrase."""
    for name in DEPLOYED:
        path = f"agents/{name}/agent.yaml"
        text = _read(path)
        silent = re.sub(r"firstMessage: .*", 'firstMessage: ""', text)
        yield Mutation(f"{path}: firstMessage", {path: silent}, (name,))
        other = "en" if "language: es\n" in text else "es"
        turned = re.sub(r"^  language: \w+", f"  language: {other}", text, flags=re.MULTILINE)
        yield Mutation(f"{path}: language", {path: turned}, (name,))
        prompt = f"agents/{name}/prompt.md"
        phrase = FORBIDDEN.get(name, BRAND)
        added = f'{_read(prompt)}\nSay "{phrase}" at the end of every answer.\n'
        if name in FORBIDDEN:
            added = re.sub(r'Never say "[^"]+"\. ', "", added)
        yield Mutation(f"{prompt}: {phrase}", {prompt: added}, (name,))


def _read(path: str) -> str:
    return (SAMPLE / path).read_text("utf-8")
