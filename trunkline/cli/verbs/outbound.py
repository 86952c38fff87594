"""``calls start|cancel|orders`` and ``do-not-call``: calls people ask for."""

# ruff: noqa: PLC0415 - a short command must start fast, so each verb imports what it runs

from typing import Annotated

import typer

from trunkline.cli.printing import DocumentFormat, Format
from trunkline.cli.verbs.calls import calls
from trunkline.cli.verbs.options import (
    AgentName,
    Context,
    DocumentOutput,
    Environment,
    From,
    Limit,
    NoHeaders,
    Output,
    Project,
    Reason,
    Timeout,
    To,
    duration,
    group,
)

OrderId = Annotated[str, typer.Argument(metavar="ORDER", help="An order's id.")]
DialledNumber = Annotated[
    str, typer.Argument(metavar="E164", help="A number, such as +15005550009.")
]

do_not_call = group("Numbers that no agent of the project may call.")


@calls.command("start")
def calls_start(
    agent: AgentName,
    *,
    to: To,
    from_: From = None,
    context: Context = None,
    key: Annotated[
        str | None,
        typer.Option(
            "--key",
            metavar="KEY",
            help="One call for this key, however often it is asked for; without it, a new call.",
        ),
    ] = None,
    tries: Annotated[
        int | None,
        typer.Option("--tries", metavar="N", min=1, max=10, help="How often to try in all."),
    ] = None,
    pause: Annotated[
        str | None,
        typer.Option("--pause", metavar="DURATION", help="How long after a try, such as 10m."),
    ] = None,
    not_before: Annotated[
        str | None,
        typer.Option("--not-before", metavar="TIME", help="Such as 2026-03-02T09:15:00Z."),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it is over.")] = False,
    timeout: Timeout = "30m",
    environment: Environment = None,
    output: DocumentOutput = DocumentFormat.TEXT,
    project: Project = None,
) -> int:
    """Let an agent call somebody.

    The call waits for the agent's calling windows and for a free place. With --wait, ends with 0
    if somebody talked to the agent, 1 if nobody was reached, 5 after --timeout.
    """
    from trunkline.cli import outbound
    from trunkline.cli.server import connect

    asked = outbound.CallAsked(
        agent=agent,
        to=to,
        from_name=from_,
        environment=environment,
        context=context or (),
        key=key,
        tries=tries,
        pause=None if pause is None else duration(pause, "--pause"),
        not_before=not_before,
    )
    limit = duration(timeout)
    with connect() as server:
        return outbound.start(server, project, asked, wait=wait, timeout=limit, style=output)


@calls.command("cancel")
def calls_cancel(
    order: OrderId,
    *,
    output: DocumentOutput = DocumentFormat.TEXT,
    project: Project = None,
) -> int:
    """Cancel a call that was asked for: try no more, and hang up if somebody talks."""
    from trunkline.cli import outbound
    from trunkline.cli.server import connect

    with connect() as server:
        return outbound.cancel(server, project, order, style=output)


@calls.command("orders")
def calls_orders(
    *,
    open_only: Annotated[
        bool, typer.Option("--open", help="Only those that have not ended.")
    ] = False,
    limit: Limit = 50,
    output: Output = Format.TABLE,
    no_headers: NoHeaders = False,
    project: Project = None,
) -> int:
    """List calls that were asked for, newest first."""
    from trunkline.cli import outbound
    from trunkline.cli.server import connect

    with connect() as server:
        return outbound.list_orders(
            server, project, open_only=open_only, limit=limit, style=output, headers=not no_headers
        )


@do_not_call.command("list")
def do_not_call_list(
    *,
    limit: Limit = 1_000,
    output: Output = Format.TABLE,
    no_headers: NoHeaders = False,
    project: Project = None,
) -> int:
    """List the numbers nobody may call."""
    from trunkline.cli import outbound
    from trunkline.cli.server import connect

    with connect() as server:
        return outbound.list_forbidden(
            server, project, limit=limit, style=output, headers=not no_headers
        )


@do_not_call.command("add")
def do_not_call_add(number: DialledNumber, *, reason: Reason = "", project: Project = None) -> int:
    """Let no agent call a number any more; calls to it that wait end."""
    from trunkline.cli import outbound
    from trunkline.cli.server import connect

    with connect() as server:
        return outbound.forbid(server, project, number, reason)


@do_not_call.command("remove")
def do_not_call_remove(number: DialledNumber, *, project: Project = None) -> int:
    """Let a number be called again."""
    from trunkline.cli import outbound
    from trunkline.cli.server import connect

    with connect() as server:
        return outbound.allow(server, project, number)


VERBS = ()
GROUPS = {"calls": calls, "do-not-call": do_not_call}
