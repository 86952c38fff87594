"""A test call to one's own telephone: the agent calls, and whoever picked up rates it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from trunkline.cli import printing
from trunkline.cli.exits import ExitCode, WrongUsage
from trunkline.cli.outbound import ENDS, CallAsked, follow
from trunkline.cli.printing import DocumentFormat
from trunkline.cli.server import Server, objects, project_path, text
from trunkline.cli.terminal import typed_at
from trunkline.model.base import JsonObject

SCRIPTED = "Scripts say --rating and --status"
STATUSES = {"p": "passed", "f": "failed", "n": "needs_improvement"}
BEST = 5


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was typed beforehand; what is None is asked for after the call."""

    rating: int | None = None
    status: str | None = None
    notes: str | None = None


def call_and_rate(
    server: Server,
    project: str | None,
    asked: CallAsked,
    verdict: Verdict,
    *,
    timeout: timedelta,
    style: DocumentFormat,
) -> ExitCode:
    """Let the agent call, wait for the end, and write down what it was like."""
    path = project_path(server, project)
    order = server.post(f"{path}/calls", asked.order())
    order = follow(server, path, text(order, "id"), timeout, title=f"Calling {asked.to}")
    talked = next((each for each in objects(order.get("tries")) if _talked_s(each) > 0), None)
    if talked is None:
        printing.print_text(f"Nobody talked: {text(order, 'state')}. {text(order, 'message')}")
        ended = ENDS.get(text(order, "state"), ExitCode.FAILED)
        return ended if ended is not ExitCode.DONE else ExitCode.UNKNOWN
    whole = _asked_for(verdict)
    body: JsonObject = {
        "call": text(talked, "id"),
        "duration": _talked_s(talked),
        "rating": whole.rating,
        "status": whole.status,
        "notes": whole.notes or "",
    }
    result = server.post(f"{path}/agents/{asked.agent}/test-results", body)
    if style is not DocumentFormat.TEXT:
        printing.print_document(result, style)
    else:
        words = f"version {text(result, 'version')}: {text(result, 'status')} is written down"
        printing.print_text(f"{asked.agent} in {text(result, 'environment')}, {words}")
    return ExitCode.DONE if whole.status == "passed" else ExitCode.FAILED


def _asked_for(verdict: Verdict) -> Verdict:
    """The verdict with what was not said beforehand. Raises WrongUsage."""
    rating = verdict.rating
    if rating is None:
        typed = typed_at(f"How was it, 1 (bad) to {BEST}? ", SCRIPTED)
        if not typed.isdecimal() or not 1 <= int(typed) <= BEST:
            raise WrongUsage(f"{typed!r} is no rating", hint=f"It is 1 to {BEST}; --rating says it")
        rating = int(typed)
    status = verdict.status
    if status is None:
        typed = typed_at("Passed, failed, or needs improvement (p, f, n)? ", SCRIPTED)
        status = STATUSES.get(typed[:1].lower())
        if status is None:
            raise WrongUsage(f"{typed!r} is none of p, f and n", hint="--status says it")
    notes = verdict.notes
    if notes is None and verdict.rating is None:
        notes = typed_at("What should others know? ", SCRIPTED)
    return Verdict(rating, status, notes)


def _talked_s(attempt: JsonObject) -> float:
    """How long somebody talked in a try; 0 if nobody did."""
    answered_at, ended_at = text(attempt, "answeredAt"), text(attempt, "endedAt")
    if not answered_at or not ended_at or text(attempt, "state") != "completed":
        return 0.0
    between = datetime.fromisoformat(ended_at) - datetime.fromisoformat(answered_at)
    return max(between.total_seconds(), 1.0)
