"""An agent of ElevenLabs as it is put on a branch to be tested: the same words, other tools.

Pure. Every webhook tool leads to our tool gateway instead of its service, is told apart by a token
the conversation brings in a dynamic variable, and carries no secret of the real one; what cannot be
led to us is taken away or named. Voice, prompt, first message, knowledge and limits of a call stay
as they are.
"""

from collections.abc import Iterator
from typing import Final

from trunkline.adapters.elevenlabs.rendering import PROMPT, render_agent
from trunkline.model.base import Json, JsonObject
from trunkline.model.canonical import digest
from trunkline.model.desired import DesiredAgent, DesiredTool
from trunkline.model.diffs import leaves
from trunkline.model.errors import PublicUrlMissing
from trunkline.model.ids import Digest
from trunkline.model.paths import MISSING, find, put, split
from trunkline.model.testing.rendering import (
    TOKEN_VARIABLE,
    TOOL_SUFFIX,
    TOOLS_PATH,
    TestRendering,
)

_EVENTS: Final = "conversation_config.conversation.client_events"
_CALL_LIMITS: Final = "platform_settings.call_limits"
_OVERRIDES: Final = "platform_settings.overrides.conversation_config_override"
_TOOL_IDS: Final = f"{PROMPT}.tool_ids"
_TRANSFERS: Final = f"{PROMPT}.built_in_tools.transfer_to_agent.params.transfers"
_SERVERS: Final = (f"{PROMPT}.mcp_server_ids", f"{PROMPT}.native_mcp_server_ids")

TEST_EVENTS: Final = (
    "agent_response",
    "agent_response_complete",
    "agent_response_correction",
    "agent_tool_request",
    "agent_tool_response",
    "audio",
    "client_tool_call",
    "interruption",
    "ping",
    "user_transcript",
)
"""What a test must hear of a conversation, besides what the agent's sockets tell anyway."""

ALLOWED_DIFFERENCES: Final = (
    "name",
    "tags",
    _TOOL_IDS,
    *_SERVERS,
    f"{PROMPT}.knowledge_base",
    _EVENTS,
    _CALL_LIMITS,
    f"{_OVERRIDES}.conversation.text_only",
)
"""Where the body under test may be another than the agent's own; nothing else ever is."""

_LED_ELSEWHERE: Final = (
    "request_headers",
    "auth_connection",
    "auth_resolved_params",
    "path_params_schema",
)
"""What of a tool's own vendor settings says how its real service is reached."""


def render_for_tests(
    desired: DesiredAgent, *, public_url: str | None, stubbed: frozenset[str] | None
) -> TestRendering:
    """The agent as it is tested. ``stubbed`` are functions whose calls come to us while all others
    reach their services; None: every call comes to us.

    Raises PublicUrlMissing if a tool must lead to us and nobody said where that is.
    """
    led = desired.model_copy(
        update={"tools": tuple(_led_here(tool, public_url, stubbed) for tool in desired.tools)}
    )
    own = render_agent(desired).body
    body = render_agent(led).body
    for key in ("name", "tags"):
        body.pop(key, None)
    if stubbed is None:
        ours = find(render_agent(_without_vendor_keys(led)).body, split(_TOOL_IDS))
        put(body, split(_TOOL_IDS), [] if ours is MISSING else ours)
        for path in _SERVERS:
            put(body, split(path), [])
    said = find(body, split(_EVENTS))
    heard = said if isinstance(said, list) else []
    put(body, split(_EVENTS), [*heard, *(one for one in TEST_EVENTS if one not in heard)])
    put(body, split(f"{_CALL_LIMITS}.agent_concurrency_limit"), -1)
    put(body, split(f"{_CALL_LIMITS}.bursting_enabled"), False)
    put(body, split(f"{_OVERRIDES}.conversation.text_only"), True)
    return TestRendering(
        desired=led, body=body, digest=digest(body), differences=_differences(own, body)
    )


def stray_tools(body: JsonObject) -> tuple[str, ...]:
    """Paths in a body by which a conversation reaches services that cannot be led to us: tools a
    workflow names itself, and other agents with tools of their own.
    """
    transfers = find(body, split(_TRANSFERS))
    others = (_TRANSFERS,) if transfers is not MISSING and transfers else ()
    return (*others, *_strays("workflow", body.get("workflow")))


def _led_here(
    tool: DesiredTool, public_url: str | None, stubbed: frozenset[str] | None
) -> DesiredTool:
    """The tool with our address; one the agent's own side answers stays as it is."""
    if tool.type != "webhook" or (stubbed is not None and tool.function not in stubbed):
        return tool
    if not public_url:
        raise PublicUrlMissing(
            f"tool {tool.name} must be answered here while its agent is tested, and nobody said"
            " where the platform reaches this server",
            hint="Set TRUNKLINE_PUBLIC_URL, or let the test use `tools: {live: true}`.",
        )
    led = tool.model_copy(
        update={
            "name": f"{tool.name}{TOOL_SUFFIX}",
            "url": f"{public_url.rstrip('/')}{TOOLS_PATH}{tool.function}",
            "headers": {},
            "elevenlabs": _vendor_keys(tool),
            "adopt": None,
            "position": "",
        }
    )
    content = led.model_dump(mode="json", exclude={"digest", "position", "adopt"})
    return led.model_copy(update={"digest": Digest(digest(content))})


def _vendor_keys(tool: DesiredTool) -> JsonObject:
    """The tool's own vendor settings but for how it is reached, and the token's header."""
    kept: JsonObject = dict(tool.elevenlabs)
    schema = kept.get("api_schema")
    reached = (
        {key: value for key, value in schema.items() if key not in _LED_ELSEWHERE}
        if isinstance(schema, dict)
        else {}
    )
    header: JsonObject = {"Authorization": {"variable_name": TOKEN_VARIABLE}}
    return {**kept, "api_schema": {**reached, "request_headers": header}}


def _without_vendor_keys(desired: DesiredAgent) -> DesiredAgent:
    return desired.model_copy(update={"elevenlabs": {}})


def _differences(own: JsonObject, tested: JsonObject) -> tuple[str, ...]:
    before, after = leaves(own), leaves(tested)
    return tuple(
        sorted(
            path
            for path in before.keys() | after.keys()
            if before.get(path, MISSING) != after.get(path, MISSING)
        )
    )


def _strays(path: str, value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        for key, below in value.items():
            here = f"{path}.{key}"
            if key in ("tool_id", "tool_ids", "additional_tool_ids") and below:
                yield here
            else:
                yield from _strays(here, below)
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from _strays(f"{path}[{index}]", below)
