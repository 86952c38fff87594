"""``trunkline eject``: shows what would be left, has its name typed, and follows it to the end."""

import sys
from datetime import timedelta

from trunkline.cli import printing
from trunkline.cli.exits import ExitCode, WrongUsage, complain
from trunkline.cli.following import follow, outcome
from trunkline.cli.listing import FORMAT_VERSION
from trunkline.cli.printing import DocumentFormat
from trunkline.cli.server import Server, objects, project_path, text
from trunkline.model.base import Json, JsonObject
from trunkline.model.pruning import listed

KIND = "Ejection"
KINDS = ("agent", "tool", "document", "secret", "test", "number")


def eject(
    server: Server,
    project: str | None,
    *,
    environments: list[str],
    everything: bool,
    yes: bool,
    reason: str,
    timeout: timedelta,
    style: DocumentFormat,
) -> ExitCode:
    """Leave environments one after the other; the first that fails ends it."""
    path = project_path(server, project)
    if everything:
        found = objects(server.get(path).get("environments"))
        environments = [text(environment, "name") for environment in found]
    report: list[Json] = []
    code = ExitCode.DONE
    for environment in environments:
        belongings = server.get(f"{path}/ejections", {"environment": environment})
        if not yes:
            sys.stderr.write(_words(environment, belongings))
            if _typed(f'To leave it, type "{environment}": ') != environment:
                complain("not ejected")
                code = ExitCode.FAILED
                break
        order: JsonObject = {
            "environment": environment,
            "confirmation": environment,
            "reason": reason,
        }
        operation = server.post(f"{path}/ejections", order)
        ended = follow(server, path, operation, timeout=timeout, title=f"Leaving {environment}")
        code = outcome(ended)
        report.append({**belongings, "operation": ended})
        if style is DocumentFormat.TEXT:
            printing.print_text(f"{environment}: {text(ended, 'message')}")
        if code is not ExitCode.DONE:
            complain(
                f"{environment}: {text(ended, 'message')}",
                f"Once more: trunkline eject -e {environment}",
            )
            break
    if style is not DocumentFormat.TEXT:
        document: JsonObject = {"formatVersion": FORMAT_VERSION, "kind": KIND, "items": report}
        printing.print_document(document, style)
    return code


def _words(environment: str, belongings: JsonObject) -> str:
    """What a person reads before they agree."""
    items = objects(belongings.get("items"))
    lines = [
        f"Leaving {environment}. Nothing is written there from now on, until you resume it:",
        f"  trunkline resume -e {environment}",
        "Taken away: our tags of agents, our mark in tools and in titles of documents and tests,",
        "and what the ledger says of them. Everything stays on the platforms, and numbers ring as",
        "they do:",
    ]
    for kind in KINDS:
        names = sorted({text(item, "name") for item in items if text(item, "kind") == kind})
        if names:
            noun = kind if len(names) == 1 else f"{kind}s"
            lines.append(f"  {len(names)} {noun}: {listed(names)}")
    return "\n".join(lines) + "\n"


def _typed(question: str) -> str:
    """What somebody types at a terminal. Raises WrongUsage without one."""
    if not sys.stdin.isatty():
        raise WrongUsage("There is no terminal to ask at", hint="Scripts say --yes")
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().strip()
