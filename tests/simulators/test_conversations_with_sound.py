"""Conversations with sound: what the agent's voice is, and what is understood of a caller's."""

from __future__ import annotations

import base64
import queue
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from simulators import sound
from tests.simulators.official import AudioEventAlignment, AudioInterface, Conversation
from tests.simulators.talking import PATIENCE_S, Line, public_url, talk, talker

if TYPE_CHECKING:
    from tests.simulators.conftest import World

RATE = 16_000
LONG = "Welcome to the bakery, we are glad that you call."
ENDLESS = " ".join([LONG] * 10)
"""Half a minute: who breaks in does so long before its end, however late they are."""
WITH_SOUND: Any = {"text_only": False}


def voice(text: str, rate: int = RATE) -> np.ndarray[Any, np.dtype[np.int16]]:
    """Something that rises and falls like speech, another for each text."""
    return sound.spoken(text, rate, 1.0).samples


def register(world: World, text: str) -> None:
    samples = base64.b64encode(sound.encoded(voice(text), "pcm_16000")).decode()
    world.steer("hearing", {"samples": samples, "format": "pcm_16000", "text": text})


def silence(seconds: float, rate: int = RATE) -> np.ndarray[Any, np.dtype[np.int16]]:
    return np.zeros(round(seconds * rate), np.int16)


def send(line: Line, samples: Any, audio_format: str = "pcm_16000") -> None:
    """All of it at once: the simulator counts samples, not the clock."""
    step = sound.rate_of(audio_format) // 10
    for start in range(0, len(samples), step):
        piece = sound.encoded(samples[start : start + step], audio_format)
        line.send(user_audio_chunk=base64.b64encode(piece).decode())


def collected(line: Line, within_s: float = PATIENCE_S) -> bytes:
    """The agent's audio up to the end of its reply."""
    line.until("agent_response_complete", within_s)
    events = [message for message in line.heard if message["type"] == "audio"]
    return b"".join(base64.b64decode(event["audio_event"]["audio_base_64"]) for event in events)


@pytest.mark.parametrize("audio_format", ["pcm_16000", "pcm_8000", "ulaw_8000"])
def test_a_reply_is_sound_in_the_announced_format(world: World, audio_format: str) -> None:
    tts = {"agent_output_audio_format": audio_format}
    with talk(public_url(world, talker(world, conversation=WITH_SOUND, tts=tts))) as line:
        heard = sound.decoded(collected(line), audio_format)
    told = line.heard[0]["conversation_initiation_metadata_event"]
    assert told["agent_output_audio_format"] == audio_format
    expected = voice("Welcome.", sound.rate_of(audio_format))
    assert len(heard) == len(expected)
    assert np.max(np.abs(heard.astype(int) - expected)) <= 0.05 * np.max(np.abs(expected))


@pytest.mark.slow
def test_letters_have_their_places_in_time(world: World) -> None:
    with talk(public_url(world, talker(world, LONG, conversation=WITH_SOUND))) as line:
        collected(line)
    events = [m["audio_event"] for m in line.heard if m["type"] == "audio"]
    letters = "".join("".join(event["alignment"]["chars"]) for event in events)
    assert letters == LONG.replace(" ", "")
    for event in events:
        starts = event["alignment"]["char_start_times_ms"]
        assert starts == sorted(starts)
        assert len(starts) == len(event["alignment"]["char_durations_ms"])


@pytest.mark.parametrize(("audio_format", "rate"), [("pcm_16000", 16_000), ("ulaw_8000", 8_000)])
def test_a_caller_is_understood_over_noise_and_another_rate(
    world: World, audio_format: str, rate: int
) -> None:
    for text in ("When do you open?", "I should like to order a cake for Sunday, please."):
        register(world, text)
    asr = {"user_input_audio_format": audio_format}
    wanted = "I should like to order a cake for Sunday, please."
    clean = np.concatenate([silence(0.4, rate), voice(wanted, rate), silence(1.0, rate)])
    noise = np.random.default_rng(7).normal(0, 250, len(clean))
    noisy = (0.7 * clean + noise).astype(np.int16)
    with talk(public_url(world, talker(world, conversation=WITH_SOUND, asr=asr))) as line:
        collected(line)
        send(line, noisy, audio_format)
        event = line.until("user_transcript")["user_transcription_event"]
    assert event["user_transcript"] == wanted
    scores = [m["vad_score_event"]["vad_score"] for m in line.heard if m["type"] == "vad_score"]
    assert (min(scores), max(scores)) == (0.0, 1.0)


def test_what_nobody_registered_cannot_be_understood(world: World) -> None:
    register(world, "When do you open?")
    with talk(public_url(world, talker(world, conversation=WITH_SOUND))) as line:
        collected(line)
        send(line, np.concatenate([voice("An elephant in the garden of my aunt"), silence(1.0)]))
        event = line.until("user_transcript")["user_transcription_event"]
    assert event["user_transcript"] == "(unintelligible)"


@pytest.mark.slow
def test_an_utterance_ends_without_silence_being_sent(world: World) -> None:
    register(world, "When do you open?")
    with talk(public_url(world, talker(world, conversation=WITH_SOUND))) as line:
        collected(line)
        send(line, voice("When do you open?"))
        event = line.until("user_transcript")["user_transcription_event"]
    assert event["user_transcript"] == "When do you open?"


def test_silence_is_no_activity(world: World) -> None:
    with talk(public_url(world, talker(world, conversation=WITH_SOUND))) as line:
        collected(line)
        world.steer("clock", {"advance_s": 5})
        send(line, silence(1.0))
        line.until("vad_score")
        world.steer("clock", {"advance_s": 4})
        assert line.reply() != "Welcome."


def test_a_caller_who_breaks_in_is_let_in(world: World) -> None:
    with talk(public_url(world, talker(world, ENDLESS, conversation=WITH_SOUND))) as line:
        line.until("audio")
        send(line, voice("Stop, please."))
        interrupted = line.until("interruption")["interruption_event"]["event_id"]
        event = line.until("agent_response_correction")["agent_response_correction_event"]
    assert event["original_agent_response"] == ENDLESS
    assert ENDLESS.startswith(event["corrected_agent_response"])
    assert len(event["corrected_agent_response"]) < len(ENDLESS)
    assert interrupted == event["event_id"]
    assert "agent_response_complete" not in line.kinds()


@pytest.mark.slow
def test_both_ways_in_the_sound_of_telephones(world: World) -> None:
    register(world, "Stop, please.")
    ulaw: Any = {
        "asr": {"user_input_audio_format": "ulaw_8000"},
        "tts": {"agent_output_audio_format": "ulaw_8000"},
    }
    prompt = {"agent": {"prompt": {"prompt": "You answer the phone. Be brief."}}}
    agent_id = talker(world, ENDLESS, conversation=WITH_SOUND, **ulaw, **prompt)
    with talk(public_url(world, agent_id)) as line:
        line.until("audio")
        send(
            line, np.concatenate([voice("Stop, please.", 8_000), silence(1.0, 8_000)]), "ulaw_8000"
        )
        interrupted = line.until("interruption")["interruption_event"]["event_id"]
        after = len(line.heard)
        correction = line.until("agent_response_correction")["agent_response_correction_event"]
        assert line.until("user_transcript")["user_transcription_event"] == {
            "user_transcript": "Stop, please.",
            "event_id": interrupted + 1,
        }
        line.until("agent_response_complete")
    assert correction["original_agent_response"] == ENDLESS
    told = line.heard[0]["conversation_initiation_metadata_event"]
    formats = (told["agent_output_audio_format"], told["user_input_audio_format"])
    assert formats == ("ulaw_8000", "ulaw_8000")
    later = [m["audio_event"]["event_id"] for m in line.heard[after:] if m["type"] == "audio"]
    assert later
    assert min(later) > interrupted


@pytest.mark.slow
def test_a_first_message_may_be_protected(world: World) -> None:
    agent = {"disable_first_message_interruptions": True}
    agent_id = talker(world, LONG, conversation=WITH_SOUND, agent=agent)
    with talk(public_url(world, agent_id)) as line:
        line.until("audio")
        send(line, voice("Stop, please."))
        line.until("agent_response_complete")
    assert "interruption" not in line.kinds()


def test_keys_are_heard_by_their_tones(world: World) -> None:
    time_s = np.arange(RATE // 10) / RATE
    tones = {"4": (770.0, 1209.0), "2": (697.0, 1336.0), "#": (941.0, 1477.0)}
    parts: list[Any] = []
    for low, high in tones.values():
        wave = np.sin(2 * np.pi * low * time_s) + np.sin(2 * np.pi * high * time_s)
        parts += [(8000 * wave).astype(np.int16), silence(0.1)]
    with talk(public_url(world, talker(world, conversation=WITH_SOUND))) as line:
        collected(line)
        send(line, np.concatenate([*parts, silence(1.0)]))
        line.reply()
    assert "user_transcript" not in line.kinds()


class Telephone(AudioInterface):
    """The sound card of the official client: plays into a queue, speaks when told to."""

    def __init__(self) -> None:
        self.played: queue.Queue[bytes] = queue.Queue()
        self.interrupted = threading.Event()
        self.speak: Callable[[bytes], None] | None = None

    def start(self, input_callback: Callable[[bytes], None]) -> None:
        self.speak = input_callback

    def stop(self) -> None:
        self.speak = None

    def output(self, audio: bytes) -> None:
        self.played.put(audio)

    def interrupt(self) -> None:
        self.interrupted.set()


def test_the_official_client_listens_speaks_and_breaks_in(world: World) -> None:
    register(world, "Stop, please.")
    telephone, understood = Telephone(), threading.Event()
    transcripts: list[str] = []
    alignments: list[AudioEventAlignment] = []

    def heard(transcript: str) -> None:
        transcripts.append(transcript)
        understood.set()

    conversation = Conversation(
        world.elevenlabs,
        talker(world, ENDLESS, conversation=WITH_SOUND),
        requires_auth=False,
        audio_interface=telephone,
        callback_user_transcript=heard,
        callback_audio_alignment=alignments.append,
    )
    conversation.start_session()
    try:
        first = telephone.played.get(timeout=PATIENCE_S)
        assert len(first) == RATE // 4 * 2
        assert telephone.speak is not None
        telephone.speak(sound.encoded(voice("Stop, please."), "pcm_16000"))
        assert telephone.interrupted.wait(PATIENCE_S)
        played = len(first) + sum(map(len, telephone.played.queue))
        assert played < 2 * len(voice(ENDLESS)), "only once it had said everything"
        assert understood.wait(PATIENCE_S)
    finally:
        conversation.end_session()
        conversation.wait_for_session_end()
    assert transcripts == ["Stop, please."]
    assert alignments[0].chars[0] == "W"


@pytest.mark.parametrize(
    "body",
    [
        {"samples": "", "format": "pcm_16000", "text": "x"},
        {"samples": "no base64", "format": "pcm_16000", "text": "x"},
        {"samples": "AAAA", "format": "mp3", "text": "x"},
    ],
)
def test_a_sound_without_sound_is_not_registered(world: World, body: Any) -> None:
    url = f"{world.running.elevenlabs_url}/_sim/hearing"
    assert world.http.post(url, json=body).status_code == 400
    assert world.http.get(url).json() == {"texts": []}
