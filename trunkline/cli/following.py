"""Waiting for an operation on the server: with progress, up to a deadline, to a definite end."""

from datetime import timedelta

from trunkline.cli.exits import ExitCode
from trunkline.cli.patience import Patience
from trunkline.cli.progress import Progress
from trunkline.cli.server import Server, objects, text
from trunkline.model import errors
from trunkline.model.base import JsonObject
from trunkline.model.durations import format_duration

POLL_MIN_S = 0.1
POLL_MAX_S = 1.0
"""A plan of one agent takes a fraction of a second, a sync of a fleet minutes."""


def follow(
    server: Server, project: str, operation: JsonObject, *, timeout: timedelta, title: str
) -> JsonObject:
    """The operation once it has ended; ``project`` is its path. Raises DeadlineExceeded."""
    identifier = text(operation, "id")
    patience = Patience(timeout, POLL_MIN_S, POLL_MAX_S)
    with Progress(title) as progress:
        while text(operation, "state") == "Running":
            if not patience.lasts():
                raise errors.DeadlineExceeded(
                    f"{title}: not done after {format_duration(timeout)}; it goes on without us",
                    hint=f"GET {project}/operations/{identifier} says how far it is",
                )
            operation = server.get(f"{project}/operations/{identifier}")
            progress.show(
                _count(operation, "done"), _count(operation, "total"), _running(operation)
            )
    return operation


def outcome(operation: JsonObject) -> ExitCode:
    """How a command that waited for this operation ends: blocked if all that failed was held."""
    failed = [item for item in objects(operation.get("items")) if text(item, "state") == "Failed"]
    if failed and all(text(item, "reason") for item in failed):
        return ExitCode.BLOCKED
    states = {text(item, "state") for item in objects(operation.get("items"))}
    states.add(text(operation, "state"))
    if "Failed" in states:
        return ExitCode.FAILED
    return ExitCode.UNKNOWN if "Error" in states else ExitCode.DONE


def _count(operation: JsonObject, key: str) -> int:
    value = operation.get(key)
    return value if isinstance(value, int) else 0


def _running(operation: JsonObject) -> str:
    for item in objects(operation.get("items")):
        if text(item, "state") == "Running":
            return f"{text(item, 'environment')}/{text(item, 'name')}"
    return ""
