"""``promote``, ``approve``, ``reject``, ``abort``, ``rollback``, ``hold`` and ``promotions``."""

# ruff: noqa: PLC0415 - a short command must start fast, so each verb imports what it runs

from typing import Annotated

import typer

from trunkline.cli.exits import WrongUsage
from trunkline.cli.printing import DocumentFormat, Format
from trunkline.cli.verbs.options import (
    AgentName,
    DocumentOutput,
    Environment,
    NeededReason,
    NoHeaders,
    Output,
    Project,
    Reason,
    Timeout,
    duration,
    group,
    offered_agents,
    offered_promotions,
)

Target = Annotated[
    str,
    typer.Argument(
        metavar="AGENT|ID",
        help="An agent, or a promotion's id.",
        autocompletion=offered_promotions,
    ),
]
Wait = Annotated[
    bool, typer.Option("--wait/--no-wait", help="Wait until it has ended, with progress.")
]

promotions = group("Promotions and rollbacks: list them, look at one closely.")


def promote(
    agent: AgentName,
    *,
    environment: Environment = None,
    message: Annotated[
        str,
        typer.Option("--message", "-m", metavar="TEXT", help="What changes, for the changelog."),
    ],
    wait: Wait = False,
    timeout: Timeout = "1h",
    output: DocumentOutput = DocumentFormat.TEXT,
    project: Project = None,
) -> int:
    """Start to bring an agent to production.

    What Git wants of it now is tested on the target's configuration, approved, released by a
    commit, rolled out and verified. Without --wait the command ends with 0 once that has begun.
    With it: 0 released, 1 a test failed, it was rejected or rolled back, 3 it could not be found
    out; after --timeout 4 if it waits for an approval or a window, else 5. It goes on without us.
    """
    from trunkline.cli.promoting import deciding
    from trunkline.cli.server import connect

    waiting = deciding.Waiting(wait=wait, timeout=duration(timeout), style=output)
    with connect() as server:
        return deciding.promote(
            server, project, agent, environment=environment, changes=message, waiting=waiting
        )


def approve(
    target: Target,
    *,
    environment: Environment = None,
    comment: Annotated[
        str, typer.Option("--comment", metavar="TEXT", help="What you looked at.")
    ] = "",
    output: DocumentOutput = DocumentFormat.TEXT,
    project: Project = None,
) -> int:
    """Agree to a promotion: to exactly what was tested.

    Whoever wrote any of it is refused where the rules say so; tests and soak are never skipped.
    """
    return _decide("approve", target, environment, comment, output, project)


def reject(
    target: Target,
    *,
    environment: Environment = None,
    reason: NeededReason,
    output: DocumentOutput = DocumentFormat.TEXT,
    project: Project = None,
) -> int:
    """Say no to a promotion before it is released."""
    return _decide("reject", target, environment, reason, output, project)


def abort(
    target: Target,
    *,
    environment: Environment = None,
    reason: NeededReason,
    output: DocumentOutput = DocumentFormat.TEXT,
    project: Project = None,
) -> int:
    """End a promotion.

    Before the release commit nothing has happened yet; after it, the calls go back to the version
    before and a rollback is released.
    """
    return _decide("abort", target, environment, reason, output, project)


def rollback(
    agent: AgentName,
    *,
    environment: Environment = None,
    to: Annotated[
        int | None,
        typer.Option(
            "--to",
            min=1,
            metavar="VERSION",
            help="The version to run again.",
            show_default="the newest before that was something else",
        ),
    ] = None,
    reason: NeededReason,
    wait: Wait = False,
    timeout: Timeout = "10m",
    output: DocumentOutput = DocumentFormat.TEXT,
    project: Project = None,
) -> int:
    """Release a former version of an agent again.

    At once: windows, soak, approvals and the age of its evidence do not matter, an open promotion
    ends. It is a commit and a new version, and it leaves a hold that keeps automatic promotion off.
    """
    from trunkline.cli.promoting import deciding
    from trunkline.cli.server import connect

    waiting = deciding.Waiting(wait=wait, timeout=duration(timeout), style=output)
    with connect() as server:
        return deciding.rollback(
            server,
            project,
            agent,
            environment=environment,
            to=to,
            reason=reason,
            waiting=waiting,
        )


def hold(
    agent: AgentName,
    *,
    environment: Environment = None,
    reason: Reason = "",
    release: Annotated[bool, typer.Option("--release", help="Lift the hold.")] = False,
    output: DocumentOutput = DocumentFormat.TEXT,
    project: Project = None,
) -> int:
    """Keep automatic promotion off what runs, by a commit.

    A person may still promote. --release lifts it.
    """
    from trunkline.cli.promoting import deciding
    from trunkline.cli.server import connect

    if not release and not reason.strip():
        raise WrongUsage("hold needs --reason, or --release to lift it")
    with connect() as server:
        return deciding.hold(
            server,
            project,
            agent,
            environment=environment,
            reason=reason,
            release=release,
            style=output,
        )


@promotions.command("list")
def promotions_list(
    agent: Annotated[
        str | None,
        typer.Argument(
            metavar="AGENT", help="One agent; none means all.", autocompletion=offered_agents
        ),
    ] = None,
    *,
    environment: Environment = None,
    open_only: Annotated[bool, typer.Option("--open", help="Only those that go on.")] = False,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, max=200, help="How many to print at most.")
    ] = 50,
    output: Output = Format.TABLE,
    no_headers: NoHeaders = False,
    project: Project = None,
) -> int:
    """List promotions and rollbacks, newest first."""
    from trunkline.cli.promoting import showing
    from trunkline.cli.server import connect

    with connect() as server:
        return showing.list_promotions(
            server,
            project,
            agent=agent,
            environment=environment,
            open_only=open_only,
            limit=limit,
            style=output,
            headers=not no_headers,
        )


@promotions.command("show")
def promotions_show(
    target: Target,
    *,
    environment: Environment = None,
    output: DocumentOutput = DocumentFormat.TEXT,
    project: Project = None,
) -> int:
    """Show one promotion: its phases, what stopped it, and what to type next.

    By an agent's name it is the one that goes on, else the newest.
    """
    from trunkline.cli.promoting import deciding
    from trunkline.cli.server import connect

    with connect() as server:
        return deciding.show(server, project, target, environment=environment, style=output)


def _decide(
    verb: str,
    target: str,
    environment: str | None,
    words: str,
    output: DocumentFormat,
    project: str | None,
) -> int:
    from trunkline.cli.promoting import deciding
    from trunkline.cli.server import connect

    with connect() as server:
        return deciding.decide(
            server,
            project,
            verb,
            target,
            environment=environment,
            words=words,
            style=output,
        )


VERBS = (promote, approve, reject, abort, rollback, hold)
ALIASES = {"deploy": promote}
GROUPS = {"promotions": promotions}
