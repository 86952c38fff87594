"""What was rendered from a manifest is imported as that manifest, key by key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.adapters.elevenlabs.importing import derive_agent
from trunkline.adapters.elevenlabs.rendering import RULES, render_agent
from trunkline.adapters.elevenlabs.tool_reading import derive_tool, stated, tool_differences
from trunkline.adapters.elevenlabs.tool_schemas import render_tool
from trunkline.model.base import Frozen, Json, JsonObject
from trunkline.model.desired import (
    DesiredAgent,
    DesiredModel,
    DesiredTool,
    DesiredVoice,
    SecretReference,
)
from trunkline.model.ids import AgentName, Digest, EnvironmentName, ExternalId, ProjectName
from trunkline.model.imports import HeaderSecret
from trunkline.model.kinds.agent import merge
from trunkline.model.observed import ObservedAgent, ObservedTool

Kind = TypeVar("Kind", bound=Frozen)


def made(kind: type[Kind]) -> Callable[..., Kind]:
    """Makes one from keywords alone: its aliases are not for hypothesis to guess."""

    def make(**said: object) -> Kind:
        return kind.model_validate(said)

    return make


WORDS = st.text("abc äöü{}:#'\"\n-", min_size=1, max_size=30).filter(lambda text: text.strip())
SHARES = st.sampled_from((None, 0.1, 0.35, 0.9, 1.0))
AGENTS = st.builds(
    made(DesiredAgent),
    project=st.just(ProjectName("acme")),
    environment=st.just(EnvironmentName("testing")),
    name=st.just(AgentName("front-desk")),
    digest=st.just(Digest("sha256:" + "0" * 64)),
    display_name=WORDS,
    prompt=st.none() | WORDS,
    first_message=st.none() | WORDS,
    language=st.sampled_from((None, "de", "pt-br")),
    model=st.builds(
        made(DesiredModel),
        name=st.sampled_from((None, "gpt-4o-mini")),
        temperature=st.sampled_from((None, 0.3, 1.0)),
    ),
    voice=st.builds(
        made(DesiredVoice),
        id=st.sampled_from((None, "21m00Tcm4TlvDq8ikWAM")),
        stability=SHARES,
        similarity_boost=SHARES,
        speed=st.sampled_from((None, 0.9, 1.2)),
    ),
    builtin_tools=st.sampled_from(((), ("end_call",), ("end_call", "skip_turn"))),
    variables=st.dictionaries(st.sampled_from(("company", "_x", "no")), WORDS, max_size=3),
    max_duration_s=st.sampled_from((None, 90, 300, 3600)),
    concurrency=st.sampled_from((None, 1, 20)),
    elevenlabs=st.sampled_from(
        (
            {},
            {"conversation_config": {"turn": {"turn_timeout": 12}}},
            {
                "platform_settings": {
                    "data_collection": {"mail": {"type": "string", "description": "Where to"}}
                }
            },
        )
    ),
)


@settings(deadline=None, max_examples=100)
@given(AGENTS)
def test_an_agents_keys_come_back(desired: DesiredAgent) -> None:
    body = merge(RULES.defaults, render_agent(desired).body)
    observed = ObservedAgent(
        external_id=ExternalId("agent_1"),
        name=desired.display_name,
        tags=(),
        version_id="v",
        branch_id="b",
        body={key: value for key, value in body.items() if key not in ("name", "tags")},
    )
    derived = derive_agent(observed)
    assert derived.left_out == ()
    assert derived.builtins == desired.builtin_tools
    assert derived.prompt.strip() == (desired.prompt or "").strip()
    assert derived.spec == _spoken(desired)


def _spoken(desired: DesiredAgent) -> JsonObject:
    """The manifest's keys, without what is the platform's default anyway."""
    voice = {
        "id": desired.voice.id,
        "stability": desired.voice.stability,
        "similarityBoost": desired.voice.similarity_boost,
        "speed": desired.voice.speed,
    }
    durations = {90: "90s", 300: "5m", 3600: "1h"}
    duration = durations.get(desired.max_duration_s or 0)
    limits = {"maxDuration": duration, "concurrency": desired.concurrency}
    said: JsonObject = {
        "displayName": desired.display_name,
        "firstMessage": desired.first_message,
        "language": desired.language,
        "model": _given({"name": desired.model.name, "temperature": desired.model.temperature}),
        "voice": _given(voice),
        "limits": _given(limits),
        "variables": dict(desired.variables),
        "elevenlabs": desired.elevenlabs,
    }
    return _given(said)


def _given(said: Mapping[str, Json]) -> JsonObject:
    return {key: value for key, value in said.items() if value not in (None, {})}


TOOL = DesiredTool(
    name="book-slot",
    digest=Digest("sha256:" + "1" * 64),
    type="webhook",
    function="book_slot",
    description="Books a slot",
    method="POST",
    url="https://booking.example.com/{day}/slots",
    headers={"Authorization": SecretReference(secret="S"), "X-Channel": "phone"},
    timeout_s=8,
    parameters={
        "type": "object",
        "required": ["day", "guest"],
        "properties": {
            "day": {"type": "string", "description": "ISO date"},
            "guest": {
                "type": "object",
                "description": "Who",
                "required": ["name"],
                "properties": {"name": {"type": "string", "description": "Full name"}},
            },
            "wishes": {"type": "array", "items": {"type": "string", "description": "One"}},
            "channel": {"type": "string", "const": "phone"},
            "caller": {"type": "string", "dynamic_variable": "system__caller_id"},
        },
    },
)


def observed_tool(tool: DesiredTool) -> ObservedTool:
    config = render_tool(tool, mark="m", secret_ids={"S": "secret_1"})["tool_config"]
    assert isinstance(config, dict)
    return ObservedTool(external_id=ExternalId("tool_1"), function=tool.function, config=config)


def test_a_tools_keys_come_back() -> None:
    derived = derive_tool(observed_tool(TOOL))
    assert derived.refusal == ""
    assert derived.headers == {"Authorization": HeaderSecret("secret_1"), "X-Channel": "phone"}
    required = ["guest"]
    assert derived.spec == {
        "type": "webhook",
        "function": "book_slot",
        "description": "Books a slot",
        "method": "POST",
        "url": TOOL.url,
        "timeout": "8s",
        "parameters": {**TOOL.parameters, "required": required},
    }


def test_our_mark_and_what_the_platform_fills_in_are_no_difference() -> None:
    observed = observed_tool(TOOL)
    filled = {**observed.config, "pre_tool_speech": "auto", "assignments": [], "x": None}
    same = observed.model_copy(update={"config": filled})
    assert tool_differences(TOOL, same, {"S": "secret_1"}) == ()
    other = TOOL.model_copy(update={"description": "Books"})
    assert [c.path for c in tool_differences(other, same, {"S": "secret_1"})] == ["description"]


def test_a_credential_that_stands_openly_is_never_copied() -> None:
    observed = observed_tool(TOOL)
    config = dict(observed.config)
    schema = config["api_schema"]
    assert isinstance(schema, dict)
    headers: JsonObject = {
        "Authorization": "Bearer abcdefghijk",
        "X-Api-Key": "k-123",
        "X-Tenant": "{{shop}}",
    }
    config["api_schema"] = {**schema, "request_headers": headers}
    derived = derive_tool(observed.model_copy(update={"config": config}))
    assert derived.headers["Authorization"] == HeaderSecret(None)
    assert derived.headers["X-Api-Key"] == HeaderSecret(None)
    assert derived.headers["X-Tenant"] == "{{shop}}"
    assert "abcdefghijk" not in str(derived.spec)
    in_address = {**schema, "url": "https://a.example/x?api_key=abc"}
    config["api_schema"] = in_address
    refused = derive_tool(observed.model_copy(update={"config": config}))
    assert "credential" in refused.refusal


def test_webhooks_authentication_and_credentials_of_an_agent_stay_where_they_are() -> None:
    settings_of: JsonObject = {
        "auth": {"enable_auth": True},
        "workspace_overrides": {"webhooks": {"post_call_webhook_id": "wh_1"}},
    }
    llm: JsonObject = {
        "url": "https://llm.example",
        "request_headers": {"Authorization": "Bearer abcdefghijk"},
    }
    body = merge(
        RULES.defaults,
        {
            "platform_settings": settings_of,
            "conversation_config": {"agent": {"prompt": {"custom_llm": llm}}},
        },
    )
    derived = derive_agent(
        ObservedAgent(
            external_id=ExternalId("agent_1"),
            name="A",
            tags=(),
            version_id="v",
            branch_id="b",
            body=body,
        )
    )
    assert "abcdefghijk" not in str(derived.spec)
    assert sorted(left.path.rpartition(".")[2] for left in derived.left_out) == [
        "Authorization",
        "enable_auth",
        "post_call_webhook_id",
    ]
    assert stated({"type": "client", "name": "f", "description": ""}) == {
        "type": "client",
        "name": "f",
    }
