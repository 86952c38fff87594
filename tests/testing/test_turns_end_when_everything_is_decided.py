"""When a turn is over, and what its expectations came to."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from trunkline.model.kinds.conversation import Turn
from trunkline.model.testing.results import CheckResult
from trunkline.model.testing.transcripts import Line
from trunkline.model.testing.turns import Over, TurnWatch, Waiting

Lines = Callable[..., tuple[Line, ...]]


def _line(at_ms: int, kind: str, text: str = "", **more: Any) -> Line:
    body = {"atMs": at_ms, "turn": 1, "kind": kind, "text": text, **more}
    return Line.model_validate(body)


def _said(at_ms: int, text: str) -> Line:
    return _line(at_ms, "agentSaid", text)


def _called(at_ms: int, tool: str, call_id: str = "", **args: Any) -> Line:
    return _line(at_ms, "toolCalled", tool=tool, callId=call_id, arguments=args)


def _answered(at_ms: int, tool: str, call_id: str = "") -> Line:
    return _line(at_ms, "toolAnswered", tool=tool, callId=call_id)


def _watch(
    expect: Sequence[Mapping[str, Any]], lines: Sequence[Line] = (), **turn: Any
) -> TurnWatch:
    given = turn.pop("given", {"say": "Hi."})
    spoken = Turn.model_validate({**given, "expect": list(expect)})
    watch = TurnWatch(spoken, 1, turn.pop("mode", "text"), 0, **turn)
    for line in lines:
        watch.observe(line)
    return watch


def _checks(watch: TurnWatch, now_ms: int = 100_000) -> tuple[CheckResult, ...]:
    over = watch.verdict(now_ms)
    assert isinstance(over, Over)
    return over.checks


def _outcomes(watch: TurnWatch, now_ms: int = 100_000) -> list[tuple[str, str]]:
    return [(check.outcome, check.reason) for check in _checks(watch, now_ms)]


def test_a_reply_as_wanted_ends_the_turn_after_the_settle_window() -> None:
    watch = _watch([{"says": "hello"}], [_said(800, "Hello there.")])
    assert watch.verdict(900) == Waiting(until_ms=1200)
    over = watch.verdict(1200)
    assert isinstance(over, Over)
    assert (over.at_ms, over.checks[0].outcome, over.goes_on) == (1200, "passed", True)


def test_a_reply_at_the_last_millisecond_is_in_time_and_one_later_is_not() -> None:
    expect = [{"says": "hello", "within": "2s"}]
    assert _outcomes(_watch(expect, [_said(2000, "Hello.")])) == [("passed", "")]
    assert _outcomes(_watch(expect, [_said(2001, "Hello.")])) == [("failed", "TooLate")]


def test_a_wrong_reply_is_waited_out_until_the_deadline() -> None:
    watch = _watch([{"says": "hello"}], [_said(800, "One moment.")])
    assert watch.verdict(10_000) == Waiting(until_ms=15_001)
    assert _outcomes(watch) == [("failed", "NotSaid")]


def test_within_ends_the_turn_once_the_agent_has_done_something() -> None:
    watch = _watch([{"says": "hello", "within": "2s"}], [_said(800, "One moment.")])
    assert watch.verdict(1_000) == Waiting(until_ms=2_001)
    assert _outcomes(watch, 2_001) == [("failed", "NotSaid")]


def test_an_agent_that_is_silent_towards_an_input_blames_nobody() -> None:
    watch = _watch([{"says": "hello", "within": "2s"}, {"noCall": "book_slot"}])
    assert watch.verdict(5_000) == Waiting(until_ms=15_001)
    assert _outcomes(watch) == [("inconclusive", "AgentSilent")] * 2
    over = watch.verdict(15_001)
    assert isinstance(over, Over)
    assert not over.goes_on


def test_silence_towards_an_input_nothing_is_expected_of_is_said_too() -> None:
    watch = _watch([])
    checks = _checks(watch)
    assert [(check.path, check.reason) for check in checks] == [("spec.turns[1]", "AgentSilent")]


def test_silence_of_the_agent_while_the_caller_waits_is_a_failure() -> None:
    watch = _watch([{"says": "still there"}], given={"silence": "6s"})
    assert watch.verdict(0) == Waiting(until_ms=21_001)
    assert _outcomes(watch) == [("failed", "NotSaid")]


def test_a_silence_lasts_as_long_as_it_says() -> None:
    watch = _watch([{"says": "there"}], [_said(900, "Are you there?")], given={"silence": "6s"})
    assert watch.verdict(5_000) == Waiting(until_ms=6_000)
    assert isinstance(watch.verdict(6_000), Over)


def test_expectations_come_true_in_their_order() -> None:
    expect = [{"calls": "find_slots"}, {"says": "half past two"}]
    right = [
        _called(500, "find_slots"),
        _answered(600, "find_slots"),
        _said(900, "Half past two is free."),
    ]
    assert _outcomes(_watch(expect, right)) == [("passed", ""), ("passed", "")]
    wrong = [
        _said(300, "Half past two is free."),
        _called(500, "find_slots"),
        _answered(600, "find_slots"),
        _said(900, "Shall I book it?"),
    ]
    watch = _watch(expect, wrong)
    assert _outcomes(watch) == [("passed", ""), ("failed", "NotSaid")]
    assert "said before" in _checks(watch)[1].found


def test_other_lines_may_come_between() -> None:
    lines = [
        _said(200, "Let me look."),
        _line(250, "noted", "a remark"),
        _called(300, "find_slots"),
        _line(350, "callerHeard", "hm"),
        _answered(400, "find_slots"),
        _said(700, "Half past two is free."),
    ]
    expect = [{"calls": "find_slots"}, {"says": "half past two"}]
    assert _outcomes(_watch(expect, lines)) == [("passed", "")] * 2


def test_two_says_may_be_about_one_reply_and_two_calls_never_are_one_call() -> None:
    reply = [_said(500, "Tuesday at half past two.")]
    assert _outcomes(_watch([{"says": "Tuesday"}, {"says": "half past two"}], reply)) == [
        ("passed", ""),
        ("passed", ""),
    ]
    lines = [_called(100, "book_slot"), _answered(200, "book_slot"), _said(500, "Done.")]
    twice = _watch([{"calls": "book_slot"}, {"calls": "book_slot"}], lines)
    assert _outcomes(twice) == [("passed", ""), ("failed", "NotCalled")]


def test_what_is_said_in_two_pieces_was_said() -> None:
    lines = [_said(500, "Your code is"), _said(600, "BLC 204.")]
    assert _outcomes(_watch([{"says": "code is BLC"}], lines)) == [("passed", "")]


@pytest.mark.parametrize(("order", "outcome"), [("any", "passed"), ("listed", "failed")])
def test_a_list_of_calls_comes_in_any_order_unless_it_is_listed(order: str, outcome: str) -> None:
    lines = [
        _called(100, "book_slot", "b"),
        _called(110, "find_slots", "a"),
        _answered(200, "find_slots", "a"),
        _answered(210, "book_slot", "b"),
        _said(500, "Done."),
    ]
    watch = _watch([{"calls": ["find_slots", "book_slot"], "order": order}], lines)
    assert [check.outcome for check in _checks(watch)] == [outcome]


def test_calls_in_any_order_are_shared_out_so_that_all_fit() -> None:
    expect = [
        {"calls": [{"name": "book_slot"}, {"name": "book_slot", "args": {"slot": "ten"}}]},
    ]
    lines = [
        _called(100, "book_slot", "a", slot="ten"),
        _called(110, "book_slot", "b", slot="nine"),
        _answered(200, "book_slot", "a"),
        _answered(210, "book_slot", "b"),
        _said(500, "Both are booked."),
    ]
    assert _outcomes(_watch(expect, lines)) == [("passed", "")]


def test_a_forbidden_call_ends_the_turn_at_once() -> None:
    expect = [{"noCall": "book_slot", "for": "3s"}, {"says": "Tuesday"}]
    watch = _watch(expect, [_called(700, "book_slot")])
    over = watch.verdict(700)
    assert isinstance(over, Over)
    assert over.at_ms == 700
    assert _outcomes(watch, 700) == [("failed", "Called"), ("inconclusive", "NotReached")]
    assert not over.goes_on


def test_a_quiet_window_counts_from_what_came_true_before_it() -> None:
    expect = [{"says": "Tuesday"}, {"noCall": "book_slot", "for": "3s"}]
    watch = _watch(expect, [_said(1_000, "Tuesday, is that right?")])
    assert watch.verdict(1_500) == Waiting(until_ms=4_000)
    assert isinstance(watch.verdict(4_000), Over)
    watch.observe(_called(3_999, "book_slot"))
    assert _outcomes(watch, 4_000)[1] == ("failed", "Called")


def test_what_must_not_be_said_is_watched_until_the_reply_is_complete() -> None:
    expect = [{"says": {"notContains": "cheap"}}]
    watch = _watch(expect, [_said(500, "Let me see.")])
    assert watch.verdict(800) == Waiting(until_ms=900)
    watch.observe(_said(850, "It is cheap."))
    assert _outcomes(watch, 850) == [("failed", "Said")]


def test_what_must_not_be_said_needs_a_reply_that_does_not_say_it() -> None:
    lines = [_called(200, "find_slots"), _answered(300, "find_slots")]
    watch = _watch([{"says": {"notContains": "cheap"}}], lines)
    assert _outcomes(watch) == [("failed", "NotSaid")]


def test_strict_allows_nothing_after_it() -> None:
    expect = [{"says": "BLC-204", "strict": True}]
    quiet = [_said(500, "It is BLC-204.")]
    assert _outcomes(_watch(expect, quiet)) == [("passed", "")]
    assert _outcomes(_watch(expect, [*quiet, _said(800, "Anything else?")])) == [
        ("failed", "Unexpected")
    ]


def test_a_turn_waits_for_the_reply_after_a_tool() -> None:
    lines = [_said(200, "Let me look."), _called(300, "find_slots")]
    watch = _watch([{"judge": "offers a day"}], lines)
    assert watch.verdict(2_000) == Waiting(until_ms=15_001)
    watch.observe(_answered(2_500, "find_slots"))
    assert watch.verdict(3_000) == Waiting(until_ms=15_001)
    watch.observe(_said(3_200, "Tuesday is free."))
    over = watch.verdict(3_600)
    assert isinstance(over, Over)
    assert over.questions[0].about == "Let me look. Tuesday is free."


def test_a_reply_while_a_tool_is_still_at_work_does_not_end_the_turn() -> None:
    lines = [_called(300, "find_slots", "x"), _said(400, "Let me look.")]
    watch = _watch([{"judge": "offers a day"}], lines)
    assert watch.verdict(1_000) == Waiting(until_ms=15_001)


def test_a_call_nothing_was_prepared_for_ends_the_turn_and_fails() -> None:
    watch = _watch([{"says": "hello"}], [_called(300, "pay").model_copy(update={"stubbed": False})])
    assert _outcomes(watch, 300) == [
        ("inconclusive", "NotReached"),
        ("failed", "UnstubbedTool"),
    ]


@pytest.mark.parametrize(
    ("by", "outcome", "reason"),
    [
        ("agent", "failed", "ConversationEnded"),
        ("platform", "inconclusive", "ConversationLost"),
        ("caller", "inconclusive", "NotReached"),
    ],
)
def test_who_ends_the_conversation_decides_what_an_open_expectation_means(
    by: str, outcome: str, reason: str
) -> None:
    watch = _watch([{"says": "hello"}], [_line(900, "ended", by=by)])
    assert _outcomes(watch, 900) == [(outcome, reason)]


def test_only_what_was_spoken_of_a_reply_counts() -> None:
    lines = [_said(500, "We open at nine on Sunday."), _line(800, "agentCorrected", "We open at")]
    assert _outcomes(_watch([{"says": "Sunday"}], lines)) == [("failed", "NotSaid")]


def test_a_call_read_later_takes_its_place_by_when_it_was_made() -> None:
    expect = [{"calls": "find_slots"}, {"says": "half past two"}]
    watch = _watch(expect, [_said(900, "Half past two is free.")])
    watch.observe(_called(500, "find_slots"))
    watch.observe(_answered(520, "find_slots"))
    assert _outcomes(watch, 1_300) == [("passed", "")] * 2


def test_the_agent_must_stop_speaking_when_the_caller_does() -> None:
    expect = [{"stopsWithin": "600ms"}]
    given = {"say": "Stop.", "interrupt": {"by": "1s"}}

    def outcome(*lines: Line, **more: Any) -> tuple[str, str]:
        (check,) = _checks(_watch(expect, lines, given=given, mode="audio", **more))
        return check.outcome, check.reason

    after = _said(3_000, "Yes?")
    assert outcome(_line(600, "agentStopped"), after) == ("passed", "")
    assert outcome(_line(601, "agentStopped"), after) == ("failed", "NotStopped")
    assert outcome(after) == ("failed", "NotStopped")
    assert outcome(_line(600, "interrupted"), after) == ("passed", "")
    silent = outcome(after, agent_speaking=False)
    assert silent == ("inconclusive", "AgentNotSpeaking")


def test_what_a_mode_cannot_show_does_not_apply_in_it() -> None:
    watch = _watch([{"stopsWithin": "600ms"}], [_said(500, "Yes.")])
    assert _outcomes(watch) == [("notApplicable", "NotInThisMode")]
    sound = _watch([{"says": "yes"}], given={"audioFile": "yes.wav"})
    assert _outcomes(sound, 0) == [("notApplicable", "NotInThisMode")]


def test_deadlines_count_from_when_the_input_was_through() -> None:
    watch = _watch([{"says": "yes", "within": "2s"}], mode="audio", settle_ms=400)
    watch.sent(4_000)
    watch.observe(_said(5_900, "Yes."))
    assert watch.verdict(5_900) == Waiting(until_ms=6_300)
    assert _outcomes(watch, 6_300) == [("passed", "")]


def test_a_spoken_reply_is_complete_when_it_has_been_heard() -> None:
    lines = [_said(500, "Yes."), _line(520, "agentStarted")]
    watch = _watch([{"says": "yes"}], lines, mode="audio", settle_ms=400)
    assert watch.verdict(3_000) == Waiting(until_ms=15_001)
    watch.observe(_line(3_100, "agentStopped"))
    assert isinstance(watch.verdict(3_500), Over)


def test_an_interruption_to_come_cuts_a_turn_short() -> None:
    lines = [_said(500, "We are open from nine."), _line(520, "agentStarted")]
    watch = _watch([{"says": "nine"}], lines, mode="audio", cut_by_ms=1_000)
    over = watch.verdict(1_520)
    assert isinstance(over, Over)
    assert (over.at_ms, over.checks[0].outcome) == (1_520, "passed")


def test_lines_of_other_turns_are_not_this_turns_business() -> None:
    watch = _watch([{"says": "hello"}])
    watch.observe(Line(at_ms=500, turn=0, kind="agentSaid", text="Hello."))
    assert _outcomes(watch) == [("inconclusive", "AgentSilent")]
