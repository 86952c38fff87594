"""``trunkline numbers``: which numbers the accounts hold, who has them, where calls really go."""

import sys
from urllib.parse import quote

from trunkline.cli import printing
from trunkline.cli.exits import ExitCode
from trunkline.cli.listing import Column, Listing, member, print_listing
from trunkline.cli.printing import DocumentFormat, Format
from trunkline.cli.progress import while_waiting
from trunkline.cli.server import Server, objects, project_path, text
from trunkline.model.base import JsonObject

LINE_KEYS = ("condition", "agent", "state", "words")
NUMBERS = Listing(
    kind="NumberList",
    columns=(
        Column("NUMBER", member("number")),
        Column("STATE", member("state")),
        Column("ENV", member("environment")),
        Column("NAME", member("name")),
        Column("AGENT", member("agent")),
        Column("ROUTE", member("route")),
        Column("CAPABILITIES", member("capabilities")),
        Column("PROJECT", member("project"), wide=True),
        Column("SYNC", member("sync"), wide=True),
        Column("MANIFEST", member("manifest"), wide=True),
        Column("AGENT-ID", member("agentExternalId"), wide=True),
        Column("MESSAGE", member("message")),
    ),
    name=member("number"),
    empty="No numbers: the accounts hold none and no manifest names one.",
)


def list_numbers(
    server: Server,
    project: str | None,
    *,
    environment: str | None,
    state: str | None,
    style: Format,
    headers: bool,
) -> ExitCode:
    """Print the inventory; an account that could not be read ends the command with 3."""
    path = project_path(server, project)
    query = {"scope": "account", **({"environment": environment} if environment else {})}
    found, problems = while_waiting("Reading the accounts", lambda: _inventory(server, path, query))
    rows = [row for row in found if state in (None, row.get("state"))]
    print_listing(NUMBERS, rows, style, headers=headers)
    for problem in problems:
        sys.stderr.write(f"Not read: {problem}\n")
    return ExitCode.UNKNOWN if problems else ExitCode.DONE


def _inventory(
    server: Server, path: str, query: dict[str, str]
) -> tuple[list[JsonObject], list[str]]:
    """Every number, and which accounts could not be read."""
    rows: list[JsonObject] = []
    problems: dict[str, None] = {}
    cursor = ""
    while True:
        page = server.get(f"{path}/numbers", {**query, **({"cursor": cursor} if cursor else {})})
        rows.extend(objects(page.get("items")))
        told = page.get("problems")
        problems.update(dict.fromkeys(map(str, told) if isinstance(told, list) else ()))
        cursor = text(page, "nextCursor")
        if not cursor:
            return rows, list(problems)


def show_route(
    server: Server,
    project: str | None,
    *,
    number: str,
    asked: dict[str, str],
    style: DocumentFormat,
) -> ExitCode:
    """Print where calls to one number go, layer by layer, and who would take the one that is
    ``asked`` about.
    """
    path = project_path(server, project)
    place = f"{path}/numbers/{quote(number, safe='')}/route"
    report = while_waiting("Reading the accounts", lambda: server.get(place, asked))
    if style is not DocumentFormat.TEXT:
        printing.print_document(report, style)
        return ExitCode.DONE
    line = report.get("number")
    found = line if isinstance(line, dict) else {}
    printing.print_text(f"{text(found, 'number')}: {text(found, 'route')}")
    rows = [
        tuple(text(layer, key) for key in ("layer", "state", "value", "words"))
        for layer in objects(report.get("layers"))
    ]
    printing.print_table(("LAYER", "STATE", "VALUE", "MEANING"), rows)
    if text(report, "wished"):
        printing.print_text(f"\nGit wants: {text(report, 'wished')}")
    if text(report, "problem"):
        printing.print_text(f"But: {text(report, 'problem')}")
        printing.print_text(f"To do: {text(report, 'remedy')}")
    call = report.get("call")
    if isinstance(call, dict):
        print_call(call)
    return ExitCode.DONE


def print_call(call: JsonObject) -> None:
    """Every line of a number's table with what became of it, and where the call ends."""
    printing.print_text(f"\nA call at {text(call, 'at')}:")
    rows = [
        (f"{int(text(line, 'line')) + 1}", *(text(line, key) for key in LINE_KEYS))
        for line in objects(call.get("lines"))
    ]
    printing.print_table(("LINE", "CONDITION", "AGENT", "STATE", "WHY"), rows)
    forward_to = text(call, "forwardTo")
    target = f"agent {text(call, 'agent')}" if text(call, "agent") else forward_to or "nobody"
    printing.print_text(f"\nIt goes to {target}: {text(call, 'words')}")
