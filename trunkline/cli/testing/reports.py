"""What came of conversation tests, for people and for pipelines: tables, files, annotations, codes.

One report goes in, whoever ran the tests; which outputs come out is the caller's wish. Nothing here
knows how tests are run.
"""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from trunkline.cli import printing
from trunkline.cli.exits import ExitCode, WrongUsage
from trunkline.cli.harmless import harmless
from trunkline.cli.listing import Column, Listing, member, print_listing
from trunkline.cli.printing import Format
from trunkline.model import errors
from trunkline.model.base import Json, JsonObject
from trunkline.model.testing.annotations import annotations
from trunkline.model.testing.junit import junit_xml
from trunkline.model.testing.report_text import (
    bad_checks,
    check_text,
    markdown_summary,
    milliseconds,
    needed_text,
    runs_text,
    totals_text,
    verdict_text,
)
from trunkline.model.testing.results import TestResult, TestRunReport

SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"
FINDINGS_SHOWN = 3
"""Expectations named below the table for each test; `test show` has them all."""

RESULTS = Listing(
    kind="TestRunReport",
    columns=(
        Column("NAME", member("name")),
        Column("AGENT", member("agent")),
        Column("ENV", member("environment"), wide=True),
        Column("GATE", member("gate")),
        Column("OUTCOME", member("outcome")),
        Column("RUNS", member("runs")),
        Column("PASS", member("pass")),
        Column("P50", member("p50")),
        Column("P95", member("p95")),
        Column("COST", member("cost")),
        Column("MODE", member("mode"), wide=True),
        Column("INTERVAL", member("interval"), wide=True),
        Column("JUDGE", member("judge"), wide=True),
        Column("DIGEST", member("digest"), wide=True),
        Column("MESSAGE", member("message")),
    ),
    name=member("name"),
    empty="No test was carried out.",
)


@dataclass(frozen=True, slots=True)
class Printed:
    """How the table on stdout is printed."""

    style: Format = Format.TABLE
    headers: bool = True


@dataclass(frozen=True, slots=True)
class Outputs:
    """What is written besides the table. ``folder`` is where the manifests are in the repository,
    for the paths of annotations.
    """

    junit: Path | None = None
    json: Path | None = None
    github: bool = False
    folder: str = ""

    def check(self) -> None:
        """Raises WrongUsage for a file that cannot be written, before a test costs anything."""
        for option, path in (("--junit", self.junit), ("--json", self.json)):
            if path is not None and (path.is_dir() or not path.parent.is_dir()):
                raise WrongUsage(f"{option} {path}: there is no folder {path.parent} to write to")


def read_report(document: JsonObject) -> TestRunReport:
    """A report as a server or a file has it; keys of later releases are left out.

    Raises ServerUnreachable for one that this release cannot read.
    """
    try:
        return TestRunReport.model_validate(document)
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False):
            if problem["type"] == "extra_forbidden":
                _remove(document, problem["loc"])
    try:
        return TestRunReport.model_validate(document)
    except ValidationError as error:
        raise errors.ServerUnreachable(
            f"The report is not one this release can read: {error.error_count()} problems in it",
            hint="Use the release of the server that made it",
        ) from error


def report_document(report: TestRunReport) -> JsonObject:
    """The report as JSON: docs/schemas/test-result.json."""
    document: JsonObject = report.model_dump(mode="json")
    return document


def exit_code(report: TestRunReport) -> ExitCode:
    """How a command ends that ran these tests."""
    if report.state == "Blocked":
        return ExitCode.BLOCKED
    if report.outcome == "failed":
        return ExitCode.FAILED
    return ExitCode.DONE if report.outcome == "passed" else ExitCode.UNKNOWN


def print_report(report: TestRunReport, printed: Printed) -> None:
    """The table on stdout, and on stderr what was not met where, and the counts."""
    style = printed.style
    if style in {Format.JSON, Format.YAML}:
        printing.print_document(report_document(report), style)
    else:
        print_listing(
            RESULTS, [_row(test) for test in report.tests], style, headers=printed.headers
        )
    for test in report.tests:
        for line in _findings(test):
            sys.stderr.write(f"{harmless(line)}\n")
    for path in report.not_expressible:
        sys.stderr.write(f"not tested by the platform: {harmless(path)}\n")
    sys.stderr.write(f"{closing(report)}\n")


def closing(report: TestRunReport) -> str:
    """The last line: the verdict, the counts, what it cost, and the id to look closer with."""
    verdict = report.outcome or report.state.lower()
    unclear = report.outcome != "passed" and not any(test.required for test in report.tests)
    message = f" {report.message}." if report.message and unclear else ""
    return harmless(
        f"{report.id}: {verdict}.{message} {totals_text(report)}, about ${report.cost_usd:.2f}"
    )


def write_outputs(report: TestRunReport, outputs: Outputs, style: Format) -> None:
    """Every file and annotation that was asked for.

    Annotations go to stdout, or to stderr where stdout is a document; GitHub reads both.
    """
    if outputs.junit is not None:
        outputs.junit.write_text(junit_xml(report), "utf-8")
    if outputs.json is not None:
        text = json.dumps(report_document(report), indent=2, ensure_ascii=False)
        outputs.json.write_text(f"{text}\n", "utf-8", errors="replace")
    if not outputs.github:
        return
    stream = sys.stderr if style in {Format.JSON, Format.YAML} else sys.stdout
    for command in annotations(report, folder=outputs.folder):
        stream.write(f"{harmless(command)}\n")
    stream.flush()
    if summary := os.environ.get(SUMMARY_VARIABLE):
        with Path(summary).open("a", encoding="utf-8", errors="replace") as page:
            page.write(markdown_summary(report))


def folder_in_repository(path: str) -> str:
    """The folder of the manifests as annotations need it: relative to where the job runs.

    A folder outside of it stays as it was given.
    """
    root = Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd()).resolve()
    folder = Path(path).resolve()
    return folder.relative_to(root).as_posix() if folder.is_relative_to(root) else path


def _row(test: TestResult) -> JsonObject:
    interval = test.interval
    return {
        "name": test.name,
        "agent": test.agent,
        "environment": test.environment,
        "gate": "required" if test.required else "advisory",
        "outcome": test.outcome,
        "runs": runs_text(test),
        "pass": needed_text(test),
        "p50": milliseconds(test.reply_p50_ms),
        "p95": milliseconds(test.reply_p95_ms),
        "cost": f"${test.cost_usd:.3f}",
        "mode": test.mode,
        "interval": f"{interval.low:.2f}-{interval.high:.2f}" if interval else "",
        "judge": test.judge,
        "digest": test.digest.removeprefix("sha256:")[:12],
        "message": verdict_text(test),
    }


def _findings(test: TestResult) -> Sequence[str]:
    """What was not met, a line for each expectation, in the form editors open."""
    if test.outcome == "passed":
        return ()
    found: dict[str, str] = {}
    for run in test.runs:
        for check in bad_checks(run):
            found.setdefault(check.position or test.position, check_text(check))
    if not found:
        found[test.position] = verdict_text(test) or test.reason
    lines = [
        f"{position}: {test.name}: {text}" if position else f"{test.name}: {text}"
        for position, text in found.items()
    ]
    left = len(lines) - FINDINGS_SHOWN
    return [*lines[:FINDINGS_SHOWN], *([f"  and {left} more"] if left > 0 else [])]


def _remove(document: Json, path: Sequence[str | int]) -> None:
    """Take one key out of a document."""
    here: Json = document
    for part in path[:-1]:
        if isinstance(here, dict) and isinstance(part, str):
            here = here.get(part)
        elif isinstance(here, list) and isinstance(part, int):
            here = here[part]
    if isinstance(here, dict) and isinstance(path[-1], str):
        here.pop(path[-1], None)
