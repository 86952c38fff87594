"""``calls watch``: what is said in calls, as it is said, on the terminal or as lines of JSON."""

import sys
import time
from collections.abc import Callable, Mapping
from datetime import datetime

from trunkline.cli import printing
from trunkline.cli.call_streams import messages, opened
from trunkline.cli.exits import ExitCode
from trunkline.cli.harmless import one_line
from trunkline.cli.printing import DocumentFormat
from trunkline.cli.server import Server, object_at, project_path, text
from trunkline.model import errors
from trunkline.model.base import JsonObject

RECONNECT_S = 1.0
RECONNECTS_MAX = 30
"""A server that is replaced is back within half a minute."""
SILENT = frozenset({"stream_begun", "heartbeat"})
LAST = "connection_closed"


def watch(
    server: Server,
    project: str | None,
    call: str | None,
    *,
    agent: str | None,
    environment: str | None,
    style: DocumentFormat,
) -> ExitCode:
    """Print what happens, of one call from its beginning to its end, else until interrupted."""
    path = f"{project_path(server, project)}/events"
    given = {"call": call, "agent": agent, "environment": environment}
    query = {name: value for name, value in given.items() if value is not None}
    failures = 0
    while True:
        try:
            with opened(server, path, query) as socket:
                for message in messages(socket):
                    failures = 0
                    if isinstance(message, bytes):
                        continue
                    query["after"] = text(message, "id") or query.get("after", "0")
                    _show(message, style, alone=call is not None)
                    if call is not None and text(message, "type") == LAST:
                        return ExitCode.DONE
        except errors.ServerUnreachable as error:
            failures += 1
            if failures > RECONNECTS_MAX or "after" not in query:
                raise
            sys.stderr.write(f"{one_line(error.message)}; trying again\n")
            time.sleep(RECONNECT_S)
        else:
            return ExitCode.DONE


def _show(message: JsonObject, style: DocumentFormat, *, alone: bool) -> None:
    kind = text(message, "type")
    if kind in SILENT:
        return
    if style is not DocumentFormat.TEXT:
        printing.print_line(message, style)
        return
    words = _WORDS.get(kind)
    said = words(message) if words is not None else ""
    if said:
        subject = "" if alone or kind == "project_event" else f"{text(message, 'call')} "
        printing.print_text(f"{_time(message)} {subject}{one_line(said)}")


def _time(message: JsonObject) -> str:
    try:
        at = datetime.fromisoformat(text(message, "at"))
    except ValueError:
        return "--:--:--"
    return at.astimezone().strftime("%H:%M:%S")


def _data(message: JsonObject, key: str) -> str:
    return text(object_at(message, "data"), key)


def _begun(message: JsonObject) -> str:
    version = _data(message, "version")
    return f"-- begun with {text(message, 'agent')}{f' v{version}' if version else ''}"


def _interrupted(message: JsonObject) -> str:
    heard = object_at(message, "data").get("heardMs")
    after = f" after {heard / 1000:.1f} s" if isinstance(heard, int | float) else ""
    return f"-- the caller interrupts{after}"


def _tool(message: JsonObject) -> str:
    if _data(message, "phase") == "begun":
        return ""
    failed = " failed" if object_at(message, "data").get("isError") is True else ""
    return f"tool: {_data(message, 'tool')}{failed}"


def _event(message: JsonObject) -> str:
    place = "/".join(filter(None, (text(message, "environment"), text(message, "name"))))
    return f"{place} {text(message, 'reason')}: {text(message, 'message')}".lstrip()


_WORDS: Mapping[str, Callable[[JsonObject], str]] = {
    "conversation_started": _begun,
    "user_transcript": lambda message: f"caller: {_data(message, 'text')}",
    "agent_response": lambda message: f"agent: {_data(message, 'text')}",
    "agent_response_correction": lambda message: f"agent, as heard: {_data(message, 'corrected')}",
    "interruption": _interrupted,
    "tool_call": _tool,
    "error": lambda message: f"error: {_data(message, 'message') or _data(message, 'reason')}",
    "connection_closed": lambda message: f"-- ended by {_data(message, 'by') or 'nobody knows'}",
    "project_event": _event,
}
