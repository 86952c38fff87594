"""Agents on the line at the platform's simulator: coded audio, context, registered calls."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING

import httpx
import pytest

from simulators.twilio.calls import voices
from trunkline.adapters.elevenlabs.client import ElevenLabsClient
from trunkline.adapters.elevenlabs.lines import ElevenLabsLines
from trunkline.adapters.rate_limits import Pace, Rates
from trunkline.adapters.wire import Wire
from trunkline.model.calls.lines import AgentAudio, LineFormat, LineRequest
from trunkline.model.errors import ConversationRefused, RemoteMissing
from trunkline.model.ids import ExternalId
from trunkline.model.testing.talk import AgentSaid, CallerUnderstood, Ended, Opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from simulators.server import RunningSimulators

GREETING = "Good morning."
WORDS = "Who is the manager today?"
PROMPT = "You answer the phone. Be brief."
ULAW = LineFormat("ulaw", 8_000)


@pytest.fixture
async def lines(simulators: RunningSimulators) -> AsyncIterator[ElevenLabsLines]:
    """Agents of the simulator's account."""
    wire = Wire("ElevenLabs", simulators.elevenlabs_url)
    pace = Pace(Rates(requests_per_second=10_000, burst=1_000, concurrency=50))
    key = simulators.elevenlabs_key
    yield ElevenLabsLines(ElevenLabsClient(wire, key, pace, read_timeout_s=60.0))
    await wire.close()


@pytest.fixture
def agent_id(simulators: RunningSimulators) -> ExternalId:
    """An agent that speaks and hears as telephones do."""
    config = {
        "asr": {"user_input_audio_format": "ulaw_8000"},
        "tts": {"agent_output_audio_format": "ulaw_8000"},
        "agent": {"first_message": GREETING, "prompt": {"prompt": PROMPT}},
    }
    answer = httpx.post(
        f"{simulators.elevenlabs_url}/v1/convai/agents/create",
        json={"name": "front-desk", "conversation_config": config},
        headers={"xi-api-key": simulators.elevenlabs_key},
        timeout=60,
    )
    return ExternalId(answer.raise_for_status().json()["agent_id"])


async def test_coded_audio_goes_both_ways_and_words_come_back(
    lines: ElevenLabsLines, agent_id: ExternalId, simulators: RunningSimulators
) -> None:
    spoken = voices.said(WORDS)
    samples = base64.b64encode(spoken).decode()
    async with httpx.AsyncClient(timeout=60) as http:
        heard_as = {"samples": samples, "format": "ulaw_8000", "text": WORDS}
        await http.post(f"{simulators.elevenlabs_url}/_sim/hearing", json=heard_as)
        await http.post(f"{simulators.elevenlabs_url}/_sim/talks", json={"sound_gap_s": 20})
    heard: list[object] = []
    async with asyncio.timeout(60), lines.open(LineRequest(agent_id=agent_id)) as line:
        assert (line.caller_format, line.agent_format) == (ULAW, ULAW)
        await line.inform("manager: Ada is the manager today.", slot="manager")
        quiet = b"\xff" * 8_000
        for at in range(0, len(spoken + quiet), 160):
            await line.hear((spoken + quiet)[at : at + 160])
        async for event in line.events():
            heard.append(event)
            if isinstance(event, CallerUnderstood):
                await line.hang_up()
    assert isinstance(heard[0], Opened)
    assert heard[0].conversation_id == line.conversation_id
    assert AgentSaid(text=GREETING, event_id=1) in heard
    assert any(isinstance(event, AgentAudio) and event.content for event in heard)
    assert CallerUnderstood(text=WORDS) in heard
    assert isinstance(heard[-1], Ended)
    assert heard[-1].by == "caller"


async def test_a_call_is_registered_for_the_platform_to_take(
    lines: ElevenLabsLines, agent_id: ExternalId
) -> None:
    request = LineRequest(
        agent_id=agent_id, caller="+15005550001", called="+15005550006", variables={"name": "Ada"}
    )
    answer = await lines.register_call(request, direction="inbound", timeout_s=60.0)
    assert "<Connect>" in answer
    assert "<Stream" in answer


async def test_an_agent_nobody_has_is_refused(lines: ElevenLabsLines) -> None:
    request = LineRequest(agent_id=ExternalId("agent_nobody"), caller="+1", called="+1")
    with pytest.raises(ConversationRefused):
        async with lines.open(request):
            pass
    with pytest.raises(RemoteMissing):
        await lines.register_call(request, direction="inbound", timeout_s=60.0)
