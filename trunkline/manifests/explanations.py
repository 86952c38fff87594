"""Pydantic's findings in words a person can act on, at the place they typed.

An unknown key is shown at the key, a wrong value at the value, a missing key at the object that
lacks it. One slip is one problem: a required key that is only misspelt is not also missing.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from trunkline.manifests.suggestions import nearest
from trunkline.model.base import Json
from trunkline.model.kinds.matchers import Matcher
from trunkline.model.manifests import Positions
from trunkline.model.paths import child
from trunkline.model.problems import Problem

_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "an object with keys",
    "model_type": "an object with keys",
    "model_attributes_type": "an object with keys",
}
_BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
}
_COUNTS = {
    "too_short": ("min_length", "must hold at least {} {}"),
    "too_long": ("max_length", "must hold at most {} {}"),
    "string_too_short": ("min_length", "must have at least {} characters"),
    "string_too_long": ("max_length", "must have at most {} characters"),
}
_OBJECT_WANTED = frozenset({"model_type", "model_attributes_type"})
_KEYS_LISTED_MAX = 6
"""Keys named to somebody who wrote no object; more would be a manual, not a hint."""
_SHOWN_MAX_CHARACTERS = 60
MAY_BE_NULL = frozenset({"reply", "equals"})
"""Keys of a test whose value is data, so that null is one."""
_MATCHER_KEYS = frozenset(str(field.alias) for field in Matcher.model_fields.values())


def explain(
    error: ValidationError, kind: type[BaseModel], value: Json, positions: Positions
) -> list[Problem]:
    """One problem for each thing that is wrong in a document of a kind."""
    found = error.errors(include_url=False)
    missing: dict[str, set[str]] = {}
    for each in found:
        if each["type"] == "missing":
            path = _path(value, each["loc"][:-1])
            missing.setdefault(path, set()).add(str(each["loc"][-1]))
    problems = []
    misspelt: set[tuple[str, str]] = set()
    for each in found:
        if each["type"] == "extra_forbidden":
            problem, path, meant = _unknown_key(each, kind, value, positions, missing)
            problems.append(problem)
            misspelt.add((path, meant))
    for each in found:
        if each["type"] == "extra_forbidden":
            continue
        where = _path(value, each["loc"][:-1])
        if each["type"] == "missing" and (where, str(each["loc"][-1])) in misspelt:
            continue
        if each["type"] == "too_short" and _has_worse(each, found):
            continue
        problems.append(_other(each, kind, value, positions))
    return problems


def blanks(kind: type[BaseModel], value: Json, positions: Positions) -> dict[str, Problem]:
    """Keys that are written without a value, by path.

    Where a key is a check, leaving out its value must not leave out the check.
    """
    found: dict[str, Problem] = {}
    pending: list[tuple[Json, str, tuple[int | str, ...]]] = [(value, "", ())]
    while pending:
        item, path, loc = pending.pop()
        if isinstance(item, list):
            pending += [(each, f"{path}[{i}]", (*loc, i)) for i, each in enumerate(item)]
        if not isinstance(item, dict):
            continue
        for key, each in item.items():
            below = child(path, key)
            pending.append((each, below, (*loc, key)))
            if each is None and key in known_keys(kind, loc) - MAY_BE_NULL:
                found[below] = Problem(
                    position=positions.value(below),
                    message=f"{below}: must have a value; found nothing; write a value or remove "
                    "the key (an unquoted # begins a comment)",
                )
    return found


def _has_worse(each: ErrorDetails, found: Sequence[ErrorDetails]) -> bool:
    """True if entries of a list were refused, which makes pydantic count them as absent."""
    loc = each["loc"]
    return any(len(other["loc"]) > len(loc) and other["loc"][: len(loc)] == loc for other in found)


def _unknown_key(
    each: ErrorDetails,
    kind: type[BaseModel],
    value: Json,
    positions: Positions,
    missing: Mapping[str, set[str]],
) -> tuple[Problem, str, str]:
    loc = each["loc"]
    path = _path(value, loc[:-1])
    key = str(loc[-1])
    known = known_keys(kind, tuple(loc[:-1]))
    meant = nearest(key, missing.get(path, set()) & known) or nearest(key, known)
    message = f"unknown key `{key}` in {path or 'the document'}"
    if not meant and not path and key in known_keys(kind, ("spec",)):
        message += "; it belongs below `spec`"
    elif not meant and known:
        message += f"; known here: {', '.join(sorted(known))}"
    if known == _MATCHER_KEYS:
        message += "; a value that is an object itself is written below `equals`"
    position = positions.key(child(path, key))
    return Problem(position=position, message=message, suggestion=meant), path, meant


def _other(
    each: ErrorDetails, model: type[BaseModel], value: Json, positions: Positions
) -> Problem:
    loc = each["loc"]
    kind = each["type"]
    context = each.get("ctx", {})
    if kind == "missing":
        return _missing(str(loc[-1]), _path(value, loc[:-1]), each["input"], positions)
    known = sorted(known_keys(model, tuple(loc))) if kind in _OBJECT_WANTED else []
    if kind == "refused":
        loc = (*loc, *context["at"])
    path = _path(value, loc)
    if loc and loc[-1] == "[key]":
        path = _path(value, loc[:-1])
        message, meant = _meaning(kind, context, each)
        return Problem(
            position=positions.key(path), message=f"the key {path} {message}", suggestion=meant
        )
    message, meant = _meaning(kind, context, each)
    if 0 < len(known) <= _KEYS_LISTED_MAX:
        message += f"; known here: {', '.join(known)}"
    at_key = kind == "refused" and context["key"]
    return Problem(
        position=positions.key(path) if at_key else positions.value(path),
        message=f"{path or 'the document'}: {message}",
        suggestion=meant,
    )


def _missing(key: str, path: str, given: object, positions: Positions) -> Problem:
    """A key that is not there; where any key may stand, one much like it is what was meant."""
    like = nearest(key, [str(each) for each in given]) if isinstance(given, Mapping) else ""
    if like:
        return Problem(
            position=positions.key(child(path, like)),
            message=f"unknown key `{like}` in {path or 'the document'}",
            suggestion=key,
        )
    return Problem(
        position=positions.value(path), message=f"{path or 'the document'} lacks `{key}`"
    )


def _meaning(kind: str, context: Mapping[str, Any], each: ErrorDetails) -> tuple[str, str]:
    """What is wrong and what was probably meant."""
    given = each["input"]
    if kind == "refused":
        wrong = _word_at(given, context)
        return str(context["message"]), context["suggestion"] or nearest(wrong, context["known"])
    if kind in _WANTED:
        advice = ""
        if kind == "string_type" and isinstance(given, bool | int | float):
            advice = "; put it in quotes"
        elif given is None:
            advice = "; write a value or remove the key"
        return f"must be {_WANTED[kind]}; found {_shown(given)}{advice}", ""
    if kind == "literal_error":
        choices = _choices(str(context["expected"]))
        meant = nearest(given, choices) if isinstance(given, str) else ""
        return f"must be {_listed(choices)}; found {_shown(given)}", meant
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        return f"must be {words} {_number(context[name])}; found {_shown(given)}", ""
    if kind in _COUNTS:
        name, words = _COUNTS[kind]
        count = context[name]
        return words.format(count, "entry" if count == 1 else "entries"), ""
    return str(each["msg"])[:1].lower() + str(each["msg"])[1:], ""


def _word_at(given: object, context: Mapping[str, Any]) -> str:
    """The word that was refused inside of the checked value."""
    if context["key"] and context["at"]:
        return str(context["at"][-1])
    for step in context["at"]:
        if isinstance(given, list):
            given = given[int(step)]
        elif isinstance(given, Mapping):
            given = given.get(step)
    return given if isinstance(given, str) else ""


def _choices(expected: str) -> list[str]:
    return [part.strip("'") for part in expected.replace(" or ", ", ").split(", ")]


def _listed(choices: Sequence[str]) -> str:
    return choices[0] if len(choices) == 1 else f"{', '.join(choices[:-1])} or {choices[-1]}"


def _number(bound: float) -> str:
    return f"{bound:g}"


def _shown(given: object) -> str:
    if given is None:
        return "nothing"
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, Mapping):
        return "an object"
    if isinstance(given, list | tuple):
        return "a list"
    if isinstance(given, str):
        short = given if len(given) <= _SHOWN_MAX_CHARACTERS else f"{given[:57]}..."
        return f'"{short}"'
    return f"the number {given}"


def _path(value: Json, loc: Sequence[int | str]) -> str:
    """The dotted path of a location; names of union branches are left out."""
    path = ""
    current = value
    for item in loc:
        if isinstance(current, list) and str(item).isdecimal():
            index = int(item)
            if index < len(current):
                path, current = f"{path}[{index}]", current[index]
        elif isinstance(current, dict) and item in current:
            path, current = child(path, str(item)), current[str(item)]
    return path


def known_keys(kind: type[BaseModel], loc: tuple[int | str, ...]) -> set[str]:
    """Every key an object at a location may have; empty where keys are data."""
    annotations: list[Any] = [kind]
    for item in loc:
        if isinstance(item, str) and item.startswith("="):
            continue
        annotations = [below for each in annotations for below in _below(each, item)]
    return {key for each in annotations for model in _models(each) for key in _fields(model)}


def _below(annotation: Any, item: int | str) -> Iterator[Any]:
    for form in _forms(annotation):
        if isinstance(form, type) and issubclass(form, BaseModel):
            below = _fields(form).get(str(item), _others(form))
            if below is not None:
                yield below
        elif get_origin(form) is dict:
            yield get_args(form)[1]
        elif get_origin(form) is tuple:
            yield get_args(form)[0]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    for form in _forms(annotation):
        if isinstance(form, type) and issubclass(form, BaseModel):
            yield form


def _forms(annotation: Any) -> Iterator[Any]:
    """The members of a union, without what annotates them."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _forms(get_args(annotation)[0])
    elif origin is not None and origin not in (dict, tuple, list):
        for member in get_args(annotation):
            yield from _forms(member)
    else:
        yield annotation


@cache
def _others(model: type[BaseModel]) -> Any:
    """What stands below keys that are data, beside those a model knows."""
    if model.model_config.get("extra") != "allow":
        return None
    return get_args(get_type_hints(model, include_extras=True)["__pydantic_extra__"])[1]


@cache
def _fields(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}
