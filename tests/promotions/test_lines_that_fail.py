"""Lines of a run that decided something: what failed, and not what was never looked at."""

import pytest

from activities.promotions.runs import failing_lines
from trunkline.model.testing.results import CheckResult, RunResult, TestResult


def check(line: int, outcome: str, reason: str = "", found: str = "") -> CheckResult:
    return CheckResult.model_validate(
        {
            "path": "spec.turns[0]",
            "position": f"tests/greet.yaml:{line}:7",
            "check": "says",
            "outcome": outcome,
            "wanted": f"line {line}",
            "found": found,
            "reason": reason,
        }
    )


def result_of(name: str, outcome: str, *checks: CheckResult, required: bool = True) -> TestResult:
    run = RunResult.model_validate({"number": 1, "outcome": outcome, "checks": checks})
    return TestResult.model_validate(
        {
            "name": name,
            "agent": "front-desk",
            "environment": "production",
            "position": "tests/greet.yaml:1:1",
            "required": required,
            "outcome": outcome,
            "reason": "NoAnswer" if outcome == "inconclusive" else "",
            "message": "nobody answered" if outcome == "inconclusive" else "",
            "runs": (run,),
        }
    )


def test_what_was_not_reached_is_not_among_what_failed() -> None:
    greets = result_of(
        "greets",
        "failed",
        check(4, "passed"),
        check(5, "failed", "WordMissing", found="silence"),
        check(6, "inconclusive", "NotReached"),
        check(7, "inconclusive", "NotJudged"),
    )
    assert failing_lines([greets]) == ("tests/greet.yaml:5: greets: wanted line 5, found silence",)


def test_tests_nobody_could_find_out_about_are_not_beside_those_that_failed() -> None:
    unclear = result_of("books", "inconclusive", check(9, "inconclusive", "JudgeUnavailable"))
    greets = result_of("greets", "failed", check(5, "failed"))
    assert failing_lines([unclear, greets]) == ("tests/greet.yaml:5: greets: wanted line 5",)


@pytest.mark.parametrize(
    ("checks", "line"),
    [
        (
            (check(9, "inconclusive", "JudgeUnavailable"), check(10, "inconclusive", "NotReached")),
            "tests/greet.yaml:9: books: wanted line 9 (JudgeUnavailable)",
        ),
        (
            (check(10, "inconclusive", "NotReached"),),
            "tests/greet.yaml:1: books: NoAnswer nobody answered",
        ),
    ],
)
def test_an_inconclusive_test_says_why_and_not_what_it_never_came_to(
    checks: tuple[CheckResult, ...], line: str
) -> None:
    assert failing_lines([result_of("books", "inconclusive", *checks)]) == (line,)


def test_advisory_tests_stop_nothing() -> None:
    assert failing_lines([result_of("tone", "failed", check(3, "failed"), required=False)]) == ()
