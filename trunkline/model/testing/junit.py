"""Results as JUnit XML, the one report every CI system reads.

A suite is an agent in an environment, a case is a test. The three outcomes stay apart: a definite
bad answer is a ``failure``, could not find out is an ``error``, and a test that passed although
runs of it failed carries a ``flakyFailure`` for each, as Surefire writes it and Jenkins reads it.
An advisory test that did not pass is ``skipped`` with its message, since it must not turn a
pipeline red. The schemas in use know properties of suites only, so those of a test stand there
under its name.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC
from typing import Final
from xml.etree import ElementTree as ET

from trunkline.model.testing.report_text import run_text, transcript_text, verdict_text
from trunkline.model.testing.results import RunResult, TestResult, TestRunReport

_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML 1.0 document can hold, not even escaped."""


def junit_xml(report: TestRunReport) -> str:
    """The whole document, with declaration, ending in a newline."""
    root = _element("testsuites", name=f"trunkline {report.project}")
    suites = [_suite(report, place, tests) for place, tests in _by_place(report.tests).items()]
    told = {_outcome(test) for test in report.tests}
    if report.outcome != "passed" and not told & {"failed", "inconclusive"}:
        suites.append(_nothing(report))
    root.extend(suites)
    for key in ("tests", "failures", "errors"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in suites)))
    root.set("time", _seconds(run.duration_s for test in report.tests for run in test.runs))
    ET.indent(root)
    body = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _by_place(tests: Iterable[TestResult]) -> dict[str, list[TestResult]]:
    places: dict[str, list[TestResult]] = {}
    for test in tests:
        places.setdefault(f"{test.agent}@{test.environment}", []).append(test)
    return places


def _suite(report: TestRunReport, place: str, tests: list[TestResult]) -> ET.Element:
    outcomes = [_outcome(test) for test in tests]
    suite = _element(
        "testsuite",
        name=place,
        tests=str(len(tests)),
        failures=str(outcomes.count("failed")),
        errors=str(outcomes.count("inconclusive")),
        skipped=str(outcomes.count("skipped")),
        time=_seconds(run.duration_s for test in tests for run in test.runs),
    )
    if report.created_at is not None:
        at = report.created_at.astimezone(UTC)
        suite.set("timestamp", at.strftime("%Y-%m-%dT%H:%M:%S"))
    properties = ET.SubElement(suite, "properties")
    for name, value in (*_of_run(report, tests), *_of_tests(tests)):
        properties.append(_element("property", name=name, value=value))
    for test in tests:
        suite.append(_case(place, test))
    return suite


def _of_run(report: TestRunReport, tests: list[TestResult]) -> Iterator[tuple[str, str]]:
    yield "testRun", report.id
    yield "runner", report.runner
    yield "environment", report.environment
    if report.revision:
        yield "revision", report.revision
    if report.suite_digest:
        yield "suiteDigest", report.suite_digest
    for name, values in (
        ("agentDigest", {test.agent_digest for test in tests}),
        ("renderedDigest", {test.rendered_digest for test in tests}),
        ("judge", {test.judge for test in tests}),
    ):
        if told := sorted(values - {""}):
            yield name, ", ".join(told)


def _of_tests(tests: list[TestResult]) -> Iterator[tuple[str, str]]:
    for test in tests:
        passed = sum(run.outcome == "passed" for run in test.runs)
        found = {
            "gate": "required" if test.required else "advisory",
            "outcome": test.outcome,
            "mode": test.mode,
            "runs": f"{len(test.runs)} of {test.runs_planned}",
            "passed": f"{passed} of {len(test.runs)}, {test.runs_needed} needed",
            "passRate": "" if test.pass_rate is None else f"{test.pass_rate:.4f}",
            "replyP50Ms": _number(test.reply_p50_ms),
            "replyP95Ms": _number(test.reply_p95_ms),
            "costUsd": f"{test.cost_usd:.6f}",
            "digest": test.digest,
            "position": test.position,
        }
        if test.interval is not None:
            found["passRateInterval"] = f"{test.interval.low:.4f} to {test.interval.high:.4f}"
        if test.baseline is not None:
            found["baselineReplyP95Ms"] = _number(test.baseline.reply_p95_ms)
            rate = test.baseline.pass_rate
            found["baselinePassRate"] = "" if rate is None else f"{rate:.4f}"
        yield from ((f"{test.name}.{key}", value) for key, value in found.items() if value)


def _case(place: str, test: TestResult) -> ET.Element:
    case = _element(
        "testcase",
        classname=place,
        name=test.name,
        time=_seconds(run.duration_s for run in test.runs),
    )
    outcome = _outcome(test)
    message = verdict_text(test)
    bad = [run for run in test.runs if run.outcome != "passed"]
    if outcome == "skipped":
        skipped = _element("skipped", message=f"advisory, {test.outcome}: {message}")
        case.append(skipped)
    elif outcome == "passed":
        case.extend(_repetition(run, "flaky") for run in bad)
    else:
        shown = next((run for run in bad if run.outcome == test.outcome), None)
        word = "failure" if outcome == "failed" else "error"
        verdict = _element(word, type=_kind(test.reason, shown), message=message)
        verdict.text = _xml("\n".join((test.position, *_conversation(shown))).strip())
        case.append(verdict)
        case.extend(_repetition(run, "rerun") for run in bad if run is not shown)
    if test.runs:
        spoken = ET.SubElement(case, "system-out")
        spoken.text = _xml("\n\n".join("\n".join(_told(run)) for run in test.runs))
    return case


def _repetition(run: RunResult, prefix: str) -> ET.Element:
    """A run that did not decide: ``flakyFailure``, ``rerunError`` and the like."""
    word = "Failure" if run.outcome == "failed" else "Error"
    repeated = _element(prefix + word, type=_kind("", run), message=run_text(run))
    trace = ET.SubElement(repeated, "stackTrace")
    trace.text = _xml("\n".join(_conversation(run)))
    return repeated


def _nothing(report: TestRunReport) -> ET.Element:
    """A report that is no success although no test of it says why: never green by omission."""
    suite = _element(
        "testsuite", name=f"tests@{report.environment}", tests="1", failures="0", errors="1"
    )
    case = _element("testcase", classname=f"tests@{report.environment}", name="test run", time="0")
    why = report.message or f"{report.state}, nothing was carried out"
    case.append(_element("error", type=report.reason or report.state, message=why))
    suite.append(case)
    return suite


def _outcome(test: TestResult) -> str:
    """The outcome as a pipeline counts it: advisory tests that did not pass are skipped."""
    return "skipped" if test.outcome != "passed" and not test.required else test.outcome


def _kind(reason: str, run: RunResult | None) -> str:
    if reason:
        return reason
    if run is None:
        return "Unknown"
    reasons = (run.reason, *(check.reason for check in run.checks if check.outcome == run.outcome))
    return next((found for found in reasons if found), "ExpectationFailed")


def _conversation(run: RunResult | None) -> tuple[str, ...]:
    return transcript_text(run) if run is not None else ()


def _told(run: RunResult) -> tuple[str, ...]:
    again = f", begun again {run.restarts} times" if run.restarts else ""
    return (f"run {run.number}: {run.outcome}{again}", *transcript_text(run))


def _element(tag: str, **attributes: str) -> ET.Element:
    return ET.Element(tag, {name: _xml(value) for name, value in attributes.items()})


def _xml(text: str) -> str:
    return _NOT_XML.sub("", text)


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _seconds(durations: Iterable[float]) -> str:
    return f"{sum(durations):.3f}"
