"""Runs of an unchanged agent against its baseline: what is found, what is learnt, what is not."""

import math
import random
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.model.ids import Digest
from trunkline.model.testing.baselines import (
    SIGNIFICANCE,
    Baseline,
    Retest,
    TestCounts,
    behaviour_digest,
    compared,
    confirmed,
    evidence_counts,
    grown,
)
from trunkline.model.testing.figures import difference_interval
from trunkline.model.testing.limits import RETEST_BASELINE_RUNS_MAX
from trunkline.model.testing.results import (
    CheckResult,
    Outcome,
    RunResult,
    TestResult,
    TestRunReport,
)

RUNS = 5
FALSE_ALARMS_AT_MOST = 0.015
"""What docs/behaviour-drift.md says of retests of five runs."""
NAME = Digest("sha256:" + "5e" * 32)


def baseline(**tests: tuple[int, int]) -> Baseline:
    """Counts of passed and all runs by the name of the test."""
    counts = tuple(TestCounts(name=name, passed=p, runs=n) for name, (p, n) in tests.items())
    return Baseline(
        project="acme", environment="production", agent="front-desk", digest=NAME, tests=counts
    )


def report(run_id: str = "retest-1", **tests: str) -> TestRunReport:
    """Outcomes of the runs of each test as letters: p, f or i."""
    results = tuple(result(name, letters) for name, letters in tests.items())
    return TestRunReport(
        id=run_id, project="acme", environment="production", state="Finished", tests=results
    )


def result(name: str, letters: str, *, judge: str = "", reply_ms: int = 100) -> TestResult:
    words: dict[str, Outcome] = {"p": "passed", "f": "failed", "i": "inconclusive"}
    runs = tuple(
        RunResult(
            number=at,
            outcome=words[letter],
            reply_ms=(reply_ms,),
            checks=(
                CheckResult(
                    path="spec.turns[0].expect[0]",
                    position=f"{name}.yaml:7:9",
                    check="says",
                    outcome=words[letter],
                    wanted='says "hello"',
                    found="the caller was told nothing",
                ),
            ),
        )
        for at, letter in enumerate(letters, start=1)
    )
    return TestResult(
        name=name,
        agent="front-desk",
        environment="production",
        outcome="passed",
        runs=runs,
        judge=judge,
    )


def test_a_total_failure_after_a_good_past_is_worse_and_says_where() -> None:
    found = compared(baseline(books=(20, 20)), report(books="fffff"), runs=RUNS)
    assert found.outcome == "worse"
    assert found.lines[0].startswith("books passes 0 of 5 runs, 20 of 20 before: -100%")
    assert found.lines[1] == (
        'books.yaml:7:9: expected says "hello"; found the caller was told nothing'
    )
    assert len(found.lines) == 2


@pytest.mark.parametrize(
    ("letters", "outcome"),
    [("ppppp", "unchanged"), ("ppppf", "unchanged"), ("pppff", "worse"), ("pffff", "worse")],
)
def test_how_many_failures_are_significant_after_twenty_good_runs(
    letters: str, outcome: str
) -> None:
    assert compared(baseline(books=(20, 20)), report(books=letters), runs=RUNS).outcome == outcome


def test_one_test_more_makes_a_finding_no_easier() -> None:
    """Two failures of five are worse alone, and not beside nine other tests that are as before."""
    others = {f"other-{n}": (20, 20) for n in range(9)}
    alone = compared(baseline(books=(20, 20)), report(books="pppff"), runs=RUNS)
    among = compared(
        baseline(books=(20, 20), **others),
        report(books="pppff", **dict.fromkeys(others, "ppppp")),
        runs=RUNS,
    )
    assert (alone.outcome, among.outcome) == ("worse", "unchanged")


def test_a_recovery_beyond_the_past_is_better() -> None:
    found = compared(baseline(books=(2, 20)), report(books="ppppp"), runs=RUNS)
    assert found.outcome == "better"


def test_a_short_good_past_is_neither_believed_nor_forgotten() -> None:
    """Three runs of a gate against five failures: not enough, and not learnt."""
    known = baseline(books=(3, 3), opens=(1, 1))
    found = compared(known, report(books="fffff", opens="ppppp"), runs=RUNS)
    assert found.outcome == "inconclusive"
    assert "too few runs in the past" in found.message
    assert grown(known, found).tests == known.tests


def test_runs_nobody_could_decide_blame_nobody() -> None:
    found = compared(baseline(books=(20, 20)), report(books="iiiff"), runs=RUNS)
    assert (found.outcome, found.tests[0].change) == ("inconclusive", "undecided")


def test_one_test_that_is_worse_counts_although_another_came_to_nothing() -> None:
    known = baseline(books=(20, 20), opens=(20, 20))
    assert compared(known, report(books="fffff", opens="iiiii"), runs=RUNS).outcome == "worse"


@pytest.mark.parametrize("state", ["Running", "Cancelled", "Blocked"])
def test_a_run_that_did_not_finish_is_inconclusive(state: str) -> None:
    unfinished = report(books="fffff").model_copy(update={"state": state})
    assert compared(baseline(books=(20, 20)), unfinished, runs=RUNS).outcome == "inconclusive"


def test_a_run_without_a_test_is_inconclusive() -> None:
    assert compared(baseline(), report(), runs=RUNS).outcome == "inconclusive"


def test_what_another_judge_saw_is_no_past() -> None:
    judged = report().model_copy(update={"tests": (result("books", "fffff", judge="other/1"),)})
    found = compared(baseline(books=(20, 20)), judged, runs=RUNS)
    assert found.tests[0].change == "new"
    learnt = grown(baseline(books=(20, 20)), found)
    assert learnt.counts("books", "").runs == 20
    assert learnt.counts("books", "other/1").runs == 5


def test_slower_replies_are_told_and_change_nothing() -> None:
    first = compared(baseline(books=(5, 5)), report(books="ppppp"), runs=RUNS)
    known = grown(baseline(books=(5, 5)), first)
    slow = report("retest-2").model_copy(
        update={"tests": (result("books", "ppppp", reply_ms=300),)}
    )
    found = compared(known, slow, runs=RUNS)
    assert found.outcome == "unchanged"
    assert found.tests[0].replies_change == pytest.approx(200)


def test_only_a_second_retest_that_finds_the_same_confirms() -> None:
    known = baseline(books=(20, 20), opens=(20, 20))
    first = compared(known, report("one", books="fffff", opens="ppppp"), runs=RUNS)
    same = compared(known, report("two", books="fffff", opens="fffff"), runs=RUNS)
    other = compared(known, report("two", books="ppppp", opens="fffff"), runs=RUNS)
    good = compared(known, report("two", books="ppppp", opens="ppppp"), runs=RUNS)
    assert confirmed(first, same).outcome == "worse"
    assert "opens" not in confirmed(first, same).message
    assert confirmed(first, other).outcome == "inconclusive"
    assert confirmed(first, good).outcome == "inconclusive"
    assert confirmed(first, good).run_ids == ("one", "two")


def test_a_baseline_grows_with_what_showed_no_worsening_and_once_for_each() -> None:
    known = baseline(books=(4, 5))
    unchanged = compared(known, report(books="ppppf"), runs=RUNS)
    once = grown(known, unchanged)
    assert (once.counts("books", "").passed, once.counts("books", "").runs) == (8, 10)
    assert grown(once, unchanged) == once
    worse = Retest(run_ids=("two",), outcome="worse")
    unclear = Retest(run_ids=("three",), outcome="inconclusive")
    assert grown(once, worse).tests == once.tests
    assert grown(once, unclear).tests == once.tests
    assert grown(once, worse).last == worse


def test_a_slow_decline_is_not_learnt() -> None:
    """Once it is full a baseline stays, so that one failure more a month is seen in the end."""
    known = baseline(books=(RETEST_BASELINE_RUNS_MAX, RETEST_BASELINE_RUNS_MAX))
    for number in range(20):
        found = compared(known, report(f"r-{number}", books="ppppf"), runs=RUNS)
        known = grown(known, found)
    assert known.counts("books", "").passed == RETEST_BASELINE_RUNS_MAX
    assert compared(known, report("last", books="pppff"), runs=RUNS).outcome == "worse"


def test_a_baseline_begins_with_what_evidence_names() -> None:
    evidence = {
        "tests": [
            {"name": "opens", "passed": 3, "runs": 4, "judge": "plain/1", "outcome": "passed"},
            {"name": "books", "passed": 1, "runs": 1},
            {"name": "odd", "passed": 3, "runs": 2},
            {"name": "odder", "passed": True, "runs": 2},
            "nothing",
        ]
    }
    assert evidence_counts(evidence) == (  # type: ignore[arg-type]
        TestCounts(name="books", passed=1, runs=1),
        TestCounts(name="opens", judge="plain/1", passed=3, runs=4),
    )
    assert evidence_counts({}) == ()


def test_another_closure_rendering_or_suite_is_another_past() -> None:
    names = {
        behaviour_digest("a", "b", "c"),
        behaviour_digest("x", "b", "c"),
        behaviour_digest("a", "x", "c"),
        behaviour_digest("a", "b", "x"),
    }
    assert len(names) == 4


@given(
    past=st.integers(1, 50).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    letters=st.lists(st.sampled_from("pfi"), min_size=1, max_size=20),
)
def test_worse_is_never_said_of_a_rate_that_did_not_fall(
    past: tuple[int, int], letters: list[str]
) -> None:
    found = compared(baseline(books=past), report(books="".join(letters)), runs=len(letters))
    difference = found.tests[0].difference
    if found.outcome == "worse":
        assert difference is not None
        assert difference < 0
    if found.outcome == "better":
        assert difference is not None
        assert difference > 0


@given(st.lists(st.lists(st.sampled_from("pfi"), min_size=5, max_size=5), max_size=30))
def test_a_baseline_holds_no_more_than_its_bound(retests: list[list[str]]) -> None:
    known = baseline(books=(1, 1))
    for number, letters in enumerate(retests):
        found = compared(known, report(f"r-{number}", books="".join(letters)), runs=RUNS)
        known = grown(known, found)
        counts = known.counts("books", "")
        assert 0 <= counts.passed <= counts.runs <= RETEST_BASELINE_RUNS_MAX


def false_alarm(rate: float, past: int, *, tests: int) -> float:
    """How likely an unchanged test that passes at ``rate`` is found worse twice running, exactly:
    the sum over every past and every two retests of binomial probabilities.
    """
    quantile = NormalDist().inv_cdf(1 - SIGNIFICANCE / 2 / tests)
    total = 0.0
    for then in range(past + 1):
        worse = 0.0
        for now in range(RUNS + 1):
            interval = difference_interval(now, RUNS, then, past, quantile=quantile)
            assert interval is not None
            if interval.high < 0:
                worse += binomial(now, RUNS, rate)
        total += binomial(then, past, rate) * worse**2
    return total


def binomial(passed: int, runs: int, rate: float) -> float:
    return math.comb(runs, passed) * rate**passed * (1 - rate) ** (runs - passed)


@pytest.mark.parametrize("tests", [1, 3, 10])
@pytest.mark.parametrize("past", [4, 5, 10, 20, 30, 50])
def test_an_unchanged_agent_is_falsely_marked_no_more_often_than_is_documented(
    past: int, tests: int
) -> None:
    """Whatever the true rate of its tests is."""
    worst = max(false_alarm(rate / 100, past, tests=tests) for rate in range(1, 100))
    assert worst * tests <= FALSE_ALARMS_AT_MOST


def test_a_flaky_but_unchanged_agent_is_not_marked_in_twenty_retests() -> None:
    dice = random.Random(7)  # noqa: S311 - repeatable dice
    known = baseline(books=(5, 5), opens=(4, 5))
    for number in range(20):
        first = _thrown(f"{number}-a", dice)
        found = compared(known, first, runs=RUNS)
        if found.outcome == "worse":
            found = confirmed(found, compared(known, _thrown(f"{number}-b", dice), runs=RUNS))
        assert found.outcome != "worse", found.message
        known = grown(known, found)
    assert known.retests >= 15


def _thrown(run_id: str, dice: random.Random) -> TestRunReport:
    rates = {"books": 0.95, "opens": 0.8}
    return report(
        run_id,
        **{
            name: "".join("p" if dice.random() < rate else "f" for _ in range(RUNS))
            for name, rate in rates.items()
        },
    )
