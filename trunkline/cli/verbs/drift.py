"""``drift``: what was changed outside of Git."""

# ruff: noqa: PLC0415 - a short command must start fast, so each verb imports what it runs

from typing import Annotated

import typer

from trunkline.cli.exits import WrongUsage
from trunkline.cli.printing import DocumentFormat, DriftFormat
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
    behaviour: Annotated[
        bool,
        typer.Option(
            "--behaviour", help="Of one released agent: tests of it now and when it was released."
        ),
    ] = False,
    retest: Annotated[
        bool, typer.Option("--retest", help="Test it again now; implies --behaviour.")
    ] = False,
    timeout: Timeout = "5m",
    no_headers: NoHeaders = False,
    project: Project = None,
) -> int:
    """Show what somebody changed outside of Git.

    Who, when, which field, and what happens next. The platforms are read now and nothing is
    written. With -o patch the change that would make it the wish is printed, to be applied with
    `git apply`.

    With --behaviour nothing of that: an agent may do worse without any change, and what is
    released is tested again now and then to find out. With --retest the command ends with 0 if it
    does as before, 1 if it does worse, 3 if that could not be found out.
    """
    from trunkline.cli.drift import show_drift
    from trunkline.cli.server import connect

    if behaviour or retest:
        return _behaviour(names or [], environment, output, exit_code, timeout, project, retest)
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


def _behaviour(
    names: list[str],
    environment: str | None,
    output: DriftFormat,
    exit_code: bool,  # noqa: FBT001 - likewise
    timeout: str,
    project: str | None,
    again: bool,  # noqa: FBT001 - likewise
) -> int:
    from trunkline.cli import behaviour
    from trunkline.cli.server import connect

    styles = {DriftFormat.JSON: DocumentFormat.JSON, DriftFormat.YAML: DocumentFormat.YAML}
    style = styles.get(output, DocumentFormat.TEXT)
    if len(names) != 1:
        raise WrongUsage("--behaviour is of one agent", hint="Name it: trunkline drift AGENT")
    with connect() as server:
        if again:
            lasting = duration(timeout)
            return behaviour.retest(
                server, project, names[0], environment=environment, style=style, timeout=lasting
            )
        return behaviour.show_behaviour(
            server, project, names[0], environment=environment, style=style, exit_code=exit_code
        )


VERBS = (drift,)
