"""``experiment``: a second released version answers a share of the calls."""

# ruff: noqa: PLC0415 - a short command must start fast, so each verb imports what it runs

from typing import Annotated

import typer

from trunkline.cli.printing import DocumentFormat
from trunkline.cli.verbs.options import (
    AgentName,
    DocumentOutput,
    Environment,
    Project,
    Timeout,
    duration,
    group,
)

experiment = group("Let two releases answer side by side, and compare.")


@experiment.command("start")
def start(
    agent: AgentName,
    *,
    environment: Environment = None,
    against: Annotated[
        int, typer.Option("--against", min=1, metavar="VERSION", help="A version of before.")
    ],
    percent: Annotated[
        int, typer.Option("--percent", metavar="N", min=1, max=99, help="Its share of the calls.")
    ],
    output: DocumentOutput = DocumentFormat.TEXT,
    project: Project = None,
) -> int:
    """Let a version that was released before answer a share of the calls.

    It is a release of its own: a signed commit with the next version number, made inside the
    environment's windows. Said again with another version or share, that is what counts.
    """
    from trunkline.cli import experiments
    from trunkline.cli.server import connect

    with connect() as server:
        return experiments.start(
            server,
            project,
            agent,
            environment=environment,
            against=against,
            percent=percent,
            style=output,
        )


@experiment.command("show")
def show(
    agent: AgentName,
    *,
    environment: Environment = None,
    output: DocumentOutput = DocumentFormat.TEXT,
    project: Project = None,
) -> int:
    """Show what runs side by side, and how both did in the newest tests."""
    from trunkline.cli import experiments
    from trunkline.cli.server import connect

    with connect() as server:
        return experiments.show(server, project, agent, environment=environment, style=output)


@experiment.command("test")
def run_tests(
    agent: AgentName,
    *,
    environment: Environment = None,
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="TAG", help="Only tests with this tag; repeatable."),
    ] = None,
    repeat: Annotated[
        int | None, typer.Option("--repeat", metavar="N", min=1, max=50, help="Runs of each test.")
    ] = None,
    timeout: Timeout = "15m",
    output: DocumentOutput = DocumentFormat.TEXT,
    project: Project = None,
) -> int:
    """Run the same tests of both versions and print them side by side.

    Nothing live changes. 0 both were tested, 3 there is nothing to compare, 5 after --timeout.
    """
    from trunkline.cli import experiments
    from trunkline.cli.server import connect

    with connect() as server:
        return experiments.test(
            server,
            project,
            agent,
            environment=environment,
            tags=tag or (),
            repeat=repeat,
            timeout=duration(timeout),
            style=output,
        )


@experiment.command("stop")
def stop(
    agent: AgentName,
    *,
    environment: Environment = None,
    output: DocumentOutput = DocumentFormat.TEXT,
    project: Project = None,
) -> int:
    """End an experiment: the release answers every call again, whatever window it is."""
    from trunkline.cli import experiments
    from trunkline.cli.server import connect

    with connect() as server:
        return experiments.stop(server, project, agent, environment=environment, style=output)


VERBS = ()
GROUPS = {"experiment": experiment}
