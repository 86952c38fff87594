"""``trunkline experiment``: two released versions side by side, on the command line."""

from collections.abc import Sequence
from datetime import timedelta

from trunkline.cli import printing
from trunkline.cli.exits import ExitCode, complain
from trunkline.cli.patience import Patience
from trunkline.cli.printing import DocumentFormat
from trunkline.cli.progress import Progress
from trunkline.cli.server import Server, objects, project_path, text
from trunkline.model.base import JsonObject

POLL_S = 1.0
"""Tests of two versions take as long as their conversations."""
NO_CALLS = "-"
"""Shown while nobody counts calls."""


def start(
    server: Server,
    project: str | None,
    agent: str,
    *,
    environment: str | None,
    against: int,
    percent: int,
    style: DocumentFormat,
) -> ExitCode:
    """Commit a release with the experiment and print what it says now."""
    order: JsonObject = {"against": against, "percent": percent}
    if environment:
        order["environment"] = environment
    found = server.post(_path(server, project, agent), order)
    if style is not DocumentFormat.TEXT:
        printing.print_document(found, style)
        return ExitCode.DONE
    where = text(found, "environment")
    printing.print_text(
        f"{agent} in {where}: v{against} is to answer {percent} % of the calls; committed as a"
        f" release. `trunkline experiment show {agent} -e {where}` says how far it is."
    )
    return ExitCode.DONE


def stop(
    server: Server,
    project: str | None,
    agent: str,
    *,
    environment: str | None,
    style: DocumentFormat,
) -> ExitCode:
    """Commit a release without the experiment."""
    found = server.delete(_path(server, project, agent), _params(environment))
    if style is not DocumentFormat.TEXT:
        printing.print_document(found, style)
        return ExitCode.DONE
    printing.print_text(f"{agent} in {text(found, 'environment')}: the experiment ends")
    return ExitCode.DONE


def show(
    server: Server,
    project: str | None,
    agent: str,
    *,
    environment: str | None,
    style: DocumentFormat,
) -> ExitCode:
    """Print what runs side by side, and the newest results."""
    _print(server.get(_path(server, project, agent), _params(environment)), style)
    return ExitCode.DONE


def test(
    server: Server,
    project: str | None,
    agent: str,
    *,
    environment: str | None,
    tags: Sequence[str],
    repeat: int | None,
    timeout: timedelta,
    style: DocumentFormat,
) -> ExitCode:
    """Run the same tests of both, wait, and print them side by side."""
    path = _path(server, project, agent)
    order: JsonObject = {"tags": [*tags], **_params(environment)}
    if repeat is not None:
        order["repeat"] = repeat
    server.post(f"{path}/test-runs", order)
    patience = Patience(timeout, POLL_S)
    with Progress(f"testing both versions of {agent}") as progress:
        found = server.get(path, _params(environment))
        while found.get("testing"):
            progress.show()
            if not patience.lasts():
                complain("not ended within --timeout; it goes on without us")
                return ExitCode.TIMEOUT
            found = server.get(path, _params(environment))
    _print(found, style)
    return ExitCode.DONE if found.get("results") else ExitCode.UNKNOWN


test.__test__ = False  # type: ignore[attr-defined]


def _path(server: Server, project: str | None, agent: str) -> str:
    return f"{project_path(server, project)}/agents/{agent}/experiment"


def _params(environment: str | None) -> dict[str, str]:
    return {"environment": environment} if environment else {}


def _print(found: JsonObject, style: DocumentFormat) -> None:
    if style is not DocumentFormat.TEXT:
        printing.print_document(found, style)
        return
    share, results = found.get("experiment"), found.get("results")
    first = f"v{found.get('baseVersion')}"
    fields = [
        ("Agent", f"{text(found, 'agent')} v{found.get('version')}"),
        ("Environment", text(found, "environment")),
    ]
    if not isinstance(share, dict):
        printing.print_fields([*fields, ("Experiment", f"none: {first} answers every call")])
        return
    second, percent = f"v{share['version']}", share["percent"]
    fields.append(("Experiment", f"{second} answers {percent} % of the calls, {first} the others"))
    if text(found, "pending"):
        fields.append(("Not applied", text(found, "pending")))
    if isinstance(results, dict):
        fields.append(("Together", f"{second} is {_words(results)}"))
    printing.print_fields(fields)
    if not isinstance(results, dict):
        printing.print_text("No tests of both yet: `trunkline experiment test` runs them.")
        return
    titles = ["TEST"]
    for version in (first, second):
        titles += [f"{version} PASSED", f"{version} 95 %", f"{version} P95", f"{version} COST"]
    titles += ["DIFFERENCE", "WORD", "CALLS"]
    rows = [_row(text(each, "name"), each) for each in objects(results.get("tests"))]
    printing.print_table(titles, [*rows, _row("(all)", results)])


def _words(results: JsonObject) -> str:
    word = text(results, "word")
    known = {"same": "no different, as far as tests show", "undecided": "not compared yet"}
    return known.get(word, f"{word}, by tests")


def _row(name: str, compared: JsonObject) -> tuple[str, ...]:
    interval, difference = compared.get("interval"), compared.get("difference")
    said = ""
    if isinstance(difference, int | float) and isinstance(interval, dict):
        said = f"{difference:+.0%} ({interval['low']:+.0%} to {interval['high']:+.0%})"
    only = compared.get("only")
    word = f"only in v{only}" if only else text(compared, "word")
    return (
        name,
        *_side(compared.get("first")),
        *_side(compared.get("second")),
        said,
        word,
        NO_CALLS,
    )


def _side(side: object) -> tuple[str, str, str, str]:
    if not isinstance(side, dict):
        return "", "", "", ""
    interval, p95 = side.get("interval"), side.get("replyP95Ms")
    within = f"{interval['low']:.0%}-{interval['high']:.0%}" if isinstance(interval, dict) else ""
    return (
        f"{side.get('passed')}/{side.get('runs')}",
        within,
        f"{p95} ms" if p95 is not None else "",
        f"{side.get('costUsd', 0):.4f} USD",
    )
