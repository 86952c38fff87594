"""``calls list|show|transcript|export``: calls as they are remembered."""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from trunkline.cli import printing
from trunkline.cli.ages import age
from trunkline.cli.exits import ExitCode, complain
from trunkline.cli.harmless import one_line
from trunkline.cli.listing import Column, Listing, member, print_listing, since
from trunkline.cli.printing import DocumentFormat, Format
from trunkline.cli.server import Query, Server, object_at, objects, project_path, text
from trunkline.model.base import JsonObject
from trunkline.model.errors import NotFound, ServerUnreachable
from trunkline.model.gates import shown

_MS = 1_000
_MINUTE_S = 60
EXPORT_READ_TIMEOUT_S = 120.0
"""How long the next line of an export may take: a page of transcripts is read for it."""


def _seconds(row: JsonObject) -> str:
    value = row.get("durationS")
    return f"{value:.0f} s" if isinstance(value, int | float) and row.get("answeredAt") else ""


def _version(row: JsonObject) -> str:
    return f"v{text(row, 'version')}" if row.get("version") else ""


def _cost(row: JsonObject) -> str:
    cost = row.get("cost")
    value = cost.get("totalUsd") if isinstance(cost, dict) else None
    return f"{value:.3f} USD" if isinstance(value, int | float) else ""


CALLS = Listing(
    kind="CallList",
    columns=(
        Column("ID", member("id")),
        Column("AGENT", member("agent")),
        Column("ENV", member("environment")),
        Column("VERSION", _version),
        Column("WAY", member("direction")),
        Column("FROM", member("fromNumber")),
        Column("TO", member("toNumber")),
        Column("STATE", member("state")),
        Column("OUTCOME", member("outcome")),
        Column("DURATION", _seconds),
        Column("AGE", since("startedAt")),
        Column("ROUTING", member("routing"), wide=True),
        Column("ENDED-BY", member("endedBy"), wide=True),
        Column("COST", _cost, wide=True),
        Column("LOST", member("lostFrames"), wide=True),
        Column("CONVERSATION", member("conversationId"), wide=True),
        Column("MESSAGE", member("message")),
    ),
    name=member("id"),
    empty="No call is remembered that fits. Calls appear here as soon as one begins.",
)


def list_calls(
    server: Server,
    project: str | None,
    where: Query,
    *,
    limit: int,
    style: Format,
    headers: bool,
) -> ExitCode:
    """Print the newest calls that fit."""
    found: list[JsonObject] = []
    for page in server.pages(f"{project_path(server, project)}/calls", where):
        found += page
        if len(found) >= limit:
            break
    print_listing(CALLS, found[:limit], style, headers=headers)
    return ExitCode.DONE


def show(server: Server, project: str | None, call: str, *, style: DocumentFormat) -> ExitCode:
    """Print everything that is remembered of a call, with what was said."""
    path = f"{project_path(server, project)}/calls/{call}"
    record = server.get(path)
    try:
        turns = objects(server.get(f"{path}/transcript").get("turns"))
    except NotFound:
        turns = []
    slots = objects(server.get(f"{path}/context").get("slots"))
    if style is not DocumentFormat.TEXT:
        document: JsonObject = {**record, "slots": [*slots], "transcript": [*turns]}
        printing.print_document(document, style)
        return ExitCode.DONE
    printing.print_fields([*_fields(record), ("Context", "\n".join(_context(record, slots)))])
    if turns:
        printing.print_text("Transcript:")
        _print_turns(turns, indent=2)
    return ExitCode.DONE


def transcript(
    server: Server, project: str | None, call: str, *, style: DocumentFormat
) -> ExitCode:
    """Print what was said in a call."""
    found = server.get(f"{project_path(server, project)}/calls/{call}/transcript")
    if style is not DocumentFormat.TEXT:
        printing.print_document(found, style)
        return ExitCode.DONE
    _print_turns(objects(found.get("turns")))
    if found.get("complete") is False:
        complain("there is more than is shown; `trunkline calls export` has it all")
    return ExitCode.DONE


def export(
    server: Server,
    project: str | None,
    where: Query,
    *,
    transcripts: bool,
    file: Path | None,
) -> ExitCode:
    """Write calls line by line to a file, or to stdout; an export that was cut short is no
    success.
    """
    asked: Query = {**where, "transcripts": str(transcripts).lower()}
    path = f"{project_path(server, project)}/calls/export"
    lines = server.lines(path, asked, read_timeout_s=EXPORT_READ_TIMEOUT_S)
    if file is None:
        count = _write(lines, sys.stdout)
        sys.stdout.flush()
    else:
        with file.open("w", encoding="utf-8") as opened:
            count = _write(lines, opened)
    sys.stderr.write(f"{count} calls exported\n")
    return ExitCode.DONE


def _write(lines: Iterator[str], out: TextIO) -> int:
    """How many calls were written. Raises ServerUnreachable if the last line is missing."""
    count = 0
    for line in lines:
        document = json.loads(line)
        if document.get("end") is True:
            return count
        out.write(f"{line}\n")
        count += 1
    raise ServerUnreachable(
        f"The export was cut short after {count} calls", hint="Run it again, for a shorter time"
    )


def _fields(record: JsonObject) -> Iterator[tuple[str, str]]:
    route, cost = object_at(record, "route"), record.get("cost")
    yield "Call", text(record, "id")
    yield "Agent", " ".join(filter(None, (text(record, "agent"), _version(record))))
    yield "Environment", text(record, "environment")
    yield "Revision", text(record, "revision")
    yield "Digest", text(record, "digest")
    yield "Way", f"{text(record, 'direction')}, {text(record, 'routing')}"
    yield "From", text(record, "fromNumber")
    number = f" ({text(record, 'number')})" if record.get("number") else ""
    yield "To", f"{text(record, 'toNumber')}{number}"
    yield "Route", text(route, "words")
    yield "State", text(record, "state")
    yield "Started", f"{text(record, 'startedAt')} ({age(text(record, 'startedAt'))} ago)"
    yield "Answered", text(record, "answeredAt")
    yield "Ended", text(record, "endedAt")
    yield "Duration", _seconds(record)
    yield "Ended by", text(record, "endedBy")
    yield "Outcome", text(record, "outcome")
    yield "Message", text(record, "message")
    yield "Transferred to", text(record, "transferredTo")
    yield "Summary", text(record, "summary")
    yield "Interruptions", text(record, "interruptions")
    yield "Lost frames", text(record, "lostFrames")
    yield "Cost", _cost(record)
    if isinstance(cost, dict):
        yield "Rates", text(cost, "source")
    yield "Conversation", text(record, "conversationId")
    yield "Carrier's id", text(record, "carrierCallId")
    yield "Recorded", "yes" if record.get("recorded") is True else "no"


def _context(record: JsonObject, slots: list[JsonObject]) -> Iterator[str]:
    """A line for each slot as it is now, with how it began where that was otherwise."""
    began, held = object_at(record, "context"), {text(slot, "slot"): slot for slot in slots}
    for name in sorted({*began, *held}):
        slot = held.get(name, {"value": began.get(name)})
        value = text(slot, "value") if slot["value"] is not None else "(removed)"
        first = f", at first {text(began, name)}" if name in began else ", added later"
        changed = first if began.get(name) != slot["value"] else ""
        ends = text(slot, "expiresAt")
        until = f", until {_second(ends)}" if ends else ""
        yield one_line(f"{name}={value}{until}{changed}")


def _second(moment: str) -> str:
    """An ISO 8601 time as people read it."""
    return shown(datetime.fromisoformat(moment).astimezone(UTC))


def _print_turns(turns: list[JsonObject], *, indent: int = 0) -> None:
    for turn in turns:
        words = text(turn, "text")
        mark = " [interrupted]" if turn.get("interrupted") is True else ""
        failed = " failed" if turn.get("isError") is True else ""
        line = f"{_clock(turn)} {text(turn, 'speaker')}: {words}{failed}{mark}"
        printing.print_text(f"{'':{indent}}{one_line(line)}")


def _clock(turn: JsonObject) -> str:
    at_ms = turn.get("atMs")
    if not isinstance(at_ms, int):
        return "[--:--]"
    minutes, seconds = divmod(at_ms // _MS, _MINUTE_S)
    return f"[{minutes:02d}:{seconds:02d}]"
