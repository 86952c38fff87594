"""``trunkline plan`` and ``diff`` against a server: what would be written, for people to read."""

from collections.abc import Sequence
from datetime import timedelta

from trunkline.cli import printing
from trunkline.cli.exits import ExitCode, WrongUsage, complain
from trunkline.cli.following import follow
from trunkline.cli.printing import PlanFormat
from trunkline.cli.server import Server, objects, project_path, text
from trunkline.model.base import JsonObject
from trunkline.model.plan_json import plan_json
from trunkline.model.plan_text import plan_markdown, render_plan
from trunkline.model.plans import Plan


def plan(
    server: Server,
    project: str | None,
    *,
    environment: str | None,
    agents: Sequence[str],
    hard_refresh: bool,
    timeout: timedelta,
    style: PlanFormat,
    exit_code: bool,
) -> ExitCode:
    """Ask the server for a plan, wait for it, print it."""
    path = project_path(server, project)
    where = environment or only_environment(server.get(path))
    return _planned(
        server,
        path,
        {"environment": where, "agents": [*agents], "hardRefresh": hard_refresh},
        timeout=timeout,
        style=style,
        exit_code=exit_code,
    )


def diff(
    server: Server,
    project: str | None,
    *,
    agent: str,
    environment: str | None,
    timeout: timedelta,
    style: PlanFormat,
    exit_code: bool,
) -> ExitCode:
    """The plan of one agent; its environment may be left out if it is in one only."""
    path = project_path(server, project)
    where = environment or text(server.get(f"{path}/agents/{agent}"), "environment")
    return _planned(
        server,
        path,
        {"environment": where, "agents": [agent]},
        timeout=timeout,
        style=style,
        exit_code=exit_code,
    )


def print_plan(
    made: Plan, style: PlanFormat, *, exit_code: bool, about: JsonObject | None = None
) -> ExitCode:
    """Print a plan; with ``exit_code``, changes end the command with 2."""
    if style is PlanFormat.TEXT:
        colour = printing.wants_colour()
        printing.print_text(render_plan(made, colour=colour, width=printing.terminal_width()))
    elif style is PlanFormat.MARKDOWN:
        printing.print_text(plan_markdown(made))
    else:
        printing.print_document({**(about or {}), **plan_json(made)}, style)
    return ExitCode.CHANGES if exit_code and not made.empty else ExitCode.DONE


def _planned(
    server: Server,
    path: str,
    order: JsonObject,
    *,
    timeout: timedelta,
    style: PlanFormat,
    exit_code: bool,
) -> ExitCode:
    stored = _stored(server, path, order, timeout=timeout)
    if isinstance(stored, ExitCode):
        return stored
    about: JsonObject = {key: stored.get(key) for key in ("id", "revision", "createdAt")}
    return print_plan(plan_of(stored), style, exit_code=exit_code, about=about)


def make_plan(
    server: Server,
    project: str | None,
    *,
    environment: str | None,
    names: Sequence[str],
    timeout: timedelta,
) -> Plan | ExitCode:
    """A fresh plan, or how the command ends because there is none; the reason is said."""
    path = project_path(server, project)
    where = environment or only_environment(server.get(path))
    order: JsonObject = {"environment": where, "agents": [*names], "hardRefresh": False}
    stored = _stored(server, path, order, timeout=timeout)
    return stored if isinstance(stored, ExitCode) else plan_of(stored)


def _stored(
    server: Server, path: str, order: JsonObject, *, timeout: timedelta
) -> JsonObject | ExitCode:
    title = f"Planning {order['environment']}"
    operation = server.post(f"{path}/plans", order)
    ended = follow(server, path, operation, timeout=timeout, title=title)
    plan_id = text(ended, "planId")
    if not plan_id:
        complain(text(ended, "message") or f"the plan ended as {text(ended, 'state')}")
        return ExitCode.FAILED if text(ended, "state") == "Failed" else ExitCode.UNKNOWN
    return server.get(f"{path}/plans/{plan_id}")


def plan_of(stored: JsonObject) -> Plan:
    """The plan in a plan document, which says more than the plan itself holds."""
    document = stored.get("plan")
    known = {field.alias or name for name, field in Plan.model_fields.items()}
    found = document if isinstance(document, dict) else {}
    return Plan.model_validate({key: value for key, value in found.items() if key in known})


def only_environment(project: JsonObject) -> str:
    names = [text(e, "name") for e in objects(project.get("environments"))]
    heads = [
        text(e, "name") for e in objects(project.get("environments")) if text(e, "source") == "head"
    ]
    if len(heads) == 1:
        return heads[0]
    known = ", ".join(names) or "none read from Git yet"
    raise WrongUsage(f"Which environment? There are: {known}", hint="Say: --environment NAME")
