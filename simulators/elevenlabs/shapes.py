"""Checks request bodies against the vendor's types, fills defaults, and merges patches.

The vendor validates with pydantic, so values are coerced as leniently and refused in the same
words. ``shapes.json`` says which fields there are; this module knows how to read it, not what any
field means.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from simulators.elevenlabs import scalars
from simulators.elevenlabs.scalars import Flaw

Json = dict[str, Any]
Location = tuple[str | int, ...]

MISSING: Final = object()
TOLERATED_IN_PATCHES = frozenset({"missing", "union_tag_not_found"})


class Nulls(StrEnum):
    """What an explicit null does where the type allows none."""

    REJECT = "reject"
    DELETE = "delete"
    STORE = "store"


@lru_cache(maxsize=1)
def _definitions() -> dict[str, Json]:
    text = Path(__file__).with_name("shapes.json").read_text(encoding="utf-8")
    definitions: dict[str, Json] = json.loads(text)
    return definitions


@lru_cache(maxsize=1024)
def _absent_text(name: str) -> str | None:
    checker = Checker()
    value = checker.complete(_definitions()[name], {}, ())
    return None if checker.flaws else json.dumps(value)


def shape_named(name: str) -> Json:
    """A shape of ``shapes.json``. Raises KeyError for an unknown name."""
    return _definitions()[name]


class Checker:
    """One validation: collects flaws instead of raising, as the vendor reports all at once."""

    def __init__(self, *, nulls: Nulls = Nulls.REJECT, empty_as_null: bool = False) -> None:
        self.flaws: list[Json] = []
        self._nulls = nulls
        self._empty_as_null = empty_as_null
        self._kinds: dict[str, Callable[[Json, Any, Location], Any]] = {
            "object": self._object,
            "map": self._map,
            "list": self._list,
            "variant": self._variant,
            "union": self._union,
        }

    def complete(self, shape: Json, value: Any, location: Location) -> Any:
        """The value as the vendor would store it: coerced, unknown keys gone, defaults filled."""
        if value is None and shape.get("nullable"):
            return None
        resolved = _resolve(shape)
        if value is None and resolved.get("nullable"):
            return None
        structured = self._kinds.get(resolved["kind"])
        if structured is not None:
            return structured(resolved, value, location)
        return self._scalar(shape, resolved, value, location)

    def apply(self, shape: Json, stored: Any, patch: Any, location: Location) -> Any:
        """The stored value with a patch merged in: objects deeply, everything else whole."""
        resolved = _resolve(shape)
        if patch is None:
            return self._nulled(shape, resolved, location)
        if not isinstance(patch, dict) or not isinstance(stored, dict):
            return self.complete(shape, patch, location)
        if resolved["kind"] == "object":
            return self._apply_object(resolved, stored, patch, location)
        if resolved["kind"] == "map":
            return self._apply_map(resolved, stored, patch, location)
        if resolved["kind"] == "variant":
            tag = patch.get(resolved["by"], stored.get(resolved["by"]))
            if tag == stored.get(resolved["by"]) and tag in resolved["of"]:
                return self.apply(shape_named(resolved["of"][tag]), stored, patch, location)
        return self.complete(shape, patch, location)

    def _apply_object(self, shape: Json, stored: Json, patch: Json, location: Location) -> Json:
        result = dict(stored)
        for name, value in patch.items():
            field = shape["fields"].get(name)
            if field is not None:
                applied = self.apply(field, stored.get(name), value, (*location, name))
                if not field.get("unread"):
                    result[name] = applied
        return result

    def _apply_map(self, shape: Json, stored: Json, patch: Json, location: Location) -> Json:
        result = dict(stored)
        for name, value in patch.items():
            if value is not None:
                result[name] = self.apply(shape["of"], stored.get(name), value, (*location, name))
            elif self._nulls is Nulls.STORE:
                result[name] = None
            else:
                result.pop(name, None)
        return result

    def _nulled(self, shape: Json, resolved: Json, location: Location) -> Any:
        if shape.get("nullable") or resolved.get("nullable") or resolved["kind"] == "any":
            return None
        value = self.absent(shape)
        if value is MISSING:
            self._scalar(shape, resolved, None, location)
            return None
        return value

    def absent(self, shape: Json) -> Any:
        """What the vendor fills in for a field that was not given, or MISSING for nothing."""
        if "default" in shape:
            return self.complete(shape, json.loads(json.dumps(shape["default"])), ())
        if shape.get("nullable"):
            return None
        if shape["kind"] == "ref":
            target = shape_named(shape["to"])
            if target["kind"] == "object":
                text = _absent_text(shape["to"])
                return MISSING if text is None else json.loads(text)
            return self.absent(target)
        return {"list": list, "map": dict}.get(shape["kind"], lambda: MISSING)()

    def _object(self, shape: Json, value: Any, location: Location) -> Any:
        if not isinstance(value, dict):
            text = "Input should be a valid dictionary or object to extract fields from"
            self._flaw(Flaw("model_attributes_type", text), value, location)
            return value
        required = shape.get("required", ())
        result: Json = {}
        for name, field in shape["fields"].items():
            given = value.get(name, MISSING)
            if given is None and self._nulls is not Nulls.REJECT:
                given = self._nulled(field, _resolve(field), (*location, name))
            elif given is not MISSING:
                given = self.complete(field, given, (*location, name))
            elif name in required:
                self._flaw(Flaw("missing", "Field required"), value, (*location, name))
                continue
            else:
                given = self.absent(field)
            if given is not MISSING and not field.get("unread"):
                result[name] = given
        return result

    def _map(self, shape: Json, value: Any, location: Location) -> Any:
        if not isinstance(value, dict):
            flaw = Flaw("dict_type", "Input should be a valid dictionary")
            self._flaw(flaw, value, location)
            return value
        result: Json = {}
        for name, item in value.items():
            if item is not None or self._nulls is Nulls.REJECT:
                result[name] = self.complete(shape["of"], item, (*location, name))
            elif self._nulls is Nulls.STORE:
                result[name] = None
        return result

    def _list(self, shape: Json, value: Any, location: Location) -> Any:
        if not isinstance(value, list):
            self._flaw(Flaw("list_type", "Input should be a valid list"), value, location)
            return value
        flaw = scalars.length_flaw(shape, value)
        if flaw is not None:
            self._flaw(flaw, value, location)
        return [
            self.complete(shape["of"], item, (*location, position))
            for position, item in enumerate(value)
        ]

    def _variant(self, shape: Json, value: Any, location: Location) -> Any:
        if not isinstance(value, dict):
            return self._object({"fields": {}}, value, location)
        by = shape["by"]
        if by not in value and len(shape["of"]) > 1:
            text = f"Unable to extract tag using discriminator '{by}'"
            flaw = Flaw("union_tag_not_found", text, {"discriminator": f"'{by}'"})
            self._flaw(flaw, value, location)
            return value
        tag = value.get(by, next(iter(shape["of"])))
        target = shape["of"].get(tag) if isinstance(tag, str) else None
        if target is None:
            expected = ", ".join(f"'{name}'" for name in shape["of"])
            text = (
                f"Input tag '{tag}' found using '{by}' does not match any of the expected "
                f"tags: {expected}"
            )
            context = {"discriminator": f"'{by}'", "tag": tag, "expected_tags": expected}
            self._flaw(Flaw("union_tag_invalid", text, context), value, location)
            return value
        return self.complete(shape_named(target), value, (*location, tag))

    def _union(self, shape: Json, value: Any, location: Location) -> Any:
        flaws: list[Json] = []
        for option in shape["of"]:
            attempt = Checker(nulls=self._nulls, empty_as_null=self._empty_as_null)
            kind = _resolve(option)["kind"]
            result = attempt.complete(option, value, (*location, kind))
            if not attempt.flaws and _keeps_type(value, result):
                return result
            flaws.extend(attempt.flaws)
        if not flaws:
            return value
        self.flaws.extend(flaws)
        return value

    def _scalar(self, shape: Json, resolved: Json, value: Any, location: Location) -> Any:
        nullable = shape.get("nullable") or resolved.get("nullable")
        if nullable and self._empty_as_null and value == "" and resolved["kind"] == "string":
            return None
        bounds = {**resolved, **{name: shape[name] for name in shape if name != "kind"}}
        result, flaw = scalars.coerce({**bounds, "kind": resolved["kind"]}, value)
        if flaw is not None:
            self._flaw(flaw, value, location)
        return result

    def _flaw(self, flaw: Flaw, value: Any, location: Location) -> None:
        entry: Json = {
            "type": flaw.kind,
            "loc": list(location),
            "msg": flaw.message,
            "input": value,
        }
        if flaw.context:
            entry["ctx"] = flaw.context
        self.flaws.append(entry)


def _resolve(shape: Json) -> Json:
    while shape["kind"] == "ref":
        shape = shape_named(shape["to"])
    return shape


def _keeps_type(given: Any, stored: Any) -> bool:
    numeric = isinstance(given, (int, float)) and isinstance(stored, (int, float))
    return type(given) is type(stored) or (
        numeric and isinstance(given, bool) == isinstance(stored, bool)
    )
