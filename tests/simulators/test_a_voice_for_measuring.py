"""Cheap sound that counts itself: no frame is lost, none comes twice, and its pace is known."""

from __future__ import annotations

import base64
import struct
import time
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import ConnectionClosed

from simulators import sound
from simulators.elevenlabs.talks.steady import FRAME_BYTES, HEADER, frame
from tests.simulators.call_flows import ULAW, registered
from tests.simulators.phoning import phone
from tests.simulators.talking import Line, public_url, talk, talker

if TYPE_CHECKING:
    from tests.simulators.conftest import World

Json = dict[str, Any]


def frames(content: bytes) -> list[tuple[int, int]]:
    """Number and time of each frame in some sound."""
    starts = range(0, len(content), FRAME_BYTES)
    return [struct.unpack_from(">IQ", content, start) for start in starts]


def chunk(line: Line) -> bytes:
    """The next piece of the agent's voice."""
    return base64.b64decode(line.until("audio")["audio_event"]["audio_base_64"])


def counters(world: World) -> Json:
    found: Json = world.http.get(f"{world.running.elevenlabs_url}/_sim/voice").json()
    return found


@pytest.mark.parametrize("chunk_ms", [20, 100])
def test_a_tone_numbers_its_frames(world: World, chunk_ms: int) -> None:
    world.steer("voice", {"mode": "tone", "chunk_ms": chunk_ms})
    wanted = 20
    content = b""
    began_s = time.monotonic()
    with talk(public_url(world, talker(world, **ULAW))) as line:
        line.until("conversation_initiation_metadata")
        while len(content) < wanted * FRAME_BYTES:
            content += chunk(line)
        spent_s = time.monotonic() - began_s
    found = frames(content)
    assert [number for number, _ in found] == list(range(len(found)))
    assert [moment for _, moment in found] == sorted(moment for _, moment in found)
    assert all(moment <= time.monotonic_ns() for _, moment in found)
    assert spent_s >= (wanted - chunk_ms / 20) * 0.02 * 0.9
    seen = counters(world)
    assert seen["frames_sent"] >= wanted
    assert seen["lag_ms"]["p50"] <= seen["lag_ms"]["p99"] <= seen["lag_ms"]["max"]


def test_a_tone_is_sound(world: World) -> None:
    del world
    one = frame(7, 1234)
    assert len(one) == FRAME_BYTES
    assert HEADER.unpack_from(one) == (7, 1234)
    assert abs(sound.decoded(one[HEADER.size :], sound.ULAW)).max() > 4_000


def test_an_echo_sends_back_what_it_gets(world: World) -> None:
    world.steer("voice", {"mode": "echo"})
    with talk(public_url(world, talker(world, **ULAW))) as line:
        sent = [frame(number, time.monotonic_ns()) for number in range(25)]
        for one in sent:
            line.send(user_audio_chunk=base64.b64encode(one).decode())
        assert [chunk(line) for _ in sent] == sent
    assert counters(world)["chunks_heard"] == len(sent)


def test_a_tone_reaches_telephones_too(world: World) -> None:
    world.steer("voice", {"mode": "tone"})
    with phone(registered(world, talker(world, **ULAW))) as call:
        for _ in range(10):
            call.until("media")
        call.say("", silence_s=0.1)
        call.stop()
        with pytest.raises(ConnectionClosed):
            call.until("never")
    numbers = [number for number, _ in frames(call.heard())]
    assert numbers == list(range(len(numbers)))


@pytest.mark.slow
def test_the_longest_time_holds_for_it(world: World) -> None:
    world.steer("voice", {"mode": "tone"})
    conversation = {"text_only": False, "max_duration_seconds": 1}
    with talk(public_url(world, talker(world, **{**ULAW, "conversation": conversation}))) as line:
        assert line.end() == (1000, "Conversation exceeded its maximum duration.")


def test_words_come_back(world: World) -> None:
    world.steer("voice", {"mode": "tone"})
    answer = world.http.delete(f"{world.running.elevenlabs_url}/_sim/voice")
    assert answer.json()["mode"] == "words"
    with talk(public_url(world, talker(world))) as line:
        assert line.reply() == "Welcome."
