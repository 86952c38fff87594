"""What marks say about how much of a reply was heard, and both tracks side by side: pure parts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.frames import Heard, Marked, StreamBegun, StreamWriter, read
from realtime.playback import Playback
from realtime.tracks import Recorder, Tracks
from trunkline.model.errors import StreamMalformed


def test_a_mark_is_due_after_a_fifth_of_a_second() -> None:
    playback = Playback()
    due = [playback.sent(20) for _ in range(25)]
    assert [number for number in due if number is not None] == [1, 2]
    assert due[9] == 1


def test_what_was_marked_before_the_cut_was_heard() -> None:
    playback = Playback()
    for _ in range(50):
        playback.sent(20)
    playback.marked("2")
    assert playback.waiting_ms == 600
    assert playback.cut() == 400
    assert playback.waiting_ms == 0


def test_marks_of_what_was_cut_say_nothing_about_the_next_turn() -> None:
    playback = Playback()
    for _ in range(50):
        playback.sent(20)
    playback.cut()
    for _ in range(20):
        playback.sent(20)
    for name in ("3", "4", "5", "of somebody else", "9" * 5_000):
        playback.marked(name)
    assert playback.cut() == 0


def test_a_turn_behind_one_that_still_plays_is_heard_from_nothing() -> None:
    playback = Playback()
    for _ in range(20):
        playback.sent(20)
    playback.begin()
    for _ in range(20):
        playback.sent(20)
    playback.marked("3")
    assert playback.waiting_ms == 200
    assert playback.cut() == 200


@given(st.lists(st.integers(1, 400), max_size=30), st.integers(1, 30))
def test_no_more_is_heard_than_was_sent(pieces: list[int], answered: int) -> None:
    playback = Playback()
    marks = [playback.sent(each) for each in pieces]
    for number in [number for number in marks if number is not None][:answered]:
        playback.marked(str(number))
    assert 0 <= playback.cut() <= sum(pieces)


def test_the_agents_track_is_silent_until_it_speaks_and_after_a_cut() -> None:
    tracks = Tracks()
    assert tracks.played(3) == b"\xff\xff\xff"
    tracks.agent(b"abcdef")
    assert tracks.played(2) == b"ab"
    tracks.cut()
    assert tracks.played(2) == b"\xff\xff"


def test_parts_are_of_equal_length_and_the_rest_is_written_last() -> None:
    parts: list[tuple[int, bytes, bytes]] = []
    recorder = Recorder(lambda *part: parts.append(part), part_bytes=4)
    for letter in (b"a", b"b", b"c", b"d", b"e"):
        recorder.take(letter, letter.upper())
    assert parts == [(0, b"abcd", b"ABCD")]
    recorder.flush()
    recorder.flush()
    assert parts[1:] == [(1, b"e", b"E")]


def test_messages_are_read_as_the_carrier_writes_them() -> None:
    begun = read(
        '{"event":"start","sequenceNumber":"1","streamSid":"MZ1","start":{"streamSid":"MZ1",'
        '"accountSid":"AC1","callSid":"CA1","tracks":["inbound"],"customParameters":'
        '{"call":"one"},"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}}}'
    )
    assert isinstance(begun, StreamBegun)
    assert (begun.account, begun.call, begun.parameters) == ("AC1", "CA1", {"call": "one"})
    heard = read('{"event":"media","media":{"track":"inbound","chunk":"7","payload":"AAEC"}}')
    assert heard == Heard(b"\x00\x01\x02", 7)
    assert read('{"event":"mark","mark":{"name":"3"}}') == Marked("3")
    assert read('{"event":"connected","protocol":"Call"}') is None
    assert read('{"event":"something new"}') is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "7",
        "{}",
        '{"event":"media"}',
        '{"event":"media","media":{"payload":"%%%"}}',
        '{"event":"media","media":{"payload":7}}',
        '{"event":"media","media":{"payload":"AAEC","chunk":"x"}}',
        '{"event":"media","media":{"payload":"AAEC","chunk":Infinity}}',
        '{"event":["media"]}',
        '{"event":"start","start":{}}',
        '{"event":"mark","mark":null}',
        "[" * 100_000,
    ],
)
def test_nonsense_is_malformed_and_nothing_else(text: str) -> None:
    with pytest.raises(StreamMalformed):
        read(text)


@pytest.mark.parametrize(
    ("name", "rate"), [("one", "16000"), ("one", "Infinity"), ("\\ud800", "8000")]
)
def test_a_beginning_nobody_can_carry_on_from_is_malformed(name: str, rate: str) -> None:
    begun = (
        f'{{"event":"start","start":{{"streamSid":"MZ1","accountSid":"AC1","callSid":"{name}",'
        f'"mediaFormat":{{"encoding":"audio/x-mulaw","sampleRate":{rate},"channels":1}}}}}}'
    )
    with pytest.raises(StreamMalformed):
        read(begun)


def test_a_stream_with_a_name_that_breaks_json_is_refused() -> None:
    with pytest.raises(StreamMalformed):
        StreamWriter('MZ"},"x":{"')
