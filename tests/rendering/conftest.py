"""Wishes to render."""

from collections.abc import Callable
from typing import Any

import pytest

from trunkline.model.canonical import digest
from trunkline.model.desired import (
    DesiredAgent,
    DesiredDocument,
    DesiredModel,
    DesiredTool,
    DesiredVoice,
    SecretReference,
)
from trunkline.model.ids import AgentName, EnvironmentName, ProjectName


@pytest.fixture
def make_tool() -> Callable[..., DesiredTool]:
    """A webhook tool; every argument replaces a field."""

    def make(**fields: Any) -> DesiredTool:
        said: dict[str, Any] = {
            "name": "book-slot",
            "digest": digest("book-slot"),
            "type": "webhook",
            "function": "book_slot",
            "description": "Books an appointment",
            "method": "POST",
            "url": "https://booking.example.com/slots",
            "headers": {
                "Authorization": SecretReference(secret="TRUNKLINE_SECRET_ACME_BOOKING"),
                "Accept": "application/json",
            },
            "timeout_s": 5.0,
            "parameters": {
                "type": "object",
                "required": ["slot"],
                "properties": {"slot": {"type": "string", "description": "ISO time"}},
            },
        }
        return DesiredTool(**{**said, **fields})

    return make


@pytest.fixture
def whole_agent(make_tool: Callable[..., DesiredTool]) -> DesiredAgent:
    """An agent that says everything a manifest can say."""
    return DesiredAgent(
        project=ProjectName("acme"),
        environment=EnvironmentName("testing"),
        name=AgentName("front-desk"),
        digest=digest({}),
        display_name="Front desk",
        labels={"team": "reception"},
        prompt="You are the front desk.\n",
        first_message="Good morning, {{company}}",
        language="en",
        model=DesiredModel(name="gemini-2.5-flash", temperature=0.2),
        voice=DesiredVoice(
            id="21m00Tcm4TlvDq8ikWAM",
            stability=0.6,
            similarity_boost=0.7,
            speed=1.0,
            style=0.3,
            speaker_boost=True,
        ),
        tools=(make_tool(),),
        builtin_tools=(
            "end_call",
            "language_detection",
            "play_keypad_touch_tone",
            "skip_turn",
            "voicemail_detection",
        ),
        documents=(
            DesiredDocument(
                name="opening-hours",
                digest=digest("9 to 18"),
                title="Opening hours",
                source="text",
                content_digest=digest("9 to 18"),
                usage="prompt",
            ),
        ),
        variables={"company": "ACME"},
        context={"support_email": "help@example.com", "business_hours": "9-18"},
        max_duration_s=600,
        concurrency=5,
        elevenlabs={"conversation_config": {"turn": {"turn_timeout": 9}}},
        positions={
            "spec": "agents/front-desk/agent.yaml:4:1",
            "spec.voice": "agents/front-desk/agent.yaml:20:3",
            "spec.voice.id": "agents/front-desk/agent.yaml:21:5",
            "spec.tools": "agents/front-desk/agent.yaml:30:3",
            "spec.elevenlabs.conversation_config.turn.turn_timeout": "agents/x.yaml:40:9",
        },
    )
