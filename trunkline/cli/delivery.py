"""``trunkline dora``: how well changes reach an environment, in DORA's four measures."""

from trunkline.cli import printing
from trunkline.cli.ages import human_duration
from trunkline.cli.exits import ExitCode
from trunkline.cli.printing import DocumentFormat
from trunkline.cli.server import Query, Server, project_path, text
from trunkline.model.base import JsonObject

NOT_MEASURED = "not measured yet"


def show_delivery(
    server: Server,
    project: str | None,
    *,
    environment: str | None,
    days: int,
    style: DocumentFormat,
) -> ExitCode:
    """Print the measures; JSON and YAML are what the API answers."""
    place: Query = {"environment": environment} if environment is not None else {}
    query: Query = {**place, "days": str(days)}
    found = server.get(f"{project_path(server, project)}/dora", query)
    if style is not DocumentFormat.TEXT:
        printing.print_document(found, style)
        return ExitCode.DONE
    printing.print_fields(_fields(found))
    return ExitCode.DONE


def _fields(found: JsonObject) -> list[tuple[str, str]]:
    deployments, failed = text(found, "deployments"), text(found, "failed")
    return [
        ("Project", text(found, "project")),
        ("Environment", text(found, "environment")),
        ("Over", f"{text(found, 'days')} days until now"),
        ("Deployments", f"{deployments}, {_number(found, 'deploymentsPerDay'):.2g} a day"),
        ("Lead time", _span(found, "leadTimeS", f"median of {text(found, 'measured')}")),
        ("Failures", _share(found, f"{failed} of {deployments}")),
        ("Time to restore", _span(found, "restoreTimeS", f"median of {text(found, 'restored')}")),
    ]


def _number(found: JsonObject, name: str) -> float:
    value = found.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


def _span(found: JsonObject, name: str, of: str) -> str:
    if found.get(name) is None:
        return NOT_MEASURED
    return f"{human_duration(_number(found, name))} ({of})"


def _share(found: JsonObject, of: str) -> str:
    if found.get("changeFailureRate") is None:
        return NOT_MEASURED
    return f"{_number(found, 'changeFailureRate'):.1%} ({of})"
