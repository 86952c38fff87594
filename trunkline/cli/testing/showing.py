"""One run of conversation tests closely: every conversation, with what failed at its place."""

import json
from pathlib import Path

from trunkline.cli import printing
from trunkline.cli.exits import ExitCode, WrongUsage
from trunkline.cli.names import absent
from trunkline.cli.printing import DocumentFormat
from trunkline.cli.server import Server, project_path
from trunkline.cli.testing.reports import read_report, report_document
from trunkline.model.testing.report_text import (
    milliseconds,
    needed_text,
    runs_text,
    totals_text,
    transcript_text,
    verdict_text,
)
from trunkline.model.testing.results import TestResult, TestRunReport


def show(
    server: Server | None,
    project: str | None,
    *,
    run: str,
    test: str | None,
    style: DocumentFormat,
) -> ExitCode:
    """A run, or one test of it with its conversations; ``run`` is an id or a file of ``--json``."""
    if server is None:
        report = _from_file(Path(run))
    else:
        path = project_path(server, project)
        report = read_report(server.get(f"{path}/test-runs/{run}"))
    if test is not None:
        chosen = [result for result in report.tests if result.name == test]
        if not chosen:
            known = [result.name for result in report.tests]
            raise absent(f"Test run {report.id} has no test {test!r}", test, known)
        report = report.model_copy(update={"tests": tuple(chosen)})
    if style is not DocumentFormat.TEXT:
        printing.print_document(report_document(report), style)
        return ExitCode.DONE
    _print_head(report)
    for result in report.tests:
        if test is not None or result.outcome != "passed":
            print_conversations(result, every_check=test is not None)
        else:
            printing.print_text(f"\n{result.agent}/{result.name}: passed")
    return ExitCode.DONE


def print_conversations(result: TestResult, *, every_check: bool) -> None:
    """A test with its conversations; only those that did not pass unless ``every_check``."""
    printing.print_text(f"\n{result.agent}/{result.name}: {printing.paint(result.outcome)}")
    printing.print_fields(_facts(result), indent=2)
    for run in result.runs:
        if run.outcome == "passed" and not every_check:
            continue
        again = f", begun again {run.restarts} times" if run.restarts else ""
        printing.print_text(f"\n  run {run.number}: {printing.paint(run.outcome)}{again}")
        for line in transcript_text(run, every_check=every_check):
            printing.print_text(f"  {line}")
        if run.reply_ms:
            times = ", ".join(milliseconds(value) for value in run.reply_ms)
            printing.print_text(f"  replies began after {times}")


def is_report_file(run: str) -> bool:
    """True if the word names a file that ``--json`` may have written."""
    return run.endswith(".json")


def _from_file(path: Path) -> TestRunReport:
    try:
        document = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise WrongUsage(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise WrongUsage(f"{path} is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise WrongUsage(f"{path} is no report of a test run")
    return read_report(document)


def _print_head(report: TestRunReport) -> None:
    printing.print_fields(
        [
            ("Test run", report.id),
            ("Outcome", report.outcome or report.state),
            ("Tests", totals_text(report)),
            ("Environment", report.environment),
            ("Revision", report.revision),
            ("Asked by", report.requested_by),
            ("Cost", f"about ${report.cost_usd:.3f}, estimated ${report.estimated_usd:.3f} before"),
            ("Message", report.message),
        ]
    )


def _facts(result: TestResult) -> list[tuple[str, str]]:
    times = (milliseconds(result.reply_p50_ms), milliseconds(result.reply_p95_ms))
    facts = [
        ("Where", result.position),
        ("Why it is there", result.why),
        ("Passed", f"{runs_text(result)} runs, {needed_text(result)} needed"),
        ("Replies", f"p50 {times[0]}, p95 {times[1]}" if all(times) else ""),
        ("Judge", result.judge),
        ("Message", verdict_text(result)),
    ]
    if (base := result.baseline) is not None:
        passed = f"{base.environment}: {runs_text(base)} runs passed"
        facts.append(("Compared with", f"{passed}, p95 {milliseconds(base.reply_p95_ms)}"))
    return [(name, value) for name, value in facts if value]
