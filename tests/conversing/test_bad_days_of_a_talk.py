"""What becomes of a conversation when the platform does not do its part: never silence, never a
verdict, always one word for what happened; and nothing secret in it.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest

from tests.conversing.platform_side import SIGNATURE, TOKEN, all_of, in_text
from trunkline.adapters.elevenlabs.client import ElevenLabsClient
from trunkline.adapters.elevenlabs.talks import ElevenLabsTalks
from trunkline.adapters.rate_limits import Pace, Rates
from trunkline.model.errors import (
    ConversationLost,
    ConversationRefused,
    PlatformError,
    RateLimited,
    Unavailable,
)
from trunkline.model.testing.talk import TalkRequest

if TYPE_CHECKING:
    from tests.conversing.platform_side import Platform, Side
    from trunkline.adapters.wire import Wire

Part = Callable[["Side"], Awaitable[None]]


async def _ends_with(talks: ElevenLabsTalks, request: TalkRequest | None = None) -> PlatformError:
    with pytest.raises(PlatformError) as caught:
        async with talks.open(request or in_text()) as talk:
            await all_of(talk.events())
    return caught.value


async def _dropped(side: Side) -> None:
    await side.begin()
    await side.hear("user_message")
    side.connection.transport.abort()


async def test_a_socket_dropped_in_the_middle_of_a_turn(
    platform: Platform, talks: ElevenLabsTalks
) -> None:
    platform.part = _dropped
    async with talks.open(in_text()) as talk:
        await talk.say("Are you open on Monday?")
        with pytest.raises(ConversationLost) as caught:
            await all_of(talk.events())
        assert caught.value.why == "SocketDropped"
        with pytest.raises(ConversationLost):
            await talk.say("Hello?")


MALFORMED = {
    "no JSON": "{",
    "no object": "[1]",
    "no end of brackets": "[" * 100_000,
    "half a character": (
        '{"type": "agent_response", "agent_response_event": {"agent_response": "\\ud800"}}'
    ),
    "a reply without words": '{"type": "agent_response", "agent_response_event": {}}',
    "a reply of another shape": '{"type": "agent_response", "agent_response_event": "hello"}',
    "audio that is no base64": '{"type": "audio", "audio_event": {"audio_base_64": "%%"}}',
    "a ping without its event": '{"type": "ping"}',
}


@pytest.mark.parametrize("case", MALFORMED)
async def test_a_malformed_frame(case: str, platform: Platform, talks: ElevenLabsTalks) -> None:
    async def part(side: Side) -> None:
        await side.begin()
        await side.send(MALFORMED[case])
        await side.connection.wait_closed()

    platform.part = part
    lost = await _ends_with(talks)
    assert isinstance(lost, ConversationLost)
    assert lost.why == "MalformedFrame"


async def test_a_binary_frame_is_malformed(platform: Platform, talks: ElevenLabsTalks) -> None:
    async def part(side: Side) -> None:
        await side.begin()
        await side.connection.send(b"\x00")
        await side.connection.wait_closed()

    platform.part = part
    lost = await _ends_with(talks)
    assert isinstance(lost, ConversationLost)
    assert lost.why == "MalformedFrame"


CLOSED = {
    1001: "ServerLeft",
    1002: "OperationalError",
    1011: "ServerError",
    4000: "Closed",
}


@pytest.mark.parametrize("code", CLOSED)
async def test_an_end_by_the_platform_is_lost(
    code: int, platform: Platform, talks: ElevenLabsTalks
) -> None:
    async def part(side: Side) -> None:
        await side.begin()
        await side.say("One moment.")
        await side.connection.close(code, "LLM timeout")

    platform.part = part
    lost = await _ends_with(talks)
    assert isinstance(lost, ConversationLost)
    assert (lost.why, lost.status) == (CLOSED[code], code)
    assert "LLM timeout" in lost.message


async def test_1008_is_a_refusal_in_the_platforms_words(
    platform: Platform, talks: ElevenLabsTalks
) -> None:
    async def part(side: Side) -> None:
        await side.begin()
        await side.connection.close(
            1008, "Override for field 'text_only' is not allowed by config."
        )

    platform.part = part
    refused = await _ends_with(talks)
    assert isinstance(refused, ConversationRefused)
    assert "text_only" in refused.message


async def test_an_expired_address_is_a_refusal(platform: Platform, talks: ElevenLabsTalks) -> None:
    async def part(side: Side) -> None:
        await side.connection.close(1008, f"Signature {SIGNATURE} has expired.")

    platform.part = part
    refused = await _ends_with(talks)
    assert isinstance(refused, ConversationRefused)
    assert "Signature [hidden] has expired." in refused.message


async def test_the_words_of_an_error_event_explain_the_close(
    platform: Platform, talks: ElevenLabsTalks
) -> None:
    async def part(side: Side) -> None:
        await side.begin()
        event = {"code": 1011, "message": "the model is overloaded", "error_type": "server"}
        await side.send({"type": "error", "error_event": event})
        await side.connection.close(1011, "")

    platform.part = part
    assert "the model is overloaded" in (await _ends_with(talks)).message


async def test_an_end_before_the_beginning_is_a_refusal(
    platform: Platform, talks: ElevenLabsTalks
) -> None:
    async def part(side: Side) -> None:
        await side.hear("conversation_initiation_client_data")
        await side.connection.close(1000, "bye")

    platform.part = part
    assert isinstance(await _ends_with(talks), ConversationRefused)


async def test_a_wrong_agent_id_is_a_refusal(platform: Platform, talks: ElevenLabsTalks) -> None:
    words = {"detail": {"status": "document_not_found", "message": "Agent agent_9 not found."}}
    platform.signing = (404, words)
    refused = await _ends_with(talks)
    assert isinstance(refused, ConversationRefused)
    assert "Agent agent_9 not found." in refused.message


async def test_no_free_place_is_a_wait(platform: Platform, talks: ElevenLabsTalks) -> None:
    platform.handshake = (429, {"Retry-After": "7"})
    limited = await _ends_with(talks)
    assert isinstance(limited, RateLimited)
    assert limited.retry_after_s == pytest.approx(7.0)


@pytest.mark.parametrize(
    ("status", "leaf"), [(403, ConversationRefused), (404, ConversationRefused), (503, Unavailable)]
)
async def test_a_handshake_that_is_answered_otherwise(
    status: int, leaf: type[PlatformError], platform: Platform, talks: ElevenLabsTalks
) -> None:
    platform.handshake = (status, {})
    assert type(await _ends_with(talks)) is leaf


async def test_no_redirect_takes_the_signature_along(
    platform: Platform, talks: ElevenLabsTalks
) -> None:
    platform.handshake = (302, {"Location": f"{platform.url}/v1/convai/conversation?elsewhere"})
    assert isinstance(await _ends_with(talks), Unavailable)
    assert platform.sides == []


async def test_a_platform_that_never_begins_is_unavailable(talks: ElevenLabsTalks) -> None:
    lost = await _ends_with(talks, in_text(connect_timeout_s=0.2))
    assert isinstance(lost, Unavailable)


@pytest.mark.parametrize(
    "address",
    [
        "ws://agents.example.com/v1/convai/conversation?conversation_signature=abc",
        "ftp://127.0.0.1/",
        "nothing",
        "wss://[::1/",
    ],
)
async def test_an_address_nobody_should_call_is_not_called(
    address: str, platform: Platform, talks: ElevenLabsTalks
) -> None:
    platform.address = lambda _: address
    lost = await _ends_with(talks)
    assert isinstance(lost, Unavailable)
    assert address not in lost.message


@pytest.mark.slow
async def test_pings_that_nobody_answers(platform: Platform, wire: Wire) -> None:
    async def part(side: Side) -> None:
        await side.begin()
        side.connection.transport.pause_reading()
        platform.deaf.append(side)
        await side.connection.wait_closed()

    platform.part = part
    pace = Pace(Rates())
    client = ElevenLabsClient(wire, "xi-key", pace, read_timeout_s=60.0)
    lost = await _ends_with(ElevenLabsTalks(client, ping_interval_s=0.2))
    assert isinstance(lost, ConversationLost)
    assert lost.why == "PongMissing"


async def test_nothing_secret_is_logged_or_told(
    platform: Platform, talks: ElevenLabsTalks, caplog: pytest.LogCaptureFixture
) -> None:
    async def part(side: Side) -> None:
        first = await side.begin()
        assert first["dynamic_variables"]["secret__trunkline_test"] == TOKEN
        words = f"bad {TOKEN} {SIGNATURE}"
        await side.send({"type": "error", "error_event": {"code": 1008, "message": words}})
        await side.connection.close(1008, "")

    platform.part = part
    with caplog.at_level(logging.DEBUG):
        refused = await _ends_with(talks)
    ours = [r for r in caplog.records if not r.name.startswith("websockets.server")]
    told = "".join(traceback.format_exception(refused)) + str([r.__dict__ for r in ours])
    assert "[hidden] [hidden]" in refused.message
    assert not [secret for secret in (TOKEN, SIGNATURE) if secret in told]
