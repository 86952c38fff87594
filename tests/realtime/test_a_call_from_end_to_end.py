"""A caller's sound in, the agent's back, through everything that a call passes on its way."""

from __future__ import annotations

import base64

import pytest

from simulators.twilio.calls import voices
from tests.realtime.houses import CALLER, GREETING, NUMBER, Houses
from trunkline.model.calls.recordings import SILENCE

WORDS = "When do you open?"
BYTES_PER_MS = 8


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_caller_is_heard_answered_and_may_interrupt(shared_houses: Houses) -> None:
    spoken = voices.said(WORDS)
    async with shared_houses(calls={"record": True}) as house:
        heard = base64.b64encode(spoken).decode()
        await house.elevenlabs("hearing", {"samples": heard, "format": "ulaw_8000", "text": WORDS})
        wav = base64.b64encode(voices.to_wav(spoken)).decode()
        sid = await house.call(
            {"wait_for": "speech_start", "after_ms": 1_000, "wav_base64": wav},
            {"wait_for": "speech_end", "after_ms": 300, "hangup": True},
        )
        shown = await house.over(sid)
        record = await house.record(sid, lambda record: record.is_over)
        events = await house.events(record, lambda events: events[-1].name == "connection_closed")
        parts = [part async for part in house.store.recording(record.project, record.id)]

    said = [(event.name, event.data.get("text")) for event in events]
    assert said[0][0] == "conversation_started"
    assert ("agent_response", GREETING) in said
    assert ("user_transcript", WORDS) in said
    assert ("agent_response", "At nine.") in said
    names = [event.name for event in events]
    assert names.index("interruption") < names.index("user_transcript")
    [interruption] = [event.data for event in events if event.name == "interruption"]
    assert 300 < float(str(interruption["heardMs"])) < len(voices.said(GREETING)) / BYTES_PER_MS
    [correction] = [event.data for event in events if event.name == "agent_response_correction"]
    assert GREETING.startswith(str(correction["corrected"]).rstrip(". …"))
    assert [event.seq for event in events] == list(range(1, len(events) + 1))

    cleared = [note for note in shown["events"] if note["event"] == "clear"]
    assert len(cleared) == 1
    assert not [note for note in shown["events"] if note["event"] == "warning"]
    assert (record.state, record.ended_by, record.outcome) == ("completed", "caller", "talked")
    assert (record.from_number, record.to_number, record.version) == (CALLER, NUMBER, 7)
    assert record.conversation_id
    assert record.answered_at is not None
    assert (record.lost_frames, record.recorded) == (0, True)

    caller_track = b"".join(part[0] for part in parts)
    agent_track = b"".join(part[1] for part in parts)
    assert len(caller_track) == len(agent_track)
    assert voices.from_wav(voices.to_wav(spoken)) in caller_track
    played = base64.b64decode(shown["heard"]["played_base64"])
    sound = agent_track.replace(SILENCE, b"")
    assert played.replace(SILENCE, b"")[:4_000] in sound, "it was recorded as it was heard"
