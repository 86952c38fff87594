"""``describe`` and ``history``: one agent or number from every side, in kubectl's manner."""

from collections.abc import Sequence

from trunkline.cli import printing
from trunkline.cli.ages import age, until
from trunkline.cli.exits import ExitCode
from trunkline.cli.listing import Column, Listing, member, print_listing, since
from trunkline.cli.printing import DocumentFormat, Format
from trunkline.cli.promoting.released import print_released
from trunkline.cli.server import Query, Server, object_at, objects, project_path, text
from trunkline.model import errors
from trunkline.model.base import Json, JsonObject
from trunkline.model.limits import API_PAGE_MAX

INDENT = 2
SHORT_DIGEST = 19
SHORT_REVISION = 7

HISTORY = Listing(
    kind="AgentHistory",
    columns=(
        Column(
            "VERSION", lambda entry: f"v{text(entry, 'version')}" if entry.get("version") else ""
        ),
        Column("ENV", member("environment")),
        Column("REVISION", lambda entry: text(entry, "revision")[:SHORT_REVISION]),
        Column("AGE", since("at")),
        Column("STATE", member("state")),
        Column("RESULT", member("reason")),
        Column("BY", member("promotedBy")),
        Column("WARNINGS", member("warnings")),
        Column("PROMOTION", member("promotion"), wide=True),
        Column("DIGEST", member("digest"), wide=True),
        Column("COMMIT", member("revision"), wide=True),
        Column("VERSION-ID", member("versionId"), wide=True),
        Column("MESSAGE", member("message")),
    ),
    name=member("revision"),
    empty="No history yet: nothing happened to it at any revision that is still remembered.",
)


def describe(
    server: Server,
    project: str | None,
    name: str,
    *,
    environment: str | None,
    style: DocumentFormat,
) -> ExitCode:
    """Print everything known of an agent, or of a number if no agent has the name."""
    path = project_path(server, project)
    query: Query = {} if environment is None else {"environment": environment}
    try:
        found = server.get(f"{path}/agents/{name}/description", query)
    except errors.NotFound as unknown:
        try:
            found = server.get(f"{path}/numbers/{name}/description", query)
        except errors.NotFound:
            raise errors.NotFound(
                unknown.message.replace("agent", "agent or number", 1),
                hint="`trunkline status -o name` lists the agents there are",
            ) from None
    if style is not DocumentFormat.TEXT:
        printing.print_document(found, style)
        return ExitCode.DONE
    _print(found)
    return ExitCode.DONE


def history(
    server: Server,
    project: str | None,
    name: str,
    *,
    environment: str | None,
    limit: int,
    style: Format,
    headers: bool,
) -> ExitCode:
    """Print what was released of an agent, and which revisions touched it."""
    path = project_path(server, project)
    query: dict[str, str | int | list[str]] = {"limit": min(limit, API_PAGE_MAX)}
    if environment is not None:
        query["environment"] = environment
    rows: list[JsonObject] = []
    for page in server.pages(f"{path}/agents/{name}/history", query):
        rows += page
        if len(rows) >= limit:
            break
    print_listing(HISTORY, rows[:limit], style, headers=headers)
    return ExitCode.DONE


def _print(found: JsonObject) -> None:
    status = object_at(found, "status")
    _print_status(status, text(found, "workflowId"))
    _print_wish(object_at(found, "wish"))
    _print_ledger(object_at(found, "ledger"))
    _print_objects(objects(found.get("objects")))
    _print_interventions(objects(found.get("interventions")))
    _print_plan(object_at(found, "lastPlan"))
    print_released(object_at(found, "released"), text(status, "environment"))
    _print_conditions(objects(status.get("conditions")))
    _print_events(objects(found.get("events")))


def _print_status(status: JsonObject, workflow_id: str) -> None:
    is_agent = "labels" in status
    fields = [
        ("Name", text(status, "name")),
        ("Project", text(status, "project")),
        ("Environment", text(status, "environment")),
    ]
    if is_agent:
        fields += [
            ("Labels", _pairs(status.get("labels"))),
            ("Stage", text(status, "stage")),
            ("Numbers", "\n".join(_texts(status.get("numbers")))),
        ]
    else:
        fields.append(("Number", text(status, "number")))
    fields += [
        ("Sync", text(status, "sync")),
        ("Health", text(status, "health")),
        ("Message", text(status, "message")),
        ("Revision", text(status, "revision")),
        ("External id", text(status, "externalId")),
        ("Workflow", workflow_id),
        ("Created", _moment(text(status, "createdAt"))),
        ("Changed", _moment(text(status, "changedAt"))),
    ]
    printing.print_fields(fields)


def _print_wish(wish: JsonObject) -> None:
    if not wish:
        _section("Wish", [("State", "Git never named it")])
        return
    facts = object_at(wish, "facts")
    fields = [
        ("Revision", text(wish, "revision")),
        ("Digest", text(wish, "digest")),
        ("State", "gone from Git" if wish.get("removed") is True else "named by Git"),
    ]
    fields += [(_words(key), _shown(value)) for key, value in facts.items()]
    _section("Wish", fields)


def _print_ledger(ledger: JsonObject) -> None:
    if not ledger:
        _section("Ledger", [("State", "nothing was written for it yet")])
        return
    fields = [
        ("Account", text(ledger, "account")),
        ("External id", text(ledger, "externalId")),
        ("Version id", text(ledger, "versionId")),
        ("Nonce", text(ledger, "nonce")),
        ("Digest", text(ledger, "digest")),
        ("Rendered digest", text(ledger, "renderedDigest")),
        ("Owned paths", text(ledger, "ownedPaths")),
        ("Remembered defaults", text(ledger, "rememberedDefaults")),
    ]
    if attempt := object_at(ledger, "attempt"):
        deadline = until(text(attempt, "deadlineAt"))
        shown = f"attempt {text(attempt, 'number')} is not settled, its deadline is {deadline}"
        fields.append(("Create", shown))
    if since_at := text(ledger, "goneFromGitSince"):
        fields.append(("Gone from Git", _moment(since_at)))
    _section("Ledger", fields)


def _print_objects(found: list[JsonObject]) -> None:
    if not found:
        return
    printing.print_text("Objects:")
    rows = [
        (
            text(each, "kind"),
            text(each, "name"),
            text(each, "digest")[:SHORT_DIGEST],
            text(each, "externalId"),
        )
        for each in found
    ]
    _print_rows(("KIND", "NAME", "DIGEST", "EXTERNAL-ID"), rows)


def _print_interventions(found: list[JsonObject]) -> None:
    if not found:
        return
    printing.print_text("Interventions:")
    rows = [
        (
            text(each, "verb"),
            text(each, "by"),
            age(text(each, "at")),
            until(text(each, "expiresAt")),
            text(each, "reason"),
        )
        for each in found
    ]
    _print_rows(("VERB", "BY", "AGE", "EXPIRES-IN", "REASON"), rows)


def _print_plan(plan: JsonObject) -> None:
    if not plan:
        return
    steps = plan.get("steps")
    about = "nothing about it" if not steps else f"{steps} step{'' if steps == 1 else 's'} about it"
    _section(
        "Last plan",
        [
            ("Id", text(plan, "id")),
            ("Made", _moment(text(plan, "createdAt"))),
            ("Revision", text(plan, "revision")),
            ("Says", about),
        ],
    )


def _print_conditions(found: list[JsonObject]) -> None:
    printing.print_text("Conditions:")
    rows = [tuple(text(c, key) for key in ("type", "status", "reason", "message")) for c in found]
    _print_rows(("TYPE", "STATUS", "REASON", "MESSAGE"), rows)


def _print_events(found: list[JsonObject]) -> None:
    if not found:
        printing.print_text("Events:  none")
        return
    printing.print_text("Events:")
    rows = [
        (text(e, "type"), text(e, "reason"), age(text(e, "at")), text(e, "message"))
        for e in reversed(found)
    ]
    _print_rows(("TYPE", "REASON", "AGE", "MESSAGE"), rows)


def _section(title: str, fields: list[tuple[str, str]]) -> None:
    printing.print_text(f"{title}:")
    printing.print_fields(fields, indent=INDENT)


def _print_rows(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    if not rows:
        printing.print_text("  none")
        return
    width = printing.terminal_width()
    room = None if width is None else width - INDENT
    for line in printing.table_lines(columns, rows, width=room):
        printing.print_text(f"{'':{INDENT}}{line}")


def _texts(value: Json) -> list[str]:
    return [str(entry) for entry in value] if isinstance(value, list) else []


def _pairs(value: Json) -> str:
    pairs = value.items() if isinstance(value, dict) else ()
    return "\n".join(f"{key}={entry}" for key, entry in pairs)


def _shown(value: Json) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_texts(value))
    return "" if value is None else str(value)


def _words(key: str) -> str:
    """``displayName`` as ``Display name``."""
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in key)
    return spaced[:1].upper() + spaced[1:]


def _moment(value: str) -> str:
    return f"{value} ({age(value)} ago)" if value else ""
