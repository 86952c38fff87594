"""Rendered bodies pass the vendor's own request models, with no key those models do not know."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from elevenlabs import types as vendor
from pydantic import BaseModel, TypeAdapter, ValidationError

from trunkline.adapters.elevenlabs.rendering import CLIENT_EVENTS, render_agent, render_tool
from trunkline.model.desired import DesiredAgent, DesiredTool
from trunkline.model.writes import create_body

SECTIONS: dict[str, Any] = {
    "conversation_config": vendor.ConversationalConfig,
    "platform_settings": vendor.AgentPlatformSettingsRequestModel,
}
SECRETS = {"TRUNKLINE_SECRET_ACME_BOOKING": "secret_1"}


def unknown_keys(value: Any, path: str = "") -> Iterator[str]:
    """Keys a vendor model kept without knowing them."""
    if isinstance(value, BaseModel):
        for key in value.model_extra or {}:
            yield f"{path}.{key}"
        for key in type(value).model_fields:
            yield from unknown_keys(getattr(value, key), f"{path}.{key}")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from unknown_keys(item, f"{path}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from unknown_keys(item, path)


def test_an_agent_that_says_everything_fits(whole_agent: DesiredAgent) -> None:
    rendering = render_agent(whole_agent)
    bindings = dict.fromkeys(_references(rendering.body), "id_1")
    body = create_body(rendering, bindings, nonce="00ff")
    assert body.keys() - SECTIONS.keys() == {"name", "tags"}
    for section, model in SECTIONS.items():
        fitted = model.model_validate(body[section])
        assert list(unknown_keys(fitted)) == []


def test_a_wrong_body_does_not_fit() -> None:
    fitted = vendor.ConversationalConfig.model_validate({"tts": {"voice": "x"}})
    assert list(unknown_keys(fitted)) == [".tts.voice"]
    with pytest.raises(ValidationError):
        vendor.ConversationalConfig.model_validate({"tts": {"speed": "fast"}})


def test_client_events_are_words_of_the_vendor() -> None:
    TypeAdapter(list[vendor.ClientEvent]).validate_python(list(CLIENT_EVENTS))
    known = str(vendor.ClientEvent)
    assert [event for event in CLIENT_EVENTS if f"'{event}'" not in known] == []


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"method": "GET"},
        {"url": "https://booking.example.com/slots/{slot}"},
        {"parameters": {}},
        {
            "parameters": {
                "type": "object",
                "properties": {
                    "guests": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {"name": {"type": "string", "enum": ["a"]}},
                        },
                    },
                    "currency": {"type": "string", "const": "EUR"},
                    "caller": {"type": "string", "dynamic_variable": "system__caller_id"},
                },
            }
        },
    ],
)
def test_every_webhook_tool_fits(
    make_tool: Callable[..., DesiredTool], fields: dict[str, Any]
) -> None:
    said: Any = render_tool(make_tool(**fields), "acme/testing/book-slot@1", SECRETS)
    fitted = vendor.ToolRequestModel.model_validate(said)
    assert isinstance(fitted.tool_config, vendor.ToolRequestModelToolConfig_Webhook)
    assert list(unknown_keys(fitted)) == []


def test_a_client_tool_fits(make_tool: Callable[..., DesiredTool]) -> None:
    tool = make_tool(type="client", url=None, method=None, headers={})
    fitted = vendor.ToolRequestModel.model_validate(
        render_tool(tool, "acme/testing/book-slot@1", {})
    )
    assert isinstance(fitted.tool_config, vendor.ToolRequestModelToolConfig_Client)
    assert list(unknown_keys(fitted)) == []


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, str) and value.startswith("trunkline-ref:"):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)
