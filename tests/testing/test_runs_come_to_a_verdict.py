"""What a conversation comes to: failed, inconclusive or passed, and never passed for nothing."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from trunkline.model.testing.judging import JudgeAnswer, majority
from trunkline.model.testing.results import CheckResult, RunResult
from trunkline.model.testing.scripts import Script
from trunkline.model.testing.transcripts import Line
from trunkline.model.testing.turns import Over, TurnWatch
from trunkline.model.testing.verdicts import RunFacts, conclude, limit_exceeded, questions

Play = Callable[..., RunResult]
MakeScript = Callable[..., Script]
MakeLines = Callable[..., tuple[Line, ...]]
Entries = Sequence[Mapping[str, Any]]

ASKED: dict[str, Any] = {"say": "When are you open?"}
OPEN = {"turns": [{**ASKED, "expect": [{"says": "nine"}]}]}
ANSWERED: Entries = [
    {"at": "0s", "caller": "When are you open?"},
    {"at": "900ms", "agent": "From nine."},
]


def _reasons(result: RunResult) -> dict[str, tuple[str, str]]:
    return {check.path: (check.outcome, check.reason) for check in result.checks}


def test_a_run_passes_if_everything_that_was_checked_did(play: Play) -> None:
    result = play(OPEN, ANSWERED)
    assert (result.outcome, result.reason, result.message) == ("passed", "", "")
    assert result.checks[0].position == "example.yaml:11:1"
    assert (result.reply_ms, result.turns, result.judge) == ((900,), 1, "")


def test_a_failed_check_says_where_and_what(play: Play) -> None:
    spec = {"turns": [{**ASKED, "expect": [{"says": "ten"}]}]}
    result = play(spec, ANSWERED)
    assert (result.outcome, result.reason) == ("failed", "NotSaid")
    assert result.message == 'turn 1: expected: says "ten"; found "From nine." (NotSaid)'


@pytest.mark.parametrize(
    "spec",
    [
        {"turns": [ASKED]},
        {"turns": [{**ASKED, "interrupt": {"by": "1s"}, "expect": [{"stopsWithin": "1s"}]}]},
        {"turns": [ASKED], "finally": [{"audio": {"silenceMax": "4s"}}]},
        {"turns": [{"dtmf": "1", "expect": [{"says": "nine"}]}]},
        {},
    ],
    ids=["no checks", "not in this mode", "no audio", "no input in this mode", "no turns"],
)
def test_nothing_checked_is_not_passed(play: Play, spec: Mapping[str, Any]) -> None:
    result = play(spec, ANSWERED if "turns" in spec else [])
    assert (result.outcome, result.reason) == ("inconclusive", "NothingChecked")


def test_a_silent_agent_blames_nobody(play: Play) -> None:
    result = play(OPEN, ANSWERED[:1])
    assert (result.outcome, result.reason) == ("inconclusive", "AgentSilent")


@pytest.mark.parametrize(
    "ending",
    [
        {"finally": [{"ends": {"by": "caller"}}]},
        {"finally": [{"callsTotal": {"pay": 0}}]},
        {"always": [{"noCall": "pay"}]},
    ],
    ids=["ends", "callsTotal", "noCall"],
)
def test_what_a_dead_line_does_not_do_proves_nothing(play: Play, ending: Mapping[str, Any]) -> None:
    spec = {"turns": [{"silence": "1s"}], **ending}
    waited: Entries = [{"at": "0s", "waited": "1s"}, {"at": "9s", "ended": "caller"}]
    result = play(spec, waited)
    assert (result.outcome, result.reason) == ("inconclusive", "AgentSilent")
    assert play(spec, [*waited[:1], {"at": "1s", "agent": "Hello?"}, waited[1]]).outcome == "passed"


OPENING = {"turns": [{"expect": [{"says": "hello", "within": "3s"}]}, OPEN["turns"][0]]}


def test_an_agent_that_speaks_later_could_have_opened(play: Play) -> None:
    result = play(
        OPENING, [{**line, "at": f"{at}s"} for at, line in zip((5, 6), ANSWERED, strict=True)]
    )
    assert (result.outcome, result.reason) == ("failed", "AgentDidNotOpen")
    assert _reasons(result)["spec.turns[1].expect[0]"] == ("passed", "")


def test_an_agent_without_a_first_message_does_not_open(play: Play) -> None:
    result = play(OPENING, [{**ANSWERED[0], "at": "5s"}], first_message=" ")
    assert (result.outcome, result.reason) == ("failed", "AgentDidNotOpen")


def test_an_agent_that_is_never_heard_blames_nobody(play: Play) -> None:
    result = play(OPENING, [{**ANSWERED[0], "at": "5s"}])
    assert (result.outcome, result.reason) == ("inconclusive", "AgentSilent")
    assert _reasons(result)["spec.turns[0].expect[0]"] == ("inconclusive", "AgentSilent")


def test_a_late_opening_is_a_failure(play: Play) -> None:
    result = play(OPENING, [{"at": "3500ms", "agent": "Hello."}])
    assert (result.outcome, result.reason) == ("failed", "AgentDidNotOpen")


def test_after_a_failed_check_the_rest_was_not_reached(play: Play) -> None:
    spec = {
        "turns": [{**ASKED, "expect": [{"says": "ten"}]}, {**ASKED, "expect": [{"says": "x"}]}],
        "finally": [{"callsTotal": {"book_slot": 1}}, {"goal": "opening hours are said"}],
    }
    result = play(spec, ANSWERED)
    assert result.outcome == "failed"
    assert _reasons(result) == {
        "spec.turns[0].expect[0]": ("failed", "NotSaid"),
        "spec.turns[1].expect[0]": ("inconclusive", "NotReached"),
        "spec.finally[0]": ("inconclusive", "NotReached"),
        "spec.finally[1]": ("inconclusive", "NotReached"),
    }


def test_a_conversation_the_agent_ends_early_fails(play: Play) -> None:
    spec = {"turns": [OPEN["turns"][0], {**ASKED, "expect": [{"says": "x"}]}]}
    result = play(spec, [*ANSWERED, {"at": "2s", "ended": "agent"}])
    assert (result.outcome, result.reason) == ("failed", "EndedEarly")
    assert "the agent ended it in turn 1" in result.message


def test_nothing_is_missed_if_what_is_left_expects_nothing(play: Play) -> None:
    spec = {"turns": [OPEN["turns"][0], {"say": "Thanks, bye."}]}
    result = play(spec, [*ANSWERED, {"at": "2s", "ended": "agent"}])
    assert result.outcome == "passed"


def test_a_lost_conversation_blames_nobody(play: Play) -> None:
    spec = {"turns": [OPEN["turns"][0], {**ASKED, "expect": [{"says": "x"}]}]}
    facts = {"lost": "ConversationLost", "lost_message": "the connection was dropped"}
    result = play(spec, ANSWERED, facts)
    assert (result.outcome, result.reason) == ("inconclusive", "ConversationLost")
    assert result.message == "the connection was dropped"


def test_a_call_nothing_was_prepared_for_fails_the_run(play: Play) -> None:
    lines = [ANSWERED[0], {"at": "500ms", "calls": "pay", "args": {"sum": 3}}, ANSWERED[1]]
    result = play(OPEN, lines)
    assert (result.outcome, result.reason) == ("failed", "UnstubbedTool")
    assert "pay(sum: 3)" in result.message


def _judged(make_script: MakeScript, make_lines: MakeLines, expect: Entries) -> Any:
    script = make_script({"turns": [{**ASKED, "expect": list(expect)}]})
    lines = make_lines(script, ANSWERED)
    watch = TurnWatch(script.spec.turns[0], 0, "text", 0)
    for line in lines:
        watch.observe(line)
    over = watch.verdict(60_000)
    assert isinstance(over, Over)
    return script, lines, over


@pytest.mark.parametrize(
    ("votes", "outcome", "reason"),
    [
        ((True, True, False), "passed", ""),
        ((False, False, True), "failed", "JudgeDisagrees"),
        ((True, None, False), "inconclusive", "JudgeUndecided"),
        ((None,), "inconclusive", "JudgeUndecided"),
        ((), "inconclusive", "JudgeUnavailable"),
    ],
)
def test_the_majority_of_votes_counts(
    make_script: MakeScript,
    make_lines: MakeLines,
    votes: tuple[bool | None, ...],
    outcome: str,
    reason: str,
) -> None:
    script, lines, over = _judged(make_script, make_lines, [{"judge": "says when"}])
    answers = {
        "spec.turns[0].expect[0]#0": [JudgeAnswer(agrees=vote, reason="so") for vote in votes]
    }
    result = conclude(script, lines, [over], answers, RunFacts(judge="someone"))
    assert (result.outcome, result.reason) == (outcome, reason)
    assert [vote.agrees for vote in result.checks[0].votes] == list(votes)
    assert result.judge == ("someone" if votes else "")


def test_a_judge_that_does_not_count_leaves_its_checks_open(
    make_script: MakeScript, make_lines: MakeLines
) -> None:
    script, lines, over = _judged(make_script, make_lines, [{"says": "nine"}, {"judge": "x"}])
    answers = {"spec.turns[0].expect[1]#0": [JudgeAnswer(agrees=True, reason="")]}
    facts = RunFacts(judge_problem="JudgeNotCalibrated")
    result = conclude(script, lines, [over], answers, facts)
    assert (result.outcome, result.reason) == ("inconclusive", "JudgeNotCalibrated")


def test_a_judge_never_rescues_and_is_not_asked_in_vain(
    make_script: MakeScript, make_lines: MakeLines
) -> None:
    script, lines, over = _judged(make_script, make_lines, [{"judge": "x"}, {"says": "ten"}])
    assert questions(script, lines, [over], RunFacts()) == ()
    answers = {"spec.turns[0].expect[0]#0": [JudgeAnswer(agrees=True, reason="")]}
    assert conclude(script, lines, [over], answers, RunFacts()).outcome == "failed"


def test_a_judge_sees_the_conversation_up_to_the_turn_it_is_asked_about(
    make_script: MakeScript, make_lines: MakeLines
) -> None:
    script, lines, over = _judged(make_script, make_lines, [{"judge": "says when"}])
    later = Line(at_ms=9_000, turn=1, kind="agentSaid", text="Bye.")
    (asked,) = questions(script, [*lines, later], [over], RunFacts())
    assert asked.question.transcript == lines
    assert asked.question.about == "From nine."
    assert asked.id == "spec.turns[0].expect[0]#0"


@pytest.mark.parametrize("votes", [(), (True, False), (None, None, True)])
def test_no_majority_is_no_answer(votes: tuple[bool | None, ...]) -> None:
    assert majority([JudgeAnswer(agrees=vote, reason="") for vote in votes]) is None


def test_limits_are_about_turns_seconds_and_money(make_script: MakeScript) -> None:
    script = make_script({"limits": {"turns": 1, "seconds": 10, "costUsd": 0.5}})
    said = [Line(at_ms=at, turn=0, kind="callerSaid", text="Hi.") for at in (0, 1)]

    def reached(turns: int, seconds: float, usd: float) -> tuple[str, str, str] | None:
        check: CheckResult | None = limit_exceeded(
            script, said[:turns], elapsed_s=seconds, cost_usd=usd
        )
        return None if check is None else (check.path, check.outcome, check.reason)

    assert reached(1, 10.0, 0.5) is None
    assert reached(2, 0, 0) == ("spec.limits.turns", "failed", "LimitExceeded")
    assert reached(1, 10.1, 0) == ("spec.limits.seconds", "failed", "LimitExceeded")
    assert reached(1, 0, 0.51) == ("spec.limits.costUsd", "inconclusive", "BudgetExhausted")


def test_what_does_not_apply_was_not_missed_either(play: Play) -> None:
    interrupted = {"say": "Stop.", "interrupt": {"by": "1s"}, "expect": [{"stopsWithin": "1s"}]}
    pressed = {"dtmf": "1", "expect": [{"says": "one"}]}
    spec = {"turns": [OPEN["turns"][0], interrupted, pressed]}
    result = play(spec, [*ANSWERED, {"at": "2s", "ended": "agent"}])
    assert result.outcome == "passed"
    assert [check.outcome for check in result.checks] == [
        "passed",
        "notApplicable",
        "notApplicable",
    ]
