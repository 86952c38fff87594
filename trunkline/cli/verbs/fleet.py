"""Verbs about a running installation; they talk HTTP to its API."""

# ruff: noqa: PLC0415 - a short command must start fast, so each verb imports what it runs

from typing import Annotated

import typer

from trunkline.cli.exits import WrongUsage
from trunkline.cli.printing import DocumentFormat, Format
from trunkline.cli.verbs.options import (
    DocumentOutput,
    Environment,
    ExitCodeWanted,
    NoHeaders,
    Output,
    Project,
    Timeout,
    WatchTimeout,
    duration,
)

Watch = Annotated[
    bool, typer.Option("--watch", "-w", help="Go on and print what changes, until interrupted.")
]
HardRefresh = Annotated[
    bool, typer.Option("--hard-refresh", help="Look at everything again, changed or not.")
]


def plan(
    agents: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Agents or numbers; none means all."),
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
    output: DocumentOutput = DocumentFormat.TEXT,
    exit_code: ExitCodeWanted = False,
    timeout: Timeout = "5m",
    project: Project = None,
) -> int:
    """Show what would be written to the platforms, and write nothing.

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
    agent: Annotated[str, typer.Argument(metavar="AGENT", help="The agent.")],
    *,
    environment: Environment = None,
    output: DocumentOutput = DocumentFormat.TEXT,
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


def sync(
    agent: Annotated[
        str | None, typer.Argument(metavar="AGENT", help="One agent or number; none means all.")
    ] = None,
    *,
    environment: Environment = None,
    hard_refresh: HardRefresh = False,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the audit log.")] = "",
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Print the operation's id and do not wait.")
    ] = False,
    timeout: Timeout = "5m",
    output: Output = Format.TABLE,
    no_headers: NoHeaders = False,
    project: Project = None,
) -> int:
    """Look at Git now and bring the platforms to it.

    Waits until everything it started has ended, unless --no-wait is given.
    """
    from trunkline.cli import syncs
    from trunkline.cli.server import connect

    with connect() as server:
        return syncs.sync(
            server,
            project,
            agent=agent,
            environment=environment,
            hard_refresh=hard_refresh,
            reason=reason,
            wait=not no_wait,
            timeout=duration(timeout),
            style=output,
            headers=not no_headers,
        )


def status(
    agent: Annotated[
        str | None, typer.Argument(metavar="AGENT", help="One agent; none means all.")
    ] = None,
    *,
    environment: Environment = None,
    selector: Annotated[
        list[str] | None,
        typer.Option("--selector", "-l", metavar="KEY=VALUE", help="Only with this label."),
    ] = None,
    watch: Watch = False,
    timeout: WatchTimeout = None,
    output: Output = Format.TABLE,
    no_headers: NoHeaders = False,
    project: Project = None,
) -> int:
    """Show how every agent is."""
    from trunkline.cli import statuses
    from trunkline.cli.server import connect

    query: dict[str, str | int | list[str]] = {}
    if environment is not None:
        query["environment"] = environment
    if selector:
        query["label"] = selector
    limit = None if timeout is None else duration(timeout)
    with connect() as server:
        if watch:
            return statuses.watch_status(
                server,
                project,
                query=query,
                name=agent,
                style=output,
                headers=not no_headers,
                timeout=limit,
            )
        return statuses.show_status(
            server, project, query=query, name=agent, style=output, headers=not no_headers
        )


def events(
    agent: Annotated[
        str | None, typer.Argument(metavar="AGENT", help="One agent; none means all.")
    ] = None,
    *,
    environment: Environment = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="How many to print.")] = 50,
    watch: Watch = False,
    timeout: WatchTimeout = None,
    output: Output = Format.TABLE,
    no_headers: NoHeaders = False,
    project: Project = None,
) -> int:
    """Show what happened, oldest first."""
    from trunkline.cli.events import show_events
    from trunkline.cli.server import connect

    with connect() as server:
        return show_events(
            server,
            project,
            agent=agent,
            environment=environment,
            limit=limit,
            style=output,
            headers=not no_headers,
            watch=watch,
            timeout=None if timeout is None else duration(timeout),
        )
