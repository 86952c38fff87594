"""When a turn of a script is over and what came of its expectations: a machine without a clock.

Lines are put in as they arrive, the time is given with every question. The verdict depends on the
lines and the time alone, never on how often it was asked for, so that a conversation can be
evaluated again from its transcript. How:

- One deadline for the turn, counted from its input: the longest ``within`` of its expectations, at
  least ``TURN_DEADLINE_MS``. ``within`` is met at its last millisecond.
- Expectations that want something (``says``, ``calls``, ``stopsWithin``) come true in their order;
  any other line may come between. Two ``says`` in a row may be about the same reply, two calls
  never are the same call. A list of calls is complete in any order, unless ``order: listed``.
- Expectations that forbid something (``noCall``, ``says`` with nothing but ``not…``) and those of
  the judge hold until the turn is over. ``noCall`` watches the whole turn, and the turn lasts at
  least ``for`` from when the expectation before it came true. What is forbidden to say needs a
  reply that does not say it.
- ``strict`` forbids further replies and calls after the line that met it.
- The turn is over at its first broken expectation, at the deadline, when the conversation ends, or
  when everything is decided and the reply is complete: the last thing was a reply, no tool is
  being waited for, and nothing was heard for the settle window.
- Silence of the agent towards an input blames nobody (AgentSilent): ``within`` counts only once
  the agent has done something. Without an input to answer, silence is a broken expectation.
"""

from bisect import bisect_right
from dataclasses import dataclass, field, replace
from typing import Final

from trunkline.model.base import Frozen
from trunkline.model.kinds.conversation import Mode, Turn
from trunkline.model.testing.asking import Asked
from trunkline.model.testing.calling import call_found
from trunkline.model.testing.expectations import (
    Finding,
    Stage,
    finding_of,
    milliseconds,
)
from trunkline.model.testing.hearing import Call, calls, ending, replies, speaking, unanswered
from trunkline.model.testing.results import CheckResult
from trunkline.model.testing.transcripts import Line

TURN_DEADLINE_MS: Final = 15_000
"""How long an agent may take where the script does not say."""
SETTLE_TEXT_MS: Final = 400
"""Quiet after the last reply before it counts as complete, where replies are texts."""
SETTLE_AUDIO_MS: Final = 1_200
"""The same where replies are spoken: agents breathe between two sentences."""

_ANSWERED_INPUTS: Final = ("say", "dtmf", "audio_file", "as_caller")


class Waiting(Frozen):
    """The turn goes on. Unless something arrives before, ask again at ``until_ms``."""

    until_ms: int


class Over(Frozen):
    """The turn ended at ``at_ms``. ``checks`` has one result for each expectation (positions are
    filled in when the run is concluded); one that waits for a judge is inconclusive NotJudged and
    in ``questions``. ``reason`` is the word of the first check that did not pass, "" if all did.
    """

    index: int
    at_ms: int
    checks: tuple[CheckResult, ...] = ()
    questions: tuple[Asked, ...] = ()
    reason: str = ""

    @property
    def goes_on(self) -> bool:
        """False if the conversation should end here: a check failed, or the agent is silent. A
        first turn without input goes on, to find out whether the agent can speak at all.
        """
        blocking = [c for c in self.checks if c.outcome == "failed" or c.reason in _STOPPING]
        return all(c.reason == OPENING_SILENT for c in blocking)


OPENING_SILENT: Final = "AgentDidNotOpen"
"""The agent did not begin although the script expects it to; what that means is known later."""
_STOPPING: Final = frozenset({"AgentSilent", "ConversationLost"})


@dataclass
class TurnWatch:
    """One turn being watched.

    ``start_ms`` is when its input began, on the clock of the lines. Where speaking takes time, say
    with ``sent`` when it was through: deadlines count from there. ``agent_speaking`` tells whether
    the agent was speaking when it began, which ``stopsWithin`` needs. ``cut_by_ms``: the next turn
    interrupts so long after the agent starts, which ends this one.
    """

    turn: Turn
    index: int
    mode: Mode
    start_ms: int
    settle_ms: int = SETTLE_TEXT_MS
    deadline_ms: int = TURN_DEADLINE_MS
    agent_speaking: bool = True
    cut_by_ms: int | None = None
    _sent_ms: int | None = None
    _lines: list[Line] = field(default_factory=list)
    _survived: int = 0
    """So many of the first lines are known to have been followed by another in time."""

    def sent(self, at_ms: int) -> None:
        """The input is through. Before that the turn is over only if something broke."""
        self._sent_ms = at_ms
        self._survived = 0

    def observe(self, line: Line) -> None:
        """Take in a line of this turn; others are ignored. A line that comes late (a call that was
        read from the gateway's records) takes its place by ``at_ms``.
        """
        if line.turn != self.index:
            return
        place = bisect_right(self._lines, line.at_ms, key=lambda each: each.at_ms)
        self._lines.insert(place, line)
        self._survived = min(self._survived, place)

    def verdict(self, now_ms: int) -> Waiting | Over:
        """Where the turn stands at a time; the time of the newest line at least."""
        if not applies(self.turn, self.mode):
            return not_applicable(self.turn, self.index, self.start_ms)
        now_ms = max([now_ms, *(line.at_ms for line in self._lines)])
        for count in range(self._survived, len(self._lines) + 1):
            stage = self._stage(self._lines[:count])
            over_ms, late = self._ends(stage)
            following = self._lines[count].at_ms if count < len(self._lines) else now_ms
            if over_ms <= following:
                return self._over(stage, over_ms, late=late)
            self._survived = count
        return Waiting(until_ms=over_ms)

    def _stage(self, lines: list[Line]) -> Stage:
        sent_ms = self.start_ms if self._sent_ms is None else self._sent_ms
        return Stage(
            turn=self.turn,
            index=self.index,
            mode=self.mode,
            start_ms=self.start_ms,
            sent_ms=sent_ms,
            agent_speaking=self.agent_speaking,
            lines=tuple(lines),
            replies=replies(lines),
            calls=calls(lines),
        )

    def _ends(self, stage: Stage) -> tuple[int, bool]:
        """When the turn is over if nothing else arrives, and whether that is a deadline."""
        findings = finding_of(stage)
        newest = max([stage.start_ms, *(line.at_ms for line in stage.lines)])
        unprepared = any(not call.stubbed for call in stage.calls)
        if findings.broken or unprepared or ending(stage.lines) is not None:
            return newest, False
        deadline = self._deadline(stage)
        if findings.open:
            over_ms, late = min(self._due(stage, each, deadline) for each in findings.open), True
        elif self._complete(stage):
            over_ms, late = max(self._quiet(stage), findings.watch_until), False
        else:
            over_ms, late = max(deadline + 1, findings.watch_until), True
        cut = self._cut(stage)
        if cut is not None and cut < over_ms:
            over_ms, late = cut, True
        return max(over_ms, newest, stage.sent_ms), late

    def _deadline(self, stage: Stage) -> int:
        silence = milliseconds(self.turn.silence) or 0
        given = [milliseconds(each.within) or 0 for each in self.turn.expect]
        return stage.sent_ms + silence + max([self.deadline_ms, *given])

    def _due(self, stage: Stage, finding: Finding, deadline: int) -> int:
        """The first moment that is too late for an expectation that is still open."""
        silent = self._answered and not (stage.replies or stage.calls)
        if finding.due_ms is None or (silent and finding.check != "stopsWithin"):
            return deadline + 1
        return finding.due_ms + 1

    def _complete(self, stage: Stage) -> bool:
        if unanswered(stage.lines) or speaking(stage.lines):
            return False
        if not stage.replies:
            return not (self._answered or stage.calls)
        spoken_last = max(reply.index for reply in stage.replies)
        return all(call.index < spoken_last for call in stage.calls)

    def _quiet(self, stage: Stage) -> int:
        """When the settle window after the last thing the agent did is over."""
        active = ("agentSaid", "agentCorrected", "agentStopped", "toolCalled", "toolAnswered")
        last = [line.at_ms for line in stage.lines if line.kind in active]
        settled = max(last) + self.settle_ms if last else stage.sent_ms
        return max(settled, stage.start_ms + (milliseconds(self.turn.silence) or 0))

    def _cut(self, stage: Stage) -> int | None:
        started = [line.at_ms for line in stage.lines if line.kind == "agentStarted"]
        if self.cut_by_ms is None or not started:
            return None
        return started[0] + self.cut_by_ms

    @property
    def _answered(self) -> bool:
        """True if the input is one an agent answers."""
        return any(getattr(self.turn, name) is not None for name in _ANSWERED_INPUTS)

    @property
    def _opens(self) -> bool:
        return self.index == 0 and not any(
            getattr(self.turn, name) is not None for name in Turn.INPUTS
        )

    def _over(self, stage: Stage, at_ms: int, *, late: bool) -> Over:
        findings = finding_of(stage)
        ended = ending(stage.lines)
        silent = not (stage.replies or stage.calls)
        unprepared = [call for call in stage.calls if not call.stubbed]
        word = _word_for_open(
            lost=ended is not None and ended.by == "platform",
            hung_up=ended is not None and ended.by == "agent",
            late=late,
            silent=silent and self._answered,
            opening=silent and self._opens,
        )
        complete = not findings.broken and not unprepared
        checks = findings.results(word, complete=complete)
        if unprepared:
            checks = (*checks, _unstubbed(self.index, unprepared[0]))
        elif word == "AgentSilent" and not self.turn.expect:
            checks = (_silence(self.index),)
        reason = next((c.reason for c in checks if c.outcome in ("failed", "inconclusive")), "")
        asked = findings.questions if complete else ()
        return Over(
            index=self.index,
            at_ms=at_ms,
            checks=checks,
            questions=asked,
            reason="" if reason == "NotJudged" else reason,
        )


def applies(turn: Turn, mode: Mode) -> bool:
    """True if the turn's input can be given in the mode: sounds and keys are no text."""
    return mode != "text" or not turn.needs_sound


def not_applicable(turn: Turn, index: int, at_ms: int) -> Over:
    """A turn whose input cannot be given; all its expectations with it."""
    checks = tuple(each.result("notApplicable", "NotInThisMode") for each in _untold(turn, index))
    return Over(index=index, at_ms=at_ms, checks=checks)


def not_reached(turn: Turn, index: int, mode: Mode) -> tuple[CheckResult, ...]:
    """Expectations of a turn the conversation did not come to."""
    if not applies(turn, mode):
        return not_applicable(turn, index, 0).checks
    return tuple(
        each.result("notApplicable", "NotInThisMode")
        if each.state == "notApplicable"
        else each.result("inconclusive", "NotReached")
        for each in _untold(turn, index, mode)
    )


def _untold(turn: Turn, index: int, mode: Mode = "text") -> tuple[Finding, ...]:
    """The expectations of a turn about which nothing is known."""
    stage = Stage(
        turn=turn,
        index=index,
        mode=mode,
        start_ms=0,
        sent_ms=0,
        agent_speaking=True,
        lines=(),
        replies=(),
        calls=(),
    )
    return tuple(replace(each, found="") for each in finding_of(stage).each)


def _word_for_open(*, lost: bool, hung_up: bool, late: bool, silent: bool, opening: bool) -> str:
    """What the end of a turn means for what has not come true (see ``Findings.results``)."""
    if lost or hung_up:
        return "ConversationLost" if lost else "ConversationEnded"
    if not late:
        return "NotReached"
    return OPENING_SILENT if opening else "AgentSilent" if silent else "Missed"


def _unstubbed(index: int, call: Call) -> CheckResult:
    return CheckResult(
        path="spec.tools",
        position="",
        check="tools",
        outcome="failed",
        wanted="an answer is prepared for every call",
        found=call_found((), [call]),
        reason="UnstubbedTool",
        turn=index,
    )


def _silence(index: int) -> CheckResult:
    return CheckResult(
        path=f"spec.turns[{index}]",
        position="",
        check="reply",
        outcome="inconclusive",
        wanted="a reply",
        found="nothing",
        reason="AgentSilent",
        turn=index,
    )
