"""``trunkline drift``: what somebody changed outside of Git, who, when, and what happens to it."""

import json
import sys
from collections.abc import Sequence
from datetime import timedelta

from trunkline.cli import printing
from trunkline.cli.exits import ExitCode
from trunkline.cli.listing import Column, Listing, member, print_listing
from trunkline.cli.plans import make_plan
from trunkline.cli.printing import DriftFormat, Format
from trunkline.cli.server import Server, text
from trunkline.model.base import Json, JsonObject
from trunkline.model.looks import MARK_UNKNOWN
from trunkline.model.plans import Plan

VALUE_SHOWN = 40
"""Characters of a value in a table; JSON has the whole of it."""


def _value(key: str, row: JsonObject) -> str:
    value: Json = row.get(key)
    said = json.dumps(value, ensure_ascii=False)
    return said if len(said) <= VALUE_SHOWN else f"{said[: VALUE_SHOWN - 1]}…"


DRIFT = Listing(
    kind="DriftList",
    columns=(
        Column("NAME", member("name")),
        Column("PATH", member("path")),
        Column("WISHED", lambda row: _value("wished", row)),
        Column("LIVE", lambda row: _value("live", row)),
        Column("BY", member("by")),
        Column("AT", member("at")),
        Column("POLICY", member("policy")),
        Column("KIND", member("subject"), wide=True),
        Column("VERSION-ID", member("versionId"), wide=True),
        Column("NEXT", member("next")),
    ),
    name=lambda row: f"{text(row, 'subject')}/{text(row, 'name')}/{text(row, 'path')}",
    empty="No drift: everything is as it was left.",
)


def show_drift(
    server: Server,
    project: str | None,
    *,
    names: Sequence[str],
    environment: str | None,
    style: DriftFormat,
    headers: bool,
    timeout: timedelta,
    exit_code: bool,
) -> ExitCode:
    """Look now and print what drifted; with ``exit_code`` drift that is not ignored ends with 2."""
    found = make_plan(server, project, environment=environment, names=names, timeout=timeout)
    if isinstance(found, ExitCode):
        return found
    if style is DriftFormat.PATCH:
        _print_patch(found)
    else:
        rows = [field.model_dump(mode="json", by_alias=True) for field in found.drift]
        print_listing(DRIFT, rows, Format(style.value), headers=headers)
        _tell_orphans(found)
    changed = any(field.policy != "ignore" for field in found.drift)
    return ExitCode.CHANGES if exit_code and changed else ExitCode.DONE


def _print_patch(found: Plan) -> None:
    if found.patch:
        printing.print_text(found.patch)
    else:
        sys.stderr.write("No change of the manifests is prepared.\n")
    for note in found.notes:
        if "not in the prepared change" in note:
            sys.stderr.write(f"{note}\n")


def _tell_orphans(found: Plan) -> None:
    for kept in found.kept:
        if kept.reason == MARK_UNKNOWN:
            sys.stderr.write(f"{kept.subject} {kept.name} ({kept.external_id}) {kept.reason}\n")
