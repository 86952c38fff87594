"""``trunkline sync``: ask for a look at Git now and wait until everything it started has ended."""

from datetime import timedelta

from trunkline.cli import printing
from trunkline.cli.exits import ExitCode, complain
from trunkline.cli.following import follow, outcome
from trunkline.cli.printing import Format
from trunkline.cli.server import Server, objects, project_path, text
from trunkline.model.base import JsonObject

COLUMNS = ("NAME", "ENV", "KIND", "RESULT", "MESSAGE")


def sync(
    server: Server,
    project: str | None,
    *,
    agent: str | None,
    environment: str | None,
    hard_refresh: bool,
    reason: str,
    override_window: str,
    wait: bool,
    timeout: timedelta,
    style: Format,
    headers: bool,
) -> ExitCode:
    """Start a sync of a project or one agent; with ``wait``, follow it to its end."""
    path = project_path(server, project)
    order: JsonObject = {"hardRefresh": hard_refresh, "reason": reason}
    if environment is not None:
        order["environment"] = environment
    if override_window:
        order["overrideWindow"] = override_window
    operation = server.post(f"{path}/agents/{agent}/sync" if agent else f"{path}/sync", order)
    if not wait:
        print_operation(operation, style, headers=headers)
        return ExitCode.DONE
    ended = follow(server, path, operation, timeout=timeout, title="Syncing")
    print_operation(ended, style, headers=headers)
    code = outcome(ended)
    if code is not ExitCode.DONE:
        complain(text(ended, "message") or f"the sync ended as {text(ended, 'state')}")
    return code


def print_operation(operation: JsonObject, style: Format, *, headers: bool) -> None:
    """What became of everything an operation waited for."""
    if style in {Format.JSON, Format.YAML}:
        printing.print_document(operation, style)
        return
    state = text(operation, "state")
    if style is Format.NAME or state == "Running":
        printing.print_text(text(operation, "id"))
        return
    items = objects(operation.get("items"))
    if items:
        printing.print_table(COLUMNS, [_row(item) for item in items], headers=headers)
        return
    printing.print_text(text(operation, "message") or "Nothing to do: everything is as Git wants.")


def _row(item: JsonObject) -> tuple[str, ...]:
    keys = ("name", "environment", "kind", "state", "message")
    return tuple(text(item, key) for key in keys)
