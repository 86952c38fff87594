"""What the agent's audio was like: when it sounded, how loud, and where it met the caller."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conversing.test_sound_is_made_and_read import sine
from trunkline.adapters.speech.encoding import sound_of
from trunkline.adapters.speech.measuring import levels, loudness_lufs
from trunkline.model.testing.sounds import (
    Change,
    Levels,
    Playback,
    Span,
    longest_silence_ms,
    measures,
    overlap_ms,
)

VOICE, QUIET = -25.0, -90.0


def frames(*stretches: tuple[float, int]) -> Levels:
    """Levels of stretches: a level and how many frames."""
    each = tuple(level for level, count in stretches for _ in range(count))
    return Levels(each, len(each) * 20.0)


def test_a_full_scale_tone_has_the_loudness_of_the_standard() -> None:
    assert loudness_lufs([sine(997, 5, 48_000)]) == pytest.approx(-3.01, abs=0.1)


@pytest.mark.parametrize("rate", [8_000, 16_000, 24_000])
def test_loudness_follows_the_level_at_any_rate(rate: int) -> None:
    quiet = loudness_lufs([sine(997, 3, rate, 0.1)])
    assert quiet == pytest.approx(-23.01, abs=0.3)


def test_pauses_do_not_count_in_loudness() -> None:
    pause = sound_of(np.zeros(16_000 * 5, dtype=np.int16), 16_000)
    spoken = loudness_lufs([sine(997, 4, 16_000, 0.1)])
    with_pause = loudness_lufs([sine(997, 4, 16_000, 0.1), pause])
    assert spoken is not None
    assert with_pause == pytest.approx(spoken, abs=0.4)


def test_silence_has_no_loudness() -> None:
    assert loudness_lufs([]) is None
    assert loudness_lufs([sound_of(np.zeros(16_000, dtype=np.int16), 16_000)]) is None
    assert loudness_lufs([sine(997, 0.2, 16_000)]) is None


def test_frames_have_levels_and_clipped_samples_are_counted() -> None:
    samples = np.concatenate(
        [
            np.zeros(320, dtype=np.int16),
            np.full(320, 16_384, dtype=np.int16),
            np.full(10, 32_767, dtype=np.int16),
        ]
    )
    measured = levels(sound_of(samples, 16_000))
    assert [round(level, 1) for level in measured.frames] == [-120.0, -6.0, 0.0]
    assert measured.clipped_samples == 10
    assert measured.duration_ms == pytest.approx(40.625)


def test_speech_begins_where_it_is_heard_and_not_where_it_arrives() -> None:
    playback = Playback()
    playback.hear(1_000, frames((QUIET, 10), (VOICE, 50)))
    assert playback.changes(1_150) == ()
    assert playback.changes(1_260) == (Change(1_200, "started"),)
    assert playback.changes(2_300) == ()
    assert playback.changes(2_600) == (Change(2_200, "stopped"),)


def test_what_arrives_early_sounds_when_its_turn_comes() -> None:
    playback = Playback()
    for _ in range(4):
        playback.hear(0, frames((VOICE, 50)))
    assert playback.spans() == (Span(0, 4_000),)


def test_a_cut_throws_away_what_has_not_sounded() -> None:
    playback = Playback()
    playback.hear(0, frames((VOICE, 50)))
    playback.hear(10, frames((VOICE, 50)))
    playback.changes(500)
    playback.cut(1_230)
    assert playback.changes(1_600) == (Change(1_230, "stopped"),)
    playback.hear(2_000, frames((VOICE, 10)))
    assert playback.changes(2_100) == (Change(2_000, "started"),)
    assert playback.spans() == (Span(0, 1_230), Span(2_000, 2_200))


def test_a_pause_in_a_sentence_is_no_end() -> None:
    playback = Playback()
    playback.hear(0, frames((VOICE, 20), (QUIET, 10), (VOICE, 20)))
    assert playback.changes(1_000) == (Change(0, "started"),)
    assert playback.changes(1_400) == (Change(1_000, "stopped"),)


def test_a_click_is_no_speech() -> None:
    playback = Playback()
    playback.hear(0, frames((QUIET, 10), (VOICE, 1), (QUIET, 30)))
    assert playback.changes(2_000) == ()


@given(
    st.lists(st.tuples(st.sampled_from([VOICE, QUIET]), st.integers(1, 60)), max_size=12),
    st.lists(st.integers(0, 400), max_size=40),
)
def test_asking_often_or_once_tells_the_same(
    stretches: list[tuple[float, int]], steps: list[int]
) -> None:
    often, once = Playback(), Playback()
    for playback in (often, once):
        playback.hear(0, frames(*stretches))
    now_ms = 0
    told: list[Change] = []
    for step in steps:
        now_ms += step
        told += often.changes(now_ms)
    told += often.changes(60_000)
    assert told == [*once.changes(60_000)]
    assert often.spans() == once.spans()


def test_overlap_and_silence() -> None:
    caller = [Span(0, 1_000), Span(5_000, 6_000)]
    agent = [Span(1_800, 3_000), Span(5_900, 8_000)]
    assert overlap_ms(caller, agent) == 100
    assert longest_silence_ms(caller, agent) == 800
    assert longest_silence_ms([Span(0, 10)], []) is None
    found = measures(
        caller=caller, agent=agent, duration_ms=10_000, loudness_lufs=-20.0, clipped_samples=3
    )
    assert found.agent_overlap == pytest.approx(0.01)
    assert (found.longest_silence_ms, found.loudness_lufs, found.clipped_samples) == (800, -20.0, 3)
