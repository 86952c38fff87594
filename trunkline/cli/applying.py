"""``trunkline apply``: show exactly what will be written, ask, write exactly that.

With ``--enforce`` it is the first enforcement of a real account: what would be touched is listed by
name, and has to be typed, because "yes" is typed without reading.
"""

import sys
from dataclasses import dataclass
from datetime import timedelta

from trunkline.cli import printing
from trunkline.cli.exits import ExitCode, WrongUsage, complain
from trunkline.cli.following import follow, outcome
from trunkline.cli.plans import only_environment, plan_of
from trunkline.cli.printing import Format
from trunkline.cli.server import Server, project_path, text
from trunkline.cli.syncs import print_operation
from trunkline.cli.terminal import typed_at
from trunkline.model.base import JsonObject
from trunkline.model.blast_radius import blast_radius, confirmation_text, radius_text
from trunkline.model.plan_json import plan_json
from trunkline.model.plan_text import render_plan
from trunkline.model.plans import Plan

SCRIPTED = "Scripts say --yes, or --confirm TEXT"


@dataclass(frozen=True, slots=True)
class Applying:
    """What was typed. An empty ``confirm`` asks, ``yes`` does not."""

    environment: str | None
    plan_id: str | None
    yes: bool
    reason: str
    override_window: str
    confirm: str
    timeout: timedelta
    style: Format
    headers: bool


def apply(server: Server, project: str | None, given: Applying) -> ExitCode:
    """Apply a plan: the one that is named, or one made now."""
    path = project_path(server, project)
    stored = _stored(server, path, given)
    if stored is None:
        return ExitCode.FAILED
    plan = plan_of(stored)
    if plan.empty:
        _print_nothing(plan, given.style)
        return ExitCode.DONE
    if not given.yes:
        _say(render_plan(plan, colour=printing.wants_colour(), width=printing.terminal_width()))
        if not _agrees(f'Apply this plan to {plan.environment}? Only "yes" is accepted: ', "yes"):
            complain("nothing was applied")
            return ExitCode.FAILED
    order: JsonObject = {"digest": plan.digest, "reason": given.reason}
    if given.override_window:
        order["overrideWindow"] = given.override_window
    operation = server.post(f"{path}/plans/{text(stored, 'id')}/apply", order)
    return _follow(server, path, operation, given, title=f"Applying to {plan.environment}")


def enforce(server: Server, project: str | None, given: Applying) -> ExitCode:
    """Show the blast radius of the first enforcement and confirm it."""
    path = project_path(server, project)
    stored = _stored(server, path, given)
    if stored is None:
        return ExitCode.FAILED
    plan = plan_of(stored)
    _say(radius_text(blast_radius(plan)))
    wanted = confirmation_text(plan)
    typed = given.confirm or typed_at(f'To confirm, type "{wanted}": ', SCRIPTED)
    order: JsonObject = {
        "planId": text(stored, "id"),
        "digest": plan.digest,
        "confirmation": typed,
    }
    operation = server.post(f"{path}/environments/{plan.environment}/enforce", order)
    return _follow(server, path, operation, given, title=f"Enforcing {plan.environment}")


def _stored(server: Server, path: str, given: Applying) -> JsonObject | None:
    """The plan to apply; None, with a complaint, if none could be made."""
    if given.plan_id:
        stored = server.get(f"{path}/plans/{given.plan_id}")
        planned = text(stored, "environment")
        if given.environment not in (None, planned):
            raise WrongUsage(
                f"Plan {given.plan_id} is one of {planned}, not of {given.environment}",
                hint=f"To apply it there: trunkline apply {given.plan_id} -e {planned}",
            )
        return stored
    where = given.environment or only_environment(server.get(path))
    operation = server.post(f"{path}/plans", {"environment": where, "agents": []})
    ended = follow(server, path, operation, timeout=given.timeout, title=f"Planning {where}")
    plan_id = text(ended, "planId")
    if not plan_id:
        complain(text(ended, "message") or f"the plan ended as {text(ended, 'state')}")
        return None
    return server.get(f"{path}/plans/{plan_id}")


def _follow(
    server: Server, path: str, operation: JsonObject, given: Applying, *, title: str
) -> ExitCode:
    ended = follow(server, path, operation, timeout=given.timeout, title=title)
    print_operation(ended, given.style, headers=given.headers)
    code = outcome(ended)
    if code is not ExitCode.DONE:
        complain(text(ended, "message") or f"it ended as {text(ended, 'state')}")
    return code


def _print_nothing(plan: Plan, style: Format) -> None:
    """There is no operation to print, so scripts get the plan, which says that it is empty."""
    if style in {Format.JSON, Format.YAML}:
        printing.print_document(plan_json(plan), style)
    elif style is not Format.NAME:
        printing.print_text("Nothing to apply: everything is as Git wants.")


def _agrees(question: str, wanted: str) -> bool:
    return typed_at(question, SCRIPTED).strip() == wanted


def _say(words: str) -> None:
    """What a person reads before they agree; results go to stdout."""
    sys.stderr.write(words.rstrip("\n") + "\n\n")
