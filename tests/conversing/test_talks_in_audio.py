"""A conversation in audio over the real protocol: what reaches the other side, frame for frame and
on time, and what is measured of what comes back.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from activities.conversing import converse
from tests.conversing.platform_side import all_of, in_text
from tests.conversing.scripts import company, script, verdict, words
from tests.conversing.test_sound_is_made_and_read import sine, wav
from trunkline.adapters.speech.encoding import decoded, encoded, samples_of, sound_of
from trunkline.adapters.speech.studio import SpeechStudio
from trunkline.model.calls.lines import LineFormat
from trunkline.model.errors import ConversationLost, ConversationRefused
from trunkline.model.kinds.conversation import Noise
from trunkline.model.testing.talk import AgentSounded, Ended, Interrupted, Sound

if TYPE_CHECKING:
    from tests.conversing.platform_side import Platform, Side
    from trunkline.adapters.elevenlabs.talks import ElevenLabsTalks

MULAW = LineFormat("ulaw", 8_000)
LOUD_DBFS = -45.0


def level_dbfs(content: bytes) -> float:
    """Level of a frame of the caller."""
    samples = np.frombuffer(content, dtype="<i2") / 32_768
    return 10 * math.log10(max(float(np.mean(samples**2)), 1e-12))


async def hear_speech(side: Side, *, quiet_frames: int = 10) -> tuple[float, float]:
    """Wait until the caller has spoken and ceased; when it began, and when its last frame came."""
    loop = asyncio.get_running_loop()
    began: float | None = None
    last = 0.0
    quiet = 0
    while began is None or quiet < quiet_frames:
        await side.hear("user_audio_chunk")
        if level_dbfs(side.chunks[-1][1]) > LOUD_DBFS:
            last, quiet = loop.time(), 0
            began = last if began is None else began
        else:
            quiet += 1
    return began, last


async def test_a_sound_reaches_the_other_side_frame_for_frame(
    platform: Platform, talks: ElevenLabsTalks
) -> None:
    sound = sine(440, 0.5, 16_000, 0.3)
    ended = asyncio.Event()

    async def part(side: Side) -> None:
        await side.begin()
        while not ended.is_set():
            await side.hear("user_audio_chunk")
        await side.connection.close(1000, "")

    platform.part = part
    async with talks.open(in_text(text_only=False)) as talk:
        await talk.play(sound)
        ended.set()
        await all_of(talk.events())
    chunks = platform.sides[0].chunks
    assert {len(content) for _, content in chunks} == {640}
    heard = b"".join(content for _, content in chunks)
    place = heard.find(sound.samples)
    assert place % 640 == 0
    first, last = place // 640, place // 640 + 24
    assert chunks[last][0] - chunks[first][0] == pytest.approx(24 * 0.02, abs=0.04)
    assert platform.sides[0].heard[0]["conversation_config_override"] == {}


async def test_a_line_is_never_quiet_on_the_wire(
    platform: Platform, talks: ElevenLabsTalks
) -> None:
    noise = SpeechStudio().background(
        Noise.model_validate({"profile": "white", "snrDb": 10.0}), seed=3
    )

    async def part(side: Side) -> None:
        await side.begin()
        for _ in range(10):
            await side.hear("user_audio_chunk")
        await side.connection.close(1000, "")

    platform.part = part
    async with talks.open(in_text(text_only=False, background=noise)) as talk:
        assert isinstance((await all_of(talk.events()))[-1], Ended)
    heard = b"".join(content for _, content in platform.sides[0].chunks)
    assert heard == noise.samples[: len(heard)]


async def test_mulaw_is_spoken_and_heard(platform: Platform, talks: ElevenLabsTalks) -> None:
    tone = sine(440, 0.2, 8_000, 0.3)
    code = encoded(samples_of(tone), MULAW)

    async def part(side: Side) -> None:
        await side.begin(agent="ulaw_8000", caller="ulaw_8000")
        await side.sound(code, event_id=3)
        await side.hear("user_audio_chunk")
        await side.connection.close(1000, "")

    platform.part = part
    async with talks.open(in_text(text_only=False)) as talk:
        events = await all_of(talk.events())
    heard = next(event for event in events if isinstance(event, AgentSounded))
    assert heard.sound == decoded(code, MULAW)
    assert {content for _, content in platform.sides[0].chunks} == {b"\xff" * 160}


async def test_audio_of_before_an_interruption_is_void(
    platform: Platform, talks: ElevenLabsTalks
) -> None:
    async def part(side: Side) -> None:
        await side.begin()
        await side.sound(b"\1\0", event_id=4)
        await side.send({"type": "interruption", "interruption_event": {"event_id": 4}})
        await side.sound(b"\2\0", event_id=4)
        await side.sound(b"\3\0", event_id=5)
        await side.connection.close(1000, "")

    platform.part = part
    async with talks.open(in_text(text_only=False)) as talk:
        events = await all_of(talk.events())
    assert events[1:-1] == [
        AgentSounded(sound=Sound(b"\1\0", 16_000), event_id=4),
        Interrupted(event_id=4),
        AgentSounded(sound=Sound(b"\3\0", 16_000), event_id=5),
    ]


async def test_formats_nobody_can_read_or_write(platform: Platform, talks: ElevenLabsTalks) -> None:
    async def reads(side: Side) -> None:
        await side.begin(agent="mp3_44100_128")
        await side.sound(b"\1\0")
        await side.connection.wait_closed()

    platform.part = reads
    async with talks.open(in_text(text_only=False)) as talk:
        with pytest.raises(ConversationLost) as lost:
            await all_of(talk.events())
    assert lost.value.why == "UnknownAudioFormat"

    async def writes(side: Side) -> None:
        await side.begin(caller="opus_48000")
        await side.connection.wait_closed()

    platform.part = writes
    with pytest.raises(ConversationRefused):
        async with talks.open(in_text(text_only=False)):
            pass


@pytest.mark.slow
async def test_a_reply_is_measured_from_the_audio_itself(
    platform: Platform, talks: ElevenLabsTalks
) -> None:
    wanted: list[float] = []

    async def part(side: Side) -> None:
        loop = asyncio.get_running_loop()
        await side.begin()
        _, last = await hear_speech(side)
        answer = np.concatenate(
            [np.zeros(3_200, dtype=np.int16), samples_of(sine(300, 1.0, 16_000, 0.2))]
        )
        await side.say("We are open at nine.")
        wanted.append((loop.time() + 0.2 - last) * 1000)
        await side.sound(sound_of(answer, 16_000).samples)
        while True:
            await side.hear("user_audio_chunk")

    platform.part = part
    told = script(
        {"say": "When do you open?", "expect": [{"says": "nine"}]},
        mode="audio",
        **{
            "finally": [
                {
                    "audio": {
                        "agentOverlapMax": "5%",
                        "silenceMax": "2s",
                        "loudnessLufs": [-30.0, -10.0],
                        "clippingMax": 0,
                    }
                }
            ]
        },
    )
    conversation = await converse(told, in_text(), company(talks))
    result = verdict(told, conversation)
    assert (result.outcome, result.message) == ("passed", "")
    assert result.reply_ms[0] == pytest.approx(wanted[0], abs=60)
    assert [kind for kind, _ in words(conversation)] == [
        "callerSaid",
        "agentSaid",
        "agentStarted",
        "agentStopped",
        "ended",
    ]
    started, stopped = (
        next(line.at_ms for line in conversation.lines if line.kind == kind)
        for kind in ("agentStarted", "agentStopped")
    )
    assert stopped - started == pytest.approx(1_000, abs=20)


@pytest.mark.slow
async def test_barge_in_is_measured_to_forty_milliseconds(
    platform: Platform, talks: ElevenLabsTalks
) -> None:
    reaction: list[float] = []

    async def part(side: Side) -> None:
        loop = asyncio.get_running_loop()
        await side.begin()
        await side.say("Our opening hours are long and many.", event_id=1)
        await side.sound(sine(300, 6.0, 16_000, 0.2).samples, event_id=1)
        while not side.chunks or level_dbfs(side.chunks[-1][1]) <= LOUD_DBFS:
            await side.hear("user_audio_chunk")
        began = loop.time()
        while loop.time() - began < 0.3:
            await side.hear("user_audio_chunk")
        await side.send({"type": "interruption", "interruption_event": {"event_id": 1}})
        reaction.append((loop.time() - began) * 1000)
        await hear_speech(side)
        await side.say("Yes?", event_id=2)
        await side.sound(sine(300, 0.3, 16_000, 0.2).samples, event_id=2)
        while True:
            await side.hear("user_audio_chunk")

    platform.part = part
    stop = sine(500, 0.6, 16_000, 0.3)
    sounds = {"stop.wav": "sha256:stop"}

    async def sound(digest: str) -> bytes:
        assert digest == "sha256:stop"
        return wav(stop.samples)

    told = script(
        {"expect": [{"says": "hours"}]},
        {
            "audioFile": "stop.wav",
            "interrupt": {"by": "700ms"},
            "expect": [{"stopsWithin": "600ms"}],
        },
        mode="audio",
        sounds=sounds,
    )
    conversation = await converse(told, in_text(), company(talks, sound=sound))
    result = verdict(told, conversation)
    assert (result.outcome, result.message) == ("passed", "")
    at_ms = {line.kind: line.at_ms for line in reversed(conversation.lines)}
    assert at_ms["callerSaid"] - at_ms["agentStarted"] == pytest.approx(700, abs=120)
    stops = [line.at_ms for line in conversation.lines if line.kind == "agentStopped"]
    stopped_after = stops[0] - at_ms["callerSaid"]
    assert stopped_after == pytest.approx(reaction[0] + 20, abs=40)


@pytest.mark.slow
async def test_keys_are_tones_in_audio(platform: Platform, talks: ElevenLabsTalks) -> None:
    async def part(side: Side) -> None:
        await side.begin()
        await hear_speech(side)
        await side.say("Sales.")
        await side.sound(sine(300, 0.3, 16_000, 0.2).samples)
        while True:
            await side.hear("user_audio_chunk")

    platform.part = part
    told = script({"dtmf": "1#", "expect": [{"says": "sales"}]}, mode="audio")
    conversation = await converse(told, in_text(), company(talks))
    assert verdict(told, conversation).outcome == "passed"
    assert words(conversation)[0] == ("callerPressed", "1#")


async def test_a_phone_is_not_at_hand(talks: ElevenLabsTalks) -> None:
    told = script({"say": "Hello"}, mode="phone")
    result = verdict(told, await converse(told, in_text(), company(talks)))
    assert (result.outcome, result.reason) == ("inconclusive", "PhoneNotAvailable")


async def listening(side: Side) -> None:
    """The agent says nothing."""
    await side.begin()
    while True:
        await side.hear("user_audio_chunk")


async def test_a_recording_that_is_missing_blames_nobody(
    platform: Platform, talks: ElevenLabsTalks
) -> None:
    platform.part = listening
    told = script({"audioFile": "stop.wav", "expect": [{"says": "hello"}]}, mode="audio")
    result = verdict(told, await converse(told, in_text(), company(talks)))
    assert (result.outcome, result.reason) == ("inconclusive", "InvalidInput")


async def test_a_caller_in_a_noisy_place(platform: Platform, talks: ElevenLabsTalks) -> None:
    platform.part = listening
    told = script(
        {"silence": "200ms", "expect": [{"says": "hello"}]},
        mode="audio",
        caller={"noise": {"profile": "white", "snrDb": 10.0}},
        limits={"seconds": 0.5},
    )
    await converse(told, in_text(), company(talks))
    heard = b"".join(content for _, content in platform.sides[0].chunks)
    assert level_dbfs(heard) == pytest.approx(-36, abs=1)
