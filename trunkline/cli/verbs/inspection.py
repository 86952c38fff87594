"""``describe`` and ``history``: one agent or number, closely."""

# ruff: noqa: PLC0415 - a short command must start fast, so each verb imports what it runs

from trunkline.cli.printing import DocumentFormat, Format
from trunkline.cli.verbs.options import (
    AgentName,
    AnyName,
    DocumentOutput,
    Environment,
    NoHeaders,
    Output,
    Project,
)


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
    agent: AgentName,
    *,
    environment: Environment = None,
    output: Output = Format.TABLE,
    no_headers: NoHeaders = False,
    project: Project = None,
) -> int:
    """Show which revisions of Git touched an agent.

    Newest first, with what became of each, as far as its events reach back.
    """
    from trunkline.cli.describing import history as print_history
    from trunkline.cli.server import connect

    with connect() as server:
        return print_history(
            server,
            project,
            agent,
            environment=environment,
            style=output,
            headers=not no_headers,
        )


VERBS = (describe, history)
