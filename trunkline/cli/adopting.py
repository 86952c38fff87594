"""``trunkline adopt``: shows what taking over would write, asks, and follows it to its end."""

import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta

from trunkline.cli import printing
from trunkline.cli.exits import ExitCode, WrongUsage, complain
from trunkline.cli.following import follow, outcome
from trunkline.cli.plans import plan
from trunkline.cli.printing import Format, PlanFormat
from trunkline.cli.server import Server, objects, project_path, text
from trunkline.cli.syncs import COLUMNS
from trunkline.model.base import JsonObject
from trunkline.model.limits import API_NAMES_MAX


def adopt(
    server: Server,
    project: str | None,
    *,
    environment: str,
    names: Sequence[str],
    agents: Mapping[str, str],
    allow_changes: bool,
    reason: str,
    yes: bool,
    timeout: timedelta,
    style: Format,
    headers: bool,
) -> ExitCode:
    """Take over what Git names; batch by batch until nothing is left that was asked for."""
    path = project_path(server, project)
    done: set[str] = set()
    worst = ExitCode.DONE
    while True:
        wanted = _wanted(server, path, environment, names, agents, done)
        if not wanted:
            if not done:
                printing.print_text("Nothing to take over: Git names no agent nobody manages yet.")
            return worst
        if not yes and not _agreed(server, project, environment, wanted, agents, timeout):
            complain("not taken over")
            return ExitCode.FAILED
        order: JsonObject = {
            "environment": environment,
            "names": [*wanted],
            "agents": {key: name for key, name in agents.items() if name in wanted},
            "allowChanges": allow_changes,
            "reason": reason,
        }
        operation = server.post(f"{path}/adoptions", order)
        ended = follow(server, path, operation, timeout=timeout, title="Taking over")
        _print(ended, style, headers=headers)
        code = outcome(ended)
        worst = code if code is not ExitCode.DONE else worst
        done.update(wanted)
        if names or agents:
            return worst


def _wanted(
    server: Server,
    path: str,
    environment: str,
    names: Sequence[str],
    agents: Mapping[str, str],
    done: set[str],
) -> list[str]:
    if names or agents:
        return sorted({*names, *agents.values()})[:API_NAMES_MAX]
    found = server.get(f"{path}/adoptions", {"environment": environment})
    return [
        text(item, "name") for item in objects(found.get("items")) if text(item, "name") not in done
    ]


def _agreed(
    server: Server,
    project: str | None,
    environment: str,
    names: Sequence[str],
    agents: Mapping[str, str],
    timeout: timedelta,
) -> bool:
    """Show the plan and ask. Raises WrongUsage where nobody can be asked."""
    if not sys.stdin.isatty():
        raise WrongUsage("Nobody can be asked here", hint="Say --yes if it is meant")
    plan(
        server,
        project,
        environment=environment,
        agents=names,
        hard_refresh=False,
        timeout=timeout,
        style=PlanFormat.TEXT,
        exit_code=False,
    )
    for external_id, name in agents.items():
        sys.stderr.write(f"Agent {name} will be {external_id}, whatever its manifest says.\n")
    count = len(names)
    sys.stderr.write(f"Take {count} agent{'' if count == 1 else 's'} over? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _print(operation: JsonObject, style: Format, *, headers: bool) -> None:
    if style in {Format.JSON, Format.YAML}:
        printing.print_document(operation, style)
        return
    if style is Format.NAME:
        printing.print_text(text(operation, "id"))
        return
    keys = ("name", "environment", "kind", "state", "message")
    items = objects(operation.get("items"))
    rows = [tuple(text(item, key) for key in keys) for item in items]
    printing.print_table(COLUMNS, rows, headers=headers)
