"""The ElevenLabs look-alike put together: its parts, its routes, its control plane."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

from simulators.clock import Clock
from simulators.control_bodies import control
from simulators.elevenlabs.account import Account
from simulators.elevenlabs.agent_tests import AgentTests
from simulators.elevenlabs.agents import Agents
from simulators.elevenlabs.branches import Branches
from simulators.elevenlabs.calls import Caller, Endpoint, Person
from simulators.elevenlabs.conversations import ConversationRequest, Conversations
from simulators.elevenlabs.dependents import Dependents
from simulators.elevenlabs.errors import Refused, current
from simulators.elevenlabs.foreign import EditRequest, ForeignEdits
from simulators.elevenlabs.history import History
from simulators.elevenlabs.invocations import Invocations
from simulators.elevenlabs.knowledge import Knowledge
from simulators.elevenlabs.phone_numbers import PhoneNumbers
from simulators.elevenlabs.references import References
from simulators.elevenlabs.secrets import Secrets
from simulators.elevenlabs.shapes import Nulls
from simulators.elevenlabs.speaking import Speaking
from simulators.elevenlabs.talks.switchboard import PATH as SOCKET_PATH
from simulators.elevenlabs.talks.webhooks import Webhooks
from simulators.elevenlabs.telephony import TwilioAccount
from simulators.elevenlabs.tools import Tools
from simulators.elevenlabs.trials import Trials
from simulators.elevenlabs.workspace import OWNER, Behaviour, Workspace
from simulators.store import Store
from simulators.tally import Namers, Tally
from simulators.wire import Admission, Answer, Json, Request, Route, RouteTable

NAMERS: Namers = {
    "agents": lambda record: str(record["name"]),
    "tools": lambda record: str(record["tool_config"]["name"]),
    "documents": lambda record: str(record["name"]),
    "secrets": lambda record: str(record["name"]),
    "numbers": lambda record: str(record["phone_number"]),
    "tests": lambda record: str(record["body"]["name"]),
}
SERVER_WORDS = {503: "service_unavailable", 429: "system_busy"}


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NullRequest(_Body):
    """Body of ``POST /_sim/null-handling``."""

    mode: Literal["delete", "store"]


class VoiceRequest(_Body):
    """Body of ``POST /_sim/voices``."""

    voice_id: str
    name: str = "Custom voice"
    category: Literal["generated", "cloned", "premade", "professional"] = "cloned"


class HintRequest(_Body):
    """Body of ``POST /_sim/stale-hints``."""

    enabled: bool


class PageRequest(_Body):
    """Body of ``POST /_sim/pages``: what a web page says from now on."""

    url: str
    html: str


class ElevenLabs:
    """One simulated ElevenLabs account."""

    name = "elevenlabs"

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        seed: int,
        keys: Mapping[str, Person],
        twilio: TwilioAccount,
        webhooks: Webhooks,
    ) -> None:
        self._store = store
        self._space = Workspace(store, clock, seed=seed)
        self.lag = self._space.lag
        self.past = store.past
        self.tally = Tally(store, NAMERS)
        self._caller = Caller(keys)
        self._history = History(self._space)
        dependents = Dependents(self._space, self._history)
        self._tools = Tools(self._space, dependents)
        references = References(self._space)
        self._agents = Agents(self._space, self._history, self._tools, references)
        self._branches = Branches(self._space, self._history, self._agents)
        self._knowledge = Knowledge(self._space, dependents)
        self._secrets = Secrets(self._space, dependents)
        self._numbers = PhoneNumbers(self._space, twilio)
        self._account = Account(self._space)
        self._conversations = Conversations(self._space)
        self._speaking = Speaking(
            self._space,
            self._history,
            self._conversations,
            webhooks,
            twilio,
            seed=seed,
            commit=self.tally.commit,
        )
        self._tests = AgentTests(self._space)
        self._invocations = Invocations(
            self._space,
            self._history,
            self._agents,
            self._tests,
            Trials(self._space, webhooks),
            self._speaking.minds,
            self._speaking.troubles,
            self.tally.commit,
        )
        self._foreign = ForeignEdits(self._agents, self._tools, self._knowledge, self._numbers)
        self._endpoints = {
            (endpoint.method, endpoint.template): endpoint for endpoint in self._all_endpoints()
        }
        self.routes = RouteTable(
            [
                *(Route(method, template, _unreachable) for method, template in self._endpoints),
                *self._speaking.open_routes(),
            ]
        )
        self.socket_routes = RouteTable([Route("GET", SOCKET_PATH, _unreachable)])
        self.control_routes = self._controls()
        if not len(self._space.voices):
            self._account.stock()
            store.commit()
        self._show_all()
        self._conversations.close_abandoned()
        store.commit()

    def _all_endpoints(self) -> list[Endpoint]:
        return [
            *self._agents.endpoints(),
            *self._branches.endpoints(),
            *self._tools.endpoints(),
            *self._knowledge.endpoints(),
            *self._secrets.endpoints(),
            *self._numbers.endpoints(),
            *self._account.endpoints(),
            *self._conversations.endpoints(),
            *self._speaking.endpoints(),
            *self._tests.endpoints(),
            *self._invocations.endpoints(),
        ]

    def _show_all(self) -> None:
        for agent in self._space.agents:
            self._agents.show(agent, at_once=True)
        for tool in self._space.tools:
            self._tools.show(tool, at_once=True)
        for document in self._space.documents:
            self._knowledge.show(document, at_once=True)
        for secret in self._space.secrets:
            self._secrets.show(secret, at_once=True)
        for number in self._space.numbers:
            self._numbers.show(number, at_once=True)
        for test in self._space.tests:
            self._tests.show(test, at_once=True)

    async def answer(self, route: Route, request: Request) -> Answer:
        """Take effect and answer; what changed is in the journal before this returns."""
        endpoint = self._endpoints.get((route.method, route.template))
        if endpoint is None:
            asked = route.handle(request)
            answer = await asked if inspect.isawaitable(asked) else asked
            self.tally.commit()
            return answer
        if await self._foreign.happen_before(request.method, request.path_values):
            self._store.commit()
        answer = await self._caller.answer(endpoint, request)
        self.tally.commit()
        return answer

    async def admit(self, request: Request) -> Answer | Admission:
        """Who speaks over a WebSocket, or 429."""
        return await self._speaking.admit(request)

    async def stop(self) -> None:
        """Carry out no more tests and deliver nothing for now."""
        await self._invocations.stop()
        await self._speaking.stop()

    def refuse_rate(self, retry_after_s: int) -> Answer:
        """429 with the code that means: slow down."""
        answer = current(429, "rate_limit_exceeded", "Too many requests; slow down.")
        return Answer(429, answer.body, headers={"Retry-After": str(retry_after_s)})

    def refuse_concurrency(self, limit: int) -> Answer:
        """429 with the code that means: wait for your other requests."""
        message = f"Too many concurrent requests; at most {limit} may run at once."
        answer = current(
            429, "concurrent_limit_exceeded", message, legacy="too_many_concurrent_requests"
        )
        return Answer(429, answer.body, headers={"Retry-After": "1"})

    def refuse_size(self, limit_bytes: int) -> Answer:
        """413."""
        message = f"The request is larger than {limit_bytes} bytes."
        return current(413, "request_too_large", message)

    def refuse_route(self, request: Request, allowed: list[str]) -> Answer:
        """404 or 405 as the vendor's framework words them."""
        del request
        if allowed:
            headers = {"Allow": ", ".join(allowed)}
            return Answer(405, b'{"detail":"Method Not Allowed"}', headers=headers)
        return Answer(404, b'{"detail":"Not Found"}')

    def fail(self, status: int) -> Answer:
        """An error of that status in the current shape."""
        code = SERVER_WORDS.get(status, "internal_error")
        return current(status, code, "The request could not be processed.")

    def reset(self) -> None:
        """An account as on its first day, and the default behaviour."""
        self._store.reset()
        for index in self._space.indexes():
            index.clear()
        self._space.numbers_by_agent.clear()
        self._space.behaviour = Behaviour()
        self._foreign.clear()
        self._speaking.forget()
        self._account.stock()
        self._store.commit()

    def _controls(self) -> list[Route]:
        return [
            Route("POST", "/_sim/edit", control(EditRequest, self._edit)),
            Route("POST", "/_sim/null-handling", control(NullRequest, self._set_nulls)),
            Route("POST", "/_sim/voices", control(VoiceRequest, self._add_voice)),
            Route("POST", "/_sim/stale-hints", control(HintRequest, self._set_hints)),
            *self._speaking.controls(),
            Route("POST", "/_sim/pages", control(PageRequest, self._set_page)),
            Route(
                "POST", "/_sim/conversations", control(ConversationRequest, self._add_conversation)
            ),
        ]

    def _set_nulls(self, request: NullRequest) -> Json:
        self._space.behaviour.nulls = Nulls(request.mode)
        return {"mode": request.mode}

    def set_noise(self, *, enabled: bool) -> None:
        """With or without the noise real answers have."""
        self._space.behaviour.noise = enabled

    def _add_voice(self, request: VoiceRequest) -> Json:
        self._account.add_voice(request.voice_id, request.name, request.category)
        self._store.commit()
        return {"voice_id": request.voice_id}

    def _set_hints(self, request: HintRequest) -> Json:
        self._space.behaviour.stale_hints = request.enabled
        return {"enabled": request.enabled}

    def _set_page(self, request: PageRequest) -> Json:
        self._space.pages.put(request.url, {"html": request.html})
        self._store.commit()
        return {"url": request.url}

    def _add_conversation(self, request: ConversationRequest) -> Json:
        conversation_id = self._conversations.add(request)
        self._store.commit()
        return {"conversation_id": conversation_id}

    async def _edit(self, request: EditRequest) -> Json | Answer:
        if request.object_id is None or request.when != "now":
            return {"queued": self._foreign.queue(request)}
        try:
            made = await self._foreign.make(request, request.object_id)
        except Refused as refusal:
            return refusal.answer
        self._store.commit()
        return made


def _unreachable(request: Request) -> Answer:
    raise RuntimeError(f"{request.route} is answered by its endpoint")


DEFAULT_PERSON = OWNER
