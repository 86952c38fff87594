"""Durations and time windows mean one thing each."""

from datetime import time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from trunkline.model.durations import format_duration, parse_duration
from trunkline.model.kinds.windows import Hours, parse_hours


@pytest.mark.parametrize(
    ("text", "meant_ms"),
    [("1500ms", 1500), ("30s", 30_000), ("5m", 300_000), ("24h", 86_400_000), ("0s", 0)],
)
def test_a_duration_is_a_number_and_a_unit(text: str, meant_ms: int) -> None:
    assert parse_duration(text) == timedelta(milliseconds=meant_ms)


@pytest.mark.parametrize(
    "text", ["", "5", "5 m", "m", "1.5h", "-5m", "5M", "1h30m", "\u0665m", "05m", "5m\n", 5, None]
)
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(PydanticCustomError, match="is no duration"):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=10**9))
def test_a_duration_comes_back_as_it_was_written(total_ms: int) -> None:
    duration = timedelta(milliseconds=total_ms)
    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("Mon-Fri 09:00-17:00", Hours(days=(0, 1, 2, 3, 4), start=time(9), end=time(17))),
        ("Sat,Sun 10:00-12:30", Hours(days=(5, 6), start=time(10), end=time(12, 30))),
        ("Sat-Mon 22:00-06:00", Hours(days=(0, 5, 6), start=time(22), end=time(6))),
        ("Wed 00:00-24:00", Hours(days=(2,), start=time(0), end=time(0))),
    ],
)
def test_a_window_is_days_and_hours(text: str, hours: Hours) -> None:
    assert parse_hours(text) == hours


@pytest.mark.parametrize(
    "text",
    ["", "Mon", "9-17", "Mon 9:00-17:00", "Mon 09:00-25:00", "Mo 09:00-17:00", "Mon 09:00-17:00\n"],
)
def test_what_is_no_window_is_refused(text: str) -> None:
    with pytest.raises(PydanticCustomError, match="must be days and hours"):
        parse_hours(text)


def test_a_window_that_ends_as_it_begins_is_refused() -> None:
    with pytest.raises(PydanticCustomError, match="write 00:00-24:00 for all day"):
        parse_hours("Mon 09:00-09:00")
