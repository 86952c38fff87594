"""What has become of each expectation of a turn, given the lines so far.

Each is met, broken, open (may still come true), held (true so far, known at the end of the turn),
unknown (nothing to measure) or not applicable in the mode. When a turn ends, and what is made of
open ones then, is not decided here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal, TypeAlias

from trunkline.model.durations import format_duration
from trunkline.model.kinds.conversation import CallExpected, Expectation, Mode, Turn
from trunkline.model.kinds.matchers import Matcher
from trunkline.model.testing.asking import Asked
from trunkline.model.testing.calling import call_found, call_wanted, first_call, first_calls
from trunkline.model.testing.hearing import Call, Reply, spoken
from trunkline.model.testing.matching import (
    Match,
    asks_only,
    forbids_only,
    quoted,
    shown,
    text_match,
    wanted_text,
)
from trunkline.model.testing.results import CheckOutcome, CheckResult
from trunkline.model.testing.transcripts import Line

State: TypeAlias = Literal["met", "broken", "open", "held", "unknown", "notApplicable"]

MISSED = {
    "says": "NotSaid",
    "calls": "NotCalled",
    "judge": "NotSaid",
    "stopsWithin": "NotStopped",
    "noCall": "NotReached",
}
"""Why an expectation failed that had its time."""


def milliseconds(duration: timedelta | None) -> int | None:
    """A duration as whole milliseconds."""
    return None if duration is None else round(duration.total_seconds() * 1000)


@dataclass(frozen=True, slots=True)
class Stage:
    """A turn and everything that happened in it up to some moment."""

    turn: Turn
    index: int
    mode: Mode
    start_ms: int
    sent_ms: int
    agent_speaking: bool
    lines: tuple[Line, ...]
    replies: tuple[Reply, ...]
    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One expectation. ``index`` is the line that met it; ``due_ms`` the last moment an open one
    may come true by itself, None for the turn's own deadline; ``watch_until`` how long a held one
    must be watched.
    """

    path: str
    turn: int
    check: str
    state: State
    wanted: str
    found: str = ""
    reason: str = ""
    index: int = -1
    at_ms: int = 0
    due_ms: int | None = None
    watch_until: int = 0
    asks: tuple[tuple[str, str], ...] = ()

    def result(self, outcome: CheckOutcome, reason: str = "") -> CheckResult:
        """The finding as a result; its position is not known here."""
        return CheckResult(
            path=self.path,
            position="",
            check=self.check,
            outcome=outcome,
            wanted=self.wanted,
            found=self.found,
            reason=reason,
            turn=self.turn,
        )

    @property
    def questions(self) -> tuple[Asked, ...]:
        """What a judge is asked about it."""
        return tuple(
            Asked(path=self.path, criterion=sentence, about=about, turn=self.turn, number=number)
            for number, (sentence, about) in enumerate(self.asks)
        )


@dataclass(frozen=True, slots=True)
class Findings:
    """All expectations of a turn, in order."""

    each: tuple[Finding, ...]

    @property
    def broken(self) -> bool:
        """True if one is broken: nothing can mend it."""
        return any(finding.state == "broken" for finding in self.each)

    @property
    def open(self) -> tuple[Finding, ...]:
        """Those that may still come true."""
        return tuple(finding for finding in self.each if finding.state == "open")

    @property
    def watch_until(self) -> int:
        """How long those that hold must be watched."""
        return max([0, *(finding.watch_until for finding in self.each)])

    @property
    def questions(self) -> tuple[Asked, ...]:
        """What a judge is asked about those that are true so far."""
        told = (finding.questions for finding in self.each if finding.state in ("met", "held"))
        return tuple(asked for questions in told for asked in questions)

    def results(self, word: str, *, complete: bool) -> tuple[CheckResult, ...]:
        """Results at the end of the turn. ``word`` says what its end means for open ones: Missed
        (they failed), AgentDidNotOpen and ConversationEnded (they failed for that), anything else
        is why nobody can tell. ``complete``: nothing else broke, held ones were watched.
        """
        return tuple(_result(finding, word, complete=complete) for finding in self.each)


_FAILING_WORDS = frozenset({"AgentDidNotOpen", "ConversationEnded"})
_VOIDING_WORDS = frozenset({"AgentSilent", "ConversationLost"})


def _result(finding: Finding, word: str, *, complete: bool) -> CheckResult:
    settled: dict[State, CheckOutcome] = {
        "broken": "failed",
        "unknown": "inconclusive",
        "notApplicable": "notApplicable",
    }
    if finding.state in settled:
        return finding.result(settled[finding.state], finding.reason)
    if finding.state == "open":
        word = "Missed" if word == "AgentSilent" and finding.check == "stopsWithin" else word
        failing = word == "Missed" or word in _FAILING_WORDS
        reason = MISSED[finding.check] if word == "Missed" else word
        return finding.result("failed" if failing else "inconclusive", reason)
    if finding.state == "held" and (word in _VOIDING_WORDS or not complete):
        return finding.result("inconclusive", word if complete else "NotReached")
    if finding.asks:
        return finding.result("inconclusive", "NotJudged" if complete else "NotReached")
    return finding.result("passed")


@dataclass
class _Progress:
    """How far the lines have been used up: the line that met the last expectation, and when."""

    cursor: int
    at_ms: int


def finding_of(stage: Stage) -> Findings:
    """What has become of every expectation of the turn."""
    progress = _Progress(cursor=-1, at_ms=stage.sent_ms)
    found = []
    for number, expected in enumerate(stage.turn.expect):
        finding = _finding(stage, expected, f"spec.turns[{stage.index}].expect[{number}]", progress)
        finding = _in_time(stage, expected, finding)
        finding = _strictly(stage, expected, finding)
        if finding.index >= 0 and finding.state in ("met", "held"):
            progress.cursor, progress.at_ms = finding.index, finding.at_ms
        found.append(finding)
    return Findings(tuple(found))


def _finding(stage: Stage, expected: Expectation, path: str, progress: _Progress) -> Finding:
    if expected.says is not None:
        return _says(stage, expected, path, progress)
    if expected.calls is not None:
        return _calls(stage, expected, path, progress)
    if expected.no_call is not None:
        return _no_call(stage, expected, path, progress)
    if expected.judge is not None:
        blank = _blank(stage, path, "judge", f'the judge agrees with "{expected.judge}"')
        return _judged(stage, blank, expected.judge)
    return _stops(stage, expected, path)


def _blank(stage: Stage, path: str, check: str, wanted: str) -> Finding:
    return Finding(path=path, turn=stage.index, check=check, state="open", wanted=wanted)


def _judged(stage: Stage, blank: Finding, *sentences: str) -> Finding:
    if not stage.replies:
        return replace(blank, found="nothing")
    about = spoken(stage.replies)
    asks = tuple((sentence, about) for sentence in sentences)
    return replace(blank, state="held", found=shown(about), asks=asks)


def _says(stage: Stage, expected: Expectation, path: str, progress: _Progress) -> Finding:
    matcher = "" if expected.says is None else expected.says
    blank = _blank(stage, path, "says", wanted_text(matcher))
    if asks_only(matcher):
        return _judged(stage, blank, *text_match(matcher, "").asks)
    heard = [reply for reply in stage.replies if reply.index >= progress.cursor]
    if forbids_only(matcher):
        return _not_said(blank, matcher, heard)
    texts = [(reply, reply.text) for reply in heard]
    texts += [(heard[-1], spoken(heard))] if len(heard) > 1 else []
    for reply, text in texts:
        match = text_match(matcher, text)
        if match.holds:
            return _said(blank, reply, text, match)
    found = shown(spoken(heard))
    earlier = [reply for reply in stage.replies if reply.index < progress.cursor]
    if any(text_match(matcher, reply.text).holds for reply in earlier):
        found = f"{found}; it was said before what stands before it in the list"
    return replace(blank, found=found)


def _not_said(blank: Finding, matcher: str | Matcher, heard: Sequence[Reply]) -> Finding:
    for reply in heard:
        if not text_match(matcher, reply.text).holds:
            return replace(blank, state="broken", found=shown(reply.text), reason="Said")
    if not heard:
        return replace(blank, found="nothing")
    return replace(blank, state="held", found=shown(spoken(heard)))


def _said(blank: Finding, reply: Reply, text: str, match: Match) -> Finding:
    asks = tuple((sentence, text) for sentence in match.asks)
    return replace(
        blank, state="met", found=shown(text), index=reply.index, at_ms=reply.at_ms, asks=asks
    )


def expected_calls(expected: Expectation) -> tuple[CallExpected, ...]:
    """The calls an expectation wants, whichever of the short forms it is written in."""
    given = expected.calls
    items = given if isinstance(given, tuple) else () if given is None else (given,)
    return tuple(CallExpected(name=item) if isinstance(item, str) else item for item in items)


def _calls(stage: Stage, expected: Expectation, path: str, progress: _Progress) -> Finding:
    wanted = expected_calls(expected)
    blank = _blank(stage, path, "calls", call_wanted(wanted, listed=expected.order == "listed"))
    later = [call for call in stage.calls if call.index > progress.cursor]
    if expected.order == "listed" or len(wanted) == 1:
        taken = _one_by_one(wanted, later)
    else:
        taken = first_calls(wanted, later)
    if taken is None:
        return replace(blank, found=call_found(wanted, later))
    last = max((call for call, _ in taken), key=lambda call: call.index)
    return replace(
        blank,
        state="met",
        found=call_found(wanted, [call for call, _ in taken]),
        index=last.index,
        at_ms=last.at_ms,
        asks=tuple(ask for _, asks in taken for ask in asks),
    )


def _one_by_one(
    wanted: Sequence[CallExpected], later: Sequence[Call]
) -> tuple[tuple[Call, tuple[tuple[str, str], ...]], ...] | None:
    taken: list[tuple[Call, tuple[tuple[str, str], ...]]] = []
    for each in wanted:
        after = taken[-1][0].index if taken else -1
        found = first_call(each, [call for call in later if call.index > after])
        if found is None:
            return None
        taken.append(found)
    return tuple(taken)


def _no_call(stage: Stage, expected: Expectation, path: str, progress: _Progress) -> Finding:
    watched = milliseconds(expected.watched) or 0
    shown_for = "" if expected.watched is None else f" for {format_duration(expected.watched)}"
    blank = _blank(stage, path, "noCall", f"does not call {expected.no_call}{shown_for}")
    for call in stage.calls:
        if call.tool == expected.no_call:
            found = call_found((), [call])
            return replace(blank, state="broken", found=found, reason="Called")
    return replace(
        blank,
        state="held",
        found=call_found((), stage.calls),
        watch_until=progress.at_ms + watched,
    )


def _stops(stage: Stage, expected: Expectation, path: str) -> Finding:
    allowed = milliseconds(expected.stops_within) or 0
    wanted = f"the agent stops speaking within {allowed} ms of the caller"
    blank = _blank(stage, path, "stopsWithin", wanted)
    if stage.mode == "text":
        return replace(blank, state="notApplicable", reason="NotInThisMode")
    if not stage.agent_speaking:
        return replace(
            blank, state="unknown", found="the agent was silent", reason="AgentNotSpeaking"
        )
    for index, line in enumerate(stage.lines):
        if line.kind in ("agentStopped", "interrupted") and line.at_ms >= stage.start_ms:
            took = line.at_ms - stage.start_ms
            found = f"stopped after {took} ms"
            if took > allowed:
                return replace(blank, state="broken", found=found, reason="TooLate")
            return replace(blank, state="met", found=found, index=index, at_ms=line.at_ms)
    return replace(blank, found="went on speaking", due_ms=stage.start_ms + allowed)


def _in_time(stage: Stage, expected: Expectation, finding: Finding) -> Finding:
    within = milliseconds(expected.within)
    if within is None or expected.within is None:
        return finding
    wanted = f"{finding.wanted} within {format_duration(expected.within)}"
    finding = replace(finding, wanted=wanted, due_ms=stage.sent_ms + within)
    at_ms = finding.at_ms
    if finding.state == "held":
        at_ms = min(reply.at_ms for reply in stage.replies)
    if finding.state not in ("met", "held") or at_ms - stage.sent_ms <= within:
        return finding
    found = f"{finding.found} after {at_ms - stage.sent_ms} ms"
    return replace(finding, state="broken", found=found, reason="TooLate")


def _strictly(stage: Stage, expected: Expectation, finding: Finding) -> Finding:
    if not expected.strict or finding.state not in ("met", "held"):
        return finding
    wanted = f"{finding.wanted}, and nothing after it"
    further = next(_after(stage, finding.index), None) if finding.index >= 0 else None
    if further is not None:
        return replace(
            finding, state="broken", wanted=wanted, found=f"then {further}", reason="Unexpected"
        )
    return replace(finding, state="held", wanted=wanted)


def _after(stage: Stage, index: int) -> Iterator[str]:
    """What the agent did after a line, in words."""
    done = [(reply.index, f"said {quoted(reply.text)}") for reply in stage.replies]
    done += [(call.index, f"called {call_found((), [call])}") for call in stage.calls]
    return (words for place, words in sorted(done) if place > index)
