"""``suspend``, ``resume``, ``disable``, ``enable``, ``wait`` and ``why``, against a server."""

from datetime import UTC, datetime, timedelta

from trunkline.cli import printing
from trunkline.cli.exits import ExitCode, WrongUsage, complain
from trunkline.cli.patience import Patience
from trunkline.cli.printing import DocumentFormat
from trunkline.cli.progress import Progress
from trunkline.cli.server import Query, Server, connect, objects, project_path, text
from trunkline.model import errors
from trunkline.model.base import JsonObject
from trunkline.model.durations import format_duration
from trunkline.model.released import AWAITING_RELEASE, WAITING_FOR_RELEASE
from trunkline.model.why import Explanation, why_text

WAIT_POLL_S = 1.0
"""Status rows change by the second at most; nobody notices less."""
NAMES_TOLD = 10
"""Of those that wait for a first release; a new production may have hundreds."""


def decide(
    project: str | None,
    verb: str,
    *,
    name: str | None,
    environment: str | None,
    reason: str,
    until: datetime | None = None,
    prune: bool = False,
    rules: bool = False,
    style: DocumentFormat = DocumentFormat.TEXT,
) -> ExitCode:
    """Say one of the verbs, about a name, an environment or the project; ``prune`` means its
    deletions alone, ``rules`` its weaker rules of promotion.
    """
    order: JsonObject = {"reason": reason}
    order.update({key: True for key, said in (("prune", prune), ("rules", rules)) if said})
    if environment is not None:
        order["environment"] = environment
    if until is not None:
        order["until"] = until.isoformat()
    with connect() as server:
        path = project_path(server, project)
        address = f"{path}/agents/{name}/{verb}" if name else f"{path}/{verb}"
        decided = server.post(address, order)
    if style is not DocumentFormat.TEXT:
        printing.print_document(decided, style)
        return ExitCode.DONE
    what = text(decided, "name") or text(decided, "environment") or text(decided, "project")
    where = f" in {text(decided, 'environment')}" if text(decided, "name") else ""
    ends = "" if decided.get("lifted") else _readable(text(decided, "expiresAt"))
    done = f"{verb.removesuffix('e')}ed"
    printing.print_text(f"{what}{where}: {done}{f' until {ends}' if ends else ''}")
    return ExitCode.DONE


def _readable(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(UTC):%Y-%m-%d %H:%M} UTC" if moment else ""


def moment(lasting: timedelta | None, until: str | None) -> datetime | None:
    """When a suspension ends, from ``--for`` or ``--until``. Raises WrongUsage."""
    if lasting is not None and until is not None:
        raise WrongUsage("Say --for or --until, not both")
    if lasting is not None:
        return datetime.now(UTC) + lasting
    if until is None:
        return None
    try:
        found = datetime.fromisoformat(until)
    except ValueError:
        raise WrongUsage(
            f"--until: {until!r} is no time", hint="Write one such as 2026-03-02T18:00+01:00"
        ) from None
    return found if found.tzinfo is not None else found.astimezone()


def why(
    server: Server,
    project: str | None,
    *,
    name: str,
    environment: str | None,
    style: DocumentFormat,
) -> ExitCode:
    """Print the chain from the commit to the vendor."""
    path = project_path(server, project)
    query: Query = {} if environment is None else {"environment": environment}
    found = server.get(f"{path}/agents/{name}/why", query)
    if style is DocumentFormat.TEXT:
        printing.print_text(why_text(Explanation.model_validate(found)))
    else:
        printing.print_document(found, style)
    return ExitCode.DONE


def wait(
    server: Server,
    project: str | None,
    *,
    name: str | None,
    environment: str | None,
    sync: bool,
    health: bool,
    timeout: timedelta,
) -> ExitCode:
    """Wait until everything asked for is Synced and Healthy; stop at what needs a person.

    What only waits for a first release is told and not waited for: a promotion is what it needs.

    Raises DeadlineExceeded.
    """
    path = project_path(server, project)
    patience = Patience(timeout, WAIT_POLL_S)
    with Progress("Waiting") as progress:
        while True:
            rows = _rows(server, path, name, environment)
            released = [row for row in rows if not _awaits_release(row)]
            waiting = [row for row in released if not _is_there(row, sync=sync, health=health)]
            asked = [] if waiting or name else _environments(server, path, environment)
            empty = [each for each in asked if _is_never_released_to(each)]
            known = rows if name else released
            if not waiting and (known or (asked and len(empty) == len(asked))):
                break
            stuck = [row for row in waiting if _stalled(row)]
            if stuck:
                for row in stuck:
                    complain(f"{_label(row)}: {_stalled(row)}")
                return ExitCode.FAILED
            note = _label(waiting[0]) if waiting else ""
            progress.show(len(rows) - len(waiting), len(rows), note)
            if not patience.lasts():
                listed = "; ".join(_words(row) for row in waiting) or "there is nothing yet"
                raise errors.DeadlineExceeded(
                    f"Not there after {format_duration(timeout)}: {listed}",
                    hint="`trunkline why NAME` says what holds one back",
                )
    _tell_unreleased([row for row in rows if _awaits_release(row)], empty)
    return ExitCode.DONE


def _tell_unreleased(rows: list[JsonObject], environments: list[JsonObject]) -> None:
    """Say how many wait for a first release; an environment counts if it has none of its own."""
    told = {text(row, "environment") for row in rows}
    others = [text(each, "name") for each in environments if text(each, "name") not in told]
    names = [_label(row) for row in rows] + [f"environment {name}" for name in others]
    if not names:
        return
    more = len(names) - NAMES_TOLD
    listed = ", ".join(names[:NAMES_TOLD]) + (f" and {more} more" if more > 0 else "")
    verb = "waits" if len(names) == 1 else "wait"
    printing.print_text(f"{len(names)} {verb} for a first release: {listed}")


def _environments(server: Server, path: str, environment: str | None) -> list[JsonObject]:
    found = objects(server.get(path).get("environments"))
    return [each for each in found if environment in (None, text(each, "name"))]


def _is_never_released_to(environment: JsonObject) -> bool:
    return text(environment, "message").startswith(WAITING_FOR_RELEASE)


def _awaits_release(row: JsonObject) -> bool:
    """True if nothing happens to it before somebody promotes."""
    return any(text(c, "reason") == AWAITING_RELEASE for c in objects(row.get("conditions")))


def _rows(server: Server, path: str, name: str | None, environment: str | None) -> list[JsonObject]:
    query: Query = {} if environment is None else {"environment": environment}
    found = [
        row
        for kind in ("agents", "numbers")
        for page in server.pages(f"{path}/{kind}", query)
        for row in page
    ]
    named = [row for row in found if name is None or text(row, "name") == name]
    if name is not None and found and not named:
        where = f" in {environment}" if environment else ""
        raise errors.NotFound(f"There is no agent or number {name!r}{where}")
    return named


def _is_there(row: JsonObject, *, sync: bool, health: bool) -> bool:
    synced = not sync or text(row, "sync") == "Synced"
    return synced and (not health or text(row, "health") == "Healthy" or _is_inactive(row))


def _is_inactive(row: JsonObject) -> bool:
    """True if Git wants it to take no calls; it then never becomes Healthy, and is as wished."""
    ready = [c for c in objects(row.get("conditions")) if text(c, "type") == "Ready"]
    return any(text(c, "status") == "True" and text(c, "reason") == "Inactive" for c in ready)


def _stalled(row: JsonObject) -> str:
    """What a person has to mend, or nothing."""
    for condition in objects(row.get("conditions")):
        if text(condition, "type") == "Stalled" and text(condition, "status") == "True":
            return f"{text(condition, 'reason')}: {text(condition, 'message')}"
    return ""


def _label(row: JsonObject) -> str:
    return f"{text(row, 'environment')}/{text(row, 'name')}"


def _words(row: JsonObject) -> str:
    state = f"{_label(row)} is {text(row, 'sync')}, {text(row, 'health')}"
    return f"{state} ({text(row, 'message')})" if text(row, "message") else state
