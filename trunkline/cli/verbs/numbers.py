"""``numbers``: phone numbers of the accounts and where calls to them go."""

# ruff: noqa: PLC0415 - a short command must start fast, so each verb imports what it runs

from enum import StrEnum
from typing import Annotated

import typer

from trunkline.cli.printing import DocumentFormat, Format
from trunkline.cli.verbs.options import (
    DocumentOutput,
    Environment,
    NoHeaders,
    Output,
    Project,
    Reason,
    Via,
    ViaName,
    group,
    offered_agents,
    offered_numbers,
)


class NumberStateName(StrEnum):
    """The value of ``--state``."""

    AVAILABLE = "available"
    ASSIGNED = "assigned"
    UNMANAGED = "unmanaged"
    EXTERNAL = "external"


numbers = group("Phone numbers of the accounts, and where calls go.")


@numbers.command("list")
def numbers_list(
    *,
    environment: Environment = None,
    state: Annotated[
        NumberStateName | None, typer.Option("--state", help="Only numbers in this state.")
    ] = None,
    output: Output = Format.TABLE,
    no_headers: NoHeaders = False,
    project: Project = None,
) -> int:
    """List every number of the accounts, wished for or not.

    Both platforms are read now. Available: free to use. Assigned: a manifest names it. Unmanaged:
    assigned to an agent without a manifest. External: its calls go elsewhere. Nothing is written,
    and what no manifest names is never touched. Ends with 3 if an account could not be read.
    """
    from trunkline.cli import numbers as showing
    from trunkline.cli.server import connect

    with connect() as server:
        return showing.list_numbers(
            server,
            project,
            environment=environment,
            state=state.value if state is not None else None,
            style=output,
            headers=not no_headers,
        )


@numbers.command("route")
def numbers_route(
    number: Annotated[
        str,
        typer.Argument(
            metavar="NUMBER",
            help="The number as +15005550006, or its name.",
            autocompletion=offered_numbers,
        ),
    ],
    *,
    at: Annotated[
        str,
        typer.Option("--at", metavar="TIME", help="When the call comes, as 2026-03-29T01:30:00Z."),
    ] = "",
    caller: Annotated[
        str, typer.Option("--from", metavar="NUMBER", help="Who calls, as +447700900123.")
    ] = "",
    language: Annotated[
        str, typer.Option("--language", metavar="CODE", help="The language a menu found out.")
    ] = "",
    skill: Annotated[
        str, typer.Option("--skill", metavar="NAME", help="What the call is about.")
    ] = "",
    call: Annotated[
        str,
        typer.Option("--call", metavar="ID", help="A carrier's id of a call, for shares of calls."),
    ] = "",
    output: DocumentOutput = DocumentFormat.TEXT,
    project: Project = None,
) -> int:
    """Show where calls to a number really go, layer by layer.

    The first layer that says anything wins: trunk, application, voice URL, voice platform, agent,
    branch. Of a number whose calls come to us, every line of its table says why it would take a
    call now, or at the time and from the number that are given, or why not. Nobody is called.
    """
    from trunkline.cli import numbers as showing
    from trunkline.cli.server import connect

    said = {"at": at, "from": caller, "language": language, "skill": skill, "call": call}
    asked = {name: value for name, value in said.items() if value}
    with connect() as server:
        return showing.show_route(server, project, number=number, asked=asked, style=output)


@numbers.command("assign")
def numbers_assign(
    number: Annotated[
        str,
        typer.Argument(
            metavar="NUMBER",
            help="The number as +15005550006, or its name.",
            autocompletion=offered_numbers,
        ),
    ],
    agent: Annotated[
        str | None,
        typer.Argument(metavar="AGENT", help="Who answers it.", autocompletion=offered_agents),
    ] = None,
    *,
    nobody: Annotated[bool, typer.Option("--nobody", help="Let nobody answer it.")] = False,
    environment: Environment = None,
    via: Via = ViaName.COMMIT,
    reason: Reason = "",
    output: DocumentOutput = DocumentFormat.TEXT,
    project: Project = None,
) -> int:
    """Let an agent answer a number, by a commit or a pull request.

    A number without a manifest gets one, for which --environment is needed.
    """
    from trunkline.cli import changing
    from trunkline.cli.server import connect

    with connect() as server:
        return changing.assign(
            server,
            project,
            number,
            agent=changing.who(agent, nobody=nobody),
            environment=environment,
            via=via.value,
            reason=reason,
            style=output,
        )


VERBS = ()
GROUPS = {"numbers": numbers}
