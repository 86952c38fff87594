"""``sync``, ``status`` and ``events``: how a running installation is, over HTTP to its API."""

# ruff: noqa: PLC0415 - a short command must start fast, so each verb imports what it runs

from typing import Annotated

import typer

from trunkline.cli.printing import Format
from trunkline.cli.verbs.options import (
    AnyAgent,
    Environment,
    HardRefresh,
    NoHeaders,
    Output,
    OverrideWindow,
    Project,
    Reason,
    Selector,
    Timeout,
    Watch,
    WatchTimeout,
    duration,
    offered_names,
    selector_texts,
)


def sync(
    agent: Annotated[
        str | None,
        typer.Argument(
            metavar="AGENT",
            help="One agent or number; none means all.",
            autocompletion=offered_names,
        ),
    ] = None,
    *,
    environment: Environment = None,
    hard_refresh: HardRefresh = False,
    reason: Reason = "",
    override_window: OverrideWindow = "",
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
            override_window=override_window,
            wait=not no_wait,
            timeout=duration(timeout),
            style=output,
            headers=not no_headers,
        )


def status(
    agent: AnyAgent = None,
    *,
    environment: Environment = None,
    selector: Selector = None,
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
        query["selector"] = selector_texts(selector)
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
    agent: AnyAgent = None,
    *,
    environment: Environment = None,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, max=200, help="How many to print at most.")
    ] = 50,
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


VERBS = (sync, status, events)
