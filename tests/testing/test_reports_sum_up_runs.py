"""Runs make a test, tests make a report."""

from collections.abc import Callable
from typing import Any

import pytest

from trunkline.model.errors import InvalidInput
from trunkline.model.testing.calibration import not_calibrated, parse_sample
from trunkline.model.testing.costs import TestRates, counted_usd, estimate_usd
from trunkline.model.testing.judging import JudgeAnswer
from trunkline.model.testing.repeats import stops_early, summarise, summarise_test
from trunkline.model.testing.results import Outcome, RunResult, TestResult, TestRunReport
from trunkline.model.testing.scripts import Script
from trunkline.model.testing.transcripts import Line

MakeScript = Callable[..., Script]


def _runs(*outcomes: Outcome, ms: int = 1000) -> list[RunResult]:
    return [
        RunResult(
            number=number,
            outcome=outcome,
            reason="" if outcome == "passed" else "NotSaid",
            message="" if outcome == "passed" else "expected more",
            reply_ms=(ms, ms + 100),
            cost_usd=0.25,
        )
        for number, outcome in enumerate(outcomes, start=1)
    ]


def test_four_of_five_is_flaky_and_passes(make_script: MakeScript) -> None:
    script = make_script({"repeat": {"runs": 5, "pass": 4}}, test_digest="sha256:t")
    result = summarise_test(script, _runs("passed", "failed", "passed", "passed", "passed"))
    assert (result.outcome, result.flaky, result.pass_rate) == ("passed", True, 0.8)
    assert (result.runs_planned, result.runs_needed, result.cost_usd) == (5, 4, 1.25)
    assert (result.reply_p50_ms, result.reply_p95_ms, result.digest) == (1000, 1100, "sha256:t")
    assert result.interval is not None


def test_inconclusive_runs_are_left_out_of_the_rate_and_block(make_script: MakeScript) -> None:
    script = make_script({"repeat": {"runs": 3, "pass": 3}})
    result = summarise_test(script, _runs("passed", "inconclusive", "passed"))
    assert (result.outcome, result.pass_rate, result.flaky) == ("inconclusive", 1.0, False)
    assert result.message == "1 of 3 runs inconclusive; run 2: expected more"


def test_a_test_that_was_not_finished_is_inconclusive(make_script: MakeScript) -> None:
    result = summarise_test(make_script({"repeat": {"runs": 3, "pass": 2}}), _runs("passed"))
    assert (result.outcome, result.reason) == ("inconclusive", "NotFinished")
    nothing = summarise_test(make_script({}), [])
    assert (nothing.outcome, nothing.pass_rate, nothing.interval) == ("inconclusive", None, None)


def _compared(make_script: MakeScript, mine: list[RunResult], other: Any, **allowed: Any) -> Any:
    spec = {"repeat": {"runs": 10, "pass": 5}}
    script = make_script({**spec, "compare": {"to": "production", "notWorseBy": allowed}})
    assert not stops_early(script)
    plain = make_script(spec)
    assert stops_early(plain)
    baseline = None if other is None else summarise_test(plain, other)
    result = summarise_test(script, mine, baseline=baseline)
    return result.outcome, result.reason


def test_it_must_not_be_worse_than_what_runs_now(make_script: MakeScript) -> None:
    all_passed: list[Outcome] = ["passed"] * 10
    nine = _runs(*all_passed[1:], "failed")
    ten = _runs(*all_passed)
    worse = ("failed", "WorseThanBaseline")
    assert _compared(make_script, nine, ten, passRate=0.10) == ("passed", "")
    assert _compared(make_script, nine, ten, passRate=0.05) == worse
    slow = _runs(*all_passed, ms=1150)
    assert _compared(make_script, slow, ten, replyP95="15%") == ("passed", "")
    assert _compared(make_script, slow, ten, replyP95="13%") == worse
    unknown = ("inconclusive", "BaselineUnknown")
    assert _compared(make_script, ten, None, passRate=0.5) == unknown
    assert _compared(make_script, ten, _runs("inconclusive"), passRate=0.5) == unknown


def _test(name: str, outcome: Outcome, *, required: bool = True) -> TestResult:
    return TestResult(
        name=name,
        agent="desk",
        environment="testing",
        outcome=outcome,
        required=required,
        message="so it is" if outcome != "passed" else "",
        cost_usd=0.5,
        digest=f"sha256:{name}",
    )


@pytest.mark.parametrize(
    ("tests", "outcome", "advisories"),
    [
        ([_test("b", "passed"), _test("a", "passed")], "passed", 0),
        ([_test("a", "inconclusive"), _test("b", "failed")], "failed", 0),
        ([_test("a", "inconclusive"), _test("b", "passed")], "inconclusive", 0),
        ([_test("a", "passed"), _test("b", "failed", required=False)], "passed", 1),
        ([_test("b", "passed", required=False)], "inconclusive", 0),
        ([], "inconclusive", 0),
    ],
)
def test_a_report_goes_by_its_required_tests(
    tests: list[TestResult], outcome: str, advisories: int
) -> None:
    report = summarise(TestRunReport(id="r", project="acme", environment="testing"), tests)
    assert (report.outcome, report.advisories) == (outcome, advisories)
    assert [test.name for test in report.tests] == sorted(test.name for test in tests)
    assert report.cost_usd == 0.5 * len(tests)
    assert report.suite_digest.startswith("sha256:")


GOOD = "verdict: good\ncriterion: greets the caller\n\ncaller: Hi.\nagent: Hello.\n"


def test_a_sample_is_a_question_with_a_known_answer() -> None:
    sample = parse_sample("good.txt", GOOD)
    assert (sample.good, sample.question.about) == (True, "Hello.")
    assert [line.kind for line in sample.question.transcript] == ["callerSaid", "agentSaid"]
    right, wrong, open_ = (JudgeAnswer(agrees=a, reason="") for a in (True, False, None))
    assert not_calibrated([sample], {"good.txt": [right]}) == ()
    assert not_calibrated([sample], {"good.txt": [wrong]}) == ("good.txt",)
    assert not_calibrated([sample], {"good.txt": [open_]}) == ("good.txt",)
    assert not_calibrated([sample], {}) == ("good.txt",)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "verdict"),
        (GOOD.replace("good", "fine"), "verdict"),
        (GOOD.replace("criterion", "about"), "criterion"),
        (GOOD.replace("agent: Hello.", ""), "says nothing"),
        (GOOD.replace("caller: Hi.", "nurse: Hi."), "nurse"),
    ],
)
def test_what_is_no_sample_is_refused_by_name(text: str, word: str) -> None:
    with pytest.raises(InvalidInput, match=word) as refused:
        parse_sample("good/a.txt", text)
    assert "good/a.txt" in refused.value.message


def test_costs_are_estimated_by_turns_and_counted_by_what_happened(
    make_script: MakeScript,
) -> None:
    rates = TestRates(
        agent_minute_usd=0.60,
        text_reply_usd=0.01,
        phone_minute_usd=0.30,
        judge_million_tokens_usd=1000,
    )
    turns = [{"say": "Hi."}, {"asCaller": "book", "maxTurns": 3}]
    spec = {"turns": turns, "repeat": {"runs": 2}}
    assert estimate_usd(make_script(spec), rates) == pytest.approx(2 * 4 * 0.01)
    spoken = make_script({**spec, "mode": "audio"})
    assert estimate_usd(spoken, rates) == pytest.approx(2 * 4 * 12 / 60 * 0.60)
    judged = make_script({**spec, "finally": [{"goal": "done"}], "judge": {"votes": 3}})
    assert estimate_usd(judged, rates) == pytest.approx(2 * (4 * 0.01 + 3 * 1.5))
    lines = [Line(at_ms=at, turn=0, kind="agentSaid", text="Yes.") for at in range(3)]
    answers = [JudgeAnswer(agrees=True, reason="", tokens=100), JudgeAnswer(agrees=True, reason="")]
    assert counted_usd("text", rates, lines=lines, answers=answers) == pytest.approx(0.03 + 0.1)
    assert counted_usd("audio", rates, duration_s=30) == pytest.approx(0.30)
    assert counted_usd("phone", rates, duration_s=30) == pytest.approx(0.45)
