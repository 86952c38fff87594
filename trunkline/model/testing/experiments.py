"""Two released versions side by side: the same tests of both, and what the difference is worth.

The second version is compared with the first, test by test, by the interval of the difference of
their pass rates that also judges a change of behaviour. Only tests whose content is the same in
both commits are compared. What callers experienced is a column of its own once there are calls.
"""

from collections.abc import Iterable
from statistics import NormalDist
from typing import Final, Literal

from trunkline.model.base import Frozen
from trunkline.model.testing.baselines import SIGNIFICANCE, counts_of
from trunkline.model.testing.figures import difference_interval, percentile, wilson_interval
from trunkline.model.testing.results import Interval, TestResult, TestRunReport

Word = Literal["better", "worse", "same", "undecided"]
"""The second version beside the first. ``same``: no difference could be shown."""
RUN_DETAIL: Final = "experiment"
"""The key under which a run of tests says which side of which experiment it tested."""


class Side(Frozen):
    """One version's figures: of a test or of all together. ``runs`` came to passed or failed.

    Reply times are in milliseconds, ``cost_usd`` is an estimate; ``calls`` is how many callers it
    had, None while nobody counts them.
    """

    passed: int = 0
    runs: int = 0
    pass_rate: float | None = None
    interval: Interval | None = None
    reply_p50_ms: int | None = None
    reply_p95_ms: int | None = None
    cost_usd: float = 0.0
    calls: int | None = None


class ComparedTest(Frozen):
    """One test of both versions. ``difference`` is the second's pass rate less the first's, with
    where the true one lies. ``only`` names the version that has the test alone, or another one of
    the same name; it is 0 where both have it.
    """

    name: str
    first: Side | None = None
    second: Side | None = None
    difference: float | None = None
    interval: Interval | None = None
    word: Word = "undecided"
    only: int = 0


class SideBySide(Frozen):
    """Both versions over all tests they share, and each test by itself. ``run_ids`` are the runs
    of tests it is made of.
    """

    run_ids: tuple[str, str]
    first: Side
    second: Side
    word: Word = "undecided"
    tests: tuple[ComparedTest, ...] = ()


def side_by_side(
    first: TestRunReport, second: TestRunReport, *, versions: tuple[int, int]
) -> SideBySide:
    """The runs of both versions compared, at 95 % for all shared tests together (Bonferroni)."""
    ours = {test.name: test for test in first.tests}
    theirs = {test.name: test for test in second.tests}
    shared = [
        name
        for name in sorted(ours.keys() & theirs.keys())
        if ours[name].digest == theirs[name].digest
    ]
    quantile = NormalDist().inv_cdf(1 - SIGNIFICANCE / 2 / max(1, len(shared)))
    tests = [_compared(ours[name], theirs[name], quantile) for name in shared]
    for reports, version in ((ours, versions[0]), (theirs, versions[1])):
        tests += [
            ComparedTest(
                name=name,
                only=version,
                first=_side([test]) if reports is ours else None,
                second=_side([test]) if reports is theirs else None,
            )
            for name, test in sorted(reports.items())
            if name not in shared
        ]
    return SideBySide(
        run_ids=(first.id, second.id),
        first=_side(ours[name] for name in shared),
        second=_side(theirs[name] for name in shared),
        word=_whole({test.word for test in tests if not test.only}),
        tests=tuple(tests),
    )


def _compared(first: TestResult, second: TestResult, quantile: float) -> ComparedTest:
    one, other = _side([first]), _side([second])
    interval = difference_interval(
        other.passed, other.runs, one.passed, one.runs, quantile=quantile
    )
    found = ComparedTest(name=first.name, first=one, second=other)
    if interval is None or one.pass_rate is None or other.pass_rate is None:
        return found
    word: Word = "better" if interval.low > 0 else "worse" if interval.high < 0 else "same"
    return found.model_copy(
        update={
            "difference": other.pass_rate - one.pass_rate,
            "interval": interval,
            "word": word,
        }
    )


def _side(tests: Iterable[TestResult]) -> Side:
    listed = list(tests)
    counts = [counts_of(test) for test in listed]
    passed, runs = sum(each.passed for each in counts), sum(each.runs for each in counts)
    replies = [ms for test in listed for run in test.runs for ms in run.reply_ms]
    return Side(
        passed=passed,
        runs=runs,
        pass_rate=passed / runs if runs else None,
        interval=wilson_interval(passed, runs),
        reply_p50_ms=percentile(replies, 50),
        reply_p95_ms=percentile(replies, 95),
        cost_usd=sum(run.cost_usd for test in listed for run in test.runs),
    )


def _whole(words: set[Word]) -> Word:
    """What all tests say together: better or worse only if no other says the opposite."""
    if not words or words == {"undecided"}:
        return "undecided"
    if {"better", "worse"} <= words:
        return "same"
    return next((word for word in ("better", "worse") if word in words), "same")
