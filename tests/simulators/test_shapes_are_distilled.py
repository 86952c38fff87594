"""The shapes the ElevenLabs simulator checks are distilled from the vendor's description."""

from __future__ import annotations

from typing import Any

import pytest

from simulators.elevenlabs import distil
from simulators.elevenlabs.shapes import Checker, Nulls


def reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


DESCRIBED: dict[str, Any] = {
    "Body": {
        "type": "object",
        "required": ["kind"],
        "properties": {
            "kind": {"type": "string", "const": "body"},
            "count": {"type": "integer", "default": 3, "minimum": 1, "description": "prose"},
            "note": {"anyOf": [{"type": "string", "maxLength": 4}, {"type": "null"}]},
            "child": reference("Child-Input"),
            "choice": {
                "oneOf": [reference("Child"), reference("Other")],
                "discriminator": {
                    "propertyName": "type",
                    "mapping": {
                        "child": "#/components/schemas/Child",
                        "other": "#/components/schemas/Other",
                    },
                },
            },
            "values": {"type": "object", "additionalProperties": {"type": "number"}},
            "either": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        },
    },
    "Child": {
        "type": "object",
        "properties": {
            "type": {"type": "string", "const": "child"},
            "parts": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
        },
    },
    "Other": {"type": "object", "properties": {"type": {"type": "string", "const": "other"}}},
}


@pytest.fixture
def body() -> dict[str, Any]:
    return distil.Distiller(DESCRIBED).shape(DESCRIBED["Body"])


def test_prose_goes_and_types_stay(body: dict[str, Any]) -> None:
    assert body["fields"]["count"] == {"kind": "integer", "default": 3, "min": 1}
    assert body["fields"]["note"] == {"kind": "string", "max_length": 4, "nullable": True}
    assert body["fields"]["values"] == {"kind": "map", "of": {"kind": "number"}}
    assert body["fields"]["choice"]["of"] == {"child": "Child", "other": "Other"}
    assert body["fields"]["child"] == {"kind": "ref", "to": "Child"}
    assert body["required"] == ["kind"]


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("count", 0, "greater_than_equal"),
        ("count", None, "int_type"),
        ("note", "longer", "string_too_long"),
        ("values", {"a": "x"}, "float_parsing"),
        ("kind", "other", "literal_error"),
        ("either", [], "int_type"),
    ],
)
def test_a_value_that_does_not_fit(
    body: dict[str, Any], field: str, value: object, kind: str
) -> None:
    shape = {**body, "fields": {name: body["fields"][name] for name in {field, "kind"}}}
    checker = Checker()
    checker.complete(shape, {"kind": "body", field: value}, ("body",))
    assert checker.flaws[0]["type"] == kind
    assert checker.flaws[0]["loc"][:2] == ["body", field]


def test_defaults_are_filled_and_nulls_reset(body: dict[str, Any]) -> None:
    names = ("kind", "count", "note", "values", "either")
    shape = {**body, "fields": {name: body["fields"][name] for name in names}}
    given = {"kind": "body", "count": None, "either": "5"}
    filled = Checker(nulls=Nulls.DELETE).complete(shape, given, ())
    assert filled == {"kind": "body", "count": 3, "note": None, "values": {}, "either": "5"}
