"""Conversation tests carried out by a server: asking for a run and following it to its end."""

from dataclasses import dataclass
from datetime import timedelta

from trunkline.cli import printing
from trunkline.cli.exits import ExitCode
from trunkline.cli.patience import Patience
from trunkline.cli.printing import Format
from trunkline.cli.server import Server, project_path, text
from trunkline.cli.testing.progress import TestProgress
from trunkline.cli.testing.reports import (
    Outputs,
    Printed,
    exit_code,
    print_report,
    read_report,
    write_outputs,
)
from trunkline.model import errors
from trunkline.model.base import JsonObject
from trunkline.model.durations import format_duration
from trunkline.model.kinds.conversation import Mode
from trunkline.model.testing.results import TestRunReport

POLL_MIN_S = 0.2
POLL_MAX_S = 2.0
"""A conversation takes seconds; a page of results is read whole at every look."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tests, of which agents, and where; empty does not restrict."""

    names: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    environment: str | None = None
    branch: str | None = None
    repeat: int | None = None
    mode: Mode | None = None
    compare: str | None = None
    runner: str = "conversations"

    def order(self) -> JsonObject:
        """The request body."""
        order: JsonObject = {"runner": self.runner}
        lists = {"tests": self.names, "agents": self.agents, "tags": self.tags}
        order |= {key: [*values] for key, values in lists.items() if values}
        single = {
            "environment": self.environment,
            "branch": self.branch,
            "repeat": self.repeat,
            "mode": self.mode,
            "compare": self.compare,
        }
        return order | {key: value for key, value in single.items() if value is not None}


def run_on_server(
    server: Server,
    project: str | None,
    wanted: Wanted,
    outputs: Outputs,
    printed: Printed,
    *,
    wait: bool,
    timeout: timedelta,
) -> ExitCode:
    """Ask for a run, follow it to its end and print what came of it."""
    outputs.check()
    path = project_path(server, project)
    accepted = server.post(f"{path}/test-runs", wanted.order())
    identifier = text(accepted, "id")
    if not wait:
        if printed.style in {Format.JSON, Format.YAML}:
            printing.print_document(accepted, printed.style)
        else:
            printing.print_text(identifier)
        return ExitCode.DONE
    report, in_time = _follow(server, path, identifier, timeout)
    print_report(report, printed)
    write_outputs(report, outputs, printed.style)
    if not in_time:
        raise errors.DeadlineExceeded(
            f"Test run {identifier} is not done after {format_duration(timeout)}; it goes on",
            hint=f"`trunkline test show {identifier}` says how far it is",
        )
    return exit_code(report)


def cancel(server: Server, project: str | None, run: str) -> ExitCode:
    """Ask a run to end; one that has ended stays as it is."""
    path = project_path(server, project)
    answer = server.delete(f"{path}/test-runs/{run}")
    outcome = text(answer, "outcome")
    words = f"has ended before: {outcome}" if outcome else "will end"
    printing.print_text(f"{text(answer, 'id')} {words}")
    return ExitCode.DONE


def _follow(
    server: Server, path: str, identifier: str, timeout: timedelta
) -> tuple[TestRunReport, bool]:
    """The report at its end, or as far as it is when time is up."""
    patience = Patience(timeout, POLL_MIN_S, POLL_MAX_S)
    with TestProgress("Testing") as progress:
        while True:
            report = read_report(server.get(f"{path}/test-runs/{identifier}"))
            ended = report.state != "Running"
            progress.show(report.tests, expected=report.expected, ended=ended)
            if ended or not patience.lasts():
                return report, ended
