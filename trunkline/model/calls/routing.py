"""Who answers a call: the first line of its number's table that holds and whose agent can.

Pure, so that a call of next Sunday can be asked about today. What has to be looked up (languages of
a country, who may take calls) is told; time zone data changes, so nothing that replays may ask. A
share is drawn from the carrier's id of the call: the same call draws the same whenever it is asked
about, and each line draws by itself.
"""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from trunkline.model.base import Frozen
from trunkline.model.desired import DesiredLine, DesiredNumber
from trunkline.model.ids import AgentName
from trunkline.model.kinds.windows import parse_hours
from trunkline.model.windows import is_inside

LineState = Literal["taken", "passed", "unfit", "share", "unasked"]
"""``unfit``: it holds, and its agent takes no calls. ``share``: it takes its percentage of such
calls, and which call it is was not said.
"""
DRAWN_BYTES = 8
PERCENT = 100


class CallFacts(Frozen):
    """What is known of a call. ``languages`` are those it asks for, or, if ``of_country``, those
    people of the caller's country speak. ``call_id`` is the carrier's, "" for a call nobody made.
    """

    caller: str = ""
    call_id: str = ""
    languages: tuple[str, ...] = ()
    of_country: str = ""
    skill: str = ""


class LineReport(Frozen):
    """One line of a table and what became of it; ``words`` say why."""

    line: int
    agent: AgentName
    condition: str
    state: LineState
    words: str


class Decision(Frozen):
    """Where a call goes: to ``agent``, else to ``forward_to``, else nobody answers (both empty).

    ``line`` is None where the number has one agent, or no line was taken.
    """

    line: int | None = None
    agent: AgentName | None = None
    forward_to: str = ""
    words: str
    lines: tuple[LineReport, ...] = ()


def decide(
    number: DesiredNumber, facts: CallFacts, now: datetime, unfit: Mapping[str, str]
) -> Decision:
    """The way of a call at a moment (aware). ``unfit`` says of agents why they take no calls."""
    reports: list[LineReport] = []
    found: DesiredLine | None = None
    for line, wanted in enumerate(number.lines):
        report = LineReport(
            line=line,
            agent=wanted.agent,
            condition=condition_words(wanted),
            state="unasked",
            words="an earlier line takes the call",
        )
        if found is None:
            state, words = _judged(number, line, facts, now, unfit)
            report = report.model_copy(update={"state": state, "words": words})
            found = wanted if state == "taken" else None
        reports.append(report)
    if found is not None:
        return _taken(found, reports)
    why = _nobody(number, reports)
    if number.fallback_number:
        words = f"{why}: calls go to {number.fallback_number}"
        return Decision(forward_to=number.fallback_number, words=words, lines=tuple(reports))
    return Decision(words=f"{why}, and there is no fallback", lines=tuple(reports))


def condition_words(line: DesiredLine) -> str:
    """A line's condition in a few words."""
    said: list[str] = []
    if line.hours is not None:
        said.append(f"{line.hours} {line.timezone}")
    if line.callers:
        said.append("callers " + " or ".join(line.callers))
    if line.language is not None:
        said.append(f"language {line.language}")
    if line.skill is not None:
        said.append(f"skill {line.skill}")
    if line.weight is not None:
        said.append(f"{line.weight} % of calls")
    return ", ".join(said) or "every call"


def is_drawn(number: str, line: int, weight: int, call_id: str) -> bool:
    """True if a call is among the ``weight`` percent that a line of a number takes."""
    seed = hashlib.sha256(f"{number}\n{line}\n{call_id}".encode()).digest()
    drawn = int.from_bytes(seed[:DRAWN_BYTES], "big") / (1 << (8 * DRAWN_BYTES))
    return drawn * PERCENT < weight


def speaks(wanted: str, languages: tuple[str, ...]) -> bool:
    """True if a language is among others: ``pt`` covers ``pt-BR``, not the other way round."""
    asked = wanted.lower()
    spoken = [language.lower().replace("_", "-") for language in languages]
    return any(one == asked or one.startswith(f"{asked}-") for one in spoken)


def _taken(found: DesiredLine, reports: list[LineReport]) -> Decision:
    index = next(report.line for report in reports if report.state == "taken")
    alone = len(reports) == 1 and found == DesiredLine(agent=found.agent)
    unfit = [report for report in reports[:index] if report.state == "unfit"]
    skipped = "".join(f"; line {each.line + 1} is passed over: {each.words}" for each in unfit)
    where = "its only agent" if alone else f"line {index + 1}: {condition_words(found)}"
    return Decision(
        line=None if alone else index,
        agent=found.agent,
        words=f"{where}{skipped}",
        lines=tuple(reports),
    )


def _nobody(number: DesiredNumber, reports: list[LineReport]) -> str:
    if not number.lines:
        return "the number belongs to no agent"
    return "; ".join(report.words for report in reports[-1:]) or "nobody takes the call"


def _judged(
    number: DesiredNumber, line: int, facts: CallFacts, now: datetime, unfit: Mapping[str, str]
) -> tuple[LineState, str]:
    wanted = number.lines[line]
    for refusal in _refusals(wanted, facts, now):
        return "passed", refusal
    if reason := unfit.get(wanted.agent, ""):
        return "unfit", f"agent {wanted.agent} {reason}"
    if wanted.weight is None:
        return "taken", f"agent {wanted.agent} answers"
    share = f"{wanted.weight} % of such calls"
    if not facts.call_id:
        return "share", f"takes {share}; which ones follows from the carrier's id of a call"
    if is_drawn(number.number, line, wanted.weight, facts.call_id):
        return "taken", f"agent {wanted.agent} answers: the call is among {share}"
    return "passed", f"the call is not among {share}"


def _refusals(line: DesiredLine, facts: CallFacts, now: datetime) -> Iterator[str]:
    """Why a line does not hold, by each of its conditions."""
    if line.hours is not None and not is_inside(parse_hours(line.hours), line.timezone, now):
        local = now.astimezone(ZoneInfo(line.timezone))
        yield f"closed: it is {local:%a %H:%M} in {line.timezone}"
    if line.callers and not facts.caller.startswith(line.callers):
        who = facts.caller or "no number"
        yield f"the caller shows {who}, not one that begins with {' or '.join(line.callers)}"
    if line.language is not None and not speaks(line.language, facts.languages):
        yield f"the language is not {line.language} but {_languages(facts)}"
    if line.skill is not None and line.skill != facts.skill:
        yield f"the call is not about {line.skill} but about {facts.skill or 'nothing it says'}"


def _languages(facts: CallFacts) -> str:
    if not facts.languages:
        return "unknown"
    source = f", as people in {facts.of_country} speak" if facts.of_country else ", as asked for"
    return " or ".join(facts.languages) + source
