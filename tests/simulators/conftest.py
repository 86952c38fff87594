"""The simulators over real sockets, driven by the vendors' own clients.

The ElevenLabs client builds its models without validating them, so a wrong answer would pass
unseen. Here every JSON answer is taken raw off the connection and put through ``model_validate``
of the model the client declares for that route; a route without a model is an error.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from elevenlabs import ElevenLabs
from elevenlabs import types as models
from elevenlabs.conversational_ai.agents.summaries.types import SummariesGetResponseValue
from elevenlabs.conversational_ai.knowledge_base.documents.types import (
    DocumentsGetResponse,
    DocumentsUpdateResponse,
)
from elevenlabs.conversational_ai.phone_numbers.types import (
    PhoneNumbersGetResponse,
    PhoneNumbersListResponseItem,
)
from elevenlabs.conversational_ai.tests.types import TestsGetResponse, TestsUpdateResponse
from pydantic import TypeAdapter
from twilio.rest import Client as TwilioClient

from simulators.server import RunningSimulators, SimulatorOptions, serve_simulators
from tests.simulators.conformance import Exchange
from tests.simulators.recording import recording
from tests.simulators.talking import PATIENCE_S
from tests.simulators.telephony import Telephony, open_telephony
from tests.steady_loop import SteadyLoop

if TYPE_CHECKING:
    from pytest_asyncio.plugin import LoopFactory

Json = dict[str, Any]

NUMBERS = ("+15005550001", "+15005550002", "+15005550006")
STARTED_WITHIN_S = 60.0
AGENTS = "/v1/convai/agents"
TESTS = "/v1/convai/agent-testing"
INVOCATIONS = "/v1/convai/test-invocations"
NUMBER = PhoneNumbersGetResponse
MODELS: dict[str, Any] = {
    f"POST {AGENTS}/create": models.CreateAgentResponseModel,
    f"GET {AGENTS}": models.GetAgentsPageResponseModel,
    f"GET {AGENTS}/[^/]+": models.GetAgentResponseModel,
    f"PATCH {AGENTS}/[^/]+": models.GetAgentResponseModel,
    f"GET {AGENTS}/summaries": dict[str, SummariesGetResponseValue],
    f"POST {AGENTS}/[^/]+/duplicate": models.CreateAgentResponseModel,
    f"GET {AGENTS}/[^/]+/link": models.GetAgentLinkResponseModel,
    f"GET {AGENTS}/[^/]+/versions/[^/]+": models.AgentVersionMetadata,
    f"GET {AGENTS}/[^/]+/branches": models.ListResponseAgentBranchSummary,
    f"POST {AGENTS}/[^/]+/branches": models.CreateAgentBranchResponseModel,
    f"GET {AGENTS}/[^/]+/branches/[^/]+": models.AgentBranchResponse,
    f"PATCH {AGENTS}/[^/]+/branches/[^/]+": models.AgentBranchResponse,
    f"POST {AGENTS}/[^/]+/deployments": models.AgentDeploymentResponse,
    f"GET {AGENTS}/[^/]+/deployments": models.ListResponseAgentDeploymentHistoryItem,
    f"POST {AGENTS}/[^/]+/run-tests": models.GetTestSuiteInvocationResponseModel,
    f"POST {TESTS}/create": models.CreateAgentTestResponseModel,
    f"GET {TESTS}": models.GetTestsPageResponseModel,
    f"POST {TESTS}/summaries": models.GetTestsSummariesByIdsResponseModel,
    f"GET {TESTS}/[^/]+": TestsGetResponse,
    f"PUT {TESTS}/[^/]+": TestsUpdateResponse,
    f"DELETE {TESTS}/[^/]+": Json,
    f"GET {INVOCATIONS}": models.GetTestInvocationsPageResponseModel,
    f"GET {INVOCATIONS}/[^/]+": models.GetTestSuiteInvocationResponseModel,
    f"POST {INVOCATIONS}/[^/]+/resubmit": Json,
    f"POST {INVOCATIONS}/[^/]+/cancel": Json,
    "POST /v1/convai/tools": models.ToolResponseModel,
    "GET /v1/convai/tools": models.ToolsResponseModel,
    "GET /v1/convai/tools/[^/]+": models.ToolResponseModel,
    "PATCH /v1/convai/tools/[^/]+": models.ToolResponseModel,
    "DELETE /v1/convai/tools/[^/]+": Json,
    "GET /v1/convai/tools/[^/]+/dependent-agents": models.GetToolDependentAgentsResponseModel,
    "POST /v1/convai/knowledge-base/text": models.AddKnowledgeBaseResponseModel,
    "POST /v1/convai/knowledge-base/url": models.AddKnowledgeBaseResponseModel,
    "POST /v1/convai/knowledge-base/file": models.AddKnowledgeBaseResponseModel,
    "GET /v1/convai/knowledge-base": models.GetKnowledgeBaseListResponseModel,
    "GET /v1/convai/knowledge-base/[^/]+": DocumentsGetResponse,
    "PATCH /v1/convai/knowledge-base/[^/]+": DocumentsUpdateResponse,
    "PATCH /v1/convai/knowledge-base/[^/]+/update-file": DocumentsUpdateResponse,
    "POST /v1/convai/knowledge-base/[^/]+/refresh": DocumentsUpdateResponse,
    "DELETE /v1/convai/knowledge-base/[^/]+": Json,
    "GET /v1/convai/knowledge-base/[^/]+/dependent-agents": (
        models.GetKnowledgeBaseDependentAgentsResponseModel
    ),
    "POST /v1/convai/secrets": models.PostWorkspaceSecretResponseModel,
    "GET /v1/convai/secrets": models.GetWorkspaceSecretsResponseModel,
    "GET /v1/convai/secrets/[^/]+": models.ConvAiWorkspaceStoredSecretConfig,
    "PATCH /v1/convai/secrets/[^/]+": models.PostWorkspaceSecretResponseModel,
    "POST /v1/convai/phone-numbers": models.CreatePhoneNumberResponseModel,
    "GET /v1/convai/phone-numbers": list[PhoneNumbersListResponseItem],
    "GET /v1/convai/v2/phone-numbers": models.GetPhoneNumbersPageResponseModel,
    "GET /v1/convai/phone-numbers/[^/]+": NUMBER,
    "PATCH /v1/convai/phone-numbers/[^/]+": NUMBER,
    "DELETE /v1/convai/phone-numbers/[^/]+": Json,
    "GET /v1/convai/conversations": models.GetConversationsPageResponseModel,
    "GET /v1/convai/conversations/[^/]+": models.GetConversationResponseModel,
    "DELETE /v1/convai/conversations/[^/]+": Json,
    "POST /v1/convai/conversations/[^/]+/feedback": Json,
    "GET /v1/convai/conversation/get-signed-url": models.ConversationSignedUrlResponseModel,
    "GET /v1/convai/conversation/token": models.TokenResponseModel,
    "POST /v1/convai/twilio/outbound-call": models.TwilioOutboundCallResponse,
    "GET /v1/convai/settings": models.GetConvAiSettingsResponseModel,
    "PATCH /v1/convai/settings": models.GetConvAiSettingsResponseModel,
    "GET /v1/workspace/webhooks": models.WorkspaceWebhookListResponseModel,
    "POST /v1/workspace/webhooks": models.WorkspaceCreateWebhookResponseModel,
    "PATCH /v1/workspace/webhooks/[^/]+": models.PatchWorkspaceWebhookResponseModel,
    "DELETE /v1/workspace/webhooks/[^/]+": models.DeleteWorkspaceWebhookResponseModel,
    "GET /v1/voices": models.GetVoicesResponse,
    "GET /v1/voices/[^/]+": models.Voice,
    "GET /v2/voices": models.GetVoicesV2Response,
    "GET /v1/user": models.User,
    "GET /v1/user/subscription": models.Subscription,
}
PATTERNS = [
    (re.compile(pattern), TypeAdapter[Any](model))
    for pattern, model in reversed(list(MODELS.items()))
]


def check_answer(method: str, path: str, content: object) -> None:
    """Raise ValidationError when the vendor's model for the route refuses the content."""
    for pattern, model in PATTERNS:
        if pattern.fullmatch(f"{method} {path}"):
            model.validate_python(content)
            return
    raise LookupError(f"no model for {method} {path}")


@dataclass
class Answers:
    """Checks JSON answers as they come in, and keeps them."""

    checked: list[str] = field(default_factory=list)
    last: Any = None

    def take(self, response: httpx.Response) -> None:
        """An httpx response hook."""
        response.read()
        is_json = response.headers.get("content-type") == "application/json"
        if response.is_success and is_json:
            path = response.request.url.path
            self.last = response.json()
            check_answer(response.request.method, path, self.last)
            self.checked.append(f"{response.request.method} {path}")


@dataclass
class World:
    """Both simulators with official clients, plain HTTP, and their control planes."""

    running: RunningSimulators
    elevenlabs: ElevenLabs
    twilio: TwilioClient
    http: httpx.Client
    answers: Answers

    def check(self, method: str, path: str, content: object) -> None:
        """Raise ValidationError when the client's model for the route refuses the content."""
        check_answer(method, path, content)

    def missed_routes(self) -> set[str]:
        """Routes with a model whose answer was not checked yet."""
        return {
            pattern
            for pattern in MODELS
            if not any(re.fullmatch(pattern, line) for line in self.answers.checked)
        }

    def steer(self, path: str, body: Json | None = None, *, on: str = "elevenlabs") -> Json:
        """POST a control."""
        url = self.running.elevenlabs_url if on == "elevenlabs" else self.running.twilio_url
        response = self.http.post(f"{url}/_sim/{path}", json=body or {})
        assert response.status_code < 300, response.text
        content: Json = response.json()
        return content

    def fault(self, *, on: str = "elevenlabs", **fault: Any) -> None:
        """Put one fault in force."""
        self.steer("faults", {"faults": [fault]}, on=on)

    def call(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """Plain HTTP to ElevenLabs with the right key."""
        headers = {"xi-api-key": self.running.elevenlabs_key, **arguments.pop("headers", {})}
        url = f"{self.running.elevenlabs_url}{path}"
        return self.http.request(method, url, headers=headers, **arguments)

    def new_agent(self, name: str = "agent", **body: Any) -> str:
        """Create an agent with plain HTTP; its id."""
        content = {"name": name, "conversation_config": {}, **body}
        response = self.call("POST", f"{AGENTS}/create", json=content)
        assert response.status_code == 200, response.text
        return str(response.json()["agent_id"])

    def read_agent(self, agent_id: str, **query: Any) -> Json:
        """An agent as JSON, checked against the model."""
        response = self.call("GET", f"{AGENTS}/{agent_id}", params=query)
        assert response.status_code == 200, response.text
        content: Json = response.json()
        check_answer("GET", f"{AGENTS}/{agent_id}", content)
        return content

    def patch_agent(self, agent_id: str, body: Json, **query: Any) -> Json:
        """Patch an agent; its body afterwards, checked against the model."""
        response = self.call("PATCH", f"{AGENTS}/{agent_id}", json=body, params=query)
        assert response.status_code == 200, response.text
        content: Json = response.json()
        check_answer("PATCH", f"{AGENTS}/{agent_id}", content)
        return content

    def listed_names(self, **query: Any) -> list[str]:
        """Names on the first page of the agents' list."""
        response = self.call("GET", AGENTS, params=query)
        assert response.status_code == 200, response.text
        check_answer("GET", AGENTS, response.json())
        return [row["name"] for row in response.json()["agents"]]

    def import_number(self, phone_number: str = NUMBERS[0], **body: Any) -> httpx.Response:
        """Import a Twilio number with the account's credentials unless others are given."""
        content = {
            "provider": "twilio",
            "phone_number": phone_number,
            "label": "main line",
            "sid": self.running.twilio_account_sid,
            "token": self.running.twilio_auth_token,
            **body,
        }
        return self.call("POST", "/v1/convai/phone-numbers", json=content)

    def twilio_number(self, phone_number: str = NUMBERS[0]) -> Json:
        """A number as Twilio shows it."""
        account = self.running.twilio_account_sid
        response = self.http.get(
            f"{self.running.twilio_url}/2010-04-01/Accounts/{account}/IncomingPhoneNumbers.json",
            params={"PhoneNumber": phone_number},
            auth=(account, self.running.twilio_auth_token),
        )
        numbers: list[Json] = response.json()["incoming_phone_numbers"]
        assert len(numbers) == 1
        return numbers[0]


@dataclass(frozen=True)
class Recorded:
    """A world and what went by between its clients and each simulator."""

    world: World
    elevenlabs: list[Exchange]
    twilio: list[Exchange]


def pytest_asyncio_loop_factories() -> Mapping[str, LoopFactory]:
    """Who talks to simulators from a loop goes by the clock these go by."""
    return {"loop": SteadyLoop}


@pytest.fixture(scope="session")
def running() -> Iterator[RunningSimulators]:
    """Both simulators in a loop of their own, so that blocking clients can talk to them.

    Its clock leaves out the time in which this process is stopped, clients and all.
    """
    options = SimulatorOptions(elevenlabs_port=0, twilio_port=0, twilio_numbers=NUMBERS)
    ready = threading.Event()
    found: list[RunningSimulators] = []
    stops: list[Callable[[], object]] = []

    async def serve() -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        stops.append(lambda: loop.call_soon_threadsafe(stopped.set))
        async with serve_simulators(options) as simulators:
            found.append(simulators)
            ready.set()
            await stopped.wait()

    def run() -> None:
        with asyncio.Runner(loop_factory=SteadyLoop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert ready.wait(STARTED_WITHIN_S)
        yield found[0]
    finally:
        stops[0]()
        thread.join()


@contextmanager
def _world_of(running: RunningSimulators) -> Iterator[World]:
    answers = Answers()
    hooks = {"response": [answers.take]}
    hooked = httpx.Client(event_hooks=hooks, trust_env=False, timeout=PATIENCE_S)
    twilio = TwilioClient(running.twilio_account_sid, running.twilio_auth_token)
    twilio.api.base_url = running.twilio_url
    with hooked, httpx.Client(trust_env=False, timeout=PATIENCE_S) as http:
        elevenlabs = ElevenLabs(
            base_url=running.elevenlabs_url, api_key=running.elevenlabs_key, httpx_client=hooked
        )
        yield World(running, elevenlabs, twilio, http, answers)
    session = getattr(twilio.http_client, "session", None)
    if session is not None:
        session.close()


@pytest.fixture(scope="session")
def only_world(running: RunningSimulators) -> Iterator[World]:
    """The clients, made once because making them costs more than a test."""
    with _world_of(running) as found:
        yield found


@pytest.fixture(scope="session")
def only_recorded(running: RunningSimulators) -> Iterator[Recorded]:
    """Proxies and clients behind them, made once."""
    with (
        recording(running.elevenlabs_url) as (elevenlabs_url, elevenlabs),
        recording(running.twilio_url) as (twilio_url, twilio),
        _world_of(replace(running, elevenlabs_url=elevenlabs_url, twilio_url=twilio_url)) as found,
    ):
        yield Recorded(found, elevenlabs, twilio)


@pytest.fixture
def recorded(only_recorded: Recorded) -> Recorded:
    """The simulators as on their first start, behind proxies that keep what goes by."""
    only_recorded.world.steer("reset")
    only_recorded.world.steer("reset", on="twilio")
    only_recorded.elevenlabs.clear()
    only_recorded.twilio.clear()
    return only_recorded


@pytest.fixture
def world(only_world: World) -> World:
    """The simulators as on their first start, with clients that do not retry."""
    only_world.steer("reset")
    only_world.steer("reset", on="twilio")
    only_world.answers.checked.clear()
    return only_world


@pytest.fixture
async def telephony(running: RunningSimulators) -> AsyncIterator[Telephony]:
    """The simulators as on their first start, with an office behind a number."""
    async with open_telephony(running) as found:
        yield found
