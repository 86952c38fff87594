"""``--watch``: look again and again, show what changed, and outlive a server that restarts."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from trunkline.cli.exits import ExitCode, complain
from trunkline.cli.patience import Patience
from trunkline.model.errors import TrunklineError

WATCH_INTERVAL_S = 2.0
"""A person sees a change soon enough; a hundred watchers cost the server fifty reads a second."""

Seen = TypeVar("Seen")


def watch(
    look: Callable[[], Seen],
    show: Callable[[Seen, Seen | None], None],
    *,
    timeout: timedelta | None,
    interval_s: float = WATCH_INTERVAL_S,
) -> ExitCode:
    """Call ``show(now, before)`` whenever ``look`` finds something else than before.

    Goes on until it is interrupted or ``timeout`` has passed. The first look must succeed; later
    ones may fail for a while, which is said once.
    """
    patience = Patience(timeout, interval_s)
    before = look()
    show(before, None)
    is_away = False
    while patience.lasts():
        try:
            now = look()
        except TrunklineError as error:
            if not error.retryable:
                raise
            if not is_away:
                complain(error.message, "Still watching; it goes on when the server is back")
            is_away = True
            continue
        is_away = False
        if now != before:
            show(now, before)
            before = now
    return ExitCode.DONE
