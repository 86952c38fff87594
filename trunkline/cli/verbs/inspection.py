"""``describe`` and ``history``: one agent or number, closely; ``dora``: what it all comes to."""

# ruff: noqa: PLC0415 - a short command must start fast, so each verb imports what it runs

from pathlib import Path
from typing import Annotated

import typer

from trunkline.cli.exits import WrongUsage
from trunkline.cli.printing import DocumentFormat, Format
from trunkline.cli.verbs.options import (
    AnyName,
    DocumentOutput,
    Environment,
    Limit,
    NoHeaders,
    Output,
    Project,
    offered_agents,
)
from trunkline.model.limits import DELIVERY_DAYS, DELIVERY_DAYS_MAX

ReleasedAgent = Annotated[
    str | None,
    typer.Argument(
        metavar="AGENT",
        help="One agent; only with --local may it be left out, and means all.",
        autocompletion=offered_agents,
    ),
]
Verified = Annotated[
    bool, typer.Option("--evidence", help="Verify the releases: signatures, tags, digests.")
]
ClonePath = Annotated[
    Path | None,
    typer.Option(
        "--local",
        metavar="PATH",
        help="With --evidence: verify this clone or bare repository without a server.",
    ),
]
ReleasedBranch = Annotated[
    str | None,
    typer.Option(
        "--branch", metavar="NAME", help="With --local: another branch than the checked out one."
    ),
]
PublicKeys = Annotated[
    list[str] | None,
    typer.Option(
        "--public-key",
        metavar="KEY",
        help="With --local: whose signatures count, as ed25519:… or a PEM file, instead of the"
        " Project's keys.",
    ),
]


def describe(
    name: AnyName,
    *,
    environment: Environment = None,
    output: DocumentOutput = DocumentFormat.TEXT,
    project: Project = None,
) -> int:
    """Show everything known of one agent or number.

    Its status and conditions, what Git wants, what the ledger holds, the objects it uses, what
    people said about it, the newest plan and the last events.
    """
    from trunkline.cli.describing import describe as print_description
    from trunkline.cli.server import connect

    with connect() as server:
        return print_description(server, project, name, environment=environment, style=output)


def history(
    agent: ReleasedAgent = None,
    *,
    environment: Environment = None,
    evidence: Verified = False,
    local: ClonePath = None,
    branch: ReleasedBranch = None,
    public_keys: PublicKeys = None,
    limit: Limit = 50,
    output: Output = Format.TABLE,
    no_headers: NoHeaders = False,
    project: Project = None,
) -> int:
    """Show the releases of an agent and the commits behind them.

    Newest first: every release that Git holds, with who, when and why, and with the first ones the
    commits, as far as events reach back.

    With --evidence every release is verified instead: its signature, that the pinned commit has the
    digest that was tested, that its tag allocated its version, and that no version is missing. Ends
    with 1 if any is invalid, with 3 if something could not be read.
    """
    if local is not None or public_keys or branch is not None:
        return _verified(
            agent,
            environment=environment,
            evidence=evidence,
            local=local,
            branch=branch,
            public_keys=public_keys or [],
            output=output,
            headers=not no_headers,
            project=project,
        )
    if agent is None:
        raise WrongUsage("Name an agent", hint="`trunkline status -o name` lists them")
    from trunkline.cli.describing import history as print_history
    from trunkline.cli.server import connect

    with connect() as server:
        if evidence:
            from trunkline.cli.evidence import verify_on_server

            return verify_on_server(
                server,
                project,
                agent,
                environment=environment,
                style=output,
                headers=not no_headers,
            )
        return print_history(
            server,
            project,
            agent,
            environment=environment,
            limit=limit,
            style=output,
            headers=not no_headers,
        )


def _verified(
    agent: str | None,
    *,
    environment: str | None,
    evidence: bool,
    local: Path | None,
    branch: str | None,
    public_keys: list[str],
    output: Format,
    headers: bool,
    project: str | None,
) -> int:
    """A repository on this disk, verified. Raises WrongUsage for options that say nothing."""
    if not evidence or local is None:
        raise WrongUsage(
            "--local, --branch and --public-key say what --evidence verifies without a server",
            hint="trunkline history --evidence --local PATH",
        )
    from trunkline.cli.evidence import Asked, verify_locally

    asked = Asked(
        agent=agent,
        environment=environment,
        project=project,
        branch=branch,
        public_keys=tuple(public_keys),
    )
    return verify_locally(local, asked, style=output, headers=headers)


def dora(
    *,
    environment: Environment = None,
    days: Annotated[
        int,
        typer.Option(
            "--days",
            metavar="N",
            min=1,
            max=DELIVERY_DAYS_MAX,
            help="Over how many days until now.",
        ),
    ] = DELIVERY_DAYS,
    output: DocumentOutput = DocumentFormat.TEXT,
    project: Project = None,
) -> int:
    """Show how well changes get through, in the measures of DORA.

    Deployments and how often, from commit to release, how many failed, and how long until that was
    repaired. The environment may be left out if promotions go to only one.
    """
    from trunkline.cli.delivery import show_delivery
    from trunkline.cli.server import connect

    with connect() as server:
        return show_delivery(server, project, environment=environment, days=days, style=output)


VERBS = (describe, history, dora)
