"""``notifications``: who was told of what, and whether messages arrive."""

# ruff: noqa: PLC0415 - a short command must start fast, so each verb imports what it runs

from typing import Annotated

import typer

from trunkline.cli.printing import Format
from trunkline.cli.verbs.options import (
    Limit,
    NoHeaders,
    Output,
    Project,
    Timeout,
    duration,
    group,
)

notifications = group("See who was told of what, and test whether messages arrive.")


@notifications.command("list")
def list_(
    *,
    failed: Annotated[
        bool, typer.Option("--failed", help="Only messages that have not arrived.")
    ] = False,
    limit: Limit = 50,
    output: Output = Format.TABLE,
    no_headers: NoHeaders = False,
    project: Project = None,
) -> int:
    """List messages to everybody who is told, newest first."""
    from trunkline.cli import notifications as told
    from trunkline.cli.server import connect

    with connect() as server:
        return told.show(
            server, project, failed=failed, limit=limit, style=output, headers=not no_headers
        )


@notifications.command("test")
def send_test(
    *,
    timeout: Timeout = "30s",
    output: Output = Format.TABLE,
    no_headers: NoHeaders = False,
    project: Project = None,
) -> int:
    """Send a test message to every recipient, wait, and print how it went.

    Ends with 1 if one refused it, 3 if one did not answer, 5 if one is still tried.
    """
    from trunkline.cli import notifications as told
    from trunkline.cli.server import connect

    with connect() as server:
        return told.test(
            server,
            project,
            timeout=duration(timeout),
            style=output,
            headers=not no_headers,
        )


VERBS = ()
GROUPS = {"notifications": notifications}
