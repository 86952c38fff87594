"""How an agent would behave after a merge, held against how it behaves now: line by line.

The same tests, those of the proposal, are put to both. A line is an expectation of a test; whether
it holds is said by the run it belongs to, and a test that nobody could carry out says nothing. No
difference is called a difference unless both sides are known.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from trunkline.model.base import Frozen
from trunkline.model.testing.report_text import SPARED, verdict_text
from trunkline.model.testing.results import CheckResult, Outcome, TestResult, TestRunReport

Turn = Literal["newly passing", "newly failing", "still failing", "unclear"]
"""How a test or a line stands to before. What passes now and then is not listed."""


class LineDifference(Frozen):
    """An expectation that is met on one side only, or on neither; ``position`` is ``file:line``."""

    turn: Turn
    test: str
    position: str
    wanted: str
    found: str = ""


class TestDifference(Frozen):
    """One test on both sides; None: it was not carried out there. Times are of replies."""

    __test__ = False

    name: str
    required: bool
    candidate: Outcome | None
    current: Outcome | None
    runs: str = ""
    words: str = ""
    candidate_p95_ms: int | None = None
    current_p95_ms: int | None = None
    flaky: bool = False

    @property
    def turn(self) -> Turn | None:
        """How it stands to before; None if there is nothing to say."""
        if self.candidate == "inconclusive":
            return "unclear"
        if self.candidate == "failed":
            return "still failing" if self.current == "failed" else "newly failing"
        if self.candidate == "passed" and self.current == "failed":
            return "newly passing"
        return None


class AgentBehaviour(Frozen):
    """One agent. Costs are of all its conversations, in US dollars."""

    agent: str
    tests: tuple[TestDifference, ...] = ()
    lines: tuple[LineDifference, ...] = ()
    not_expressible: tuple[str, ...] = ()
    candidate_p95_ms: int | None = None
    current_p95_ms: int | None = None
    candidate_usd: float = 0.0
    current_usd: float | None = None

    def count(self, turn: Turn) -> int:
        """How many tests stand so."""
        return sum(test.turn == turn for test in self.tests)


def behaviour(
    agent: str, candidate: TestRunReport | None, current: TestRunReport | None
) -> AgentBehaviour:
    """Both runs side by side, as far as they are; without a current one everything is new."""
    ours = {test.name: test for test in candidate.tests} if candidate is not None else {}
    theirs = {test.name: test for test in current.tests} if current is not None else {}
    return AgentBehaviour(
        agent=agent,
        tests=tuple(_test(ours[name], theirs.get(name)) for name in sorted(ours)),
        lines=tuple(line for name in sorted(ours) for line in _lines(ours[name], theirs.get(name))),
        not_expressible=candidate.not_expressible if candidate is not None else (),
        candidate_p95_ms=_worst([test.reply_p95_ms for test in ours.values()]),
        current_p95_ms=_worst([theirs[n].reply_p95_ms for n in ours if n in theirs]),
        candidate_usd=_cost(ours.values()),
        current_usd=_cost(theirs[n] for n in ours if n in theirs) if current is not None else None,
    )


def _cost(tests: Iterable[TestResult]) -> float:
    return round(sum(test.cost_usd for test in tests), 6)


def _test(candidate: TestResult, current: TestResult | None) -> TestDifference:
    passed = sum(run.outcome == "passed" for run in candidate.runs)
    return TestDifference(
        name=candidate.name,
        required=candidate.required,
        candidate=candidate.outcome,
        current=current.outcome if current is not None else None,
        runs=f"{passed}/{len(candidate.runs)}" if candidate.runs else "",
        words=verdict_text(candidate),
        candidate_p95_ms=candidate.reply_p95_ms,
        current_p95_ms=current.reply_p95_ms if current is not None else None,
        flaky=candidate.flaky,
    )


def _lines(candidate: TestResult, current: TestResult | None) -> Iterator[LineDifference]:
    """Lines that fail on either side; of a test nobody could carry out there are none."""
    if candidate.outcome == "inconclusive":
        return
    now, before = _failing(candidate), _failing(current) if current is not None else {}
    known = current is not None and current.outcome != "inconclusive"
    for path, check in now.items():
        turn: Turn = "still failing" if path in before else "newly failing"
        yield _line(turn, candidate, check)
    reached = _reached(candidate)
    for path, check in before.items():
        if known and path not in now and path in reached:
            yield _line("newly passing", candidate, check.model_copy(update={"found": ""}))


def _line(turn: Turn, test: TestResult, check: CheckResult) -> LineDifference:
    position = check.position
    if position.count(":") > 1:
        position = position.rpartition(":")[0]
    return LineDifference(
        turn=turn,
        test=test.name,
        position=position,
        wanted=check.wanted or check.check,
        found=check.found,
    )


def _failing(test: TestResult) -> dict[str, CheckResult]:
    """Lines that did not hold in some run, by path, if the test failed by it; a flaky test that
    passed all the same has none.
    """
    if test.outcome != "failed":
        return {}
    return {
        check.path: check
        for run in reversed(test.runs)
        for check in run.checks
        if check.outcome == "failed"
    }


def _reached(test: TestResult) -> frozenset[str]:
    """Lines that were looked at in some run."""
    return frozenset(
        check.path
        for run in test.runs
        for check in run.checks
        if check.outcome == "passed" and check.reason not in SPARED
    )


def _worst(values: Sequence[int | None]) -> int | None:
    """The longest of what was measured: the test a caller would notice."""
    known = [value for value in values if value is not None]
    return max(known) if known else None
