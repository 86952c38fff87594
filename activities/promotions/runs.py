"""Runs of tests that decide something about a promotion, as their reports say how they ended."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from activities.promotion_types import LostRun
from activities.promotions.candidates import Found
from activities.promotions.ports import PromotionPorts
from trunkline.model.base import JsonObject
from trunkline.model.errors import TrunklineError
from trunkline.model.evidence import evidence_body, gate_evidence
from trunkline.model.ids import Digest
from trunkline.model.limits import PROMOTION_LINES_MAX
from trunkline.model.promotions.facts import RunFound
from trunkline.model.promotions.policies import PromotionRules
from trunkline.model.promotions.records import PromotionRecord, TestsRun
from trunkline.model.testing.report_text import SPARED
from trunkline.model.testing.results import CheckResult, TestResult, TestRunReport

NO_REQUIRED_TESTS = "NoRequiredTests"


async def runs_found(
    ports: PromotionPorts,
    record: PromotionRecord,
    found: Found | None,
    rules: PromotionRules | None,
    lost: Sequence[LostRun],
) -> tuple[RunFound, ...]:
    """Every run the promotion asked for, with how it ended as far as it did."""
    runs: list[RunFound] = []
    failures = {one.run_id: one.failure for one in lost}
    for run in asked_for(record):
        report = await ports.reports.run_report(run.run_id)
        if report is not None and report.project == record.project and report.state != "Running":
            runs.append(_ended(report, record, found, rules, now=ports.clock.now()))
        elif run.run_id in failures:
            failure = failures[run.run_id]
            runs.append(
                RunFound(
                    run_id=run.run_id,
                    outcome="inconclusive",
                    reason=failure.reason,
                    message=failure.message,
                    ended_at=ports.clock.now(),
                )
            )
        elif report is not None:
            runs.append(RunFound(run_id=run.run_id, began_at=report.created_at))
    return tuple(runs)


def asked_for(record: PromotionRecord) -> Iterator[TestsRun]:
    """Runs of the promotion whose outcome it does not know yet."""
    runs = (record.gate, *record.checks, record.verification)
    return (run for run in runs if run is not None and run.outcome is None)


def _ended(
    report: TestRunReport,
    record: PromotionRecord,
    found: Found | None,
    rules: PromotionRules | None,
    *,
    now: datetime,
) -> RunFound:
    required = [test for test in report.tests if test.required]
    ended: dict[str, Any] = {
        "run_id": report.id,
        "outcome": report.outcome or "inconclusive",
        "reason": report.reason or report.state,
        "message": report.message,
        "lines": failing_lines(report.tests),
        "digest": _one(test.agent_digest for test in report.tests),
        "rendered_digest": _one(test.rendered_digest for test in report.tests),
        "suite_digest": report.suite_digest,
        "began_at": report.created_at,
        "ended_at": report.finished_at,
    }
    if report.state == "Finished" and not required:
        tags = report.message or "no test fits"
        words = f"{record.agent} has no required test that decides this: {tags}"
        return RunFound.model_validate(
            {**ended, "outcome": "inconclusive", "reason": NO_REQUIRED_TESTS, "message": words}
        )
    is_gate = record.gate is not None and record.gate.run_id == report.id
    if report.outcome != "passed" or not is_gate or rules is None:
        return RunFound.model_validate(ended)
    try:
        ended["evidence"] = _evidence(report, record, found, rules, now=now)
    except TrunklineError as error:
        ended.update(outcome="inconclusive", reason=error.reason, message=error.message)
    return RunFound.model_validate(ended)


def _evidence(
    report: TestRunReport,
    record: PromotionRecord,
    found: Found | None,
    rules: PromotionRules,
    *,
    now: datetime,
) -> JsonObject:
    """What a release would carry: unsigned, without approvals, which are still to come."""
    expires_at = (report.finished_at or now) + rules.promotion.evidence.expires
    evidence = gate_evidence(
        report,
        record,
        expires_at=expires_at,
        persona_digest=found.persona_digest if found is not None else "",
    )
    numbers = found.numbers if found is not None else ()
    return evidence_body(evidence.model_copy(update={"numbers": numbers}))


def failing_lines(tests: Sequence[TestResult]) -> tuple[str, ...]:
    """Lines of required tests that did not pass, ``file:line`` with what was wanted and found:
    of those that failed, or, where none did, of those nobody could find out about.
    """
    bad = [test for test in tests if test.required and test.outcome != "passed"]
    failed = [test for test in bad if test.outcome == "failed"]
    return tuple(dict.fromkeys(_lines(failed or bad)))[:PROMOTION_LINES_MAX]


def _lines(tests: Sequence[TestResult]) -> Iterator[str]:
    for test in tests:
        checks = [
            check
            for run in test.runs
            for check in run.checks
            if run.outcome == test.outcome and _decided(check, test)
        ]
        for check in checks:
            found = f", found {check.found}" if check.found else ""
            unclear = f" ({check.reason})" if check.outcome == "inconclusive" else ""
            yield f"{_line(check.position)}: {test.name}: wanted {check.wanted}{found}{unclear}"
        if not checks:
            yield f"{_line(test.position)}: {test.name}: {test.reason} {test.message}".rstrip()


def _decided(check: CheckResult, test: TestResult) -> bool:
    """True for a check that made the test what it is, and not for one that was never made."""
    return check.outcome == test.outcome and check.reason not in SPARED


def _line(position: str) -> str:
    """``file:line`` of ``file:line:column``."""
    return position.rpartition(":")[0] if position.count(":") > 1 else position


def _one(values: Iterable[str]) -> Digest | None:
    """The value all of them have; None if there are several, or none."""
    found = set(values) - {""}
    return Digest(found.pop()) if len(found) == 1 else None
