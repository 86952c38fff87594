"""``trunkline status``: how every agent is, in one table; what is not well besides, in words."""

import sys
from datetime import timedelta

from trunkline.cli import printing
from trunkline.cli.exits import ExitCode
from trunkline.cli.listing import (
    CLEAR_SCREEN,
    FORMAT_VERSION,
    Column,
    Listing,
    member,
    print_listing,
    redraws,
    since,
)
from trunkline.cli.printing import Format
from trunkline.cli.progress import Progress
from trunkline.cli.server import Query, Server, objects, project_path, text
from trunkline.cli.watching import watch
from trunkline.model.base import JsonObject

SHORT_REVISION = 7


def _conditions(agent: JsonObject) -> str:
    return ",".join(
        f"{text(each, 'type')}={text(each, 'status')}({text(each, 'reason')})"
        for each in objects(agent.get("conditions"))
    )


AGENTS = Listing(
    kind="FleetStatus",
    columns=(
        Column("NAME", member("name")),
        Column("ENV", member("environment")),
        Column("STAGE", member("stage")),
        Column("SYNC", member("sync")),
        Column("HEALTH", member("health")),
        Column("GATE", member("gate")),
        Column("VERSION", member("version")),
        Column("REVISION", lambda agent: text(agent, "revision")[:SHORT_REVISION]),
        Column("NUMBER", member("numbers")),
        Column("EXTERNAL-ID", member("externalId")),
        Column("AGE", since("createdAt")),
        Column("COMMIT", member("revision"), wide=True),
        Column("DIGEST", member("digest"), wide=True),
        Column("LABELS", member("labels"), wide=True),
        Column("CONDITIONS", _conditions, wide=True),
        Column("MESSAGE", member("message")),
    ),
    name=lambda agent: f"{text(agent, 'environment')}/{text(agent, 'name')}",
    empty="No agents yet: no manifest of an agent has been read from Git.",
)


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
    _print(_report(server, path, query, name), style, headers=headers)
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
    """Print the status, then what changes, until interrupted or the timeout has passed.

    A terminal shows the whole table anew; elsewhere only agents that are new or have changed are
    printed, and JSON and YAML give the whole report each time, a document each.
    """
    path = project_path(server, project)

    def show(now: JsonObject, before: JsonObject | None) -> None:
        if redraws(style):
            sys.stdout.write(CLEAR_SCREEN)
        if style in {Format.JSON, Format.YAML}:
            printing.print_line(now, style)
        elif before is None or redraws(style):
            _print(now, style, headers=headers)
        else:
            known = objects(before["agents"])
            changed = [agent for agent in objects(now["agents"]) if agent not in known]
            _print({**now, "agents": [*changed]}, style, headers=headers and not known)

    return watch(lambda: _report(server, path, query, name), show, timeout=timeout)


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
        "formatVersion": FORMAT_VERSION,
        "kind": AGENTS.kind,
        "project": text(project, "name"),
        "source": project.get("source"),
        "environments": project.get("environments") or [],
        "conditions": project.get("conditions") or [],
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
    if style in {Format.JSON, Format.YAML}:
        printing.print_document(report, style)
        return
    agents = objects(report["agents"])
    if agents:
        print_listing(AGENTS, agents, style, headers=headers)
    if style is not Format.NAME:
        _print_notes(report, empty=not agents)


def _print_notes(report: JsonObject, *, empty: bool) -> None:
    notes = _source_notes(report)
    if empty and not notes:
        notes.append(AGENTS.empty)
    for environment in objects(report["environments"]):
        if message := text(environment, "message"):
            notes.append(f"{text(environment, 'name')}: {message}")
    for number in objects(report["numbers"]):
        if text(number, "sync") != "Synced":
            state = f"{text(number, 'sync')}, {text(number, 'health')}"
            notes.append(f"number {_number(number)}: {state}: {text(number, 'message')}")
    for condition in objects(report["conditions"]):
        notes.append(f"{text(condition, 'reason')}: {text(condition, 'message')}")
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
