"""An agent under test says what the real one says; only its tools, limits and identity differ."""

from collections.abc import Callable

import pytest

from trunkline.adapters.elevenlabs.rendering import render_agent
from trunkline.adapters.elevenlabs.testing.rendering import (
    ALLOWED_DIFFERENCES,
    TEST_EVENTS,
    render_for_tests,
    stray_tools,
)
from trunkline.adapters.elevenlabs.tool_schemas import render_tool
from trunkline.model.base import Json, JsonObject
from trunkline.model.desired import DesiredAgent, DesiredTool
from trunkline.model.errors import PublicUrlMissing
from trunkline.model.paths import find, split

PUBLIC = "https://trunkline.example.com/"
PROMPT = "conversation_config.agent.prompt"
EVENTS = "conversation_config.conversation.client_events"


def rendered(
    desired: DesiredAgent, *, stubbed: frozenset[str] | None = None, url: str | None = PUBLIC
) -> JsonObject:
    return render_for_tests(desired, public_url=url, stubbed=stubbed).body


def at(body: Json, path: str) -> Json:
    found = find(body, split(path))
    return found if isinstance(found, str | int | bool | list | dict) else None


def test_only_what_is_allowed_to_differ_differs(whole_agent: DesiredAgent) -> None:
    rendering = render_for_tests(whole_agent, public_url=PUBLIC, stubbed=None)
    assert rendering.differences
    for path in rendering.differences:
        assert any(path == each or path.startswith(f"{each}.") for each in ALLOWED_DIFFERENCES)


def test_what_the_agent_says_stays_as_it_is(whole_agent: DesiredAgent) -> None:
    own, body = render_agent(whole_agent).body, rendered(whole_agent)
    for path in (
        f"{PROMPT}.prompt",
        f"{PROMPT}.llm",
        f"{PROMPT}.temperature",
        f"{PROMPT}.built_in_tools",
        f"{PROMPT}.knowledge_base",
        "conversation_config.agent.first_message",
        "conversation_config.agent.language",
        "conversation_config.agent.dynamic_variables",
        "conversation_config.tts",
        "conversation_config.conversation.max_duration_seconds",
        "conversation_config.conversation.text_only",
    ):
        assert at(body, path) == at(own, path)


def test_it_carries_neither_name_nor_tags_of_the_agent(whole_agent: DesiredAgent) -> None:
    body = rendered(whole_agent)
    assert "name" not in body
    assert "tags" not in body


def test_everything_a_test_listens_for_is_told(whole_agent: DesiredAgent) -> None:
    events = at(rendered(whole_agent), EVENTS)
    assert isinstance(events, list)
    assert set(TEST_EVENTS) <= set(map(str, events))
    assert len(events) == len(set(map(str, events)))


def test_text_may_be_asked_for_and_calls_are_not_limited(whole_agent: DesiredAgent) -> None:
    body = rendered(whole_agent.model_copy(update={"concurrency": 1}))
    override = "platform_settings.overrides.conversation_config_override.conversation.text_only"
    assert at(body, override) is True
    assert at(body, "platform_settings.call_limits.agent_concurrency_limit") == -1
    assert at(body, "platform_settings.call_limits.bursting_enabled") is False


def test_a_webhook_tool_leads_to_us_with_the_conversations_token(
    whole_agent: DesiredAgent, make_tool: Callable[..., DesiredTool]
) -> None:
    tool = make_tool(
        method="GET",
        url="https://booking.example.com/slots/{slot}?key=1",
        elevenlabs={"api_schema": {"auth_connection": {"id": "x"}}, "disable_interruptions": True},
    )
    agent = whole_agent.model_copy(update={"tools": (tool,)})
    led = render_for_tests(agent, public_url=PUBLIC, stubbed=None).desired.tools[0]
    config = at(render_tool(led, "mark", {}), "tool_config")
    assert at(config, "api_schema") == {
        "url": "https://trunkline.example.com/v1/tools/book_slot",
        "method": "GET",
        "request_headers": {"Authorization": {"variable_name": "secret__trunkline_test"}},
        "query_params_schema": {
            "properties": {"slot": {"type": "string", "description": "ISO time"}},
            "required": ["slot"],
        },
    }
    assert at(config, "name") == "book_slot"
    assert at(config, "description") == tool.description
    assert at(config, "response_timeout_secs") == 5
    assert at(config, "disable_interruptions") is True
    assert led.secrets() == ()
    assert led.digest != tool.digest
    assert (led.name, led.adopt) == ("book-slot.test", None)


def test_a_tool_for_tests_is_the_same_for_the_same_content(
    whole_agent: DesiredAgent, make_tool: Callable[..., DesiredTool]
) -> None:
    def digest_of(url: str, **fields: object) -> str:
        agent = whole_agent.model_copy(update={"tools": (make_tool(**fields),)})
        return render_for_tests(agent, public_url=url, stubbed=None).desired.tools[0].digest

    assert digest_of(PUBLIC) == digest_of(PUBLIC.rstrip("/"), position="other.yaml:1:1")
    assert digest_of(PUBLIC) != digest_of("https://other.example.com")
    assert digest_of(PUBLIC) != digest_of(PUBLIC, description="Books something else")


def test_tools_on_the_callers_side_stay(
    whole_agent: DesiredAgent, make_tool: Callable[..., DesiredTool]
) -> None:
    client = make_tool(type="client", method=None, url=None, headers={})
    agent = whole_agent.model_copy(update={"tools": (client,)})
    rendering = render_for_tests(agent, public_url=None, stubbed=None)
    assert rendering.desired.tools == (client,)
    assert f"{PROMPT}.tool_ids" not in rendering.differences


def test_a_live_test_keeps_the_tools_it_has_no_stubs_for(
    whole_agent: DesiredAgent, make_tool: Callable[..., DesiredTool]
) -> None:
    tools = (make_tool(), make_tool(name="cancel-slot", function="cancel_slot"))
    agent = whole_agent.model_copy(update={"tools": tools})
    rendering = render_for_tests(agent, public_url=PUBLIC, stubbed=frozenset({"cancel_slot"}))
    assert rendering.desired.tools[0] == tools[0]
    assert rendering.desired.tools[1].name == "cancel-slot.test"


def test_tools_of_others_are_taken_away_unless_the_test_is_live(
    whole_agent: DesiredAgent,
) -> None:
    foreign: JsonObject = {
        "conversation_config": {
            "agent": {"prompt": {"tool_ids": ["tool_9"], "mcp_server_ids": ["mcp_9"]}}
        }
    }
    agent = whole_agent.model_copy(update={"tools": (), "elevenlabs": foreign})
    gated = rendered(agent)
    assert at(gated, f"{PROMPT}.tool_ids") == []
    assert at(gated, f"{PROMPT}.mcp_server_ids") == []
    assert at(gated, f"{PROMPT}.native_mcp_server_ids") == []
    live = rendered(agent, stubbed=frozenset())
    assert at(live, f"{PROMPT}.tool_ids") == ["tool_9"]
    assert at(live, f"{PROMPT}.mcp_server_ids") == ["mcp_9"]


@pytest.mark.parametrize("url", [None, ""])
def test_without_a_public_address_it_says_what_to_set(
    whole_agent: DesiredAgent, url: str | None
) -> None:
    with pytest.raises(PublicUrlMissing) as raised:
        rendered(whole_agent, url=url)
    assert "TRUNKLINE_PUBLIC_URL" in raised.value.hint


def test_an_agent_without_webhooks_needs_no_public_address(whole_agent: DesiredAgent) -> None:
    assert rendered(whole_agent.model_copy(update={"tools": ()}), url=None)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({}, ()),
        ({"workflow": {"nodes": {"a": {"type": "start"}}}}, ()),
        (
            {"workflow": {"nodes": {"a": {"tools": [{"tool_id": "t"}]}}}},
            ("workflow.nodes.a.tools[0].tool_id",),
        ),
        (
            {"workflow": {"nodes": {"a": {"additional_tool_ids": ["t"]}, "b": {"tool_ids": []}}}},
            ("workflow.nodes.a.additional_tool_ids",),
        ),
    ],
)
def test_tools_a_workflow_names_itself_are_found(body: JsonObject, found: tuple[str, ...]) -> None:
    assert stray_tools(body) == found


def test_a_transfer_to_another_agent_is_found() -> None:
    path = f"{PROMPT}.built_in_tools.transfer_to_agent.params.transfers"
    transfers: JsonObject = {"params": {"transfers": [{"agent_id": "agent_2"}]}}
    body: JsonObject = {
        "conversation_config": {
            "agent": {"prompt": {"built_in_tools": {"transfer_to_agent": transfers}}}
        }
    }
    assert stray_tools(body) == (path,)
