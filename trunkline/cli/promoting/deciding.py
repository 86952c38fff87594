"""``promote``, ``approve``, ``reject``, ``abort``, ``rollback`` and ``hold``, against a server."""

import sys
from dataclasses import dataclass
from datetime import timedelta

from trunkline.cli import printing
from trunkline.cli.exits import ExitCode
from trunkline.cli.printing import DocumentFormat
from trunkline.cli.promoting.following import follow, out_of_time, outcome
from trunkline.cli.promoting.showing import print_result, promotion_of, show_promotion, tell_next
from trunkline.cli.server import Query, Server, project_path, text
from trunkline.model import errors
from trunkline.model.base import JsonObject


@dataclass(frozen=True, slots=True)
class Waiting:
    """Whether to wait for the end, how long, and how to print what came of it."""

    wait: bool
    timeout: timedelta
    style: DocumentFormat


def promote(
    server: Server,
    project: str | None,
    agent: str,
    *,
    environment: str | None,
    changes: str,
    waiting: Waiting,
) -> ExitCode:
    """Start a promotion; follow it if that is wanted."""
    path = project_path(server, project)
    order: JsonObject = {"stage": "production", "changes": changes}
    if environment is not None:
        order["environment"] = environment
    answer = server.post(f"{path}/agents/{agent}/deploy", order)
    started = answer.get("promotion")
    identifier = text(started, "id") if isinstance(started, dict) else ""
    return _begun(server, path, server.get(f"{path}/promotions/{identifier}"), waiting)


def rollback(
    server: Server,
    project: str | None,
    agent: str,
    *,
    environment: str | None,
    to: int | None,
    reason: str,
    waiting: Waiting,
) -> ExitCode:
    """Start a rollback; follow it if that is wanted."""
    path = project_path(server, project)
    order: JsonObject = {"reason": reason}
    if environment is not None:
        order["environment"] = environment
    if to is not None:
        order["to"] = to
    return _begun(server, path, server.post(f"{path}/agents/{agent}/rollback", order), waiting)


def decide(
    server: Server,
    project: str | None,
    verb: str,
    target: str,
    *,
    environment: str | None,
    words: str,
    style: DocumentFormat,
) -> ExitCode:
    """``approve``, ``reject`` or ``abort`` a promotion, named by its id or its agent."""
    path = project_path(server, project)
    found = _required(server, path, target, environment)
    order: JsonObject = {"comment" if verb == "approve" else "reason": words}
    decided = server.post(f"{path}/promotions/{text(found, 'id')}/{verb}", order)
    if style is not DocumentFormat.TEXT:
        printing.print_document(decided, style)
        return ExitCode.DONE
    done = {"approve": "approved", "reject": "rejected", "abort": "aborted"}[verb]
    printing.print_text(f"{text(decided, 'id')}: {done}")
    if text(decided, "state") == "Open":
        sys.stderr.write(f"next: trunkline wait {text(decided, 'id')}\n")
    return ExitCode.DONE


def hold(
    server: Server,
    project: str | None,
    agent: str,
    *,
    environment: str | None,
    reason: str,
    release: bool,
    style: DocumentFormat,
) -> ExitCode:
    """Set or lift the hold of what an environment runs of an agent."""
    path = project_path(server, project)
    place: dict[str, str] = {} if environment is None else {"environment": environment}
    if release:
        query: Query = {**place, "reason": reason} if reason else place
        done = server.delete(f"{path}/agents/{agent}/hold", query)
    else:
        done = server.post(f"{path}/agents/{agent}/hold", {**place, "reason": reason})
    if style is not DocumentFormat.TEXT:
        printing.print_document(done, style)
        return ExitCode.DONE
    state = "held" if done.get("held") else "not held any more"
    commit = text(done, "commit")
    how = f", commit {commit[:10]}" if commit else ", as it was"
    printing.print_text(f"{agent} in {text(done, 'environment')}: {state}{how}")
    return ExitCode.DONE


def wait(
    server: Server,
    project: str | None,
    target: str,
    *,
    environment: str | None,
    timeout: timedelta,
) -> ExitCode:
    """Follow a promotion to its end and print what came of it."""
    path = project_path(server, project)
    found = _required(server, path, target, environment)
    return _followed(server, path, found, Waiting(True, timeout, DocumentFormat.TEXT))


def show(
    server: Server,
    project: str | None,
    target: str,
    *,
    environment: str | None,
    style: DocumentFormat,
) -> ExitCode:
    """Print one promotion."""
    path = project_path(server, project)
    return show_promotion(_required(server, path, target, environment), style)


def _begun(server: Server, path: str, found: JsonObject, waiting: Waiting) -> ExitCode:
    if waiting.wait:
        return _followed(server, path, found, waiting)
    if waiting.style is DocumentFormat.TEXT:
        printing.print_text(text(found, "id"))
        tell_next(found)
    else:
        printing.print_document(found, waiting.style)
    return ExitCode.DONE


def _followed(server: Server, path: str, found: JsonObject, waiting: Waiting) -> ExitCode:
    last, ended = follow(server, path, found, timeout=waiting.timeout)
    print_result(last, waiting.style)
    return outcome(last) if ended else out_of_time(last, waiting.timeout)


def _required(server: Server, path: str, target: str, environment: str | None) -> JsonObject:
    found = promotion_of(server, path, target, environment)
    if found is None:
        where = f" to {environment}" if environment else ""
        raise errors.NotFound(
            f"There is no promotion of {target!r}{where}",
            hint="`trunkline promotions list` shows those there are",
        )
    return found
