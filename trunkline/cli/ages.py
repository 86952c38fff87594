"""How long ago, as kubectl says it: coarser the longer it is, so that a column stays narrow."""

from datetime import UTC, datetime

NEVER = "-"
_SECOND = ("s", 1)
_MINUTE = ("m", 60)
_HOUR = ("h", 3_600)
_DAY = ("d", 86_400)
_YEAR = ("y", 365 * 86_400)
_STEPS = (
    (2 * 60, _SECOND, None),
    (10 * 60, _MINUTE, _SECOND),
    (3 * 3_600, _MINUTE, None),
    (8 * 3_600, _HOUR, _MINUTE),
    (2 * 86_400, _HOUR, None),
    (8 * 86_400, _DAY, _HOUR),
    (2 * 365 * 86_400, _DAY, None),
    (8 * 365 * 86_400, _YEAR, _DAY),
    (float("inf"), _YEAR, None),
)
"""Below how many seconds, in which unit, and with which smaller one."""


def age(moment: str | None, *, now: datetime | None = None) -> str:
    """Since an ISO 8601 time: ``45s``, ``3m20s``, ``12m``, ``3h5m``, ``2d4h``, ``9d``, ``2y40d``.

    A time that is still to come (clocks differ) is ``0s``; no time at all is a dash.
    """
    if not moment:
        return NEVER
    passed_s = ((now or datetime.now(UTC)) - datetime.fromisoformat(moment)).total_seconds()
    return human_duration(passed_s)


def until(moment: str | None, *, now: datetime | None = None) -> str:
    """Time left until an ISO 8601 time, in the same words; ``past`` once it is over."""
    if not moment:
        return NEVER
    left_s = (datetime.fromisoformat(moment) - (now or datetime.now(UTC))).total_seconds()
    return human_duration(left_s) if left_s > 0 else "past"


def human_duration(duration_s: float) -> str:
    """Seconds in at most two units; the second one is left out where it no longer matters."""
    seconds = max(int(duration_s), 0)
    (unit, size_s), smaller = next(
        (larger, smaller) for below_s, larger, smaller in _STEPS if seconds < below_s
    )
    shown = f"{seconds // size_s}{unit}"
    if smaller is None or not (rest := seconds % size_s // smaller[1]):
        return shown
    return f"{shown}{rest}{smaller[0]}"
