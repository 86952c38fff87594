"""``trunkline doctor``: everything this command and its server stand on, and what to do about it.

The server looks at its own dependencies, because the credentials are there; this side looks at the
way to the server. A server that cannot answer for its store still says so by its probe.
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

from trunkline.adapters.machine import LocalMachine
from trunkline.cli import printing
from trunkline.cli.exits import ExitCode
from trunkline.cli.listing import Column, Listing, member, print_listing
from trunkline.cli.printing import Format
from trunkline.cli.progress import while_waiting
from trunkline.cli.server import (
    TOKEN_VARIABLE,
    URL_VARIABLE,
    Server,
    held_token,
    objects,
    server_url,
    text,
)
from trunkline.local.places import default_home
from trunkline.model import errors
from trunkline.model.base import JsonObject
from trunkline.model.findings import Finding
from trunkline.services.diagnoses import LOOPBACK, clock_finding, error_finding, machine_findings
from trunkline.settings import load_settings

DOCTOR = Listing(
    kind="DoctorReport",
    columns=(
        Column("CHECK", member("name")),
        Column("STATE", member("state")),
        Column("FOUND", member("found")),
        Column("WHAT-TO-DO", member("advice"), wide=True),
    ),
    name=member("name"),
    empty="Nothing was looked at.",
)
SERVER_CHECK = "local.server"


def doctor(*, local: bool, server: bool, style: Format, headers: bool) -> ExitCode:
    """Print every finding. Ends with 1 if something failed, 3 if the server could not be asked."""
    with Server(server_url(), held_token()) as connected:
        found = _local_findings(connected) if local else []
        asked, is_known = _server_findings(connected) if server else ([], True)
    found += asked
    rows: list[JsonObject] = [finding.model_dump(mode="json") for finding in found]
    print_listing(DOCTOR, rows, style, headers=headers)
    if style is Format.TABLE:
        _print_advice(found)
    if not is_known or any(f.name == SERVER_CHECK and f.state == "failed" for f in found):
        return ExitCode.UNKNOWN
    failed = any(finding.state == "failed" for finding in found)
    return ExitCode.FAILED if failed else ExitCode.DONE


def _local_findings(server: Server) -> list[Finding]:
    found = machine_findings(LocalMachine(_home()).look(), "local")
    found.append(_address_finding(server.url))
    asked_at = datetime.now(UTC)
    try:
        answer = while_waiting("Looking at the server", lambda: server.probe("/healthz"))
    except errors.ServerUnreachable as error:
        return [*found, error_finding(SERVER_CHECK, error)]
    found.append(Finding(name=SERVER_CHECK, state="ok", found=f"it answers ({answer.status_code})"))
    moment = _moment(answer.headers.get("date", ""))
    if moment is not None:
        now = datetime.now(UTC)
        found.append(clock_finding("local.clock", moment, now, asked_at=asked_at))
    return [*found, _token_finding(server)]


def _server_findings(server: Server) -> tuple[list[Finding], bool]:
    """What the server found, and whether it could be asked at all."""
    try:
        answer = while_waiting("The server looks around", lambda: server.get("/v1/doctor"))
    except errors.Forbidden as error:
        skipped = Finding(name="server", state="skipped", found=error.message, advice=error.hint)
        return [skipped], True
    except (errors.StoreUnavailable, errors.EngineUnavailable) as error:
        return _probed(server) or [error_finding("server", error)], True
    except errors.TrunklineError as error:
        return [error_finding("server", error)], False
    return [Finding.model_validate(_known(f)) for f in objects(answer.get("findings"))], True


def _probed(server: Server) -> list[Finding]:
    """What the probe says, which needs neither token nor store."""
    content = server.probe("/readyz").json()
    return [
        Finding(
            name="postgresql.reachable"
            if text(check, "name") == "store"
            else f"{text(check, 'name')}.reachable",
            state="ok" if check.get("ready") is True else "failed",
            found=text(check, "message") or "it answers",
        )
        for check in objects(content.get("checks"))
    ]


def _known(finding: JsonObject) -> JsonObject:
    """The members this release knows; a newer server may say more."""
    return {key: value for key, value in finding.items() if key in Finding.model_fields}


def _address_finding(url: str) -> Finding:
    name = "local.url"
    parts = urlsplit(url)
    if parts.scheme == "https" or parts.hostname in LOOPBACK:
        return Finding(name=name, state="ok", found=url)
    return Finding(
        name=name,
        state="warning",
        found=f"{url} is not encrypted: the token travels in the clear",
        advice=f"Serve it by https and set {URL_VARIABLE}.",
    )


def _token_finding(server: Server) -> Finding:
    name = "local.token"
    if not held_token():
        return Finding(
            name=name,
            state="failed",
            found=f"{TOKEN_VARIABLE} is not set",
            advice="Ask an admin: trunkline tokens create PERSON --role operator",
        )
    try:
        projects = objects(server.get("/v1/projects").get("items"))
    except errors.TrunklineError as error:
        return error_finding(name, error)
    names = ", ".join(text(project, "name") for project in projects)
    return Finding(name=name, state="ok", found=f"valid; it reaches: {names or 'no project yet'}")


def _print_advice(found: list[Finding]) -> None:
    advised = [finding for finding in found if finding.advice and finding.state != "ok"]
    if advised:
        printing.print_text("")
    for finding in advised:
        printing.print_text(f"{finding.name}: {finding.advice}")


def _moment(header: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _home() -> Path:
    try:
        return load_settings().home or default_home()
    except errors.InvalidSettings:
        return default_home()
