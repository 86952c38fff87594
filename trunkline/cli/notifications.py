"""``trunkline notifications``: what people were told, and a test of everybody."""

from collections.abc import Sequence
from datetime import timedelta

from trunkline.cli.exits import ExitCode, complain
from trunkline.cli.listing import Column, Listing, member, print_listing, since
from trunkline.cli.patience import Patience
from trunkline.cli.printing import Format
from trunkline.cli.progress import Progress
from trunkline.cli.server import Server, objects, project_path, text
from trunkline.model.base import JsonObject

POLL_S = 0.5
"""A message arrives within a second or waits for its next try."""
SENDING = "sending"
DELIVERED = "delivered"
REFUSED = "refused"


def _subject(row: JsonObject) -> str:
    return "/".join(filter(None, (text(row, "environment"), text(row, "name"))))


NOTIFICATIONS = Listing(
    kind="NotificationList",
    columns=(
        Column("TO", member("to")),
        Column("ABOUT", _subject),
        Column("REASON", member("reason")),
        Column("STATE", member("state")),
        Column("AGE", since("createdAt")),
        Column("EVENT", member("event"), wide=True),
        Column("CHANGES", member("changes"), wide=True),
        Column("RECIPIENT", member("recipient"), wide=True),
        Column("ANSWER", member("answer")),
    ),
    name=member("event"),
    empty="Nobody was told of anything. Recipients stand under spec.notifications of kind Project.",
)


def show(
    server: Server,
    project: str | None,
    *,
    failed: bool,
    limit: int,
    style: Format,
    headers: bool,
) -> ExitCode:
    """Print the newest messages; ``failed`` leaves out those that arrived."""
    found: list[JsonObject] = []
    for page in server.pages(_path(server, project)):
        found += [row for row in page if not failed or text(row, "state") != DELIVERED]
        if len(found) >= limit:
            break
    print_listing(NOTIFICATIONS, found[:limit], style, headers=headers)
    return ExitCode.DONE


def test(
    server: Server, project: str | None, *, timeout: timedelta, style: Format, headers: bool
) -> ExitCode:
    """Send a test to everybody, wait, and print how it went."""
    path = _path(server, project)
    event = text(server.post(f"{path}/test", {}), "event")
    patience = Patience(timeout, POLL_S)
    with Progress("sending a test to everybody who is told") as progress:
        rows = _rows(server, path, event)
        while any(text(row, "state") == SENDING for row in rows):
            progress.show()
            if not patience.lasts():
                break
            rows = _rows(server, path, event)
    print_listing(NOTIFICATIONS, rows, style, headers=headers)
    return _ended(rows)


test.__test__ = False  # type: ignore[attr-defined]


def _ended(rows: Sequence[JsonObject]) -> ExitCode:
    states = {text(row, "state") for row in rows}
    if SENDING in states:
        complain("not ended within --timeout; it is tried for a while without us")
        return ExitCode.TIMEOUT
    if REFUSED in states:
        return ExitCode.FAILED
    return ExitCode.DONE if states <= {DELIVERED} else ExitCode.UNKNOWN


def _rows(server: Server, path: str, event: str) -> list[JsonObject]:
    return objects(server.get(path, {"event": event}).get("items"))


def _path(server: Server, project: str | None) -> str:
    return f"{project_path(server, project)}/notifications"
