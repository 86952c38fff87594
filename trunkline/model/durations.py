"""Durations as people write them in manifests: ``1500ms``, ``30s``, ``5m``, ``24h``.

One number and one unit, so that a duration has one reading and can be found by searching the
manifests for it. Nothing here knows which durations are sensible for what.
"""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

DURATION_PATTERN = r"^(0|[1-9][0-9]{0,8})(ms|s|m|h)$"

_SHAPE = re.compile(DURATION_PATTERN)
_UNIT_MS = {"h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}


def parse_duration(text: object) -> timedelta:
    """The duration that ``text`` says. Raises a pydantic error that says what to write."""
    if isinstance(text, timedelta):
        return text
    found = _SHAPE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        shown = f'"{text}"' if isinstance(text, str) else text
        raise PydanticCustomError(
            "duration",
            "{shown} is no duration; write a whole number with ms, s, m or h, such as 30s or 5m",
            {"shown": str(shown)},
        )
    return timedelta(milliseconds=int(found[1]) * _UNIT_MS[found[2]])


def format_duration(duration: timedelta) -> str:
    """The shortest spelling that ``parse_duration`` reads back to the same duration."""
    total_ms = round(duration.total_seconds() * 1000)
    for unit, size_ms in _UNIT_MS.items():
        if total_ms and total_ms % size_ms == 0:
            return f"{total_ms // size_ms}{unit}"
    return "0s"


Duration = Annotated[
    timedelta,
    PlainValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN, "examples": ["30s", "5m"]}),
]
"""A field of a manifest that holds a duration."""
