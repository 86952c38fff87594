"""Many runs of one test, and many tests of one request: when enough is known, and what it says.

A test passes if ``needed`` of its ``runs`` pass. A run that is inconclusive might have gone either
way, so a test passes only if it would whatever those runs had been, fails only if it would whatever
they had been, and is inconclusive otherwise. That makes stopping early exact: a verdict that is
decided cannot be changed by the runs that are left out.
"""

from collections.abc import Sequence
from typing import Final

from trunkline.model.kinds.conversation import Comparison
from trunkline.model.testing.figures import percentile, wilson_interval
from trunkline.model.testing.results import Outcome, RunResult, TestResult, TestRunReport
from trunkline.model.testing.scripts import Script, suite_digest

NONE_FITS: Final = "no test fits what was asked for"
ROUNDING: Final = 1e-9
"""Shares are compared as people write them: 0.9 less 0.8 is not more than 0.1."""


def decided(outcomes: Sequence[Outcome], runs: int, needed: int) -> Outcome | None:
    """The verdict of all ``runs``, as soon as the outcomes so far leave no other; None before."""
    passed = outcomes.count("passed")
    failed = outcomes.count("failed")
    left = runs - len(outcomes)
    if passed >= needed:
        return "passed"
    if failed > runs - needed:
        return "failed"
    if passed + left < needed and failed + left <= runs - needed:
        return "inconclusive"
    return None


def stops_early(script: Script) -> bool:
    """False if all runs are needed whatever the verdict: a comparison is about rates."""
    return script.spec.compare is None


def summarise_test(
    script: Script,
    runs: Sequence[RunResult],
    *,
    required: bool | None = None,
    baseline: TestResult | None = None,
) -> TestResult:
    """What a test came to after its runs, in order of their numbers. ``baseline`` is the same test
    against what ``compare.to`` runs. Reply times are over all replies of all runs.
    """
    spec = script.spec
    ordered = tuple(sorted(runs, key=lambda run: run.number))
    planned, needed = spec.repeat.runs, spec.repeat.must_pass
    outcomes = [run.outcome for run in ordered]
    passed, failed = outcomes.count("passed"), outcomes.count("failed")
    outcome = decided(outcomes, planned, needed) or "inconclusive"
    reason, message = _why(outcome, ordered, needed)
    reply_ms = [each for run in ordered for each in run.reply_ms]
    result = TestResult(
        name=script.name,
        agent=spec.agent,
        environment=script.environment,
        tags=script.test.metadata.tags,
        why=script.test.metadata.why or "",
        position=script.position,
        required=spec.required if required is None else required,
        mode=spec.mode,
        outcome=outcome,
        reason=reason,
        message=message,
        runs=ordered,
        runs_planned=planned,
        runs_needed=needed,
        flaky=outcome == "passed" and failed > 0,
        pass_rate=passed / (passed + failed) if passed + failed else None,
        interval=wilson_interval(passed, passed + failed),
        reply_p50_ms=percentile(reply_ms, 50),
        reply_p95_ms=percentile(reply_ms, 95),
        cost_usd=sum(run.cost_usd for run in ordered),
        digest=script.test_digest,
        agent_digest=script.agent_digest,
        rendered_digest=script.rendered_digest,
        judge=next((run.judge for run in ordered if run.judge), ""),
    )
    return result if spec.compare is None else compared(result, spec.compare, baseline)


def compared(result: TestResult, comparison: Comparison, baseline: TestResult | None) -> TestResult:
    """The result with its baseline: one that passed fails if it is worse than allowed, and is
    inconclusive if nobody knows how good the other is.
    """
    result = result.model_copy(update={"baseline": baseline})
    if result.outcome != "passed":
        return result
    if baseline is None or baseline.pass_rate is None or result.pass_rate is None:
        words = f"what {comparison.to} runs could not be measured"
        return _blamed(result, "inconclusive", "BaselineUnknown", words)
    words = _worse_rate(result.pass_rate, baseline.pass_rate, comparison)
    if words:
        return _blamed(result, "failed", "WorseThanBaseline", words)
    if comparison.not_worse_by.reply_p95 is None:
        return result
    if result.reply_p95_ms is None or baseline.reply_p95_ms is None:
        words = "replies of one side were not measured"
        return _blamed(result, "inconclusive", "BaselineUnknown", words)
    words = _slower(result.reply_p95_ms, baseline.reply_p95_ms, comparison)
    return _blamed(result, "failed", "WorseThanBaseline", words) if words else result


def _worse_rate(rate: float, other: float, comparison: Comparison) -> str:
    """In words if the pass rate is lower by more than allowed, else ""."""
    allowed = comparison.not_worse_by.pass_rate
    if allowed is None or other - rate <= allowed + ROUNDING:
        return ""
    return f"passes {rate:.0%} of its runs, in {comparison.to} {other:.0%}"


def _slower(p95_ms: int, other_ms: int, comparison: Comparison) -> str:
    """In words if replies are slower by more than allowed, else ""."""
    allowed = float((comparison.not_worse_by.reply_p95 or "0%").rstrip("%"))
    if p95_ms <= other_ms * (1 + allowed / 100) + ROUNDING:
        return ""
    return f"95 % of replies begin within {p95_ms} ms, in {comparison.to} within {other_ms} ms"


def summarise(report: TestRunReport, tests: Sequence[TestResult]) -> TestRunReport:
    """The report with its tests and what they come to; its state and times are left alone.

    Advisory tests are counted and never block. Nothing required that was carried out is
    inconclusive.
    """
    ordered = tuple(sorted(tests, key=lambda each: (each.agent, each.name, each.environment)))
    required = [each for each in ordered if each.required]
    outcome, message = _of_all(required) if ordered else ("inconclusive", NONE_FITS)
    return report.model_copy(
        update={
            "tests": ordered,
            "outcome": outcome,
            "message": message,
            "advisories": sum(not t.required and t.outcome != "passed" for t in ordered),
            "cost_usd": sum(each.cost_usd for each in ordered),
            "suite_digest": suite_digest([each.digest for each in ordered]),
        }
    )


def _of_all(required: Sequence[TestResult]) -> tuple[Outcome, str]:
    failed = [each for each in required if each.outcome == "failed"]
    if failed:
        return "failed", _named(failed, "failed", len(required))
    unclear = [each for each in required if each.outcome == "inconclusive"]
    if unclear:
        return "inconclusive", _named(unclear, "inconclusive", len(required))
    if not required:
        return "inconclusive", "only advisory tests were carried out, which prove nothing"
    return "passed", f"{len(required)} of {len(required)} required tests passed"


def _named(tests: Sequence[TestResult], word: str, of: int) -> str:
    first = tests[0]
    said = f": {first.message}" if first.message else ""
    return f"{len(tests)} of {of} required tests {word}; first {first.name}{said}"


def _why(outcome: Outcome, runs: Sequence[RunResult], needed: int) -> tuple[str, str]:
    """Reason and message of a test: those of the first run that stood in the way."""
    if outcome == "passed":
        return "", ""
    kind = "failed" if outcome == "failed" else "inconclusive"
    first = next((run for run in runs if run.outcome == kind), None)
    if first is None:
        return "NotFinished", f"{len(runs)} runs are not enough to know; {needed} must pass"
    if len(runs) == 1:
        return first.reason, first.message
    count = sum(run.outcome == kind for run in runs)
    words = f"{count} of {len(runs)} runs {kind}; run {first.number}: {first.message}"
    return first.reason, words


def _blamed(result: TestResult, outcome: Outcome, reason: str, message: str) -> TestResult:
    return result.model_copy(update={"outcome": outcome, "reason": reason, "message": message})
