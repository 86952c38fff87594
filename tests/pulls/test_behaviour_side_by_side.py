"""What newly passes, newly fails or still fails is said of both sides, and of nothing else."""

import pytest

from trunkline.model.pulls.behaviour import behaviour
from trunkline.model.testing.results import (
    CheckOutcome,
    CheckResult,
    Outcome,
    RunResult,
    TestResult,
    TestRunReport,
)


def check(path: str, outcome: CheckOutcome, found: str = "") -> CheckResult:
    return CheckResult(
        path=path,
        position=f"tests/{path}.yaml:4:7",
        check="says",
        outcome=outcome,
        wanted=f"{path} is said",
        found=found,
    )


def case(
    name: str, outcome: Outcome, *runs: tuple[Outcome, tuple[CheckResult, ...]], p95: int = 900
) -> TestResult:
    return TestResult(
        name=name,
        agent="front-desk",
        environment="testing",
        outcome=outcome,
        runs=tuple(
            RunResult(number=number, outcome=each, checks=checks)
            for number, (each, checks) in enumerate(runs, 1)
        ),
        reply_p50_ms=p95 // 2,
        reply_p95_ms=p95,
        cost_usd=0.02,
    )


def report(*tests: TestResult) -> TestRunReport:
    return TestRunReport(id="r", project="acme", environment="testing", tests=tests)


PASSES = case("greets", "passed", ("passed", (check("a", "passed"), check("b", "passed"))))
FAILS = case("greets", "failed", ("failed", (check("a", "passed"), check("b", "failed", "c"))))
UNKNOWN = case("greets", "inconclusive", ("inconclusive", ()))


@pytest.mark.parametrize(
    ("candidate", "current", "turn", "lines"),
    [
        (PASSES, PASSES, None, []),
        (FAILS, PASSES, "newly failing", ["newly failing"]),
        (FAILS, FAILS, "still failing", ["still failing"]),
        (PASSES, FAILS, "newly passing", ["newly passing"]),
        (PASSES, UNKNOWN, None, []),
        (FAILS, UNKNOWN, "newly failing", ["newly failing"]),
        (UNKNOWN, PASSES, "unclear", []),
        (UNKNOWN, FAILS, "unclear", []),
    ],
)
def test_every_pair_of_outcomes(
    candidate: TestResult, current: TestResult, turn: str | None, lines: list[str]
) -> None:
    found = behaviour("front-desk", report(candidate), report(current))
    assert [test.turn for test in found.tests] == [turn]
    assert [line.turn for line in found.lines] == lines


def test_lines_change_apart_from_their_test() -> None:
    """A test that fails on both sides by different lines says which of them are new."""
    before = case("greets", "failed", ("failed", (check("a", "failed"), check("b", "passed"))))
    after = case("greets", "failed", ("failed", (check("a", "passed"), check("b", "failed"))))
    found = behaviour("front-desk", report(after), report(before))
    assert [(line.turn, line.wanted) for line in found.lines] == [
        ("newly failing", "b is said"),
        ("newly passing", "a is said"),
    ]
    assert found.lines[0].position == "tests/b.yaml:4"


def test_a_line_nobody_reached_does_not_pass() -> None:
    before = case("greets", "failed", ("failed", (check("a", "passed"), check("b", "failed"))))
    after = case("greets", "failed", ("failed", (check("a", "failed"),)))
    found = behaviour("front-desk", report(after), report(before))
    assert [(line.turn, line.wanted) for line in found.lines] == [("newly failing", "a is said")]


def test_a_flaky_test_that_passed_fails_no_line() -> None:
    flaky = case(
        "greets",
        "passed",
        ("failed", (check("a", "failed"),)),
        ("passed", (check("a", "passed"),)),
    )
    found = behaviour("front-desk", report(flaky), report(flaky))
    assert found.lines == ()
    assert found.tests[0].runs == "1/2"


def test_times_and_costs_are_of_the_same_tests() -> None:
    slow = case("greets", "passed", ("passed", ()), p95=1500)
    other = case("hours", "passed", ("passed", ()), p95=9000)
    found = behaviour("front-desk", report(slow), report(PASSES, other))
    assert (found.candidate_p95_ms, found.current_p95_ms) == (1500, 900)
    assert (found.candidate_usd, found.current_usd) == (0.02, 0.02)


def test_a_new_agent_has_nothing_to_be_held_against() -> None:
    found = behaviour("front-desk", report(FAILS), None)
    assert found.current_usd is None
    assert found.current_p95_ms is None
    assert found.tests[0].turn == "newly failing"
