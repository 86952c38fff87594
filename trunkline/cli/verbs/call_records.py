"""``calls list|show|transcript|export``: calls that were and calls that are."""

# ruff: noqa: PLC0415 - a short command must start fast, so each verb imports what it runs

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trunkline.cli.printing import DocumentFormat, Format
from trunkline.cli.verbs.calls import calls
from trunkline.cli.verbs.live_calls import CallId
from trunkline.cli.verbs.options import (
    DocumentOutput,
    Environment,
    Limit,
    NoHeaders,
    Output,
    Project,
    offered_agents,
)

if TYPE_CHECKING:
    from trunkline.cli.server import Query


class WayName(StrEnum):
    """The value of ``--direction``."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class CallStateName(StrEnum):
    """The value of ``--state``."""

    QUEUED = "queued"
    RINGING = "ringing"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    FAILED = "failed"
    CANCELED = "canceled"


OneAgent = Annotated[
    str | None,
    typer.Option(
        "--agent",
        "-a",
        metavar="AGENT",
        help="Only calls with this agent.",
        autocompletion=offered_agents,
    ),
]
Version = Annotated[
    int | None, typer.Option("--version", metavar="N", min=0, help="Only calls with this version.")
]
Way = Annotated[WayName | None, typer.Option("--direction", help="Only calls of this way.")]
State = Annotated[CallStateName | None, typer.Option("--state", help="Only calls in this state.")]
Active = Annotated[
    bool | None,
    typer.Option("--active/--over", help="Only calls that go on, or only those that are over."),
]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="Only calls that began at or after this time."),
]
Until = Annotated[
    str | None,
    typer.Option("--until", metavar="TIME", help="Only calls that began before this time."),
]


@calls.command("list")
def list_(
    *,
    agent: OneAgent = None,
    environment: Environment = None,
    version: Version = None,
    direction: Way = None,
    state: State = None,
    active: Active = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    output: Output = Format.TABLE,
    no_headers: NoHeaders = False,
    project: Project = None,
) -> int:
    """List calls, newest first."""
    from trunkline.cli import call_records
    from trunkline.cli.server import connect

    where = _where(
        agent=agent,
        environment=environment,
        version=version,
        direction=direction,
        state=state,
        active=active,
        since=since,
        until=until,
    )
    with connect() as server:
        return call_records.list_calls(
            server, project, where, limit=limit, style=output, headers=not no_headers
        )


@calls.command("show")
def show(
    call: CallId, *, output: DocumentOutput = DocumentFormat.TEXT, project: Project = None
) -> int:
    """Show one call: agent, route, times, cost, and what was said."""
    from trunkline.cli import call_records
    from trunkline.cli.server import connect

    with connect() as server:
        return call_records.show(server, project, call, style=output)


@calls.command("transcript")
def transcript(
    call: CallId, *, output: DocumentOutput = DocumentFormat.TEXT, project: Project = None
) -> int:
    """Print what was said in a call so far."""
    from trunkline.cli import call_records
    from trunkline.cli.server import connect

    with connect() as server:
        return call_records.transcript(server, project, call, style=output)


@calls.command("export")
def export(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Where to; none means stdout.")
    ] = None,
    *,
    agent: OneAgent = None,
    environment: Environment = None,
    version: Version = None,
    direction: Way = None,
    state: State = None,
    active: Active = None,
    since: Since = None,
    until: Until = None,
    no_transcripts: Annotated[
        bool, typer.Option("--no-transcripts", help="Without what was said.")
    ] = False,
    project: Project = None,
) -> int:
    """Write every call that fits as a line of JSON, with what was said. Needs the role admin."""
    from trunkline.cli import call_records
    from trunkline.cli.server import connect

    where = _where(
        agent=agent,
        environment=environment,
        version=version,
        direction=direction,
        state=state,
        active=active,
        since=since,
        until=until,
    )
    with connect() as server:
        return call_records.export(
            server, project, where, transcripts=not no_transcripts, file=file
        )


def _where(
    *,
    agent: str | None,
    environment: str | None,
    version: int | None,
    direction: WayName | None,
    state: CallStateName | None,
    active: bool | None,
    since: str | None,
    until: str | None,
) -> "Query":
    asked = {
        "agent": agent,
        "environment": environment,
        "version": version,
        "direction": direction.value if direction else None,
        "state": state.value if state else None,
        "active": None if active is None else str(active).lower(),
        "since": since,
        "until": until,
    }
    return {name: value for name, value in asked.items() if value is not None}


VERBS = ()
