"""``plan`` and ``diff``: what would be written, by a server or from a folder without one."""

# ruff: noqa: PLC0415 - a short command must start fast, so each verb imports what it runs

from typing import Annotated

import typer

from trunkline.cli.exits import WrongUsage
from trunkline.cli.printing import PlanFormat
from trunkline.cli.verbs.options import (
    AgentName,
    Environment,
    ExitCodeWanted,
    HardRefresh,
    PlanOutput,
    Project,
    Timeout,
    duration,
    offered_names,
)


def plan(
    agents: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME", help="Agents or numbers; none means all.", autocompletion=offered_names
        ),
    ] = None,
    *,
    environment: Environment = None,
    local: Annotated[
        str | None,
        typer.Option(
            "--local", metavar="PATH", help="Plan this folder of manifests without a server."
        ),
    ] = None,
    hard_refresh: HardRefresh = False,
    output: PlanOutput = PlanFormat.TEXT,
    exit_code: ExitCodeWanted = False,
    timeout: Timeout = "5m",
    project: Project = None,
) -> int:
    """Show what would be written, and write nothing.

    With --local, the manifests are read from a folder and the platforms are asked directly; no
    server of Trunkline is needed.
    """
    names = agents or []
    if local is not None:
        from trunkline.cli.local_plan import plan_locally

        if environment is None:
            raise WrongUsage("A local plan needs --environment")
        return plan_locally(local, environment, names, style=output, exit_code=exit_code)
    from trunkline.cli import plans
    from trunkline.cli.server import connect

    with connect() as server:
        return plans.plan(
            server,
            project,
            environment=environment,
            agents=names,
            hard_refresh=hard_refresh,
            timeout=duration(timeout),
            style=output,
            exit_code=exit_code,
        )


def diff(
    agent: AgentName,
    *,
    environment: Environment = None,
    output: PlanOutput = PlanFormat.TEXT,
    exit_code: ExitCodeWanted = False,
    timeout: Timeout = "1m",
    project: Project = None,
) -> int:
    """Show how one agent differs from what Git wants."""
    from trunkline.cli import plans
    from trunkline.cli.server import connect

    with connect() as server:
        return plans.diff(
            server,
            project,
            agent=agent,
            environment=environment,
            timeout=duration(timeout),
            style=output,
            exit_code=exit_code,
        )


VERBS = (plan, diff)
