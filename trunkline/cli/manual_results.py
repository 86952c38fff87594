"""Manual results on the command line: writing down a call, and listing what was written down."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from trunkline.cli import printing
from trunkline.cli.exits import ExitCode, WrongUsage
from trunkline.cli.listing import Column, Listing, member, print_listing, since
from trunkline.cli.printing import DocumentFormat, Format
from trunkline.cli.server import Server, project_path, text
from trunkline.model.base import Json, JsonObject
from trunkline.model.manual_results import Checklist
from trunkline.model.testing.limits import MANUAL_TRANSCRIPT_MAX_CHARACTERS


def _checked(row: JsonObject) -> str:
    """``5/6``: items that were fine of those that were looked at."""
    items = row.get("checklist")
    looked_at = (
        [value for value in items.values() if value is not None] if isinstance(items, dict) else []
    )
    return f"{sum(value is True for value in looked_at)}/{len(looked_at)}" if looked_at else ""


def _seconds(row: JsonObject) -> str:
    value = row.get("duration")
    return f"{value:g} s" if isinstance(value, int | float) else ""


MANUAL_RESULTS = Listing(
    kind="ManualResultList",
    columns=(
        Column("AGENT", member("agent")),
        Column("ENV", member("environment")),
        Column("STAGE", member("stage")),
        Column("VERSION", member("version")),
        Column("STATUS", member("status")),
        Column("RATING", member("rating")),
        Column("CHECKS", _checked),
        Column("DURATION", _seconds),
        Column("BY", member("testedBy")),
        Column("AGE", since("testedAt")),
        Column("ID", member("id"), wide=True),
        Column("NOTES", member("notes")),
    ),
    name=member("id"),
    empty="Nobody has written a manual test down. `trunkline test record` does.",
)


def record(
    server: Server,
    project: str | None,
    agent: str,
    *,
    environment: str | None,
    status: str,
    rating: int,
    duration: timedelta,
    notes: str,
    transcript: Path | None,
    good: Sequence[str],
    bad: Sequence[str],
    style: DocumentFormat,
) -> ExitCode:
    """Write a call down. Raises WrongUsage for a checklist or transcript that cannot be meant."""
    order: JsonObject = {
        "status": status,
        "rating": rating,
        "duration": duration.total_seconds(),
        "notes": notes,
        "checklist": _checklist(good, bad),
    }
    if environment is not None:
        order["environment"] = environment
    if transcript is not None:
        order["transcript"] = _read(transcript)
    path = project_path(server, project)
    result = server.post(f"{path}/agents/{agent}/test-results", order)
    if style is DocumentFormat.TEXT:
        place = f"{text(result, 'agent')} in {text(result, 'environment')}"
        version = f"version {text(result, 'version')}"
        printing.print_text(f"{place}, {version}: {text(result, 'status')} is written down")
    else:
        printing.print_document(result, style)
    return ExitCode.DONE


def list_results(
    server: Server, project: str | None, agent: str, *, limit: int, style: Format, headers: bool
) -> ExitCode:
    """The newest results of an agent."""
    path = project_path(server, project)
    rows: list[JsonObject] = []
    for page in server.pages(f"{path}/agents/{agent}/test-results"):
        rows += page
        if len(rows) >= limit:
            break
    print_listing(MANUAL_RESULTS, rows[:limit], style, headers=headers)
    return ExitCode.DONE


def _checklist(good: Sequence[str], bad: Sequence[str]) -> JsonObject:
    items = tuple(Checklist.model_fields)
    for item in (*good, *bad):
        if item not in items:
            raise WrongUsage(
                f"{item!r} is no item of the checklist", hint=f"Its items are: {', '.join(items)}"
            )
    if both := sorted(set(good) & set(bad)):
        raise WrongUsage(f"{both[0]!r} cannot be good and bad")
    verdicts: dict[str, Json] = dict.fromkeys(good, True)
    return verdicts | dict.fromkeys(bad, False)


def _read(path: Path) -> str:
    try:
        words = path.read_text("utf-8")
    except OSError as error:
        raise WrongUsage(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise WrongUsage(f"{path} is no text in UTF-8") from error
    if len(words) > MANUAL_TRANSCRIPT_MAX_CHARACTERS:
        raise WrongUsage(
            f"{path} has {len(words)} characters; {MANUAL_TRANSCRIPT_MAX_CHARACTERS} are kept"
        )
    return words
