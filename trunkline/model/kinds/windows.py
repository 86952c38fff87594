"""Time windows as people write them: ``Mon-Fri 09:00-17:00`` and an IANA time zone.

Only the reading of the text is here. Whether a moment lies inside a window depends on time zone
data that changes, so it is decided where it can be decided again.
"""

import re
from datetime import time
from functools import cache
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator

from trunkline.model.base import Frozen
from trunkline.model.kinds.base import refuse

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_SPAN = f"{_DAY}(?:-{_DAY})?"
_TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
HOURS_PATTERN = f"^({_SPAN}(?:,{_SPAN})*) ({_TIME})-({_TIME}|24:00)$"


class Hours(Frozen):
    """Days (0 is Monday) and a span of local time; an end before the start is the next day's."""

    days: tuple[int, ...]
    start: time
    end: time


def parse_hours(text: str) -> Hours:
    """What the text says; 24:00 is read as midnight. Raises a pydantic error in plain words."""
    found = re.fullmatch(HOURS_PATTERN, text)
    if found is None:
        raise refuse(f'must be days and hours, such as "Mon-Fri 09:00-17:00"; found "{text}"')
    days: set[int] = set()
    for span in found[1].split(","):
        first, _, last = span.partition("-")
        start = DAYS.index(first)
        length = (DAYS.index(last or first) - start) % 7
        days.update((start + offset) % 7 for offset in range(length + 1))
    opening = time.fromisoformat(found[2])
    closing = time.fromisoformat(found[3].replace("24:00", "00:00"))
    if opening == closing and found[3] != "24:00":
        raise refuse(f'"{text}" begins and ends at the same time; write 00:00-24:00 for all day')
    return Hours(days=tuple(sorted(days)), start=opening, end=closing)


def _check_hours(text: str) -> str:
    parse_hours(text)
    return text


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _check_zone(text: str) -> str:
    zones = _zones()
    if zones and text not in zones:
        by_place = {zone.rpartition("/")[2].lower(): zone for zone in sorted(zones)}
        meant = by_place.get(text.rpartition("/")[2].lower().replace(" ", "_"), "")
        raise refuse(
            f'must be an IANA time zone, such as Europe/London; found "{text}"', suggestion=meant
        )
    return text


HoursText = Annotated[str, AfterValidator(_check_hours)]
TimeZone = Annotated[str, AfterValidator(_check_zone)]
