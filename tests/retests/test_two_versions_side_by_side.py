"""The same tests of two versions: what is compared, what is not, and what the difference says."""

from typing import Literal

import pytest

from trunkline.model.testing.experiments import side_by_side
from trunkline.model.testing.results import Outcome, RunResult, TestResult, TestRunReport

VERSIONS = (7, 6)


def result(name: str, letters: str, *, digest: str = "same", reply_ms: int = 100) -> TestResult:
    """Outcomes of runs as letters: p, f or i."""
    words: dict[str, Outcome] = {"p": "passed", "f": "failed", "i": "inconclusive"}
    runs = tuple(
        RunResult(number=at, outcome=words[each], reply_ms=(reply_ms,), cost_usd=0.01)
        for at, each in enumerate(letters, start=1)
    )
    return TestResult(
        name=name, agent="a", environment="e", outcome="passed", runs=runs, digest=digest
    )


def report(run_id: str, *tests: TestResult) -> TestRunReport:
    """A run that finished."""
    return TestRunReport(id=run_id, project="p", environment="e", state="Finished", tests=tests)


@pytest.mark.parametrize(
    ("first", "second", "word"),
    [
        ("fffff", "ppppp", "better"),
        ("ppppp", "fffff", "worse"),
        ("ppppp", "ppppf", "same"),
        ("ppppp", "iiiii", "undecided"),
    ],
)
def test_the_second_version_is_judged_beside_the_first(
    first: str, second: str, word: Literal["better", "worse", "same", "undecided"]
) -> None:
    found = side_by_side(
        report("one", result("books", first)),
        report("two", result("books", second)),
        versions=VERSIONS,
    )
    assert (found.word, found.tests[0].word) == (word, word)
    assert found.run_ids == ("one", "two")


def test_a_test_that_differs_is_shown_and_not_compared() -> None:
    ours = report("one", result("books", "ppppp", digest="old"), result("opens", "ppppp"))
    theirs = report("two", result("books", "fffff", digest="new"), result("opens", "ppppp"))
    found = side_by_side(ours, theirs, versions=VERSIONS)
    assert found.word == "same"
    assert [(test.name, test.only) for test in found.tests] == [
        ("opens", 0),
        ("books", 7),
        ("books", 6),
    ]
    assert (found.first.runs, found.second.runs) == (5, 5)


def test_what_is_better_in_one_test_and_worse_in_another_is_neither() -> None:
    ours = report("one", result("books", "ppppp"), result("opens", "fffff"))
    theirs = report("two", result("books", "fffff"), result("opens", "ppppp"))
    found = side_by_side(ours, theirs, versions=VERSIONS)
    assert {test.word for test in found.tests} == {"better", "worse"}
    assert found.word == "same"


def test_replies_and_costs_are_of_every_run_and_calls_of_nobody_yet() -> None:
    ours = report("one", result("books", "pfi", reply_ms=100))
    theirs = report("two", result("books", "ppp", reply_ms=300))
    found = side_by_side(ours, theirs, versions=VERSIONS)
    assert (found.first.reply_p95_ms, found.second.reply_p95_ms) == (100, 300)
    assert found.first.cost_usd == pytest.approx(0.03)
    assert (found.first.passed, found.first.runs) == (1, 2)
    assert (found.first.calls, found.second.calls) == (None, None)


def test_versions_that_share_no_test_are_undecided() -> None:
    found = side_by_side(report("one", result("books", "ppppp")), report("two"), versions=VERSIONS)
    assert found.word == "undecided"
