"""``drift``: what was changed outside of Git."""

# ruff: noqa: PLC0415 - a short command must start fast, so each verb imports what it runs

from typing import Annotated

import typer

from trunkline.cli.printing import DriftFormat
from trunkline.cli.verbs.options import (
    Environment,
    NoHeaders,
    Project,
    Timeout,
    duration,
    offered_names,
)


def drift(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME", help="Agents or numbers; none means all.", autocompletion=offered_names
        ),
    ] = None,
    *,
    environment: Environment = None,
    output: Annotated[
        DriftFormat,
        typer.Option("--output", "-o", help="How to print it; patch: as a change to commit."),
    ] = DriftFormat.TABLE,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with 2 if there is drift nobody ignores.")
    ] = False,
    timeout: Timeout = "5m",
    no_headers: NoHeaders = False,
    project: Project = None,
) -> int:
    """Show what somebody changed outside of Git.

    Who, when, which field, and what happens next. The platforms are read now and nothing is
    written. With -o patch the change that would make it the wish is printed, to be applied with
    `git apply`.
    """
    from trunkline.cli.drift import show_drift
    from trunkline.cli.server import connect

    with connect() as server:
        return show_drift(
            server,
            project,
            names=names or [],
            environment=environment,
            style=output,
            headers=not no_headers,
            timeout=duration(timeout),
            exit_code=exit_code,
        )


VERBS = (drift,)
