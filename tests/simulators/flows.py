"""Walks over everything the simulators serve, with the vendors' own clients and with plain HTTP.

Shared by the checks that hold answers against the clients' models and against the published
documents, so that both see the same traffic.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.simulators.call_flows import walk_calls, walk_news
from tests.simulators.talk_flows import walk_conversations, walk_deployments, walk_tests
from tests.simulators.telephony_flows import walk_telephony

if TYPE_CHECKING:
    from tests.simulators.conftest import World

Json = dict[str, Any]
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


def walk_with_the_official_client(world: World) -> None:
    """Every route of ElevenLabs the client knows, and those it does not over its connection."""
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
    _walk_other_documents(world)
    _walk_agents(world, tool.id, document.id)
    _walk_the_rest(world, tool.id, document.id)
    walk_conversations(world)
    walk_tests(world)
    walk_deployments(world)
    walk_calls(world)
    walk_news(world)


def _walk_other_documents(world: World) -> None:
    knowledge = world.elevenlabs.conversational_ai.knowledge_base
    page = knowledge.documents.create_from_url(
        url="https://shop.example.com/hours", request_options=NO_RETRY
    )
    knowledge.document.refresh(page.id, request_options=NO_RETRY)
    upload = ("menu.txt", b"Soup of the day", "text/plain")
    made = knowledge.documents.create_from_file(file=upload, request_options=NO_RETRY)
    for document_id in (page.id, made.id):
        knowledge.documents.get(document_id, request_options=NO_RETRY)
    knowledge.documents.get_content(made.id, request_options=NO_RETRY)
    knowledge.document.update_file(made.id, file=upload, request_options=NO_RETRY)
    knowledge.list(request_options=NO_RETRY)


def _walk_trunks(world: World) -> None:
    numbers = "/v1/convai/phone-numbers"
    outbound = {"address": "sip.example.com", "credentials": {"username": "u", "password": "p"}}
    body = {
        "provider": "sip_trunk",
        "phone_number": "+15005550042",
        "label": "trunk",
        "outbound_trunk_config": outbound,
        "inbound_trunk_config": {"allowed_numbers": ["+15005550043"]},
    }
    number_id = world.call("POST", numbers, json=body).json()["phone_number_id"]
    change = {"livekit_stack": "static", "store_sip_messages": False, "inbound_trunk_config": None}
    world.call("PATCH", f"{numbers}/{number_id}", json=change)


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
    convai.secrets.delete(secret.secret_id, request_options=NO_RETRY)
    number_id = world.import_number().json()["phone_number_id"]
    world.answers.take(world.import_number("+15005550002"))
    _walk_trunks(world)
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
        world.steer("conversations", {"agent_id": agent.agent_id, "seconds_ago": 60})
        convai.conversations.list(
            agent_id=agent.agent_id, call_start_after_unix=1, request_options=NO_RETRY
        )
        convai.agents.delete(agent.agent_id, request_options=NO_RETRY)
    convai.tools.delete(tool_id, request_options=NO_RETRY)
    convai.knowledge_base.documents.delete(document_id, request_options=NO_RETRY)


def walk_refusals(world: World) -> None:
    """Every kind of refusal ElevenLabs has, each by a request that earns it."""
    agent_id = world.new_agent("front desk")
    tool_id = world.call("POST", "/v1/convai/tools", json=TOOL).json()["id"]
    using = {"conversation_config": {"agent": {"prompt": {"tool_ids": [tool_id]}}}}
    world.patch_agent(agent_id, using)
    unknown = {"conversation_config": {"tts": {"voice_id": "unknown"}}}
    wrong = {"conversation_config": {"tts": {"stability": "very"}}}
    page = {"url": "no address"}
    requests: list[tuple[str, str, Json]] = [
        ("GET", "/v1/convai/agents/agent_unknown", {}),
        ("PATCH", f"/v1/convai/agents/{agent_id}", {"json": unknown}),
        ("PATCH", f"/v1/convai/agents/{agent_id}", {"json": wrong}),
        ("POST", "/v1/convai/agents/create", {"json": wrong}),
        ("POST", "/v1/convai/agents/create", {"content": b"{"}),
        ("GET", "/v1/convai/agents", {"params": {"page_size": "none"}}),
        ("GET", "/v1/convai/agents", {"params": {"cursor": "foreign"}}),
        ("GET", "/v1/convai/agents", {"headers": {"xi-api-key": "wrong"}}),
        ("GET", "/v1/convai/agents", {"headers": {"xi-api-key": ""}}),
        ("DELETE", f"/v1/convai/tools/{tool_id}", {}),
        ("DELETE", f"/v1/convai/tools/{tool_id}", {"params": {"force": "perhaps"}}),
        ("GET", "/v1/convai/tools/tool_unknown", {}),
        ("POST", "/v1/convai/knowledge-base/url", {"json": page}),
        ("POST", "/v1/convai/knowledge-base/file", {"data": {"name": "menu"}}),
        ("GET", "/v1/convai/knowledge-base/unknown/content", {}),
        ("DELETE", "/v1/convai/secrets/unknown", {}),
        ("DELETE", "/v1/convai/phone-numbers/unknown", {}),
        ("POST", "/v1/convai/phone-numbers", {"json": {"provider": "pigeon"}}),
        ("GET", "/v1/voices/unknown", {}),
        ("GET", "/v1/convai/nothing", {}),
        ("PUT", "/v1/convai/agents", {}),
        ("DELETE", f"/v1/convai/tools/{tool_id}", {"params": {"force": "true"}}),
    ]
    for method, path, arguments in requests:
        world.call(method, path, **arguments)
    world.import_number(token="wrong")
    world.import_number()
    world.import_number()


def walk_pressure(world: World) -> None:
    """What both vendors say when there is too much, or something broke."""
    numbers = f"/2010-04-01/Accounts/{world.running.twilio_account_sid}/IncomingPhoneNumbers.json"
    for on in ("elevenlabs", "twilio"):

        def ask(on: str = on) -> None:
            if on == "elevenlabs":
                world.call("GET", "/v1/convai/agents")
            else:
                account = world.running.twilio_account_sid
                auth = (account, world.running.twilio_auth_token)
                world.http.get(f"{world.running.twilio_url}{numbers}", auth=auth)

        for status in (429, 500, 502, 503):
            world.fault(on=on, kind="status-before", status=status, times=1)
            ask()
        world.steer("rate-limit", {"requests_per_second": 0.001}, on=on)
        ask()
        ask()
        world.steer("rate-limit", {"requests_per_second": None}, on=on)


def walk_twilio(world: World) -> None:
    """Every route of Twilio with its own client, and what it refuses with plain HTTP."""
    account = world.running.twilio_account_sid
    client = world.twilio
    for listed in client.api.accounts.list():
        listed.fetch()
    application = client.applications.create(
        friendly_name="front desk", voice_url="https://shop.example.com/voice"
    )
    client.applications(application.sid).fetch()
    client.applications.list(friendly_name="front desk")
    bought = client.incoming_phone_numbers.create(
        phone_number="+15005550009", trunk_sid="TK" + "a" * 32
    )
    bought.fetch()
    bought.update(friendly_name="hotline", voice_application_sid=application.sid)
    bought.update(voice_application_sid="", voice_url="https://shop.example.com/voice")
    client.incoming_phone_numbers.list(phone_number="+1500*", page_size=1)
    bought.delete()
    walk_telephony(world)
    numbers = f"{world.running.twilio_url}/2010-04-01/Accounts/{account}/IncomingPhoneNumbers"
    auth = (account, world.running.twilio_auth_token)
    there = world.twilio_number()["sid"]
    for method, path, form, key in (
        ("GET", f"/{'PN' + '0' * 32}.json", None, auth),
        ("GET", ".json", None, (account, "wrong")),
        ("GET", ".json?PageSize=0", None, auth),
        ("POST", f"/{there}.json", {"VoiceMethod": "PUT"}, auth),
        ("POST", f"/{there}.json", {"VoiceUrl": "no address"}, auth),
        ("POST", ".json", {"PhoneNumber": "call me"}, auth),
        ("PUT", ".json", None, auth),
    ):
        world.http.request(method, f"{numbers}{path}", data=form, auth=key)
