"""Calls asked for on the command line: started, followed, canceled; numbers nobody may call."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote

from trunkline.cli import printing
from trunkline.cli.exits import ExitCode, WrongUsage
from trunkline.cli.listing import Column, Listing, member, print_listing, since
from trunkline.cli.patience import Patience
from trunkline.cli.printing import DocumentFormat, Format
from trunkline.cli.progress import Progress
from trunkline.cli.server import Server, objects, project_path, text
from trunkline.model import errors
from trunkline.model.base import Json, JsonObject
from trunkline.model.durations import format_duration

POLL_MIN_S = 0.2
POLL_MAX_S = 2.0
"""A call rings for seconds and lasts minutes."""
CANCEL_WAIT = timedelta(seconds=30)
ENDS: Mapping[str, ExitCode] = {
    "Done": ExitCode.DONE,
    "Failed": ExitCode.FAILED,
    "Canceled": ExitCode.FAILED,
}
"""How a command that waited for an order ends."""


def _tries(row: JsonObject) -> str:
    calls, retry = row.get("calls"), row.get("retry")
    wanted = text(retry, "tries") if isinstance(retry, dict) else "1"
    return f"{len(calls) if isinstance(calls, list) else 0}/{wanted}"


CALL_ORDERS = Listing(
    kind="CallOrderList",
    columns=(
        Column("ID", member("id")),
        Column("AGENT", member("agent")),
        Column("ENV", member("environment")),
        Column("TO", member("to")),
        Column("STATE", member("state")),
        Column("TRIES", _tries),
        Column("AGE", since("askedAt")),
        Column("FROM", member("from"), wide=True),
        Column("BY", member("askedBy"), wide=True),
        Column("KEY", member("idempotencyKey"), wide=True),
        Column("MESSAGE", member("message")),
    ),
    name=member("id"),
    empty="Nobody has asked for a call. `trunkline calls start AGENT --to NUMBER` does.",
)
DO_NOT_CALL = Listing(
    kind="DoNotCallList",
    columns=(
        Column("NUMBER", member("number")),
        Column("BY", member("addedBy")),
        Column("AGE", since("addedAt")),
        Column("REASON", member("reason")),
    ),
    name=member("number"),
    empty="Every number may be called. `trunkline do-not-call add NUMBER` says which may not.",
)


@dataclass(frozen=True, slots=True)
class CallAsked:
    """What was typed. Without ``key`` one is made, so that only this command's call is one."""

    agent: str
    to: str
    from_name: str | None = None
    environment: str | None = None
    context: Sequence[str] = ()
    key: str | None = None
    tries: int | None = None
    pause: timedelta | None = None
    not_before: str | None = None
    rated: bool = False

    def order(self) -> JsonObject:
        """The request body. Raises WrongUsage for a slot that is none."""
        order: JsonObject = {
            "agent": self.agent,
            "to": self.to,
            "idempotencyKey": self.key or f"cli-{secrets.token_hex(8)}",
            "contextOverride": dict(_slot(each) for each in self.context),
            "rated": self.rated,
        }
        said: dict[str, Json] = {
            "from": self.from_name,
            "environment": self.environment,
            "notBefore": self.not_before,
        }
        order |= {key: value for key, value in said.items() if value is not None}
        if self.pause is not None and self.tries is None:
            raise WrongUsage("--pause says when to try again, but not how often", hint="--tries 2")
        if self.tries is not None:
            retry: JsonObject = {"tries": self.tries}
            if self.pause is not None:
                retry["pauseS"] = self.pause.total_seconds()
            order["retry"] = retry
        return order


def start(
    server: Server,
    project: str | None,
    asked: CallAsked,
    *,
    wait: bool,
    timeout: timedelta,
    style: DocumentFormat,
) -> ExitCode:
    """Ask for a call and, if wanted, follow it to its end."""
    path = project_path(server, project)
    order = server.post(f"{path}/calls", asked.order())
    if wait:
        order = follow(server, path, text(order, "id"), timeout, title=f"Calling {asked.to}")
    _print(order, style)
    return ENDS.get(text(order, "state"), ExitCode.DONE)


def cancel(
    server: Server, project: str | None, identifier: str, *, style: DocumentFormat
) -> ExitCode:
    """Cancel an order and wait until nothing of it goes on."""
    path = project_path(server, project)
    order = server.post(f"{path}/call-orders/{quote(identifier, safe='')}/cancel", {})
    if text(order, "state") not in ENDS:
        order = follow(server, path, identifier, CANCEL_WAIT, title="Canceling")
    _print(order, style)
    return ExitCode.DONE


def list_orders(
    server: Server,
    project: str | None,
    *,
    open_only: bool,
    limit: int,
    style: Format,
    headers: bool,
) -> ExitCode:
    """The newest orders."""
    query = {"open": "true"} if open_only else {}
    rows = _rows(server, f"{project_path(server, project)}/call-orders", limit, query)
    print_listing(CALL_ORDERS, rows, style, headers=headers)
    return ExitCode.DONE


def list_forbidden(
    server: Server, project: str | None, *, limit: int, style: Format, headers: bool
) -> ExitCode:
    """Numbers nobody may call."""
    rows = _rows(server, f"{project_path(server, project)}/do-not-call", limit, {})
    print_listing(DO_NOT_CALL, rows, style, headers=headers)
    return ExitCode.DONE


def forbid(server: Server, project: str | None, number: str, reason: str) -> ExitCode:
    """Let nobody call a number."""
    path = project_path(server, project)
    entry = server.post(f"{path}/do-not-call", {"number": number, "reason": reason})
    printing.print_text(f"Nobody calls {text(entry, 'number')} any more")
    return ExitCode.DONE


def allow(server: Server, project: str | None, number: str) -> ExitCode:
    """Let a number be called again."""
    path = project_path(server, project)
    entry = server.delete(f"{path}/do-not-call/{quote(number, safe='')}")
    printing.print_text(f"{text(entry, 'number')} may be called again")
    return ExitCode.DONE


def follow(
    server: Server,
    path: str,
    identifier: str,
    timeout: timedelta,
    *,
    title: str,
    seen: Callable[[JsonObject], None] | None = None,
) -> JsonObject:
    """The order once it has ended; ``seen`` is told of every look. Raises DeadlineExceeded."""
    patience = Patience(timeout, POLL_MIN_S, POLL_MAX_S)
    with Progress(title) as progress:
        while True:
            order = server.get(f"{path}/call-orders/{quote(identifier, safe='')}")
            if seen is not None:
                seen(order)
            if text(order, "state") in ENDS:
                return order
            progress.show(note=f"{text(order, 'state')} {text(order, 'message')}".strip())
            if not patience.lasts():
                raise errors.DeadlineExceeded(
                    f"{identifier} is not over after {format_duration(timeout)}; it goes on",
                    hint=f"`trunkline calls cancel {identifier}` ends it",
                )


def _print(order: JsonObject, style: DocumentFormat) -> None:
    if style is not DocumentFormat.TEXT:
        printing.print_document(order, style)
        return
    words = f"{text(order, 'state')}. {text(order, 'message')}".strip(". ")
    printing.print_text(f"{text(order, 'id')}: {text(order, 'agent')} to {text(order, 'to')}")
    printing.print_text(f"  {words}")
    for each in objects(order.get("tries")):
        ended = text(each, "outcome") or text(each, "state")
        printing.print_text(f"  {text(each, 'id')}: {ended} {text(each, 'message')}".rstrip())


def _rows(
    server: Server, path: str, limit: int, query: Mapping[str, str | int | list[str]]
) -> list[JsonObject]:
    rows: list[JsonObject] = []
    for page in server.pages(path, query):
        rows += page
        if len(rows) >= limit:
            break
    return rows[:limit]


def _slot(given: str) -> tuple[str, Json]:
    name, equals, value = given.partition("=")
    if not equals or not name:
        raise WrongUsage(f"{given!r} is no slot", hint="Write --context name=value")
    return name, value
