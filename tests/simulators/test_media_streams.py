"""A call's sound in frames to a server and back, as Media Streams carries it."""

from __future__ import annotations

import base64
import random
from collections import Counter
from itertools import pairwise

import pytest

from simulators.twilio.calls import voices
from simulators.twilio.calls.line import SILENT_FRAME
from simulators.twilio.calls.troubles import Rhythm, TelephonySettings
from tests.simulators.telephony import NUMBER, Conversation, Telephony, noted, until

HELLO = voices.from_wav(voices.to_wav(voices.said("hello")))
HELLO_WAV = base64.b64encode(voices.to_wav(HELLO)).decode()
REPLY = voices.said("good day")
WORDS = "this is a rather long answer which goes on for a while and then some more"
LONG = 12 * voices.said(WORDS)
"""A minute: a clear comes long before its end, however late it is."""


@pytest.mark.slow
async def test_sound_goes_both_ways_intact_and_in_order(telephony: Telephony) -> None:
    office = telephony.office

    async def talk(conversation: Conversation) -> None:
        await conversation.say(REPLY, size=1000)
        await conversation.send("mark", mark={"name": "said"})
        await until(lambda: HELLO in conversation.heard())
        await until(lambda: bool(conversation.of("mark")))
        await conversation.socket.close()

    office.connect()
    office.talks["/media"] = talk
    shown = await telephony.over(await telephony.call(wav_base64=HELLO_WAV))
    assert base64.b64decode(shown["heard"]["played_base64"]) == REPLY
    heard = voices.from_wav(base64.b64decode(shown["heard"]["wav_base64"]))
    assert len(heard) == shown["heard"]["duration_ms"] * 8
    assert shown["streams"][0]["marks_answered"] == ["said"]
    assert shown["pace"]["ticks"] > 20


async def test_messages_are_those_the_vendor_sends(telephony: Telephony) -> None:
    office = telephony.office
    office.connect(parameters='<Parameter name="call" value="c1"/>')
    sid = await telephony.call(script=[{"digits": "4#"}])
    await until(lambda: bool(office.conversations) and len(office.conversations[0].of("media")) > 4)
    await telephony.steer(f"calls/{sid}", {"do": "hangup"})
    await until(lambda: bool(office.conversations[0].of("stop")))
    conversation = office.conversations[0]
    connected, start, *rest = conversation.messages
    assert connected == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    assert conversation.is_signed
    assert start["sequenceNumber"] == "1"
    assert start["start"] == {
        "streamSid": start["streamSid"],
        "accountSid": telephony.running.twilio_account_sid,
        "callSid": sid,
        "tracks": ["inbound"],
        "customParameters": {"call": "c1"},
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
    }
    assert [message["sequenceNumber"] for message in rest] == [
        str(number) for number in range(2, len(rest) + 2)
    ]
    media = [message["media"] for message in conversation.of("media")]
    assert [frame["chunk"] for frame in media] == [str(n + 1) for n in range(len(media))]
    steps = {int(b["timestamp"]) - int(a["timestamp"]) for a, b in pairwise(media)}
    assert steps == {20}
    assert {frame["track"] for frame in media} == {"inbound"}
    assert base64.b64decode(media[0]["payload"]) == SILENT_FRAME
    assert [message["dtmf"] for message in conversation.of("dtmf")] == [
        {"track": "inbound_track", "digit": "4"},
        {"track": "inbound_track", "digit": "#"},
    ]
    assert rest[-1]["stop"] == {
        "accountSid": telephony.running.twilio_account_sid,
        "callSid": sid,
    }


async def test_a_mark_with_nothing_before_it_is_answered_at_once(telephony: Telephony) -> None:
    office = telephony.office

    async def talk(conversation: Conversation) -> None:
        await conversation.send("mark", mark={"name": "now"})
        await until(lambda: bool(conversation.of("mark")))
        await conversation.socket.close()

    office.connect()
    office.talks["/media"] = talk
    await telephony.over(await telephony.call())
    marks = office.conversations[0].of("mark")
    assert [mark["mark"] for mark in marks] == [{"name": "now"}]


@pytest.mark.slow
async def test_clear_drops_what_waits_and_answers_its_marks(telephony: Telephony) -> None:
    office = telephony.office

    async def talk(conversation: Conversation) -> None:
        await conversation.say(HELLO)
        await conversation.send("mark", mark={"name": "begun"})
        await conversation.say(LONG, size=len(LONG))
        await conversation.send("mark", mark={"name": "a"})
        await conversation.send("mark", mark={"name": "b"})
        await until(lambda: len(conversation.of("mark")) == 1)
        await conversation.send("clear")
        await until(lambda: len(conversation.of("mark")) == 3)
        await conversation.say(REPLY)
        await conversation.send("mark", mark={"name": "c"})
        await until(lambda: len(conversation.of("mark")) == 4)
        await conversation.socket.close()

    office.connect()
    office.talks["/media"] = talk
    shown = await telephony.over(await telephony.call())
    played = base64.b64decode(shown["heard"]["played_base64"])
    assert played.endswith(REPLY)
    whole, before = HELLO + LONG, played[: -len(REPLY)]
    assert len(HELLO) <= len(before) < len(whole) / 2
    assert whole.startswith(before)
    (clear,) = shown["streams"][0]["clears"]
    assert clear["dropped_ms"] == round((len(whole) - len(before)) / 8)
    assert clear["media_before"] == -(-len(HELLO) // 160) + 1
    assert shown["streams"][0]["marks_answered"] == ["begun", "a", "b", "c"]


@pytest.mark.slow
async def test_a_caller_can_speak_into_what_is_played(telephony: Telephony) -> None:
    office = telephony.office

    async def talk(conversation: Conversation) -> None:
        await conversation.say(LONG, size=len(LONG))
        await until(lambda: bool(conversation.heard().strip(b"\xff\x7f")))
        await conversation.send("clear")

    office.connect()
    office.talks["/media"] = talk
    sid = await telephony.call(
        script=[
            {"wait_for": "speech_start", "after_ms": 200, "say": "stop"},
            {"wait_for": "speech_end"},
            {"hangup": True},
        ]
    )
    shown = await telephony.over(sid)
    assert [event["event"] for event in shown["events"] if "caller" in event["event"]] == [
        "caller_speaks",
        "caller_is_silent",
        "caller_hangs_up",
    ]
    ((start_ms, end_ms),) = shown["heard"]["spells_ms"]
    assert 200 <= end_ms - start_ms < len(LONG) / 8 / 2
    assert noted(shown, "clear")[0]["at_s"] >= noted(shown, "caller_speaks")[0]["at_s"]


async def test_what_is_no_message_is_warned_of(telephony: Telephony) -> None:
    office = telephony.office

    async def talk(conversation: Conversation) -> None:
        await conversation.socket.send_bytes(b"\x00")
        await conversation.socket.send_str("{")
        await conversation.socket.send_str("[]")
        await conversation.send("media", media={"payload": "not base64!"})
        await conversation.send("media", media=None)
        await conversation.send("mark", mark={})
        await conversation.send("dance")
        await conversation.socket.send_str('{"event": "clear", "streamSid": "MZ1"}')
        await conversation.socket.close()

    office.connect()
    office.talks["/media"] = talk
    shown = await telephony.over(await telephony.call())
    codes = [warning["code"] for warning in shown["streams"][0]["warnings"]]
    assert codes == [31950, 31950, 31951, 31951, 31951, 31951, 31951, 31951]
    assert shown["heard"]["played_base64"] == ""


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("{office}/media?x=1", 31923),
        ("https://127.0.0.1/media", 31923),
        ("wss:///media", 31923),
        ("wss://[::1/media", 31923),
        ("wss://127.0.0.1:99999/media", 31923),
        ("wss://calls.example.com/media", 31902),
        ("{office}/refused", 31920),
    ],
)
async def test_a_stream_that_cannot_be_opened_is_an_error_and_the_document_goes_on(
    telephony: Telephony, url: str, code: int
) -> None:
    office = telephony.office
    address = url.replace("{office}", office.socket_url)
    office.refusals.add("/refused")
    office.documents["/voice"] = (
        f'<Response><Connect><Stream url="{address}" name="n" statusCallback="/stream"/></Connect>'
        "<Redirect>/next</Redirect></Response>"
    )
    shown = await telephony.over(await telephony.call())
    assert noted(shown, "stream_error")[0]["code"] == code
    assert len(office.forms("/next")) == 1
    await until(lambda: bool(office.forms("/stream")))
    (told,) = office.forms("/stream")
    assert told["StreamEvent"] == "stream-error"
    assert told["StreamName"] == "n"
    assert told["StreamErrorCode"] == str(code)


async def test_streams_report_their_beginning_and_end(telephony: Telephony) -> None:
    office = telephony.office

    async def talk(conversation: Conversation) -> None:
        await conversation.socket.close()

    office.talks["/media"] = talk
    office.documents["/voice"] = (
        f'<Response><Connect action="/after"><Stream url="{office.stream_url}" '
        'statusCallback="/stream"/></Connect><Redirect>/next</Redirect></Response>'
    )
    await telephony.over(await telephony.call())
    await until(lambda: len(office.forms("/stream")) == 2)
    events = [form["StreamEvent"] for form in office.forms("/stream")]
    assert events == ["stream-started", "stream-stopped"]
    assert office.forms("/after")[0]["StreamSid"] == office.conversations[0].sid
    assert office.forms("/next") == []
    assert all(asked.is_signed for asked in office.asked)


async def test_what_follows_connect_runs_when_the_server_closes(telephony: Telephony) -> None:
    office = telephony.office

    async def talk(conversation: Conversation) -> None:
        await conversation.socket.close()

    office.connect(after="<Redirect>/next</Redirect>")
    office.talks["/media"] = talk
    await telephony.over(await telephony.call())
    assert len(office.forms("/next")) == 1


async def test_a_dropped_line_says_no_stop(telephony: Telephony) -> None:
    office = telephony.office
    office.connect()
    sid = await telephony.call(script=[{"wait_for": "listener", "after_ms": 100, "drop": True}])
    shown = await telephony.over(sid)
    assert shown["status"] == "completed"
    conversation = office.conversations[0]
    await until(lambda: conversation.socket.closed)
    assert conversation.socket.close_code == 1006
    assert conversation.of("stop") == []


async def test_a_server_that_goes_without_a_word_is_an_error(telephony: Telephony) -> None:
    office = telephony.office

    async def talk(conversation: Conversation) -> None:
        transport = conversation.request.transport
        assert transport is not None
        transport.abort()

    office.talks["/media"] = talk
    office.connect(after="<Redirect>/next</Redirect>")
    shown = await telephony.over(await telephony.call())
    assert noted(shown, "stream_stopped")[0]["code"] == 31921
    assert len(office.forms("/next")) == 1


async def test_a_started_stream_hears_both_sides_while_the_call_goes_on(
    telephony: Telephony,
) -> None:
    office = telephony.office
    office.documents["/voice"] = (
        f'<Response><Start><Stream url="{office.stream_url}" name="tap" track="both_tracks"/>'
        "</Start><Say>hello</Say><Stop><Stream name='tap'/></Stop><Pause length='60'/></Response>"
    )
    sid = await telephony.call()
    await until(lambda: bool(office.conversations) and bool(office.conversations[0].of("stop")))
    shown = await telephony.show(sid)
    assert shown["status"] == "in-progress"
    conversation = office.conversations[0]
    media = [message["media"] for message in conversation.of("media")]
    assert conversation.of("start")[0]["start"]["tracks"] == ["inbound", "outbound"]
    heard = b"".join(
        base64.b64decode(frame["payload"]) for frame in media if frame["track"] == "outbound"
    )
    assert voices.said("hello") in heard


def departures(jitter_ms: int) -> list[tuple[int, int]]:
    """When frames that are due at 0, 1, 2 … leave in bunches of ten: tick and frame, in order."""
    settings = TelephonySettings(burst_frames=10, jitter_ms=jitter_ms)
    rhythm = Rhythm(settings, random.Random(1))  # noqa: S311 - repeatable dice
    left: list[tuple[int, int]] = []
    for tick in range(60):
        sent: list[bytes] = []
        rhythm.send(bytes([tick]), tick, sent.append)
        left += [(tick, one[0]) for one in sent]
    return left


def test_frames_that_are_held_back_leave_together() -> None:
    ticks = Counter(tick for tick, _ in departures(jitter_ms=0))
    assert ticks == dict.fromkeys(range(9, 60, 10), 10)


@pytest.mark.parametrize("jitter_ms", [0, 20, 60])
def test_no_frame_is_early_too_late_or_overtaken(jitter_ms: int) -> None:
    left = departures(jitter_ms)
    assert [frame for _, frame in left] == list(range(len(left)))
    assert len(left) >= 40
    assert all(frame <= tick <= frame + 9 + jitter_ms // 20 for tick, frame in left)


@pytest.mark.slow
async def test_frames_come_in_bunches_when_told_so(telephony: Telephony) -> None:
    office = telephony.office
    await telephony.steer("telephony", {"burst_frames": 10, "jitter_ms": 60})
    office.connect()
    seen: list[tuple[int, int]] = []

    async def talk(conversation: Conversation) -> None:
        sid = conversation.of("start")[0]["start"]["callSid"]
        while len(conversation.of("media")) < 30 or all(here == made for here, made in seen):
            here = len(conversation.of("media"))
            (stream,) = (await telephony.show(sid, sound=False))["streams"]
            seen.append((here, stream["frames_sent"]))
        await conversation.socket.close()

    office.talks["/media"] = talk
    await telephony.over(await telephony.call())
    assert all(here <= made // 10 * 10 for here, made in seen), "the rest is held back"
    media = [message["media"] for message in office.conversations[0].of("media")]
    assert [frame["chunk"] for frame in media] == [str(n + 1) for n in range(len(media))]


async def test_the_measured_pace_is_told(telephony: Telephony) -> None:
    office = telephony.office

    async def talk(conversation: Conversation) -> None:
        await conversation.say(REPLY)
        await conversation.send("mark", mark={"name": "said"})
        await until(lambda: bool(conversation.of("mark")))
        await conversation.socket.close()

    office.connect()
    office.talks["/media"] = talk
    sid = await telephony.call()
    shown = await telephony.over(sid)
    assert shown["to"] == NUMBER
    pace = (await telephony.show(sid))["pace"]
    assert pace["ticks"] >= len(REPLY) // 160
    assert 0 <= pace["p50_ms"] <= pace["p99_ms"] <= pace["most_ms"]


@pytest.mark.slow
async def test_frames_with_stamps_tell_what_was_lost_and_how_long_they_took(
    telephony: Telephony,
) -> None:
    office = telephony.office
    await telephony.steer("telephony", {"stamps": True})
    office.connect()

    async def talk(conversation: Conversation) -> None:
        await until(lambda: len(conversation.of("media")) >= 20)
        for position in range(20):
            if position not in (3, 4):
                frame = conversation.of("media")[position]["media"]
                await conversation.send("media", media={"payload": frame["payload"]})
        await conversation.send("media", media={"payload": base64.b64encode(REPLY).decode()})
        await conversation.send("mark", mark={"name": "end"})
        await until(lambda: bool(conversation.of("mark")))
        await conversation.socket.close()

    office.talks["/media"] = talk
    shown = await telephony.over(await telephony.call())
    measured = shown["streams"][0]["stamps"]
    assert (measured["frames"], measured["missing"], measured["out_of_order"]) == (18, 2, 0)
    assert measured["unstamped"] == len(REPLY) // 160
    assert 0 < measured["travel"]["p50_ms"] <= measured["travel"]["most_ms"]
    totals = await telephony.steer("telephony")
    assert totals["measured"] == measured
