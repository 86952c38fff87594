"""``trunkline import``: an account's agents as files of a manifests repository.

The server reads the account, since the keys are there; the files are written here. What is there
already is never overwritten unaware: first everything is looked at, then all of it is written, or
nothing.
"""

import os
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from trunkline.cli import printing
from trunkline.cli.exits import ExitCode, complain
from trunkline.cli.following import follow, outcome
from trunkline.cli.harmless import one_line
from trunkline.cli.printing import DocumentFormat
from trunkline.cli.server import Server, objects, project_path, text
from trunkline.manifests.schemas import COMBINED_SCHEMA, SCHEMA_FOLDER
from trunkline.manifests.writing import manifest_text
from trunkline.model.base import Json, JsonObject
from trunkline.model.errors import InvalidInput
from trunkline.model.imports import ImportedManifest
from trunkline.model.limits import IMPORT_PAGE_MAX

NOTES_SHOWN = 20
"""Notes of one kind printed as text; ``-o json`` has them all."""


def import_account(
    server: Server,
    project: str | None,
    *,
    environment: str,
    agents: list[str],
    output: Path,
    force: bool,
    timeout: timedelta,
    style: DocumentFormat,
) -> ExitCode:
    """Import, write the files, print the report. Raises InvalidInput if files are in the way."""
    path = project_path(server, project)
    order: JsonObject = {"environment": environment, "agents": [*agents]}
    operation = server.post(f"{path}/imports", order)
    ended = follow(server, path, operation, timeout=timeout, title=f"Importing {environment}")
    if text(ended, "state") != "Succeeded":
        complain(text(ended, "message") or f"the import ended as {text(ended, 'state')}")
        return outcome(ended)
    place = f"{path}/imports/{text(operation, 'id')}"
    report = server.get(place)
    files: dict[str, str] = {}
    written: list[JsonObject] = []
    has_schema = (output / SCHEMA_FOLDER / COMBINED_SCHEMA).is_file()
    for page in server.pages(f"{place}/manifests", {"limit": IMPORT_PAGE_MAX}):
        for item in page:
            manifest = ImportedManifest.model_validate(item)
            made = files_of(manifest, has_schema=has_schema)
            files.update(made)
            written.append(
                {
                    "kind": manifest.kind,
                    "name": manifest.name,
                    "externalId": manifest.external_id,
                    "files": [*sorted(made)],
                }
            )
    _write(output, files, force=force)
    if style is DocumentFormat.TEXT:
        _print(report, output, sorted(files), takes_over=_takes_over(server, path, environment))
    else:
        imported: list[Json] = [*written]
        printing.print_document({**report, "imported": imported}, style)
    return ExitCode.DONE


def files_of(manifest: ImportedManifest, *, has_schema: bool) -> dict[str, str]:
    """Path to text of a manifest and of the files beside it."""
    folder, _, _ = manifest.path.rpartition("/")
    up = "../" * manifest.path.count("/")
    schema = f"{up}{SCHEMA_FOLDER}/{COMBINED_SCHEMA}" if has_schema else ""
    made = {
        manifest.path: manifest_text(manifest.document, comments=manifest.comments, schema=schema)
    }
    made.update({f"{folder}/{name}": content for name, content in manifest.files.items()})
    return made


def _write(output: Path, files: Mapping[str, str], *, force: bool) -> None:
    """All files or none: first look, then write."""
    for name in files:
        _require_inside(output, name)
    changed = {name: content for name, content in files.items() if _differs(output / name, content)}
    there = sorted(name for name in changed if os.path.lexists(output / name))
    if there and not force:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise InvalidInput(
            f"{output / there[0]}{more} exists and differs; nothing was written",
            hint="Choose another folder with --into, or overwrite with --force: "
            + ", ".join(there[:NOTES_SHOWN]),
        )
    for name, content in changed.items():
        target = output / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.is_symlink():
                target.unlink()
            target.write_bytes(content.encode())
        except OSError as error:
            raise InvalidInput(
                f"{target} cannot be written: {error.strerror}",
                hint="Name a folder you may write to: --into DIR",
            ) from error
    for name in there:
        sys.stderr.write(f"overwritten: {output / name}\n")


def _require_inside(output: Path, name: str) -> None:
    """Raises InvalidInput for a path no import writes: names come from a server."""
    parts = name.split("/")
    if name.startswith("/") or any(part in ("", ".", "..") for part in parts) or "\\" in name:
        raise InvalidInput(f"the server names a file outside of {output}: {name!r}")


def _differs(target: Path, content: str) -> bool:
    try:
        return target.is_symlink() or target.read_bytes() != content.encode()
    except OSError:
        return True


def _takes_over(server: Server, path: str, environment: str) -> str:
    """What makes imported agents ours, once they are in Git."""
    for each in objects(server.get(path).get("environments")):
        if text(each, "name") == environment and text(each, "source") == "releases":
            return f"trunkline promote AGENT --environment {environment}, for each of them"
    return f"trunkline adopt --environment {environment}"


def _print(report: JsonObject, output: Path, files: list[str], *, takes_over: str) -> None:
    for name in files:
        printing.print_text(str(output / name))
    _print_notes("Skipped", report.get("skipped"))
    _print_notes("Not in Git, and left as it is", report.get("leftOut"))
    _print_notes("Look at", report.get("warnings"))
    given = report.get("secrets")
    secrets = [str(name) for name in given] if isinstance(given, list) else []
    if secrets:
        sys.stderr.write("Set on the server, before these agents are taken over:\n")
        for name in secrets:
            sys.stderr.write(f"  {name}\n")
    nouns = ("agents", "tools", "documents", "numbers")
    counted = [(report.get(noun, 0), noun) for noun in nouns]
    counts = [
        f"{count} {noun.removesuffix('s') if count == 1 else noun}" for count, noun in counted
    ]
    sys.stderr.write(f"Imported {', '.join(counts)}.\n")
    if files:
        sys.stderr.write(f"Next: trunkline validate {output}; commit and push; {takes_over}\n")


def _print_notes(title: str, notes: Json) -> None:
    listed = objects(notes)
    if not listed:
        return
    sys.stderr.write(f"{title}:\n")
    for note in listed[:NOTES_SHOWN]:
        what = " ".join(filter(None, (text(note, "kind"), text(note, "name"))))
        where = f" {text(note, 'path')}" if text(note, "path") else ""
        sys.stderr.write(f"  {one_line(f'{what}{where}: ' + text(note, 'message'))}\n")
    if len(listed) > NOTES_SHOWN:
        sys.stderr.write(f"  and {len(listed) - NOTES_SHOWN} more; -o json has them all\n")
