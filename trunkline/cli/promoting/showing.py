"""A promotion on paper: its story phase by phase, what stopped it, and what to type next."""

import sys
from collections.abc import Iterator

from trunkline.cli import printing
from trunkline.cli.ages import human_duration, until
from trunkline.cli.exits import ExitCode
from trunkline.cli.harmless import one_line
from trunkline.cli.listing import Column, Listing, member, print_listing, since
from trunkline.cli.printing import DocumentFormat, Format
from trunkline.cli.server import Query, Server, objects, project_path, text
from trunkline.model.base import JsonObject

SHORT_REVISION = 7
MARKS = {"done": "ok", "now": "now", "next": "-"}

PROMOTIONS = Listing(
    kind="PromotionList",
    columns=(
        Column("ID", member("id")),
        Column("AGENT", member("agent")),
        Column("ENV", member("environment")),
        Column("KIND", member("kind"), wide=True),
        Column("STATE", member("state")),
        Column("GATE", member("standing")),
        Column("VERSION", lambda row: text(row, "version") if row.get("version") else ""),
        Column("REVISION", lambda row: text(row, "revision")[:SHORT_REVISION]),
        Column("BY", member("requestedBy")),
        Column("AGE", since("createdAt")),
        Column("DIGEST", member("digest"), wide=True),
        Column("CHANGES", lambda row: text(row, "changes"), wide=True),
        Column("MESSAGE", member("message")),
    ),
    name=member("id"),
    empty="No promotions yet: trunkline promote AGENT -e production -m TEXT starts one.",
)


def list_promotions(
    server: Server,
    project: str | None,
    *,
    agent: str | None,
    environment: str | None,
    open_only: bool,
    limit: int,
    style: Format,
    headers: bool,
) -> ExitCode:
    """Print promotions, newest first."""
    query: dict[str, str | int | list[str]] = {"limit": limit}
    if agent is not None:
        query["agent"] = agent
    if environment is not None:
        query["environment"] = environment
    if open_only:
        query["open"] = "true"
    path = project_path(server, project)
    rows = objects(server.get(f"{path}/promotions", query).get("items"))
    print_listing(PROMOTIONS, rows, style, headers=headers)
    return ExitCode.DONE


def show_promotion(found: JsonObject, style: DocumentFormat) -> ExitCode:
    """Print one promotion whole."""
    if style is not DocumentFormat.TEXT:
        printing.print_document(found, style)
        return ExitCode.DONE
    printing.print_text(text(found, "headline"))
    printing.print_text("")
    printing.print_fields(_fields(found))
    print_phases(found)
    print_failing(found)
    tell_next(found)
    return ExitCode.DONE


def print_result(found: JsonObject, style: DocumentFormat) -> None:
    """Print what became of a promotion somebody waited for."""
    if style is not DocumentFormat.TEXT:
        printing.print_document(found, style)
        return
    printing.print_text(text(found, "headline"))
    print_phases(found)
    print_failing(found)
    tell_next(found)


def print_phases(found: JsonObject) -> None:
    """The phases as a table, if any has begun."""
    rows = [_phase(row) for row in objects(found.get("phases"))]
    if any(state != MARKS["next"] for _, state, _, _ in rows):
        printing.print_text("Phases:")
        for line in printing.table_lines(("PHASE", "STATE", "TOOK", "MESSAGE"), rows):
            printing.print_text(f"  {line}")


def print_failing(found: JsonObject) -> None:
    """The lines of tests that stopped it."""
    failing = found.get("failing")
    lines = [str(line) for line in failing] if isinstance(failing, list) else []
    if lines:
        printing.print_text("Failing:")
        for line in lines:
            printing.print_text(f"  {one_line(line)}")


def tell_next(found: JsonObject) -> None:
    """What to type next, on stderr."""
    if command := text(found, "nextCommand"):
        sys.stderr.write(f"next: {one_line(command)}\n")
    elif text(found, "state") == "Open":
        sys.stderr.write(f"next: trunkline wait {one_line(text(found, 'id'))}\n")


def promotion_of(
    server: Server, path: str, target: str, environment: str | None
) -> JsonObject | None:
    """The promotion of that id; or, by an agent's name, its open one, else its newest."""
    if "." in target:
        return server.get(f"{path}/promotions/{target}")
    query: Query = {"agent": target, "limit": 1}
    if environment is not None:
        query = {**query, "environment": environment}
    for only in ({"open": "true"}, {}):
        found = objects(server.get(f"{path}/promotions", {**query, **only}).get("items"))
        if found:
            return server.get(f"{path}/promotions/{text(found[0], 'id')}")
    return None


def _fields(found: JsonObject) -> list[tuple[str, str]]:
    fields = [
        ("Id", text(found, "id")),
        ("State", text(found, "state")),
        ("Gate", text(found, "standing")),
        ("Reason", text(found, "reason")),
        ("Message", text(found, "message")),
        ("From", text(found, "origin")),
        ("Revision", text(found, "revision")),
        ("Digest", text(found, "digest")),
        ("Suite", text(found, "suiteDigest")),
        ("Version", f"v{text(found, 'version')}" if found.get("version") else ""),
        ("Changes", text(found, "changes")),
        ("Asked for by", text(found, "requestedBy")),
        ("Authors", "\n".join(_authors(found))),
        ("Approvals", "\n".join(_approvals(found))),
        ("Waits until", _waits(found)),
        ("Tests", tests_words(found)),
        ("Rollout", rollout_words(found)),
        ("Manual results", _manual(found)),
        ("Release commit", text(found, "releaseCommit")),
        ("Rules pending", text(found, "rulesPending")),
    ]
    return [(name, value) for name, value in fields if value]


def tests_words(found: JsonObject) -> str:
    """``3 of 8 done, 1 failed``; empty without a run."""
    tests = found.get("tests")
    if not isinstance(tests, dict):
        return ""
    words = f"{text(tests, 'done')} of {text(tests, 'expected')} done"
    return f"{words}, {text(tests, 'failed')} failed" if tests.get("failed") else words


def rollout_words(found: JsonObject) -> str:
    """``10 % of the calls``; empty where nothing is rolled out by steps."""
    rollout = found.get("rollout")
    if not isinstance(rollout, dict):
        return ""
    percent = rollout.get("percent")
    share = f"{percent:g}" if isinstance(percent, int | float) else text(rollout, "percent")
    return f"{share} % of the calls ({text(rollout, 'phase')})"


def _authors(found: JsonObject) -> Iterator[str]:
    for author in objects(found.get("authors")):
        who = text(author, "person") or "nobody's address"
        yield f"{text(author, 'email')} ({who})"


def _approvals(found: JsonObject) -> Iterator[str]:
    for given in objects(found.get("approvals")):
        comment = text(given, "comment")
        yield f"{text(given, 'person')}{f': {comment}' if comment else ''}"
    needed = found.get("approvalsNeeded")
    missing = (needed if isinstance(needed, int) else 0) - len(objects(found.get("approvals")))
    if missing > 0:
        yield f"{missing} missing"


def _waits(found: JsonObject) -> str:
    moment = text(found, "waitsUntil")
    return f"{moment} (in {until(moment)})" if moment and text(found, "state") == "Open" else ""


def _manual(found: JsonObject) -> str:
    manual = found.get("manual")
    if not isinstance(manual, dict):
        return ""
    return f"{text(manual, 'passed')} of {text(manual, 'needed')} passed"


def _phase(row: JsonObject) -> tuple[str, str, str, str]:
    took = row.get("tookS")
    shown = human_duration(took) if isinstance(took, int | float) else ""
    state = MARKS.get(text(row, "state"), text(row, "state"))
    return (text(row, "phase"), state, shown, text(row, "message"))
