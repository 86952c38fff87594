"""Conversations with agents of the simulated platform: our client against somebody else's reading
of the protocol.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from activities.conversing import converse
from tests.conversing.platform_side import all_of
from tests.conversing.scripts import company, script, verdict, words
from trunkline.adapters.elevenlabs.client import ElevenLabsClient
from trunkline.adapters.elevenlabs.talks import ElevenLabsTalks
from trunkline.adapters.rate_limits import Pace, Rates
from trunkline.adapters.speech.encoding import at_rate, sound_of
from trunkline.adapters.speech.studio import SpeechStudio
from trunkline.adapters.wire import Wire
from trunkline.model.errors import ConversationRefused, RateLimited
from trunkline.model.ids import ExternalId
from trunkline.model.testing.talk import TalkRequest

if TYPE_CHECKING:
    from simulators.server import RunningSimulators

RATES = Rates(requests_per_second=10_000, burst=1_000, concurrency=50)
PROMPT = """\
You answer the telephone of a bakery.

- We are open from seven to noon.
- At most two sentences.
"""
GREETING = "Welcome to the bakery."
END_CALL = {"end_call": {"name": "end_call", "params": {"system_tool_type": "end_call"}}}
EVENTS = [
    "agent_response",
    "agent_response_correction",
    "agent_tool_request",
    "agent_tool_response",
    "audio",
    "client_tool_call",
    "interruption",
    "ping",
    "user_transcript",
]


@dataclass(frozen=True)
class Bakery:
    """An agent of the simulator, and a way to talk to it."""

    url: str
    http: httpx.AsyncClient
    talks: ElevenLabsTalks
    request: TalkRequest

    async def steer(self, control: str, **body: Any) -> None:
        """Use the control plane."""
        answer = await self.http.post(f"{self.url}/_sim/{control}", json=body)
        answer.raise_for_status()

    async def allow_text(self, *, allowed: bool) -> None:
        """Whether clients may ask for text."""
        overrides = {"conversation_config_override": {"conversation": {"text_only": allowed}}}
        answer = await self.http.patch(
            f"{self.url}/v1/convai/agents/{self.request.agent_id}",
            json={"platform_settings": {"overrides": overrides}},
        )
        answer.raise_for_status()

    async def greet_with(self, words: str) -> None:
        """What the agent says first from now on."""
        answer = await self.http.patch(
            f"{self.url}/v1/convai/agents/{self.request.agent_id}",
            json={"conversation_config": {"agent": {"first_message": words}}},
        )
        answer.raise_for_status()


@pytest.fixture
async def bakery(simulators: RunningSimulators) -> AsyncIterator[Bakery]:
    """A fresh account with one agent."""
    url, key = simulators.elevenlabs_url, simulators.elevenlabs_key
    wire = Wire("ElevenLabs", url)
    client = ElevenLabsClient(wire, key, Pace(RATES), read_timeout_s=60.0)
    async with httpx.AsyncClient(headers={"xi-api-key": key}, timeout=60) as http:
        await http.post(f"{url}/_sim/reset", json={})
        agent = {
            "first_message": GREETING,
            "prompt": {"prompt": PROMPT, "built_in_tools": END_CALL},
        }
        config = {"agent": agent, "conversation": {"client_events": EVENTS}}
        body = {"name": "bakery", "conversation_config": config}
        made = await http.post(f"{url}/v1/convai/agents/create", json=body)
        request = TalkRequest(agent_id=ExternalId(made.json()["agent_id"]))
        bakery = Bakery(url, http, ElevenLabsTalks(client), request)
        await bakery.allow_text(allowed=True)
        await bakery.steer("talks", sound_gap_s=60)
        yield bakery
    await wire.close()


OPENING: dict[str, Any] = {"expect": [{"says": "bakery", "within": "2s"}]}
QUESTION: dict[str, Any] = {
    "say": "When are you open?",
    "expect": [{"says": {"contains": "seven"}}],
}


async def test_a_conversation_in_text(bakery: Bakery) -> None:
    told = script(
        OPENING,
        QUESTION,
        {"say": "Thank you, goodbye!", "expect": [{"calls": "end_call"}]},
        functions=[("end_call", "builtin")],
        **{"finally": [{"ends": {"by": "agent"}}]},
    )
    conversation = await converse(told, bakery.request, company(bakery.talks))
    result = verdict(told, conversation)
    assert (result.outcome, result.message) == ("passed", "")
    assert len(result.reply_ms) == 2


async def test_what_the_agent_does_not_allow_is_refused(bakery: Bakery) -> None:
    await bakery.allow_text(allowed=False)
    told = script(OPENING)
    result = verdict(told, await converse(told, bakery.request, company(bakery.talks)))
    assert (result.outcome, result.reason) == ("inconclusive", "ConversationRefused")
    assert "text_only" in result.message


async def test_an_agent_that_is_not_there(bakery: Bakery) -> None:
    request = bakery.request.model_copy(update={"agent_id": "agent_that_is_not_there"})
    with pytest.raises(ConversationRefused):
        async with bakery.talks.open(request) as talk:
            await all_of(talk.events())


FAULTS = {
    "drop": ("ConversationLost", "SocketDropped"),
    "malformed-json": ("ConversationLost", "MalformedFrame"),
    "malformed-frame": ("ConversationLost", "MalformedFrame"),
    "server-error": ("ConversationLost", "ServerError"),
    "operational": ("ConversationLost", "OperationalError"),
    "expired-signature": ("ConversationRefused", "expired"),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_bad_day_is_inconclusive(fault: str, bakery: Bakery) -> None:
    await bakery.steer("talks", faults=[{"kind": fault, "after_events": 1}])
    told = script(OPENING, QUESTION)
    result = verdict(told, await converse(told, bakery.request, company(bakery.talks)))
    reason, word = FAULTS[fault]
    assert (result.outcome, result.reason) == ("inconclusive", reason)
    assert word in result.message


async def test_conversations_that_go_on_are_counted(bakery: Bakery) -> None:
    assert await bakery.talks.in_progress() == 0
    async with bakery.talks.open(bakery.request), bakery.talks.open(bakery.request):
        assert await bakery.talks.in_progress() == 2
    left = 2
    async with asyncio.timeout(60):
        while left:
            left = await bakery.talks.in_progress()


async def test_a_full_account_is_a_refusal_for_now(bakery: Bakery) -> None:
    assert await bakery.talks.concurrency() is None
    await bakery.steer("talks", concurrency=0)
    with pytest.raises(RateLimited) as limited:
        await converse(script(OPENING), bakery.request, company(bakery.talks))
    assert limited.value.retry_after_s == pytest.approx(1.0)
    await bakery.steer("talks", concurrency=12)
    async with bakery.talks.open(bakery.request):
        assert await bakery.talks.concurrency() == 12


@pytest.mark.slow
async def test_a_conversation_in_audio(bakery: Bakery) -> None:
    said = await SpeechStudio().speak(str(QUESTION["say"]), language="en", voice=None)
    heard = sound_of(at_rate(said, 16_000), 16_000)
    await bakery.steer(
        "hearing",
        samples=base64.b64encode(heard.samples).decode(),
        format="pcm_16000",
        text=QUESTION["say"],
    )
    told = script(OPENING, QUESTION, mode="audio")
    conversation = await converse(told, bakery.request, company(bakery.talks))
    result = verdict(told, conversation)
    assert (result.outcome, result.message) == ("passed", "")
    assert ("callerHeard", QUESTION["say"]) in words(conversation)
    kinds = [kind for kind, _ in words(conversation)]
    assert kinds.count("agentStarted") == kinds.count("agentStopped") == 2
    assert conversation.facts.audio is not None
    assert conversation.facts.audio.loudness_lufs is not None


@pytest.mark.slow
async def test_barging_in_stops_the_agent(bakery: Bakery) -> None:
    await bakery.greet_with(f"{GREETING} {'We have bread and cake and pie. ' * 12}")
    told = script(
        {"expect": [{"says": "bakery"}]},
        {
            "say": "Stop, stop, stop.",
            "interrupt": {"by": "300ms"},
            "expect": [{"stopsWithin": "5s"}],
        },
        mode="audio",
    )
    conversation = await converse(told, bakery.request, company(bakery.talks))
    stops = [check for check in verdict(told, conversation).checks if check.check == "stopsWithin"]
    assert [check.outcome for check in stops] == ["passed"]
    assert "interrupted" in [kind for kind, _ in words(conversation)]
