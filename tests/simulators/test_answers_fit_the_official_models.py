"""Every answer of the ElevenLabs simulator, checked by the models of the official client."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

if TYPE_CHECKING:
    from tests.simulators.conftest import World

AGENTS = "/v1/convai/agents"
NO_RETRY: Any = {"max_retries": 0}
CONFIG: Any = {
    "agent": {
        "prompt": {
            "prompt": "Be brief.",
            "built_in_tools": {
                "end_call": {"name": "end_call", "params": {"system_tool_type": "end_call"}}
            },
        }
    },
    "language_presets": {"de": {"overrides": {"agent": {"first_message": "Hallo"}}}},
}
WORKFLOW: Any = {
    "nodes": {
        "start": {"type": "start", "position": {"x": 0, "y": 0}},
        "end": {"type": "end", "position": {"x": 0, "y": 9}},
    },
    "edges": {"only": {"source": "start", "target": "end"}},
}
TOOL: Any = {
    "tool_config": {
        "type": "webhook",
        "name": "book_slot",
        "description": "Books a slot",
        "api_schema": {
            "url": "https://booking.example.com/slots",
            "method": "POST",
            "request_body_schema": {
                "type": "object",
                "required": ["slot"],
                "properties": {"slot": {"type": "string", "description": "ISO time"}},
            },
        },
    }
}


def test_a_wrong_answer_would_be_noticed(world: World) -> None:
    good = world.read_agent(world.new_agent())
    for broken in (
        {name: value for name, value in good.items() if name != "agent_id"},
        {**good, "tags": "none"},
        {**good, "conversation_config": {"tts": {"stability": "very"}}},
    ):
        with pytest.raises(ValidationError):
            world.check("GET", f"{AGENTS}/agent_1", broken)


def test_every_route_of_the_contract_answers_in_shape(world: World) -> None:
    convai = world.elevenlabs.conversational_ai
    tool = convai.tools.create(request=TOOL, request_options=NO_RETRY)
    convai.tools.get(tool.id, request_options=NO_RETRY)
    convai.tools.update(tool.id, request=TOOL, request_options=NO_RETRY)
    convai.tools.list(request_options=NO_RETRY)
    document = convai.knowledge_base.documents.create_from_text(
        text="Open from 9 to 18.", name="hours", request_options=NO_RETRY
    )
    convai.knowledge_base.list(request_options=NO_RETRY)
    convai.knowledge_base.documents.get(document.id, request_options=NO_RETRY)
    convai.knowledge_base.documents.update(
        document.id, name="opening hours", request_options=NO_RETRY
    )
    _walk_agents(world, tool.id, document.id)
    _walk_the_rest(world, tool.id, document.id)
    assert world.missed_routes() == set()


def _walk_agents(world: World, tool_id: str, document_id: str) -> None:
    agents = world.elevenlabs.conversational_ai.agents
    config = json.loads(json.dumps(CONFIG))
    config["agent"]["prompt"]["tool_ids"] = [tool_id]
    config["agent"]["prompt"]["knowledge_base"] = [
        {"type": "text", "name": "hours", "id": document_id, "usage_mode": "auto"}
    ]
    created = agents.create(
        conversation_config=config,
        workflow=WORKFLOW,
        name="front desk",
        tags=["mine"],
        request_options=NO_RETRY,
    )
    agent_id = created.agent_id
    agent = agents.get(agent_id, request_options=NO_RETRY)
    agents.update(agent_id, name="desk", request_options=NO_RETRY)
    agents.list(request_options=NO_RETRY)
    agents.duplicate(agent_id, name="copy", request_options=NO_RETRY)
    agents.summaries.get(agent_ids=[agent_id, "agent_unknown"], request_options=NO_RETRY)
    agents.link.get(agent_id, request_options=NO_RETRY)
    assert agent.version_id is not None
    assert agent.branch_id is not None
    agents.versions.get(agent_id, agent.version_id, request_options=NO_RETRY)
    branch = agents.branches.create(
        agent_id,
        parent_version_id=agent.version_id,
        name="staging",
        description="",
        request_options=NO_RETRY,
    )
    agents.branches.list(agent_id, request_options=NO_RETRY)
    agents.branches.get(agent_id, branch.created_branch_id, request_options=NO_RETRY)
    agents.branches.update(
        agent_id, branch.created_branch_id, name="next", request_options=NO_RETRY
    )
    split = {
        "requests": [
            {
                "branch_id": branch_id,
                "deployment_strategy": {"type": "percentage", "traffic_percentage": share},
            }
            for branch_id, share in ((agent.branch_id, 90), (branch.created_branch_id, 10))
        ]
    }
    deployment: Any = split
    agents.deployments.create(agent_id, deployment_request=deployment, request_options=NO_RETRY)


def _walk_the_rest(world: World, tool_id: str, document_id: str) -> None:
    client = world.elevenlabs
    convai = client.conversational_ai
    convai.tools.get_dependent_agents(tool_id, request_options=NO_RETRY)
    world.elevenlabs._client_wrapper.httpx_client.request(
        f"/v1/convai/knowledge-base/{document_id}/dependent-agents", method="GET"
    )
    secret = convai.secrets.create(name="key", value="hidden", request_options=NO_RETRY)
    convai.secrets.list(request_options=NO_RETRY)
    convai.secrets.get(secret.secret_id, request_options=NO_RETRY)
    convai.secrets.update(secret.secret_id, name="key", value="other", request_options=NO_RETRY)
    number_id = world.import_number().json()["phone_number_id"]
    world.answers.take(world.import_number("+15005550002"))
    convai.phone_numbers.list(request_options=NO_RETRY)
    client._client_wrapper.httpx_client.request("/v1/convai/v2/phone-numbers", method="GET")
    convai.phone_numbers.get(number_id, request_options=NO_RETRY)
    convai.phone_numbers.update(number_id, label="second", request_options=NO_RETRY)
    convai.phone_numbers.delete(number_id, request_options=NO_RETRY)
    client.voices.get_all(request_options=NO_RETRY)
    client.voices.search(request_options=NO_RETRY)
    client.voices.get("21m00Tcm4TlvDq8ikWAM", request_options=NO_RETRY)
    client.user.get(request_options=NO_RETRY)
    client.user.subscription.get(request_options=NO_RETRY)
    for agent in convai.agents.list(request_options=NO_RETRY).agents:
        convai.agents.delete(agent.agent_id, request_options=NO_RETRY)
    convai.tools.delete(tool_id, request_options=NO_RETRY)
    convai.knowledge_base.documents.delete(document_id, request_options=NO_RETRY)
