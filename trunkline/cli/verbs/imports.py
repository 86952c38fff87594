"""``import`` and ``adopt``: agents that others made become manifests, and then ours."""

# ruff: noqa: PLC0415 - a short command must start fast, so each verb imports what it runs

from pathlib import Path
from typing import Annotated

import typer

from trunkline.cli.exits import WrongUsage
from trunkline.cli.printing import DocumentFormat, Format
from trunkline.cli.verbs.options import (
    DocumentOutput,
    NoHeaders,
    Output,
    Project,
    Reason,
    Timeout,
    Yes,
    duration,
    offered_agents,
    offered_environments,
)

OneEnvironment = Annotated[
    str,
    typer.Option(
        "--environment",
        "-e",
        metavar="NAME",
        help="The environment whose account it is.",
        autocompletion=offered_environments,
    ),
]


def import_(
    environment: OneEnvironment,
    *,
    agent: Annotated[
        list[str] | None,
        typer.Option("--agent", metavar="ID", help="Only this agent of the platform; repeatable."),
    ] = None,
    output_folder: Annotated[
        Path,
        typer.Option(
            "--into",
            metavar="DIR",
            help="Where the manifests go.",
            show_default="this folder",
        ),
    ] = Path(),
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite files that are there and differ.")
    ] = False,
    output: DocumentOutput = DocumentFormat.TEXT,
    timeout: Timeout = "10m",
    project: Project = None,
) -> int:
    """Turn the agents of an account into manifests.

    Nothing is written to the platform. Tools, documents and numbers of the agents come along. What
    a manifest cannot say stays as it is on the platform and is listed. What Trunkline manages
    already is skipped.
    """
    from trunkline.cli import importing
    from trunkline.cli.server import connect

    with connect() as server:
        return importing.import_account(
            server,
            project,
            environment=environment,
            agents=agent or [],
            output=output_folder,
            force=force,
            timeout=duration(timeout),
            style=output,
        )


def adopt(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="Agents in Git; none means all that wait for it.",
            autocompletion=offered_agents,
        ),
    ] = None,
    *,
    environment: OneEnvironment,
    agent: Annotated[
        list[str] | None,
        typer.Option(
            "--agent",
            metavar="ID=NAME",
            help="This agent of the platform is that one in Git; repeatable.",
        ),
    ] = None,
    allow_changes: Annotated[
        bool,
        typer.Option("--allow-changes", help="Also what differs from Git; it is then as Git says."),
    ] = False,
    reason: Reason = "",
    yes: Yes = False,
    timeout: Timeout = "10m",
    output: Output = Format.TABLE,
    no_headers: NoHeaders = False,
    project: Project = None,
) -> int:
    """Take over agents that Git names and that others made.

    Their tools and documents come along. Shows the plan and asks first. Only our marks are written,
    unless --allow-changes is given.
    """
    from trunkline.cli import adopting
    from trunkline.cli.server import connect

    agents: dict[str, str] = {}
    for pair in agent or []:
        external_id, separator, name = pair.partition("=")
        if not (external_id and separator and name):
            raise WrongUsage(f"--agent {pair!r} is no ID=NAME")
        agents[external_id] = name
    with connect() as server:
        return adopting.adopt(
            server,
            project,
            environment=environment,
            names=names or [],
            agents=agents,
            allow_changes=allow_changes,
            reason=reason,
            yes=yes,
            timeout=duration(timeout),
            style=output,
            headers=not no_headers,
        )


VERBS = (import_, adopt)
