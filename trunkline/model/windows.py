"""Whether a moment lies inside an environment's windows, and when that changes next.

A window is read by the clock on the wall of its time zone: on the night the clocks go forward a
time that does not exist is skipped, on the night they go back a repeated hour counts twice. That
depends on time zone data, which changes; so whoever needs to decide the same again and again (a
workflow) must ask an activity.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from trunkline.model.kinds.project import Window
from trunkline.model.kinds.windows import Hours, parse_hours

HORIZON_DAYS = 9
"""Windows repeat every week; a day more on both sides covers every time zone and clock change."""
MIDNIGHT = time(0)


def decide(windows: Sequence[Window], now: datetime) -> tuple[bool, datetime | None]:
    """Whether writes are allowed ``now`` (aware), and when that changes next, in UTC.

    Without windows it is always open. With ``allow`` windows it is open inside one of them; inside
    a ``deny`` window it is closed whatever else says. None: it never changes.
    """
    read = [(window, parse_hours(window.allow or window.deny or "")) for window in windows]
    open_now = _open(read, now)
    for moment in sorted(_moments(read, now)):
        if moment > now and _open(read, moment) != open_now:
            return open_now, moment
    return open_now, None


def closed_by(windows: Iterable[Window], now: datetime) -> Window | None:
    """The ``deny`` window the moment lies in; None if it only lies outside of every ``allow``."""
    for window in windows:
        if window.deny is not None and _inside(window, parse_hours(window.deny), now):
            return window
    return None


def _open(read: Sequence[tuple[Window, Hours]], moment: datetime) -> bool:
    denied = (_inside(w, hours, moment) for w, hours in read if w.deny is not None)
    if any(denied):
        return False
    allowed = [_inside(w, hours, moment) for w, hours in read if w.allow is not None]
    return any(allowed) or not allowed


def _inside(window: Window, hours: Hours, moment: datetime) -> bool:
    return is_inside(hours, window.timezone, moment)


def is_inside(hours: Hours, timezone: str, moment: datetime) -> bool:
    """True if the moment (aware) lies inside the hours by the clocks of a time zone."""
    local = moment.astimezone(ZoneInfo(timezone))
    today, wall = local.weekday(), local.time().replace(tzinfo=None)
    if hours.start < hours.end:
        return today in hours.days and hours.start <= wall < hours.end
    begun_today = today in hours.days and wall >= hours.start
    begun_yesterday = (today - 1) % 7 in hours.days and wall < hours.end
    return begun_today or begun_yesterday


def _moments(read: Sequence[tuple[Window, Hours]], now: datetime) -> Iterator[datetime]:
    """Every moment at which the answer may change: edges of windows, and clock changes."""
    for name in {window.timezone for window, _ in read}:
        zone = ZoneInfo(name)
        edges = {
            edge
            for window, hours in read
            if window.timezone == name
            for edge in (hours.start, hours.end)
        }
        first = now.astimezone(zone).date() - timedelta(days=1)
        for offset in range(HORIZON_DAYS):
            day = first + timedelta(days=offset)
            for edge in edges:
                for fold in (0, 1):
                    local = datetime.combine(day, edge, tzinfo=zone).replace(fold=fold)
                    yield local.astimezone(UTC)
            begin = datetime.combine(day, MIDNIGHT, tzinfo=zone).astimezone(UTC)
            yield from _clock_change(zone, begin, begin + timedelta(days=1))


def _clock_change(zone: ZoneInfo, begin: datetime, end: datetime) -> Iterator[datetime]:
    """The moment between two at which the zone's clocks are changed, to the second."""
    before = begin.astimezone(zone).utcoffset()
    if before == end.astimezone(zone).utcoffset():
        return
    while end - begin > timedelta(seconds=1):
        middle = (begin + (end - begin) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == before:
            begin = middle
        else:
            end = middle
    yield end
