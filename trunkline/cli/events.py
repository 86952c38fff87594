"""``trunkline events``: what happened, oldest first, as ``kubectl events`` prints it."""

import time
from datetime import timedelta

from trunkline.cli import printing
from trunkline.cli.exits import ExitCode
from trunkline.cli.printing import Format
from trunkline.cli.server import Server, objects, project_path, text
from trunkline.model.base import JsonObject

COLUMNS = ("LAST-SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE")
WATCH_INTERVAL_S = 1.0
"""Following should feel immediate; one indexed read a second is nothing to the store."""


def show_events(
    server: Server,
    project: str | None,
    *,
    agent: str | None,
    environment: str | None,
    limit: int,
    style: Format,
    headers: bool,
    watch: bool,
    timeout: timedelta | None,
) -> ExitCode:
    """Print the newest events and, with ``watch``, every one that follows."""
    base = project_path(server, project)
    path = f"{base}/agents/{agent}/events" if agent else f"{base}/events"
    query: dict[str, str | int | list[str]] = {"environment": environment} if environment else {}
    newest = objects(server.get(path, {**query, "limit": limit}).get("items"))
    newest.reverse()
    _print(newest, style, headers=headers, streaming=watch)
    if not watch:
        return ExitCode.DONE
    deadline_s = None if timeout is None else time.monotonic() + timeout.total_seconds()
    last = _last_id(newest, 0)
    while True:
        left_s = WATCH_INTERVAL_S if deadline_s is None else deadline_s - time.monotonic()
        if left_s <= 0:
            return ExitCode.DONE
        time.sleep(min(WATCH_INTERVAL_S, left_s))
        found = objects(server.get(path, {**query, "after": last}).get("items"))
        _print(found, style, headers=False, streaming=True)
        last = _last_id(found, last)


def _last_id(events: list[JsonObject], otherwise: int) -> int:
    last = events[-1].get("id") if events else None
    return last if isinstance(last, int) else otherwise


def _print(events: list[JsonObject], style: Format, *, headers: bool, streaming: bool) -> None:
    if style in {Format.JSON, Format.YAML}:
        if not streaming:
            printing.print_document([*events], style)
        for event in events if streaming else []:
            printing.print_document(event, style)
        return
    if style is Format.NAME:
        for event in events:
            printing.print_text(text(event, "id"))
        return
    printing.print_table(COLUMNS, [_row(event) for event in events], headers=headers)


def _row(event: JsonObject) -> tuple[str, ...]:
    place = [text(event, key) for key in ("environment", "kind", "name")]
    return (
        printing.age(text(event, "at")),
        text(event, "type"),
        text(event, "reason"),
        "/".join(part for part in place if part),
        text(event, "message"),
    )
