"""``trunkline status``: how every agent is, in one table; what is not well besides, in words."""

import sys
import time
from datetime import timedelta

from trunkline.cli import printing
from trunkline.cli.exits import ExitCode
from trunkline.cli.printing import EMPTY_CELL, Format
from trunkline.cli.progress import Progress
from trunkline.cli.server import Query, Server, objects, project_path, text
from trunkline.model.base import JsonObject

COLUMNS = (
    "NAME",
    "ENV",
    "STAGE",
    "SYNC",
    "HEALTH",
    "GATE",
    "VERSION",
    "REVISION",
    "NUMBER",
    "EXTERNAL-ID",
    "AGE",
    "MESSAGE",
)
WIDE_COLUMNS = ("DIGEST", "LABELS", "CONDITIONS")
SHORT_REVISION = 7
WATCH_INTERVAL_S = 2.0
"""A person sees a change soon enough; a hundred watchers cost the server fifty reads a second."""
CLEAR_SCREEN = "\x1b[H\x1b[2J"


def show_status(
    server: Server,
    project: str | None,
    *,
    query: Query,
    name: str | None,
    style: Format,
    headers: bool,
) -> ExitCode:
    """Print the status once."""
    path = project_path(server, project)
    report = _report(server, path, query, name)
    _print(report, style, headers=headers)
    return ExitCode.DONE


def watch_status(
    server: Server,
    project: str | None,
    *,
    query: Query,
    name: str | None,
    style: Format,
    headers: bool,
    timeout: timedelta | None,
) -> ExitCode:
    """Print the status whenever it changed, until interrupted or the timeout has passed."""
    path = project_path(server, project)
    deadline_s = None if timeout is None else time.monotonic() + timeout.total_seconds()
    shown: JsonObject = {}
    while True:
        report = _report(server, path, query, name)
        if report != shown:
            if sys.stdout.isatty():
                sys.stdout.write(CLEAR_SCREEN)
            _print(report, style, headers=headers)
            shown = report
        left_s = WATCH_INTERVAL_S if deadline_s is None else deadline_s - time.monotonic()
        if left_s <= 0:
            return ExitCode.DONE
        time.sleep(min(WATCH_INTERVAL_S, left_s))


def _report(server: Server, path: str, query: Query, name: str | None) -> JsonObject:
    project = server.get(path)
    if name is not None:
        one = {key: value for key, value in query.items() if key == "environment"}
        agents = [server.get(f"{path}/agents/{name}", one)]
        numbers: list[JsonObject] = []
    else:
        agents = _all(server, f"{path}/agents", query)
        wanted = {key: value for key, value in query.items() if key == "environment"}
        numbers = _all(server, f"{path}/numbers", wanted)
    return {
        "project": text(project, "name"),
        "source": project.get("source"),
        "environments": project.get("environments") or [],
        "agents": [*agents],
        "numbers": [*numbers],
    }


def _all(server: Server, path: str, query: Query) -> list[JsonObject]:
    found: list[JsonObject] = []
    with Progress("Reading") as progress:
        for page in server.pages(path, query):
            found += page
            progress.show(note=f"{len(found)} rows")
    return found


def _print(report: JsonObject, style: Format, *, headers: bool) -> None:
    agents = objects(report["agents"])
    if style in {Format.JSON, Format.YAML}:
        printing.print_document(report, style)
        return
    if style is Format.NAME:
        for agent in agents:
            printing.print_text(f"{text(agent, 'environment')}/{text(agent, 'name')}")
        return
    wide = style is Format.WIDE
    if agents:
        columns = (*COLUMNS[:-1], *WIDE_COLUMNS, "MESSAGE") if wide else COLUMNS
        printing.print_table(columns, [_row(a, wide=wide) for a in agents], headers=headers)
    _print_notes(report, empty=not agents)


def _print_notes(report: JsonObject, *, empty: bool) -> None:
    notes = _source_notes(report)
    if empty and not notes:
        notes.append("No agents yet: no manifest of an agent has been read from Git.")
    for environment in objects(report["environments"]):
        if message := text(environment, "message"):
            notes.append(f"{text(environment, 'name')}: {message}")
    for number in objects(report["numbers"]):
        if text(number, "sync") != "Synced":
            state = f"{text(number, 'sync')}, {text(number, 'health')}"
            notes.append(f"number {_number(number)}: {state}: {text(number, 'message')}")
    for note in notes:
        sys.stderr.write(note.rstrip(": ") + "\n")


def _number(number: JsonObject) -> str:
    return f"{text(number, 'environment')}/{text(number, 'name')} {text(number, 'number')}"


def _source_notes(report: JsonObject) -> list[str]:
    source = report["source"]
    if not isinstance(source, dict):
        return ["Git: not looked at yet"]
    notes = []
    for condition in objects(source.get("conditions")):
        bad = text(condition, "type") in {"Stalled", "Reconciling"}
        if bad and text(condition, "status") == "True":
            notes.append(f"Git: {text(condition, 'reason')}: {text(condition, 'message')}")
    for problem in objects(source.get("problems")):
        place = problem.get("position")
        where = place if isinstance(place, dict) else {}
        position = ":".join(text(where, key) for key in ("file", "line", "column"))
        notes.append(f"  {position}: {text(problem, 'message')}")
    return notes


def _row(agent: JsonObject, *, wide: bool) -> tuple[str, ...]:
    numbers = agent.get("numbers")
    listed = [str(number) for number in numbers] if isinstance(numbers, list) else []
    revision = text(agent, "revision")
    row = (
        text(agent, "name"),
        text(agent, "environment"),
        text(agent, "stage"),
        text(agent, "sync"),
        text(agent, "health"),
        text(agent, "gate"),
        text(agent, "version"),
        revision if wide else revision[:SHORT_REVISION],
        ",".join(listed) or EMPTY_CELL,
        text(agent, "externalId"),
        printing.age(text(agent, "createdAt")),
    )
    if not wide:
        return (*row, text(agent, "message"))
    labels = agent.get("labels")
    pairs = [f"{key}={value}" for key, value in labels.items()] if isinstance(labels, dict) else []
    conditions = [
        f"{text(each, 'type')}={text(each, 'status')}({text(each, 'reason')})"
        for each in objects(agent.get("conditions"))
    ]
    more = (text(agent, "digest"), ",".join(pairs), ",".join(conditions))
    return (*row, *more, text(agent, "message"))
