"""Failures as GitHub shows them beside the file: one workflow command for each expectation.

A command is one line on stdout that the runner of GitHub Actions reads. What an agent said may
hold anything, so it is escaped by the rules of workflow commands, and can never begin one.
"""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final, NamedTuple

from trunkline.model.testing.report_text import bad_checks, check_text, run_text, verdict_text
from trunkline.model.testing.results import TestResult, TestRunReport

MESSAGE_MAX_CHARACTERS: Final = 4_000
"""GitHub cuts an annotation at 64 KiB; nobody reads more than this beside a line."""


class _Place(NamedTuple):
    file: str
    line: str
    column: str


def annotations(report: TestRunReport, *, folder: str = "") -> tuple[str, ...]:
    """Workflow commands, errors first: GitHub shows ten of each kind a step.

    ``folder`` is where the manifests are below the repository, as positions begin at the
    manifests. Errors are failed checks of required tests; inconclusive and advisory ones warn.
    """
    errors: list[str] = []
    warnings: list[str] = []
    for test in report.tests:
        blames = test.required and test.outcome == "failed"
        for position, message in _findings(test):
            command = _command("error" if blames else "warning", test, folder, position, message)
            (errors if blames else warnings).append(command)
    if report.message and not errors and not warnings and report.outcome != "passed":
        word = "error" if report.outcome == "failed" else "warning"
        errors.append(f"::{word} title=Conversation tests::{_data(report.message)}")
    return (*errors, *warnings)


def _findings(test: TestResult) -> Iterator[tuple[str, str]]:
    """Positions and what is wrong there: each expectation once, however many runs missed it."""
    if test.outcome == "passed" and not test.flaky:
        return
    wanted = "failed" if test.outcome == "passed" else test.outcome
    told: dict[str, tuple[str, int]] = {}
    for run in test.runs:
        if run.outcome != wanted:
            continue
        checks = [check for check in bad_checks(run) if check.outcome == wanted]
        found = {check.position or test.position: check_text(check) for check in reversed(checks)}
        for position, text in (found or {test.position: run_text(run)}).items():
            first, count = told.get(position, (text, 0))
            told[position] = (first, count + 1)
    if not told:
        told = {test.position: (verdict_text(test), len(test.runs))}
    for position, (text, count) in told.items():
        often = f" ({count} of {len(test.runs)} runs)" if len(test.runs) > 1 else ""
        yield position, f"{text or test.outcome}{often}"


def _command(word: str, test: TestResult, folder: str, position: str, message: str) -> str:
    place = _place(position or test.position)
    title = f"{test.name} ({test.agent}@{test.environment})"
    if test.outcome == "passed":
        title += ": flaky"
    elif not test.required:
        title += f": advisory, {test.outcome}"
    elif test.outcome != "failed":
        title += f": {test.outcome}"
    properties = {}
    if place is not None:
        file = str(PurePosixPath(folder) / place.file)
        properties = {"file": file, "line": place.line, "col": place.column}
    properties["title"] = title
    written = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{word} {written}::{_data(message[:MESSAGE_MAX_CHARACTERS])}"


def _place(position: str) -> _Place | None:
    parts = position.rsplit(":", 2)
    if len(parts) == len(_Place._fields) and parts[1].isdecimal() and parts[2].isdecimal():
        return _Place(*parts)
    return None


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
