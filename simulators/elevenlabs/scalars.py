"""Coerces single values as leniently as the vendor's pydantic does, and words its refusals.

Pure functions over one value and its bounds; trees are the business of ``shapes``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

TRUE_WORDS = frozenset({"true", "1", "yes", "on", "t", "y"})
FALSE_WORDS = frozenset({"false", "0", "no", "off", "f", "n"})


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why a value was refused, in pydantic's words."""

    kind: str
    message: str
    context: Json | None = None


Outcome = tuple[Any, Flaw | None]


def coerce(shape: Json, value: Any) -> Outcome:
    """The value in the shape's type, or the value as given and the flaw."""
    reader = _READERS.get(shape["kind"])
    if reader is None:
        return value, None
    result, flaw = reader(shape, value)
    if flaw is None and isinstance(result, (int, float)) and not isinstance(result, bool):
        flaw = _range_flaw(shape, result)
    return (value if flaw else result), flaw


def length_flaw(shape: Json, items: list[Any]) -> Flaw | None:
    """The flaw of a list with too few or too many items, or None."""
    least, most = shape.get("min_items"), shape.get("max_items")
    if least is not None and len(items) < least:
        text = f"List should have at least {least} items after validation, not {len(items)}"
        return Flaw("too_short", text, _counted("min_length", least, items))
    if most is not None and len(items) > most:
        text = f"List should have at most {most} items after validation, not {len(items)}"
        return Flaw("too_long", text, _counted("max_length", most, items))
    return None


def _counted(name: str, bound: int, items: list[Any]) -> Json:
    return {"field_type": "List", name: bound, "actual_length": len(items)}


def _string(shape: Json, value: Any) -> Outcome:
    if not isinstance(value, str):
        return value, Flaw("string_type", "Input should be a valid string")
    least, most = shape.get("min_length"), shape.get("max_length")
    if least is not None and len(value) < least:
        text = f"String should have at least {least} character{'s' if least > 1 else ''}"
        return value, Flaw("string_too_short", text, {"min_length": least})
    if most is not None and len(value) > most:
        text = f"String should have at most {most} characters"
        return value, Flaw("string_too_long", text, {"max_length": most})
    pattern = shape.get("pattern")
    if pattern is not None and re.search(pattern, value) is None:
        text = f"String should match pattern '{pattern}'"
        return value, Flaw("string_pattern_mismatch", text, {"pattern": pattern})
    return value, None


def _integer(_: Json, value: Any) -> Outcome:
    if isinstance(value, int) and not isinstance(value, bool):
        return value, None
    if isinstance(value, float):
        if value.is_integer():
            return int(value), None
        text = "Input should be a valid integer, got a number with a fractional part"
        return value, Flaw("int_from_float", text)
    if isinstance(value, str):
        if re.fullmatch(r"\s*[+-]?\d+\s*", value):
            return int(value), None
        text = "Input should be a valid integer, unable to parse string as an integer"
        return value, Flaw("int_parsing", text)
    return value, Flaw("int_type", "Input should be a valid integer")


def _number(_: Json, value: Any) -> Outcome:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return value, Flaw("float_type", "Input should be a valid number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    except ValueError:
        text = "Input should be a valid number, unable to parse string as a number"
        return value, Flaw("float_parsing", text)
    if not math.isfinite(number):
        return value, Flaw("finite_number", "Input should be a finite number")
    return number, None


def _boolean(_: Json, value: Any) -> Outcome:
    if isinstance(value, bool):
        return value, None
    if isinstance(value, (int, float)) and value in (0, 1):
        return bool(value), None
    if isinstance(value, str):
        if value.lower() in TRUE_WORDS | FALSE_WORDS:
            return value.lower() in TRUE_WORDS, None
        text = "Input should be a valid boolean, unable to interpret input"
        return value, Flaw("bool_parsing", text)
    return value, Flaw("bool_type", "Input should be a valid boolean")


def _enum(shape: Json, value: Any) -> Outcome:
    values = shape["values"]
    if value in values and isinstance(value, bool) == isinstance(values[0], bool):
        return value, None
    quoted = [f"'{item}'" for item in values]
    expected = quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
    kind = "literal_error" if len(values) == 1 else "enum"
    return value, Flaw(kind, f"Input should be {expected}", {"expected": expected})


def _range_flaw(shape: Json, value: float) -> Flaw | None:
    checks: tuple[tuple[str, str, str, str, Callable[[float, float], bool]], ...] = (
        ("min", "greater_than_equal", "ge", "greater than or equal to", lambda v, b: v >= b),
        ("max", "less_than_equal", "le", "less than or equal to", lambda v, b: v <= b),
        ("above", "greater_than", "gt", "greater than", lambda v, b: v > b),
        ("below", "less_than", "lt", "less than", lambda v, b: v < b),
    )
    for name, kind, short, words, holds in checks:
        bound = shape.get(name)
        if bound is not None and not holds(value, bound):
            return Flaw(kind, f"Input should be {words} {bound:g}", {short: bound})
    return None


_READERS: dict[str, Callable[[Json, Any], Outcome]] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "enum": _enum,
}
