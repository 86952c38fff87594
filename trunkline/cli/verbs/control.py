"""``apply``, ``wait``, ``why``, ``suspend``, ``resume``, ``disable`` and ``enable``."""

# ruff: noqa: PLC0415 - a short command must start fast, so each verb imports what it runs

from datetime import timedelta
from typing import Annotated

import typer

from trunkline.cli.exits import WrongUsage
from trunkline.cli.printing import DocumentFormat, Format
from trunkline.cli.verbs.options import (
    DocumentOutput,
    Environment,
    NeededReason,
    NoHeaders,
    Output,
    OverrideWindow,
    Project,
    Reason,
    Timeout,
    Yes,
    duration,
    offered_agents,
    offered_names,
)

Subject = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME",
        help="One agent or number; none means the environment.",
        autocompletion=offered_names,
    ),
]
Agent = Annotated[
    str, typer.Argument(metavar="AGENT", help="The agent.", autocompletion=offered_agents)
]


def apply(
    plan_id: Annotated[
        str | None,
        typer.Argument(metavar="PLAN_ID", help="A plan that was made; none makes one now."),
    ] = None,
    *,
    environment: Environment = None,
    yes: Yes = False,
    enforce: Annotated[
        bool,
        typer.Option(
            "--enforce", help="Confirm that the environment is enforced on its real accounts."
        ),
    ] = False,
    confirm: Annotated[
        str,
        typer.Option(
            "--confirm", metavar="TEXT", help="With --enforce: what would be typed, for scripts."
        ),
    ] = "",
    override_window: OverrideWindow = "",
    reason: Reason = "",
    timeout: Timeout = "10m",
    output: Output = Format.TABLE,
    no_headers: NoHeaders = False,
    project: Project = None,
) -> int:
    """Show a plan, ask, and write exactly what it says.

    If Git or the platform changed since the plan was made, nothing of that part is written, and the
    command ends with 4.
    """
    from trunkline.cli import applying
    from trunkline.cli.server import connect

    if confirm and not enforce:
        raise WrongUsage("--confirm needs --enforce")
    given = applying.Applying(
        environment=environment,
        plan_id=plan_id,
        yes=yes,
        reason=reason,
        override_window=override_window,
        confirm=confirm,
        timeout=duration(timeout),
        style=output,
        headers=not no_headers,
    )
    with connect() as server:
        run = applying.enforce if enforce else applying.apply
        return run(server, project, given)


def suspend(
    name: Subject = None,
    *,
    environment: Environment = None,
    reason: NeededReason,
    lasting: Annotated[
        str | None,
        typer.Option("--for", metavar="DURATION", help="For this long, such as 2h."),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="TIME", help="Until then, such as 2026-03-02T18:00."),
    ] = None,
    output: DocumentOutput = DocumentFormat.TEXT,
    project: Project = None,
) -> int:
    """Stop every write to an agent, a number or all of it.

    Without a name it is an environment, without both the project. What is committed meanwhile is
    applied when it is resumed.
    """
    from trunkline.cli import control

    ends = control.moment(None if lasting is None else duration(lasting, option="--for"), until)
    return control.decide(
        project,
        "suspend",
        name=name,
        environment=environment,
        reason=reason,
        until=ends,
        style=output,
    )


def resume(
    name: Subject = None,
    *,
    environment: Environment = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Deletions that were paused, not what was suspended.")
    ] = False,
    rules: Annotated[
        bool, typer.Option("--rules", help="Weaker rules of promotion, by an admin's word.")
    ] = False,
    reason: Reason = "",
    output: DocumentOutput = DocumentFormat.TEXT,
    project: Project = None,
) -> int:
    """Let what was suspended go on."""
    from trunkline.cli import control

    return control.decide(
        project,
        "resume",
        name=name,
        environment=environment,
        prune=prune,
        rules=rules,
        reason=reason,
        style=output,
    )


def disable(
    agent: Agent,
    *,
    environment: Environment = None,
    reason: NeededReason,
    output: DocumentOutput = DocumentFormat.TEXT,
    project: Project = None,
) -> int:
    """Take an agent's calls away at once.

    That goes through whatever is suspended, frozen or to be approved. Its numbers go to their
    fallback until it is enabled again; the agent itself stays. Only an environment in mode observe
    writes nothing, not even this.
    """
    from trunkline.cli import control

    return control.decide(
        project,
        "disable",
        name=agent,
        environment=environment,
        reason=reason,
        style=output,
    )


def enable(
    agent: Agent,
    *,
    environment: Environment = None,
    reason: Reason = "",
    output: DocumentOutput = DocumentFormat.TEXT,
    project: Project = None,
) -> int:
    """Give a disabled agent its calls back."""
    from trunkline.cli import control

    return control.decide(
        project,
        "enable",
        name=agent,
        environment=environment,
        reason=reason,
        style=output,
    )


def wait(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="One agent or number, or a promotion's id; none means all.",
            autocompletion=offered_names,
        ),
    ] = None,
    *,
    environment: Environment = None,
    sync: Annotated[bool, typer.Option("--sync", help="Until it is Synced.")] = False,
    health: Annotated[bool, typer.Option("--health", help="Until it is Healthy.")] = False,
    promotion: Annotated[
        bool, typer.Option("--promotion", help="Until the agent's promotion has ended.")
    ] = False,
    timeout: Timeout = "5m",
    project: Project = None,
) -> int:
    """Wait until everything is Synced and Healthy.

    With --sync or --health for one of the two. Ends with 1 as soon as something needs a person.
    What only waits for a first release is not waited for; how many there are is said at the end.

    A promotion, named by its id or by its agent with --promotion, is followed to its end: 0
    released, 1 not released or rolled back, 3 it could not be found out, 4 if it still waits for an
    approval or a window after --timeout.
    """
    from trunkline.cli import control
    from trunkline.cli.server import connect

    if promotion or (name is not None and "." in name):
        return _wait_for_promotion(name, environment, duration(timeout), project, sync or health)
    both = sync == health
    with connect() as server:
        return control.wait(
            server,
            project,
            name=name,
            environment=environment,
            sync=sync or both,
            health=health or both,
            timeout=duration(timeout),
        )


def _wait_for_promotion(
    name: str | None,
    environment: str | None,
    timeout: timedelta,
    project: str | None,
    also: bool,  # noqa: FBT001 - a flag of the command line, handed on
) -> int:
    from trunkline.cli.promoting import deciding
    from trunkline.cli.server import connect

    if name is None or also:
        raise WrongUsage("--promotion needs an agent, and goes without --sync and --health")
    with connect() as server:
        return deciding.wait(server, project, name, environment=environment, timeout=timeout)


def why(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="An agent or number.", autocompletion=offered_names),
    ],
    *,
    environment: Environment = None,
    output: DocumentOutput = DocumentFormat.TEXT,
    project: Project = None,
) -> int:
    """Show what holds an agent or number back.

    That is the whole chain, from the commit to the vendor.
    """
    from trunkline.cli import control
    from trunkline.cli.server import connect

    with connect() as server:
        return control.why(server, project, name=name, environment=environment, style=output)


VERBS = (apply, wait, why, suspend, resume, disable, enable)
