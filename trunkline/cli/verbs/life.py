"""``backup``, ``restore`` and ``eject``: what an installation is kept, moved and left by."""

# ruff: noqa: PLC0415 - a short command must start fast, so each verb imports what it runs

from pathlib import Path
from typing import Annotated

import typer

from trunkline.cli.exits import WrongUsage
from trunkline.cli.printing import DocumentFormat
from trunkline.cli.verbs.options import (
    DocumentOutput,
    Environment,
    Project,
    Reason,
    Timeout,
    Yes,
    duration,
)


def backup(
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            metavar="FILE",
            help="The file to write; it must not be there yet.",
            show_default="trunkline-<time>.zip",
        ),
    ] = None,
) -> int:
    """Write everything in DATABASE_URL into one file.

    It is one moment of the database, whatever goes on meanwhile. There are no secrets in it;
    tokens are kept as hashes.
    """
    from trunkline.cli import backing_up

    return backing_up.backup(output)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `trunkline backup` wrote.")],
) -> int:
    """Fill the empty database of DATABASE_URL from a backup.

    The file is checked before anything is written, and everything is written or nothing. Nothing
    is deleted on a platform afterwards until a person resumes it.
    """
    from trunkline.cli import backing_up

    return backing_up.restore(file)


def eject(
    *,
    environment: Environment = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every environment of the project.")
    ] = False,
    reason: Reason = "",
    yes: Yes = False,
    timeout: Timeout = "10m",
    output: DocumentOutput = DocumentFormat.TEXT,
    project: Project = None,
) -> int:
    """Leave an environment; its agents and numbers go on.

    Our marks are taken off the platform and the ledger forgets it; nothing else changes. Nothing
    is written there until a person resumes it, which takes the same agents over again.
    """
    from trunkline.cli import ejecting
    from trunkline.cli.server import connect

    if everything == (environment is not None):
        raise WrongUsage("Say which environment with -e NAME, or --all")
    with connect() as server:
        return ejecting.eject(
            server,
            project,
            environments=[environment] if environment else [],
            everything=everything,
            yes=yes,
            reason=reason,
            timeout=duration(timeout),
            style=output,
        )


VERBS = (backup, restore, eject)
