"""Waiting for a promotion: with progress, past a server that restarts, to a definite end.

How it ends is decided here: what waits for people or for time when the time is up is blocked, what
was still going on is a timeout.
"""

from datetime import timedelta

from trunkline.cli.exits import ExitCode, complain
from trunkline.cli.patience import Patience
from trunkline.cli.promoting.progress import PromotionProgress
from trunkline.cli.server import Server, text
from trunkline.model import errors
from trunkline.model.base import JsonObject
from trunkline.model.durations import format_duration

POLL_MIN_S = 0.2
POLL_MAX_S = 1.0
"""A soak takes minutes; each phase is looked at closely when it begins, for many are short."""
WAITS_FOR_OTHERS = frozenset({"Approval", "Window"})


def follow(
    server: Server, path: str, found: JsonObject, *, timeout: timedelta
) -> tuple[JsonObject, bool]:
    """The promotion at its end, or as far as it is when the time is up, and whether it ended.

    A server that does not answer is asked again until then.
    """
    patience = Patience(timeout, POLL_MIN_S, POLL_MAX_S)
    is_away = False
    with PromotionProgress() as progress:
        while True:
            progress.show(found)
            ended = text(found, "state") != "Open"
            if ended or not patience.lasts():
                return found, ended
            phase = text(found, "phase")
            try:
                found = server.get(f"{path}/promotions/{text(found, 'id')}")
                is_away = False
            except errors.TrunklineError as error:
                if not error.retryable:
                    raise
                if not is_away:
                    complain(error.message, "Still waiting; the promotion goes on by itself")
                is_away = True
            if text(found, "phase") != phase:
                patience.look_closely()


def outcome(found: JsonObject) -> ExitCode:
    """How a command ends that waited for a promotion until it had ended."""
    state = text(found, "state")
    if state == "Done":
        return ExitCode.DONE
    return ExitCode.UNKNOWN if state == "Inconclusive" else ExitCode.FAILED


def out_of_time(found: JsonObject, timeout: timedelta) -> ExitCode:
    """How it ends when the time is up: blocked by people or a window, else a timeout."""
    blocked = text(found, "phase") in WAITS_FOR_OTHERS or found.get("stalled") is True
    what = f"{text(found, 'id')} is not done after {format_duration(timeout)}; it goes on"
    complain(f"{what}: {text(found, 'headline')}")
    return ExitCode.BLOCKED if blocked else ExitCode.TIMEOUT
