"""Windows go by the clock on the wall: deny wins, midnights overlap, clocks change."""

from datetime import UTC, datetime

import pytest

from trunkline.model.kinds.project import Window
from trunkline.model.windows import closed_by, decide

OFFICE = Window(allow="Mon-Fri 09:00-17:00", timezone="Europe/London")
NIGHT = Window(allow="Fri 22:00-06:00", timezone="UTC")
LUNCH = Window(deny="Mon-Fri 12:00-13:00", timezone="Europe/London")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("windows", "now", "is_open", "changes"),
    [
        ((), "2026-03-02T03:00", True, None),
        ((OFFICE,), "2026-03-02T08:59", False, "2026-03-02T09:00"),
        ((OFFICE,), "2026-03-02T09:00", True, "2026-03-02T17:00"),
        ((OFFICE,), "2026-03-02T17:00", False, "2026-03-03T09:00"),
        ((OFFICE,), "2026-03-06T18:00", False, "2026-03-09T09:00"),
        ((OFFICE, LUNCH), "2026-03-02T11:00", True, "2026-03-02T12:00"),
        ((OFFICE, LUNCH), "2026-03-02T12:30", False, "2026-03-02T13:00"),
        ((LUNCH,), "2026-03-01T12:30", True, "2026-03-02T12:00"),
        ((NIGHT,), "2026-03-07T05:59", True, "2026-03-07T06:00"),
        ((NIGHT,), "2026-03-06T05:59", False, "2026-03-06T22:00"),
        ((NIGHT, OFFICE), "2026-03-06T21:00", False, "2026-03-06T22:00"),
        ((Window(allow="Mon-Sun 00:00-24:00"),), "2026-03-02T03:00", True, None),
        ((Window(deny="Mon-Sun 00:00-24:00"), OFFICE), "2026-03-02T10:00", False, None),
        ((Window(deny="Sat-Sun 00:00-24:00"),), "2026-03-06T23:00", True, "2026-03-07T00:00"),
        ((Window(deny="Sat-Sun 00:00-24:00"),), "2026-03-07T12:00", False, "2026-03-09T00:00"),
    ],
)
def test_a_moment_and_the_next_change(
    windows: tuple[Window, ...], now: str, is_open: bool, changes: str | None
) -> None:
    assert decide(windows, at(now)) == (is_open, at(changes) if changes else None)


@pytest.mark.parametrize(
    ("hours", "zone", "now", "is_open", "changes"),
    [
        ("Mon-Sun 09:00-17:00", "Europe/London", "2026-03-28T18:00", False, "2026-03-29T08:00"),
        ("Mon-Sun 09:00-17:00", "Europe/London", "2026-10-24T18:00", False, "2026-10-25T09:00"),
        ("Sun 01:30-05:00", "Europe/London", "2026-03-29T00:45", False, "2026-03-29T01:00"),
        ("Sun 01:30-05:00", "Europe/London", "2026-03-29T01:00", True, "2026-03-29T04:00"),
        ("Sun 01:00-01:30", "Europe/London", "2026-10-25T00:10", True, "2026-10-25T00:30"),
        ("Sun 01:00-01:30", "Europe/London", "2026-10-25T00:40", False, "2026-10-25T01:00"),
        ("Sun 01:00-01:30", "Europe/London", "2026-10-25T01:10", True, "2026-10-25T01:30"),
        ("Mon 00:00-01:00", "Pacific/Kiritimati", "2026-03-01T09:00", False, "2026-03-01T10:00"),
    ],
)
def test_on_nights_the_clocks_change(
    hours: str, zone: str, now: str, is_open: bool, changes: str
) -> None:
    assert decide((Window(allow=hours, timezone=zone),), at(now)) == (is_open, at(changes))


def test_what_freezes_is_named() -> None:
    assert closed_by((OFFICE, LUNCH), at("2026-03-02T12:30")) == LUNCH
    assert closed_by((OFFICE, LUNCH), at("2026-03-02T18:30")) is None
