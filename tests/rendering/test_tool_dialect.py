"""JSON Schema parameters become the vendor's dialect, or are refused with a place and a way out."""

from collections.abc import Callable
from typing import Any

import pytest

from trunkline.adapters.elevenlabs.rendering import render_tool
from trunkline.model.desired import DesiredTool
from trunkline.model.errors import ClaimPending, InvalidInput

MARK = "acme/testing/book-slot@0123456789ab"
SECRETS = {"TRUNKLINE_SECRET_ACME_BOOKING": "secret_1"}

Make = Callable[..., DesiredTool]


def config(tool: DesiredTool) -> Any:
    return render_tool(tool, MARK, SECRETS)["tool_config"]


def schema(tool: DesiredTool) -> Any:
    return config(tool)["api_schema"]


def with_property(make_tool: Make, said: Any, **fields: Any) -> DesiredTool:
    return make_tool(parameters={"type": "object", "properties": {"slot": said}}, **fields)


def rendered_property(make_tool: Make, said: Any) -> Any:
    body = schema(with_property(make_tool, said))["request_body_schema"]
    return body["properties"]["slot"]


def test_a_webhook_tool_whole(make_tool: Make) -> None:
    assert config(make_tool()) == {
        "type": "webhook",
        "name": "book_slot",
        "description": "Books an appointment",
        "response_timeout_secs": 5,
        "dynamic_variables": {"dynamic_variable_placeholders": {"trunkline_owner": MARK}},
        "api_schema": {
            "url": "https://booking.example.com/slots",
            "method": "POST",
            "request_headers": {
                "Accept": "application/json",
                "Authorization": {"secret_id": "secret_1"},
            },
            "request_body_schema": {
                "type": "object",
                "required": ["slot"],
                "properties": {"slot": {"type": "string", "description": "ISO time"}},
            },
        },
    }


def test_a_client_tool_has_parameters_and_no_address(make_tool: Make) -> None:
    tool = make_tool(type="client", url=None, method=None, headers={}, timeout_s=None)
    said = config(tool)
    assert "api_schema" not in said
    assert "response_timeout_secs" not in said
    assert said["parameters"]["properties"]["slot"] == {"type": "string", "description": "ISO time"}
    bare = make_tool(type="client", url=None, method=None, headers={}, parameters={})
    assert "parameters" not in config(bare)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_without_a_body_parameters_travel_in_the_query(make_tool: Make, method: str) -> None:
    said = schema(make_tool(method=method))
    assert "request_body_schema" not in said
    assert said["query_params_schema"] == {
        "required": ["slot"],
        "properties": {"slot": {"type": "string", "description": "ISO time"}},
    }


def test_a_placeholder_in_the_url_is_a_path_parameter(make_tool: Make) -> None:
    said = schema(make_tool(url="https://booking.example.com/slots/{slot}"))
    assert said["path_params_schema"] == {"slot": {"type": "string", "description": "ISO time"}}
    assert "request_body_schema" not in said


def test_no_parameters_is_no_schema(make_tool: Make) -> None:
    said = schema(make_tool(parameters={}, method=None))
    assert said["method"] == "GET"
    assert not any(key.endswith("_schema") for key in said)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"type": "integer", "description": "How many"}, {"description": "How many"}),
        ({"type": "number", "title": "Price"}, {"description": "Price"}),
        ({"type": "boolean"}, {"description": "slot"}),
        ({"type": "string", "const": "EUR", "description": "x"}, {"constant_value": "EUR"}),
        ({"type": "integer", "constant_value": 0}, {"constant_value": 0}),
        ({"type": "string", "dynamic_variable": "phone"}, {"dynamic_variable": "phone"}),
        ({"type": "string", "is_system_provided": True}, {"is_system_provided": True}),
        (
            {"type": "string", "enum": ["a", "b"], "description": "Which"},
            {"enum": ["a", "b"], "description": "Which"},
        ),
    ],
)
def test_a_literal_takes_its_value_from_exactly_one_place(
    make_tool: Make, said: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert rendered_property(make_tool, said) == {"type": said["type"], **expected}


def test_objects_and_arrays_nest(make_tool: Make) -> None:
    guest = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
    said = {"type": "array", "description": "Guests", "items": guest}
    assert rendered_property(make_tool, said) == {
        "type": "array",
        "description": "Guests",
        "items": {
            "type": "object",
            "required": ["name"],
            "properties": {"name": {"type": "string", "description": "name"}},
        },
    }


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"type": "string", "pattern": "^a"}, "slot: keyword pattern"),
        ({"type": "object", "additionalProperties": True}, "slot: keyword additionalProperties"),
        ({"type": ["string", "null"]}, "slot: type"),
        ({"type": "null"}, "slot: type 'null'"),
        ({}, "slot: type None"),
        ({"type": "integer", "enum": [1, 2]}, "slot: enum"),
        ({"type": "string", "enum": []}, "slot: enum"),
        ({"type": "array"}, "slot: an array needs items"),
        ({"type": "array", "items": {"type": "string", "format": "date"}}, "slot.items: keyword"),
        ({"type": "string", "const": "a", "dynamic_variable": "b"}, "slot: has two values"),
        ("text", "parameters.slot must be an object"),
    ],
)
def test_what_cannot_be_said_is_refused(make_tool: Make, said: Any, words: str) -> None:
    tool = with_property(make_tool, said, position="tools/book-slot.yaml:3:1")
    with pytest.raises(InvalidInput, match=words) as refused:
        config(tool)
    assert refused.value.message.startswith("tools/book-slot.yaml:3:1: tool book-slot: ")
    assert "description" in refused.value.hint


def test_a_query_takes_literals_only(make_tool: Make) -> None:
    nested = {"type": "object", "properties": {}}
    with pytest.raises(InvalidInput, match="slot: "):
        config(with_property(make_tool, nested, method="GET"))


def test_a_placeholder_without_a_parameter_is_refused(make_tool: Make) -> None:
    with pytest.raises(InvalidInput, match="id}, which is no parameter"):
        config(make_tool(url="https://booking.example.com/slots/{id}"))


def test_a_secret_that_is_not_there_yet_is_waited_for(make_tool: Make) -> None:
    with pytest.raises(ClaimPending, match="TRUNKLINE_SECRET_ACME_BOOKING"):
        render_tool(make_tool(), MARK, {})
