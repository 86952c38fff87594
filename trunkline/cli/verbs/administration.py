"""``projects``, ``tokens``, ``audit`` and ``doctor``: verbs for those who run an installation."""

# ruff: noqa: PLC0415 - a short command must start fast, so each verb imports what it runs

from enum import StrEnum
from typing import Annotated

import typer

from trunkline.cli.exits import WrongUsage
from trunkline.cli.printing import DocumentFormat, Format
from trunkline.cli.verbs.options import (
    DocumentOutput,
    Limit,
    NoHeaders,
    Output,
    Reason,
    duration,
    group,
    offered_projects,
)


class RoleName(StrEnum):
    """The value of ``--role``."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"
    ADMIN = "admin"


ProjectName = Annotated[
    str, typer.Argument(metavar="NAME", help="The project.", autocompletion=offered_projects)
]
OnlyProject = Annotated[
    str | None, typer.Option("--project", metavar="NAME", help="This project alone.")
]

projects = group("Manifests repositories that the server reconciles.")
tokens = group("Tokens of people. They need an admin.")


@projects.command("list")
def projects_list(*, output: Output = Format.TABLE, no_headers: NoHeaders = False) -> int:
    """List the projects the token reaches."""
    from trunkline.cli import administration
    from trunkline.cli.server import connect

    with connect() as server:
        return administration.list_projects(server, style=output, headers=not no_headers)


@projects.command("show")
def projects_show(name: ProjectName, *, output: DocumentOutput = DocumentFormat.TEXT) -> int:
    """Show one project, its Git and its environments."""
    from trunkline.cli import administration
    from trunkline.cli.server import connect

    with connect() as server:
        return administration.show_project(server, name, style=output)


@projects.command("add")
def projects_add(
    name: ProjectName,
    repository: Annotated[
        str, typer.Argument(metavar="REPOSITORY", help="Its address, without a credential.")
    ],
    *,
    branch: Annotated[
        str, typer.Option("--branch", metavar="NAME", help="The branch to follow.")
    ] = "main",
    poll_interval: Annotated[
        str,
        typer.Option("--poll-interval", metavar="DURATION", help="How often to look at Git."),
    ] = "60s",
    reason: Reason = "",
    output: DocumentOutput = DocumentFormat.TEXT,
) -> int:
    """Register a further manifests repository.

    The name is the one in its trunkline.yaml. A credential for it is the variable
    TRUNKLINE_GIT_TOKEN_<NAME> of the server, in upper case and with _ for -.
    """
    from trunkline.cli import administration
    from trunkline.cli.server import connect
    from trunkline.model.base import JsonObject

    order: JsonObject = {
        "name": name,
        "repository": repository,
        "branch": branch,
        "pollIntervalS": duration(poll_interval, "--poll-interval").total_seconds(),
        "reason": reason,
    }
    with connect() as server:
        return administration.add_project(server, order, style=output)


@projects.command("remove")
def projects_remove(
    name: ProjectName,
    *,
    keep_objects: Annotated[
        bool,
        typer.Option(
            "--keep-objects", help="Leave its agents and numbers running, without Trunkline."
        ),
    ] = False,
    reason: Reason = "",
    output: DocumentOutput = DocumentFormat.TEXT,
) -> int:
    """Forget a project; nothing on a platform is touched.

    Refused while the project owns agents, tools, documents or numbers there, unless --keep-objects
    is given. Its tokens are revoked; the audit log stays.
    """
    from trunkline.cli import administration
    from trunkline.cli.server import connect

    with connect() as server:
        return administration.remove_project(
            server, name, keep_objects=keep_objects, reason=reason, style=output
        )


@tokens.command("list")
def tokens_list(*, output: Output = Format.TABLE, no_headers: NoHeaders = False) -> int:
    """List tokens and sign-ins, ended ones too. The tokens themselves are stored nowhere."""
    from trunkline.cli import administration
    from trunkline.cli.server import connect

    with connect() as server:
        return administration.list_tokens(server, style=output, headers=not no_headers)


@tokens.command("create")
def tokens_create(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="Whose it is: an e-mail.")],
    *,
    role: Annotated[RoleName, typer.Option("--role", help="What it may do.")] = RoleName.VIEWER,
    project: OnlyProject = None,
    all_projects: Annotated[
        bool, typer.Option("--all-projects", help="It reaches every project.")
    ] = False,
    expires: Annotated[
        str | None,
        typer.Option(
            "--expires", metavar="DURATION", help="Until when, such as 720h.", show_default="never"
        ),
    ] = None,
    database: Annotated[
        bool,
        typer.Option(
            "--database",
            help="Write to DATABASE_URL, without a server: for the first token of all.",
        ),
    ] = False,
    reason: Reason = "",
    output: DocumentOutput = DocumentFormat.TEXT,
) -> int:
    """Make a token and print it, this once.

    Say which project it reaches, or --all-projects.
    """
    if (project is None) is not all_projects:
        raise WrongUsage(
            "A token reaches one project or all: give --project NAME or --all-projects"
        )
    expires_in = None if expires is None else duration(expires, "--expires")
    if database:
        from trunkline.cli.first_token import create_in_database

        return create_in_database(
            person, role.value, project=project, expires_in=expires_in, reason=reason, style=output
        )
    from trunkline.cli import administration
    from trunkline.cli.server import connect

    with connect() as server:
        return administration.create_token(
            server,
            person,
            role=role.value,
            project=project,
            expires_in=expires_in,
            reason=reason,
            style=output,
        )


@tokens.command("rotate")
def tokens_rotate(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="As `tokens list` names it.")],
    *,
    grace: Annotated[
        str,
        typer.Option("--grace", metavar="DURATION", help="How long the old one goes on; 0s: not."),
    ] = "24h",
    reason: Reason = "",
    output: DocumentOutput = DocumentFormat.TEXT,
) -> int:
    """Make a new token in the place of one, and print it, this once.

    It is the same person's, with the same role, and lasts as long as the old one was made for.
    """
    from trunkline.cli import administration
    from trunkline.cli.server import connect

    wanted = duration(grace, "--grace")
    with connect() as server:
        return administration.rotate_token(
            server, token_id, grace=wanted, reason=reason, style=output
        )


@tokens.command("revoke")
def tokens_revoke(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="As `tokens list` names it.")],
    *,
    reason: Reason = "",
    output: DocumentOutput = DocumentFormat.TEXT,
) -> int:
    """Make a token or a sign-in worthless at once.

    Refused for the last token of an admin of every project.
    """
    from trunkline.cli import administration
    from trunkline.cli.server import connect

    with connect() as server:
        return administration.revoke_token(server, token_id, reason=reason, style=output)


def audit(
    *,
    project: OnlyProject = None,
    actor: Annotated[
        str | None, typer.Option("--actor", metavar="PERSON", help="Only what this person did.")
    ] = None,
    action: Annotated[
        str | None, typer.Option("--action", metavar="ACTION", help="Only this, as sync.create.")
    ] = None,
    subject: Annotated[
        str | None, typer.Option("--subject", metavar="NAME", help="Only what was done to this.")
    ] = None,
    request: Annotated[
        str | None, typer.Option("--request", metavar="ID", help="Only what this request did.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="Only later: 2h, or 2026-03-02T09:00:00Z."),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="Only earlier, in the same form.")
    ] = None,
    limit: Limit = 50,
    export: Annotated[
        bool,
        typer.Option("--export", help="All of it instead, each row as a line of JSON."),
    ] = False,
    output: Output = Format.TABLE,
    no_headers: NoHeaders = False,
) -> int:
    """Show what people did or were refused, newest first.

    -o wide and -o json show what a write changed, before and after.
    """
    from trunkline.cli import administration
    from trunkline.cli.server import connect

    query: dict[str, str | int | list[str]] = {"limit": min(limit, 200)}
    given = {
        "project": project,
        "actor": actor,
        "action": action,
        "subject": subject,
        "requestId": request,
    }
    query.update({key: value for key, value in given.items() if value is not None})
    if since is not None:
        query["since"] = administration.moment(since)
    if until is not None:
        query["until"] = administration.moment(until)
    if export:
        with connect() as server:
            return administration.export_audit(server, query={**query, "limit": 200})
    with connect() as server:
        return administration.show_audit(
            server, query=query, limit=limit, style=output, headers=not no_headers
        )


def doctor(
    *,
    server: Annotated[
        bool, typer.Option("--server", help="Only what the server stands on.")
    ] = False,
    local: Annotated[
        bool, typer.Option("--local", help="Only this machine and the way to the server.")
    ] = False,
    output: Output = Format.TABLE,
    no_headers: NoHeaders = False,
) -> int:
    """Check everything and say what to do.

    The server checks PostgreSQL, Temporal, workers, Git, the accounts of ElevenLabs and Twilio, its
    clock, its disk and its settings; that needs an operator or admin. Ends with 1 if a check
    failed, with 3 if the server could not be asked.
    """
    from trunkline.cli.doctor import doctor as examine

    both = server == local
    return examine(local=local or both, server=server or both, style=output, headers=not no_headers)


VERBS = (audit, doctor)
GROUPS = {"projects": projects, "tokens": tokens}
