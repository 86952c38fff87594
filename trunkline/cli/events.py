"""``trunkline events``: what happened, oldest first, as ``kubectl events`` prints it."""

import sys
from datetime import timedelta

from trunkline.cli import printing
from trunkline.cli.exits import ExitCode
from trunkline.cli.listing import Column, Listing, member, print_listing, since
from trunkline.cli.patience import Patience
from trunkline.cli.printing import Format
from trunkline.cli.server import Server, objects, project_path, text
from trunkline.model.base import JsonObject

WATCH_INTERVAL_S = 1.0
"""Following should feel immediate; one indexed read a second is nothing to the store."""


def _subject(event: JsonObject) -> str:
    place = [text(event, key) for key in ("environment", "kind", "name")]
    return "/".join(part for part in place if part)


EVENTS = Listing(
    kind="EventList",
    columns=(
        Column("LAST-SEEN", since("at")),
        Column("TYPE", member("type")),
        Column("REASON", member("reason")),
        Column("OBJECT", _subject),
        Column("TIME", member("at"), wide=True),
        Column("REVISION", member("revision"), wide=True),
        Column("MESSAGE", member("message")),
    ),
    name=member("id"),
    empty="No events yet. They appear when Git or a platform changes.",
)


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
    if not watch:
        print_listing(EVENTS, newest, style, headers=headers)
        return ExitCode.DONE
    _print_more(newest, style, headers=headers)
    if not newest:
        sys.stderr.write(f"{EVENTS.empty}\n")
    patience = Patience(timeout, WATCH_INTERVAL_S)
    last = _last_id(newest, 0)
    while patience.lasts():
        found = objects(server.get(path, {**query, "after": last}).get("items"))
        _print_more(found, style, headers=False)
        last = _last_id(found, last)
    return ExitCode.DONE


def _last_id(events: list[JsonObject], otherwise: int) -> int:
    last = events[-1].get("id") if events else None
    return last if isinstance(last, int) else otherwise


def _print_more(events: list[JsonObject], style: Format, *, headers: bool) -> None:
    """Events that follow others: JSON and YAML give a document for each."""
    if style in {Format.JSON, Format.YAML}:
        for event in events:
            printing.print_line(event, style)
    elif events:
        print_listing(EVENTS, events, style, headers=headers)
