"""A call between both legs: frames intact and in order both ways, and what is written of it."""

from __future__ import annotations

import asyncio

import numpy as np
import numpy.typing as npt
import pytest

from tests.conversing.platform_side import Platform, Side
from tests.realtime.callers import frame, numbers
from tests.realtime.conftest import Server
from trunkline.adapters.speech.encoding import decoded, encoded, samples_of
from trunkline.model.calls.lines import LineFormat

FRAMES = 100


async def test_frames_pass_intact_and_in_order_both_ways(
    server: Server, platform: Platform
) -> None:
    heard = asyncio.Event()
    sides: list[Side] = []

    async def part(side: Side) -> None:
        sides.append(side)
        await side.begin("ulaw_8000", "ulaw_8000")
        await side.say("Good morning")
        for number in range(FRAMES):
            await side.sound(frame(number), event_id=1)
        while len(side.chunks) < FRAMES:
            await side.hear("user_audio_chunk")
        heard.set()
        await side.connection.close(1000, "good bye")

    platform.part = part
    async with server.called() as caller:
        await caller.speak(*(frame(number) for number in range(FRAMES)))
        await asyncio.wait_for(caller.closed.wait(), 60)
    assert heard.is_set()
    said = b"".join(content for _, content in sides[0].chunks)
    assert numbers(said) == list(range(FRAMES))
    assert numbers(caller.heard()) == list(range(FRAMES))
    record = await server.until(lambda record: record.is_over)
    assert (record.ended_by, record.message, record.lost_frames) == ("agent", "good bye", 0)
    events = await server.events()
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert (events[0].name, events[-1].name) == ("conversation_started", "connection_closed")
    sounded = {event.data["track"]: event.data["ms"] for event in events if event.name == "audio"}
    assert sounded == {"agent": FRAMES * 20, "caller": FRAMES * 20}


@pytest.mark.slow
async def test_an_interruption_clears_before_the_next_frame_and_tells_what_was_heard(
    server: Server, platform: Platform
) -> None:
    cut = asyncio.Event()

    async def part(side: Side) -> None:
        await side.begin("ulaw_8000", "ulaw_8000")
        for number in range(50):
            await side.sound(frame(number), event_id=1)
        await side.hear("user_audio_chunk")
        await side.send({"type": "interruption", "interruption_event": {"event_id": 1}})
        for number in range(50, 60):
            await side.sound(frame(number), event_id=1)
        await side.sound(frame(100), event_id=2)
        await cut.wait()

    platform.part = part
    async with server.called() as caller:
        caller.plays = False
        await caller.until(lambda line: line.kinds().count("mark") == 5)
        third = [one["mark"] for one in caller.told if one["event"] == "mark"][2]
        await caller.say(event="mark", streamSid="MZ1", mark=third)
        await caller.speak(frame(0))
        await caller.until(lambda line: numbers(line.heard())[-1] == 100)
        cut.set()
        await asyncio.wait_for(caller.closed.wait(), 60)
    clear = caller.kinds().index("clear")
    before = [one for one in caller.told[:clear] if one["event"] == "media"]
    behind = [one for one in caller.told[clear:] if one["event"] == "media"]
    assert (len(before), len(behind)) == (50, 1)
    await server.until(lambda record: record.is_over)
    told = [event.data for event in await server.events() if event.name == "interruption"]
    assert [data["heardMs"] for data in told] == [600]


async def test_a_reply_that_comes_in_one_piece_is_heard_in_parts(
    server: Server, platform: Platform
) -> None:
    async def part(side: Side) -> None:
        await side.begin("ulaw_8000", "ulaw_8000")
        await side.sound(b"")
        await side.sound(b"".join(frame(number) for number in range(50)))
        await side.hear("user_audio_chunk")
        await side.send({"type": "interruption", "interruption_event": {"event_id": None}})
        await side.connection.wait_closed()

    platform.part = part
    async with server.called() as caller:
        caller.plays = False
        await caller.until(lambda line: line.kinds().count("mark") == 5)
        assert numbers(caller.heard()) == list(range(50))
        assert caller.kinds() == ["media", "mark"] * 5
        third = [one["mark"] for one in caller.told if one["event"] == "mark"][2]
        await caller.say(event="mark", streamSid="MZ1", mark=third)
        await caller.speak(b"", frame(0))
        await caller.until(lambda line: "clear" in line.kinds())
        await caller.stop()
        await server.until(lambda record: record.is_over)
    told = [event.data for event in await server.events() if event.name == "interruption"]
    assert [data["heardMs"] for data in told] == [600]


async def test_legs_of_other_codings_are_converted_both_ways(
    server: Server, platform: Platform
) -> None:
    tone = np.sin(np.arange(16_000) * 2 * np.pi * 440 / 16_000) * 8_000
    sides: list[Side] = []

    async def part(side: Side) -> None:
        sides.append(side)
        await side.begin("pcm_16000", "pcm_16000")
        for at in range(0, 16_000, 333):
            await side.sound(tone[at : at + 333].astype("<i2").tobytes(), event_id=1)
        while len(side.chunks) < 45:
            await side.hear("user_audio_chunk")

    platform.part = part
    spoken = encoded((tone[::2]).astype(np.int16), LineFormat("ulaw", 8_000))
    async with server.called() as caller:
        await caller.speak(*(spoken[at : at + 160] for at in range(0, 8_000, 160)))
        await asyncio.wait_for(caller.closed.wait(), 60)
    said = np.frombuffer(b"".join(content for _, content in sides[0].chunks), "<i2")
    heard = samples_of(decoded(caller.heard(), LineFormat("ulaw", 8_000)))
    assert main_frequency(said, 16_000) == pytest.approx(440, abs=3)
    assert main_frequency(heard, 8_000) == pytest.approx(440, abs=3)
    assert len(heard) == pytest.approx(8_000, abs=200)


@pytest.mark.slow
async def test_both_tracks_are_recorded_as_the_caller_heard_them(
    server: Server, platform: Platform
) -> None:
    await server.rule(record=True)
    done = asyncio.Event()

    async def part(side: Side) -> None:
        await side.begin("ulaw_8000", "ulaw_8000")
        for number in range(30):
            await side.sound(frame(number), event_id=1)
        while len(side.chunks) < 600:
            await side.hear("user_audio_chunk")
        await done.wait()

    platform.part = part
    async with server.called() as caller:
        await caller.until(lambda line: len(line.heard()) == 30 * 160)
        await caller.speak(*(frame(1_000 + number) for number in range(600)))
        await server.until_recorded(parts=2)
        await caller.stop()
        await asyncio.wait_for(caller.closed.wait(), 60)
        done.set()
    record = await server.until(lambda record: record.is_over)
    assert (record.recorded, record.ended_by) == (True, "caller")
    parts = [part async for part in server.store.recording(record.project, record.id)]
    assert [len(track) for track in parts[0]] == [40_000, 40_000]
    caller_track = b"".join(part[0] for part in parts)
    agent_track = b"".join(part[1] for part in parts)
    assert numbers(caller_track) == list(range(1_000, 1_600))
    assert numbers(agent_track[: 30 * 160]) == list(range(30))
    assert set(agent_track[30 * 160 :]) == {0xFF}


def main_frequency(samples: npt.NDArray[np.int16], rate: int) -> float:
    """The strongest frequency of a sound, in hertz."""
    middle = samples[len(samples) // 8 : -len(samples) // 8].astype(float)
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    return float(np.argmax(spectrum) * rate / len(middle))


async def test_what_is_to_be_blotted_out_never_reaches_a_row(
    server: Server, platform: Platform
) -> None:
    await server.rule(redact=["card-numbers"])

    async def part(side: Side) -> None:
        await side.begin("ulaw_8000", "ulaw_8000")
        await side.say("Your card is 4111 1111 1111 1111, right?")
        await side.connection.close(1000)

    platform.part = part
    async with server.called() as caller:
        await asyncio.wait_for(caller.closed.wait(), 60)
    record = await server.until(lambda record: record.is_over)
    said = [event.data["text"] for event in await server.events() if event.name == "agent_response"]
    assert said == ["Your card is [card number], right?"]
    assert record.redacted
