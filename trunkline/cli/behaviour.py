"""``trunkline drift AGENT --behaviour``: what is released, beside what it did at first."""

from datetime import timedelta

from trunkline.cli import printing
from trunkline.cli.exits import ExitCode, complain
from trunkline.cli.patience import Patience
from trunkline.cli.printing import DocumentFormat
from trunkline.cli.progress import Progress
from trunkline.cli.server import Server, objects, project_path, text
from trunkline.model.base import JsonObject

POLL_S = 1.0
"""A retest takes as long as its conversations."""
ENDS = {"worse": ExitCode.FAILED, "unchanged": ExitCode.DONE, "better": ExitCode.DONE}


def show_behaviour(
    server: Server,
    project: str | None,
    agent: str,
    *,
    environment: str | None,
    style: DocumentFormat,
    exit_code: bool,
) -> ExitCode:
    """Print baseline and last retest; with ``exit_code`` an agent that is marked ends with 2."""
    path = f"{project_path(server, project)}/agents/{agent}/behaviour"
    found = server.get(path, {"environment": environment} if environment else {})
    _print(found, style)
    return ExitCode.CHANGES if exit_code and found.get("drifted") else ExitCode.DONE


def retest(
    server: Server,
    project: str | None,
    agent: str,
    *,
    environment: str | None,
    style: DocumentFormat,
    timeout: timedelta,
) -> ExitCode:
    """Test it again now and wait: 0 as before, 1 worse, 3 nobody knows, 5 after the timeout."""
    path = f"{project_path(server, project)}/agents/{agent}"
    params = {"environment": environment} if environment else {}
    before = _last(server.get(f"{path}/behaviour", params))
    server.post(f"{path}/retest", {**params})
    patience = Patience(timeout, POLL_S)
    with Progress(f"testing {agent} again") as progress:
        found = server.get(f"{path}/behaviour", params)
        while found.get("running") is not False:
            progress.show()
            if not patience.lasts():
                complain("not ended within --timeout; it goes on without us")
                return ExitCode.TIMEOUT
            found = server.get(f"{path}/behaviour", params)
    _print(found, style)
    last = _last(found)
    if last == before:
        return ExitCode.UNKNOWN
    return ENDS.get(text(last, "outcome"), ExitCode.UNKNOWN)


def _last(found: JsonObject) -> JsonObject:
    last = found.get("last")
    return last if isinstance(last, dict) else {}


def _print(found: JsonObject, style: DocumentFormat) -> None:
    if style is not DocumentFormat.TEXT:
        printing.print_document(found, style)
        return
    last, drifted, policy = _last(found), found.get("drifted"), found.get("policy")
    baseline = found.get("baseline")
    fields = [("Agent", f"{text(found, 'agent')} v{found.get('version')}")]
    fields.append(("Environment", text(found, "environment")))
    if isinstance(policy, dict):
        tags = policy.get("tags")
        named = ", ".join(map(str, tags)) if isinstance(tags, list) else ""
        often = f"{policy.get('runs')} runs of {named}, every {text(policy, 'every')}"
        fields.append(("Tested again", often))
    else:
        fields.append(("Tested again", "never: the promotion has no `retest`"))
    counted = baseline.get("retests") if isinstance(baseline, dict) else 0
    fields.append(("Baseline", f"the gate and {counted} retests"))
    if last:
        fields.append(("Last retest", f"{text(last, 'outcome')}: {text(last, 'message')}"))
    if isinstance(drifted, dict):
        fields.append(("Worse since", text(drifted, "since")))
    if said := text(found, "said"):
        fields.append(("Said", said))
    printing.print_fields(fields)
    rows = [_cells(test) for test in objects(last.get("tests"))]
    if rows:
        titles = ("TEST", "THEN", "NOW", "CHANGE", "DIFFERENCE", "P95 THEN", "P95 NOW")
        printing.print_table(titles, rows)
    lines = drifted.get("lines") if isinstance(drifted, dict) else None
    for line in lines if isinstance(lines, list) else ():
        printing.print_text(f"  {line}")


def _cells(test: JsonObject) -> tuple[str, ...]:
    then, now, interval = test.get("then"), test.get("now"), test.get("interval")
    difference = test.get("difference")
    said = ""
    if isinstance(difference, int | float) and isinstance(interval, dict):
        said = f"{difference:+.0%} ({interval['low']:+.0%} to {interval['high']:+.0%})"
    return (
        text(test, "name"),
        _count(then),
        _count(now),
        text(test, "change"),
        said,
        _replies(then),
        _replies(now),
    )


def _count(counts: object) -> str:
    return f"{counts['passed']}/{counts['runs']}" if isinstance(counts, dict) else ""


def _replies(counts: object) -> str:
    value = counts.get("replyP95Ms") if isinstance(counts, dict) else None
    return f"{value} ms" if isinstance(value, int) else ""
