"""What a conversation comes to when it is over: the result of one run.

Order of precedence: a check that failed by itself, then a limit, then what the judge denies; then
whatever could not be found out. A judge can fail a run or leave it inconclusive, never rescue it,
and it is not asked about a run that has failed already. A run in which nothing was checked is
inconclusive (NothingChecked), and so is one in which the agent neither said nor did anything
(AgentSilent): what a dead line does not do proves nothing.

An agent that did not begin although the script expects it to has failed if it speaks later or has
no first message; otherwise nobody knows whether it could be heard at all (AgentSilent).
"""

from collections.abc import Mapping, Sequence

from pydantic import Field

from trunkline.model.base import Frozen, Json
from trunkline.model.testing.asking import Asked, OpenQuestion
from trunkline.model.testing.closing_checks import AudioMeasures, Conversation, closing_check
from trunkline.model.testing.hearing import calls, ending, replies, turns_taken
from trunkline.model.testing.judging import JudgeAnswer, Question, majority
from trunkline.model.testing.results import CheckResult, Outcome, RunResult, Vote
from trunkline.model.testing.scripts import Script
from trunkline.model.testing.standing_checks import standing_check
from trunkline.model.testing.transcripts import Line
from trunkline.model.testing.turns import OPENING_SILENT, Over, not_reached

Answers = Mapping[str, Sequence[JudgeAnswer]]
"""Votes by the id of their question; a question without any could not be put to the judge."""


class RunFacts(Frozen):
    """What the runner knows of a conversation beside its lines.

    ``lost`` is the reason why it could not be held or finished (ConversationLost, JudgeUnavailable
    is not one of them), "" if it was; ``lost_message`` the platform's words. ``limit`` is what
    ``limit_exceeded`` answered. ``judge_problem`` is why the judge could not be asked or does not
    count (JudgeUnavailable, JudgeNotCalibrated, BudgetExhausted). ``call_sid`` is the carrier's id
    of the call that was placed, "" in other modes.
    """

    number: int = 1
    conversation_id: str = ""
    call_sid: str = ""
    duration_s: float = 0.0
    cost_usd: float = 0.0
    restarts: int = 0
    reply_ms: tuple[int, ...] = ()
    judge: str = ""
    judge_problem: str = ""
    lost: str = ""
    lost_message: str = ""
    limit: CheckResult | None = None
    variables: dict[str, Json] | None = None
    audio: AudioMeasures | None = None


class Gathered(Frozen):
    """Every check before the judge was heard, and what it is still to be asked."""

    checks: tuple[CheckResult, ...] = Field(default=())
    asked: tuple[Asked, ...] = Field(default=())


def limit_exceeded(
    script: Script, lines: Sequence[Line], *, elapsed_s: float, cost_usd: float = 0.0
) -> CheckResult | None:
    """The limit that a conversation has gone beyond, or None. Turns are the caller's. Too many of
    them or too long is a failure; too much money only stops it (BudgetExhausted).
    """
    limits = script.spec.limits
    turns = turns_taken(lines)
    if limits.turns is not None and turns > limits.turns:
        return _limit("turns", f"at most {limits.turns} turns of the caller", f"turn {turns}")
    if limits.seconds is not None and elapsed_s > limits.seconds:
        return _limit("seconds", f"at most {limits.seconds:g} s", f"{elapsed_s:.1f} s")
    if limits.cost_usd is not None and cost_usd > limits.cost_usd:
        check = _limit("costUsd", f"at most {limits.cost_usd:g} USD", f"{cost_usd:.4f} USD")
        return check.model_copy(update={"outcome": "inconclusive", "reason": "BudgetExhausted"})
    return None


def questions(
    script: Script, lines: Sequence[Line], turns: Sequence[Over], facts: RunFacts
) -> tuple[OpenQuestion, ...]:
    """What is to be put to the judge once the conversation is over; nothing if its answers could
    not change the outcome.
    """
    gathered = gather(script, lines, turns, facts)
    if _settled(gathered, facts):
        return ()
    return tuple(
        OpenQuestion(
            id=asked.id,
            question=Question(
                criterion=asked.criterion,
                transcript=_until(lines, asked.turn),
                about=asked.about,
                reference=asked.reference,
            ),
        )
        for asked in gathered.asked
    )


def conclude(
    script: Script,
    lines: Sequence[Line],
    turns: Sequence[Over],
    answers: Answers,
    facts: RunFacts,
) -> RunResult:
    """The result of a run: all lines in order, the turns that were begun, the judge's votes."""
    gathered = gather(script, lines, turns, facts)
    settled = _settled(gathered, facts)
    by_path: dict[str, list[Asked]] = {}
    for asked in gathered.asked:
        by_path.setdefault(asked.path, []).append(asked)
    checks = tuple(
        _placed(
            script, _judged(check, by_path.get(check.path, ()), answers, facts, settled=settled)
        )
        for check in gathered.checks
    )
    outcome, reason, message = _outcome(checks, lines, facts)
    return RunResult(
        number=facts.number,
        outcome=outcome,
        reason=reason,
        message=message,
        mode=script.spec.mode,
        checks=checks,
        transcript=tuple(lines),
        reply_ms=facts.reply_ms,
        turns=turns_taken(lines),
        duration_s=facts.duration_s,
        cost_usd=facts.cost_usd,
        restarts=facts.restarts,
        conversation_id=facts.conversation_id,
        call_sid=facts.call_sid,
        judge=facts.judge if any(check.votes for check in checks) else "",
    )


def gather(
    script: Script, lines: Sequence[Line], turns: Sequence[Over], facts: RunFacts
) -> Gathered:
    """Every check of the script before the judge is heard, in the order of the document."""
    checks = _of_turns(script, lines, turns, facts)
    asked = [question for over in turns for question in over.questions]
    cut = bool(facts.lost) or facts.limit is not None or _broke_off(script, checks, turns)
    talk = Conversation(
        lines=tuple(lines),
        mode=script.spec.mode,
        cut=cut,
        variables=facts.variables,
        audio=facts.audio,
        documents=script.documents,
    )
    wholes = [
        standing_check(line, number, lines, facts.reply_ms)
        for number, line in enumerate(script.spec.always)
    ]
    wholes += [closing_check(line, number, talk) for number, line in enumerate(script.spec.at_end)]
    if facts.limit is not None:
        checks.append(facts.limit)
    checks += [whole.check for whole in wholes]
    asked += [question for whole in wholes for question in whole.asked]
    return Gathered(checks=tuple(checks), asked=tuple(asked))


def _of_turns(
    script: Script, lines: Sequence[Line], turns: Sequence[Over], facts: RunFacts
) -> list[CheckResult]:
    begun = {over.index: over for over in turns}
    checks: list[CheckResult] = []
    for index, turn in enumerate(script.spec.turns):
        if index in begun:
            checks += [_opening(script, lines, check) for check in begun[index].checks]
        else:
            checks += not_reached(turn, index, script.spec.mode)
    ended = ending(lines)
    left = [check for check in checks if check.reason == "NotReached" and check.turn not in begun]
    hung_up = ended is not None and ended.by == "agent" and not facts.lost
    if left and hung_up and facts.limit is None and not _any_failed(checks):
        checks.append(_ended_early(left[0], len(begun)))
    return checks


def _opening(script: Script, lines: Sequence[Line], check: CheckResult) -> CheckResult:
    if check.reason != OPENING_SILENT:
        return check
    if replies(lines) or not script.first_message.strip():
        return check
    return check.model_copy(update={"outcome": "inconclusive", "reason": "AgentSilent"})


def _ended_early(left: CheckResult, begun: int) -> CheckResult:
    return CheckResult(
        path=left.path.partition(".expect")[0],
        position="",
        check="turn",
        outcome="failed",
        wanted="the conversation lasts until the script is through",
        found=f"the agent ended it in turn {begun}",
        reason="EndedEarly",
        turn=left.turn,
    )


def _broke_off(script: Script, checks: Sequence[CheckResult], turns: Sequence[Over]) -> bool:
    """True if the script was not gone through to its end."""
    stopped = any(not over.goes_on for over in turns)
    return stopped or len(turns) < len(script.spec.turns) or _any_failed(checks)


def _any_failed(checks: Sequence[CheckResult]) -> bool:
    return any(check.outcome == "failed" for check in checks)


def _settled(gathered: Gathered, facts: RunFacts) -> bool:
    """True if no answer of a judge could change the outcome for the better or the worse."""
    stopped = facts.limit is not None or bool(facts.lost)
    return stopped or _any_failed(gathered.checks)


def _until(lines: Sequence[Line], turn: int | None) -> tuple[Line, ...]:
    return tuple(line for line in lines if turn is None or line.turn <= turn)


def _judged(
    check: CheckResult,
    asked: Sequence[Asked],
    answers: Answers,
    facts: RunFacts,
    *,
    settled: bool,
) -> CheckResult:
    """The check with what the judge says about it."""
    if check.reason != "NotJudged" or settled:
        return check
    votes: list[Vote] = []
    verdicts: list[tuple[bool | None, str, str]] = []
    for question in asked:
        given = () if facts.judge_problem else answers.get(question.id, ())
        votes += [Vote(agrees=each.agrees, reason=each.reason) for each in given]
        verdicts.append(_verdict(given, facts))
    denied = [v for v in verdicts if v[0] is False]
    open_ones = [v for v in verdicts if v[0] is None]
    deciding = (denied or open_ones or [(True, "", "")])[0]
    outcome = {False: "failed", None: "inconclusive", True: "passed"}[deciding[0]]
    said = f"the judge says {deciding[2]}" if deciding[2] else ""
    found = "; ".join(part for part in (check.found, said) if part)
    return check.model_copy(
        update={
            "outcome": outcome,
            "reason": deciding[1],
            "found": found,
            "votes": tuple(votes),
        }
    )


def _verdict(given: Sequence[JudgeAnswer], facts: RunFacts) -> tuple[bool | None, str, str]:
    """What the votes on one question come to, the reason's word and the judge's own."""
    if not given:
        return None, facts.judge_problem or "JudgeUnavailable", ""
    agrees = majority(given)
    words = next((each.reason for each in given if each.agrees is agrees), given[0].reason)
    word = {True: "", False: "JudgeDisagrees", None: "JudgeUndecided"}[agrees]
    return agrees, word, words


def _placed(script: Script, check: CheckResult) -> CheckResult:
    return check.model_copy(update={"position": check.position or script.place(check.path)})


def _limit(name: str, wanted: str, found: str) -> CheckResult:
    return CheckResult(
        path=f"spec.limits.{name}",
        position="",
        check=name,
        outcome="failed",
        wanted=wanted,
        found=found,
        reason="LimitExceeded",
    )


def _outcome(
    checks: Sequence[CheckResult], lines: Sequence[Line], facts: RunFacts
) -> tuple[Outcome, str, str]:
    failed = [check for check in checks if check.outcome == "failed"]
    if failed:
        first = next((c for c in failed if c.reason != "JudgeDisagrees"), failed[0])
        return "failed", first.reason, sentence(first)
    if facts.lost:
        return "inconclusive", facts.lost, facts.lost_message
    unclear = [check for check in checks if check.outcome == "inconclusive"]
    if unclear:
        first = next((check for check in unclear if check.reason != "NotReached"), unclear[0])
        return "inconclusive", first.reason, sentence(first)
    if not any(check.outcome == "passed" for check in checks):
        return "inconclusive", "NothingChecked", "nothing of this test could be checked"
    ended = ending(lines)
    if not (replies(lines) or calls(lines) or (ended is not None and ended.by == "agent")):
        return "inconclusive", "AgentSilent", "the agent said and did nothing at all"
    return "passed", "", ""


def sentence(check: CheckResult) -> str:
    """A check that did not pass, in one line."""
    where = "" if check.turn is None else f"turn {check.turn + 1}: "
    found = f"; found {check.found}" if check.found else ""
    return f"{where}expected: {check.wanted}{found} ({check.reason})"
