"""``projects``, ``tokens`` and ``audit``: the installation itself, for those who run it."""

import sys
from datetime import UTC, datetime, timedelta

from trunkline.cli import printing
from trunkline.cli.ages import human_duration, until
from trunkline.cli.exits import ExitCode, WrongUsage
from trunkline.cli.listing import Column, Listing, member, print_listing, since
from trunkline.cli.printing import DocumentFormat, Format
from trunkline.cli.progress import Progress
from trunkline.cli.server import Query, Server, objects, text
from trunkline.model.base import JsonObject

EVERY_PROJECT = "all"
SHORT_REVISION = 7


def _source(project: JsonObject) -> JsonObject:
    source = project.get("source")
    return source if isinstance(source, dict) else {}


def _git(project: JsonObject) -> str:
    source = _source(project)
    if not source:
        return "not looked at yet"
    for condition in objects(source.get("conditions")):
        if text(condition, "type") == "Stalled" and text(condition, "status") == "True":
            return text(condition, "reason")
    return "Applied" if source.get("appliedRevision") else "Reading"


def _environments(project: JsonObject) -> str:
    return ",".join(text(each, "name") for each in objects(project.get("environments")))


def _poll(project: JsonObject) -> str:
    seconds = project.get("pollIntervalS")
    return human_duration(seconds) if isinstance(seconds, int | float) else ""


def _grants(token: JsonObject) -> str:
    """What somebody who signed in may do, as the settings of the server write it."""
    found = [(text(one, "role"), text(one, "project")) for one in objects(token.get("grants"))]
    return ",".join(f"{role}@{project}" if project else role for role, project in found)


PROJECTS = Listing(
    kind="ProjectList",
    columns=(
        Column("NAME", member("name")),
        Column("GIT", _git),
        Column("REVISION", lambda p: text(_source(p), "appliedRevision")[:SHORT_REVISION]),
        Column("BRANCH", member("branch")),
        Column("ENVIRONMENTS", _environments),
        Column("SUBJECT", lambda p: text(_source(p), "subject"), wide=True),
        Column("POLL", _poll, wide=True),
        Column("REPOSITORY", member("repository")),
    ),
    name=member("name"),
    empty="No projects. Register one: trunkline projects add NAME REPOSITORY",
)

TOKENS = Listing(
    kind="TokenList",
    columns=(
        Column("ID", member("id")),
        Column("PERSON", member("person")),
        Column("ROLE", member("role")),
        Column("PROJECT", lambda token: text(token, "project") or EVERY_PROJECT),
        Column("ROLES", _grants, wide=True),
        Column("KIND", member("kind"), wide=True),
        Column("PREFIX", member("prefix"), wide=True),
        Column("AGE", since("createdAt")),
        Column("EXPIRES-IN", lambda token: until(text(token, "expiresAt"))),
        Column("LAST-USED", since("lastUsedAt")),
    ),
    name=member("id"),
    empty="No tokens. Make one: trunkline tokens create PERSON --role viewer",
)

AUDIT = Listing(
    kind="AuditList",
    columns=(
        Column("AGE", since("at")),
        Column("ACTOR", member("actor")),
        Column("ROLE", member("role"), wide=True),
        Column("ACTION", member("action")),
        Column("PROJECT", member("project")),
        Column("SUBJECT", member("subject")),
        Column("TIME", member("at"), wide=True),
        Column("REQUEST", member("requestId"), wide=True),
        Column("DETAILS", member("details"), wide=True),
        Column("BEFORE", member("before"), wide=True),
        Column("AFTER", member("after"), wide=True),
        Column("REASON", member("reason")),
    ),
    name=member("id"),
    empty="Nothing like that was done through the API.",
)


def list_projects(server: Server, *, style: Format, headers: bool) -> ExitCode:
    """Print the projects of the token."""
    rows = [row for page in server.pages("/v1/projects") for row in page]
    print_listing(PROJECTS, rows, style, headers=headers)
    return ExitCode.DONE


def show_project(server: Server, name: str, *, style: DocumentFormat) -> ExitCode:
    """Print everything known of one project."""
    project = server.get(f"/v1/projects/{name}")
    if style is not DocumentFormat.TEXT:
        printing.print_document(project, style)
        return ExitCode.DONE
    source = _source(project)
    printing.print_fields(
        (
            ("Name", text(project, "name")),
            ("Repository", text(project, "repository")),
            ("Branch", text(project, "branch")),
            ("Poll interval", _poll(project)),
            ("Git", _git(project)),
            ("Seen", text(source, "seenRevision")),
            ("Applied", text(source, "appliedRevision")),
            ("Author", text(source, "author")),
            ("Subject", text(source, "subject")),
        )
    )
    environments = objects(project.get("environments"))
    if environments:
        printing.print_text("\nEnvironments:")
        rows = [
            tuple(text(e, k) for k in ("name", "source", "mode", "message")) for e in environments
        ]
        printing.print_table(("NAME", "SOURCE", "MODE", "MESSAGE"), rows)
    return ExitCode.DONE


def add_project(server: Server, order: JsonObject, *, style: DocumentFormat) -> ExitCode:
    """Register a repository."""
    made = server.post("/v1/projects", order)
    if style is not DocumentFormat.TEXT:
        printing.print_document(made, style)
        return ExitCode.DONE
    printing.print_text(f"project {text(made, 'name')} is registered")
    sys.stderr.write(f"Next: trunkline status --project {text(made, 'name')}\n")
    return ExitCode.DONE


def remove_project(
    server: Server, name: str, *, keep_objects: bool, reason: str, style: DocumentFormat
) -> ExitCode:
    """Forget a project."""
    query: Query = {"keepObjects": str(keep_objects).lower(), "reason": reason}
    gone = server.delete(f"/v1/projects/{name}", query)
    if style is not DocumentFormat.TEXT:
        printing.print_document(gone, style)
        return ExitCode.DONE
    printing.print_text(f"project {name} is removed")
    if gone.get("objectsKept"):
        sys.stderr.write(
            f"{text(gone, 'objectsKept')} objects go on on the platforms; nobody watches them.\n"
        )
    return ExitCode.DONE


def list_tokens(server: Server, *, style: Format, headers: bool) -> ExitCode:
    """Print the tokens the caller may manage."""
    rows = [row for page in server.pages("/v1/tokens") for row in page]
    print_listing(TOKENS, rows, style, headers=headers)
    return ExitCode.DONE


def create_token(
    server: Server,
    person: str,
    *,
    role: str,
    project: str | None,
    expires_in: timedelta | None,
    reason: str,
    style: DocumentFormat,
) -> ExitCode:
    """Make a token and print its secret, alone on stdout, so that a script can keep it."""
    order: JsonObject = {"person": person, "role": role, "project": project, "reason": reason}
    if expires_in is not None:
        order["expiresAt"] = (datetime.now(UTC) + expires_in).isoformat()
    print_issued(server.post("/v1/tokens", order), style)
    return ExitCode.DONE


def print_issued(issued: JsonObject, style: DocumentFormat) -> None:
    """A new token; its secret is shown this once."""
    if style is not DocumentFormat.TEXT:
        printing.print_document(issued, style)
        return
    printing.print_text(text(issued, "secret"))
    reach = text(issued, "project") or "every project"
    sys.stderr.write(
        f"{text(issued, 'id')}: {text(issued, 'person')}, {text(issued, 'role')} of {reach}."
        " Keep it now: it is shown once.\n"
    )


def rotate_token(
    server: Server, token_id: str, *, grace: timedelta, reason: str, style: DocumentFormat
) -> ExitCode:
    """Make a new token in the place of one, and print its secret, alone on stdout."""
    order: JsonObject = {"graceS": grace.total_seconds(), "reason": reason}
    print_issued(server.post(f"/v1/tokens/{token_id}/rotate", order), style)
    if style is DocumentFormat.TEXT:
        sys.stderr.write(f"{token_id} goes on for {human_duration(grace.total_seconds())}.\n")
    return ExitCode.DONE


def revoke_token(server: Server, token_id: str, *, reason: str, style: DocumentFormat) -> ExitCode:
    """Make a token worthless."""
    gone = server.delete(f"/v1/tokens/{token_id}", {"reason": reason})
    if style is not DocumentFormat.TEXT:
        printing.print_document(gone, style)
        return ExitCode.DONE
    printing.print_text(f"{token_id} of {text(gone, 'person')} is revoked")
    return ExitCode.DONE


def show_audit(
    server: Server,
    *,
    query: dict[str, str | int | list[str]],
    limit: int,
    style: Format,
    headers: bool,
) -> ExitCode:
    """Print the newest rows of the audit log, newest first."""
    rows: list[JsonObject] = []
    with Progress("Reading") as progress:
        for page in server.pages("/v1/audit", query):
            rows += page
            progress.show(note=f"{len(rows)} rows")
            if len(rows) >= limit:
                break
    print_listing(AUDIT, rows[:limit], style, headers=headers)
    return ExitCode.DONE


def export_audit(server: Server, *, query: dict[str, str | int | list[str]]) -> ExitCode:
    """Print every row that fits as a line of JSON, newest first, page by page."""
    for page in server.pages("/v1/audit", query):
        for row in page:
            printing.print_line(row, Format.JSON)
    return ExitCode.DONE


def moment(value: str, *, now: datetime | None = None) -> str:
    """An ISO 8601 time, or how long ago such as ``2h``, as ISO 8601. Raises WrongUsage."""
    from pydantic_core import PydanticCustomError  # noqa: PLC0415 - few verbs take a time

    from trunkline.model.durations import parse_duration  # noqa: PLC0415

    try:
        return ((now or datetime.now(UTC)) - parse_duration(value)).isoformat()
    except PydanticCustomError:
        pass
    try:
        found = datetime.fromisoformat(value)
    except ValueError as error:
        raise WrongUsage(
            f"{value!r} is no time", hint="Write 2h, 3m, or a time such as 2026-03-02T09:00:00Z"
        ) from error
    return (found if found.tzinfo else found.astimezone()).isoformat()
