"""``protect`` and ``unprotect``: what is never deleted, whatever Git says."""

# ruff: noqa: PLC0415 - a short command must start fast, so each verb imports what it runs

from trunkline.cli.printing import DocumentFormat
from trunkline.cli.verbs.control import Agent
from trunkline.cli.verbs.options import DocumentOutput, Environment, NeededReason, Project, Reason


def protect(
    agent: Agent,
    *,
    environment: Environment = None,
    reason: NeededReason,
    output: DocumentOutput = DocumentFormat.TEXT,
    project: Project = None,
) -> int:
    """Never delete an agent, whatever Git says.

    It is remembered here and by a tag on the platform; either alone protects.
    """
    from trunkline.cli import control

    return control.decide(
        project,
        "protect",
        name=agent,
        environment=environment,
        reason=reason,
        style=output,
    )


def unprotect(
    agent: Agent,
    *,
    environment: Environment = None,
    reason: Reason = "",
    output: DocumentOutput = DocumentFormat.TEXT,
    project: Project = None,
) -> int:
    """Let a protected agent be deleted again."""
    from trunkline.cli import control

    return control.decide(
        project,
        "unprotect",
        name=agent,
        environment=environment,
        reason=reason,
        style=output,
    )


VERBS = (protect, unprotect)
