"""Whether an unchanged agent behaves as it did: counts of passed runs, then and now.

A platform may change a model behind its name, and no digest shows that. So what is released is
tested again and again, and each test's pass rate is held against that of its own past. What is said
here is statistics of counts alone: who is tested, and what follows, is decided elsewhere.

A test is worse if the interval of (now - baseline), Newcombe's at 95 %, lies below zero. With m
tests that can be compared each interval is at 1 - 0.05/m (Bonferroni), so that one test more is no
further chance of a false alarm; Holm's procedure would begin with the same step and so find the
same agents. A finding counts only once a second retest, had at once, finds the same test worse.
"""

import math
from collections.abc import Sequence
from datetime import datetime
from statistics import NormalDist
from typing import Final, Literal, TypeGuard

from trunkline.model.base import Frozen, Json, JsonObject
from trunkline.model.canonical import digest
from trunkline.model.ids import Digest
from trunkline.model.testing.figures import difference_interval, percentile
from trunkline.model.testing.limits import RETEST_BASELINE_RUNS_MAX, RETEST_LINES_MAX
from trunkline.model.testing.results import Interval, TestResult, TestRunReport

SIGNIFICANCE: Final = 0.05
"""Two-sided, for all tests of a retest together; a worsening has half of it."""
DECIDED_SHARE: Final = 0.5
"""Of the planned runs at least so many must have come to passed or failed to say anything."""

PAST_RUNS_MIN: Final = 4
"""With fewer runs in its past nothing is said of a test: a gate is passed by luck, too."""

RetestOutcome = Literal["worse", "unchanged", "better", "inconclusive"]
Change = Literal["worse", "same", "better", "new", "undecided"]


class TestCounts(Frozen):
    """How often a test passed of the runs that came to passed or failed, as one judge saw it.

    ``reply_p95_ms`` is of the last retest that is in here, None before the first.
    """

    __test__ = False

    name: str
    judge: str = ""
    passed: int = 0
    runs: int = 0
    reply_p95_ms: int | None = None

    @property
    def rate(self) -> float | None:
        """The share that passed; None of nothing."""
        return self.passed / self.runs if self.runs else None


class TestChange(Frozen):
    """A test then and now. ``difference`` is now less then, ``interval`` where the true one lies;
    both are None where there is nothing to compare. ``replies_change`` is the change of the 95th
    percentile of reply times in percent, which decides nothing.
    """

    __test__ = False

    name: str
    change: Change
    then: TestCounts
    now: TestCounts
    difference: float | None = None
    interval: Interval | None = None
    replies_change: float | None = None


class Retest(Frozen):
    """What one retest came to. ``run_ids`` are its runs: a second one confirms or denies a
    worsening. ``lines`` say which tests are worse and which expectations failed, for people.
    """

    run_ids: tuple[str, ...]
    outcome: RetestOutcome
    message: str = ""
    lines: tuple[str, ...] = ()
    tests: tuple[TestChange, ...] = ()
    at: datetime | None = None


class Baseline(Frozen):
    """What an agent did when it was known to be as released.

    ``digest`` names exactly what was tested (``behaviour_digest``), ``version`` the release it was
    seen in first. ``retests`` counts those that are in ``tests``; ``last`` is the newest of all.
    """

    project: str
    environment: str
    agent: str
    digest: Digest
    version: int = 0
    tests: tuple[TestCounts, ...] = ()
    retests: int = 0
    last: Retest | None = None

    def counts(self, name: str, judge: str) -> TestCounts:
        """Those of a test as that judge sees it; zeros if there are none."""
        found = (each for each in self.tests if (each.name, each.judge) == (name, judge))
        return next(found, TestCounts(name=name, judge=judge))


def behaviour_digest(closure: str, rendered: str, suite: str) -> Digest:
    """One name for a released closure, its rendering and the tests it was released by."""
    return digest({"closure": closure, "rendered": rendered, "suite": suite})


def evidence_counts(evidence: JsonObject) -> tuple[TestCounts, ...]:
    """What the tests that evidence names came to; entries that cannot be read are left out."""
    listed = evidence.get("tests")
    found: list[TestCounts] = []
    for entry in listed if isinstance(listed, list) else ():
        if not isinstance(entry, dict):
            continue
        name, passed, runs = entry.get("name"), entry.get("passed"), entry.get("runs")
        judge = entry.get("judge")
        if isinstance(name, str) and _is_count(passed) and _is_count(runs) and passed <= runs:
            said = judge if isinstance(judge, str) else ""
            found.append(TestCounts(name=name, judge=said, passed=passed, runs=runs))
    return tuple(sorted(found, key=_place))


def counts_of(result: TestResult) -> TestCounts:
    """The runs of a result that came to something."""
    outcomes = [run.outcome for run in result.runs]
    passed, failed = outcomes.count("passed"), outcomes.count("failed")
    return TestCounts(
        name=result.name,
        judge=result.judge,
        passed=passed,
        runs=passed + failed,
        reply_p95_ms=percentile([ms for run in result.runs for ms in run.reply_ms], 95),
    )


def compared(baseline: Baseline, report: TestRunReport, *, runs: int) -> Retest:
    """What a run of tests says about an agent that has not changed; ``runs`` were planned of each.

    A run that was blocked, cancelled or had no test is inconclusive.
    """
    if report.state != "Finished" or not report.tests:
        words = report.message or f"the tests are {report.state.lower()}"
        return Retest(run_ids=(report.id,), outcome="inconclusive", message=words)
    needed = max(1, math.ceil(runs * DECIDED_SHARE))
    now = [counts_of(result) for result in report.tests]
    then = [baseline.counts(each.name, each.judge) for each in now]
    pairs = [
        (a, b)
        for a, b in zip(then, now, strict=True)
        if a.runs >= PAST_RUNS_MIN and b.runs >= needed
    ]
    quantile = NormalDist().inv_cdf(1 - SIGNIFICANCE / 2 / max(1, len(pairs)))
    tests = tuple(
        _change(a, b, needed=needed, quantile=quantile) for a, b in zip(then, now, strict=True)
    )
    return _judged(report, tests)


def confirmed(first: Retest, second: Retest) -> Retest:
    """The second retest after a first one that found an agent worse: it is only if both say so of
    the same test, and nothing is known for sure if they disagree.
    """
    run_ids = (*first.run_ids, *second.run_ids)
    both = _names(first, "worse") & _names(second, "worse")
    if both:
        words = "; ".join(described(each) for each in second.tests if each.name in both)
        return second.model_copy(update={"run_ids": run_ids, "message": words})
    named = ", ".join(sorted(_names(first, "worse")))
    words = f"a second retest did not find {named} worse again"
    return second.model_copy(
        update={"run_ids": run_ids, "outcome": "inconclusive", "message": words, "lines": ()}
    )


def grown(baseline: Baseline, retest: Retest) -> Baseline:
    """The baseline after a retest: one that showed no worsening is counted, once and only up to
    RETEST_BASELINE_RUNS_MAX runs of a test; any is remembered as the last. Counting all those, and
    not the good ones alone, keeps what is normal from looking better than it is.
    """
    if baseline.last is not None and baseline.last.run_ids == retest.run_ids:
        return baseline
    latest = baseline.model_copy(update={"last": retest})
    if retest.outcome not in ("unchanged", "better"):
        return latest
    known = {_place(each): each for each in baseline.tests}
    for test in retest.tests:
        known[_place(test.now)] = _with(test.then, test.now)
    tests = tuple(known[place] for place in sorted(known))
    return latest.model_copy(update={"tests": tests, "retests": baseline.retests + 1})


def _with(then: TestCounts, now: TestCounts) -> TestCounts:
    """Both together, unless that is more than is kept."""
    if then.runs + now.runs > RETEST_BASELINE_RUNS_MAX:
        return then.model_copy(update={"reply_p95_ms": now.reply_p95_ms})
    return now.model_copy(update={"passed": then.passed + now.passed, "runs": then.runs + now.runs})


def _change(then: TestCounts, now: TestCounts, *, needed: int, quantile: float) -> TestChange:
    if now.runs < needed:
        return TestChange(name=now.name, change="undecided", then=then, now=now)
    interval = difference_interval(now.passed, now.runs, then.passed, then.runs, quantile=quantile)
    if interval is None:
        return TestChange(name=now.name, change="new", then=then, now=now)
    change: Change = "worse" if interval.high < 0 else "better" if interval.low > 0 else "same"
    if then.runs < PAST_RUNS_MIN:
        change = "undecided" if _contradicts(then, now) else "new"
    replies = None
    if now.reply_p95_ms is not None and then.reply_p95_ms:
        replies = 100 * (now.reply_p95_ms / then.reply_p95_ms - 1)
    return TestChange(
        name=now.name,
        change=change,
        then=then,
        now=now,
        difference=now.passed / now.runs - then.passed / then.runs,
        interval=interval,
        replies_change=replies,
    )


def _contradicts(then: TestCounts, now: TestCounts) -> bool:
    """True if a good past is followed by mostly failures, which must not become the normal."""
    return 2 * then.passed > then.runs and 2 * now.passed < now.runs


def _judged(report: TestRunReport, tests: tuple[TestChange, ...]) -> Retest:
    retest = Retest(run_ids=(report.id,), outcome="unchanged", tests=tests)
    by_change: dict[Change, list[TestChange]] = {}
    for test in tests:
        by_change.setdefault(test.change, []).append(test)
    if worse := by_change.get("worse"):
        return retest.model_copy(
            update={
                "outcome": "worse",
                "message": "; ".join(described(each) for each in worse),
                "lines": _lines(report, worse),
            }
        )
    if unclear := by_change.get("undecided"):
        words = "; ".join(_undecided(report, each) for each in unclear)
        return retest.model_copy(update={"outcome": "inconclusive", "message": words})
    if better := by_change.get("better"):
        words = "; ".join(described(each) for each in better)
        return retest.model_copy(update={"outcome": "better", "message": words})
    words = f"{len(tests)} tests as before"
    return retest.model_copy(update={"message": words})


def described(test: TestChange) -> str:
    """A comparison in one line."""
    said = f"{test.name} passes {test.now.passed} of {test.now.runs} runs"
    if test.difference is None or test.interval is None:
        return said
    return (
        f"{said}, {test.then.passed} of {test.then.runs} before: {test.difference:+.0%}"
        f" ({test.interval.low:+.0%} to {test.interval.high:+.0%})"
    )


def _undecided(report: TestRunReport, test: TestChange) -> str:
    """Why nothing is known of a test, in one line."""
    if test.interval is not None:
        return f"{described(test)}: too few runs in the past to tell"
    message = next(each.message for each in report.tests if each.name == test.name)
    said = f": {message}" if message else ""
    return f"{test.name} came to something in {test.now.runs} runs only{said}"


def _lines(report: TestRunReport, worse: Sequence[TestChange]) -> tuple[str, ...]:
    """For each test that is worse what it came to, and each expectation that failed, once."""
    lines: list[str] = []
    for test in worse:
        lines.append(described(test))
        result = next(each for each in report.tests if each.name == test.name)
        checks = (check for run in result.runs for check in run.checks)
        failed = [check for check in checks if check.outcome == "failed"]
        for check in failed:
            found = f"; found {check.found}" if check.found else ""
            line = f"{check.position}: expected {check.wanted}{found}"
            if line not in lines:
                lines.append(line)
    return tuple(lines[:RETEST_LINES_MAX])


def _names(retest: Retest, change: Change) -> set[str]:
    return {test.name for test in retest.tests if test.change == change}


def _place(counts: TestCounts) -> tuple[str, str]:
    return counts.name, counts.judge


def _is_count(value: Json) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
