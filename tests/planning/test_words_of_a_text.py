"""Word-level differences lose nothing and mark no more than what changed."""

from hypothesis import given
from hypothesis import strategies as st

from trunkline.model.words import TOKENS_MAX, changed_lines, is_changed, word_segments

TEXTS = st.text(alphabet="ab c.\n", max_size=40)


@given(TEXTS, TEXTS)
def test_segments_hold_both_texts(old: str, new: str) -> None:
    segments = word_segments(old, new)
    assert "".join(text for mark, text in segments if mark != "+") == old
    assert "".join(text for mark, text in segments if mark != "-") == new


@given(TEXTS)
def test_an_unchanged_text_has_no_changed_line(text: str) -> None:
    lines = changed_lines(text, text)
    assert not any(map(is_changed, lines))
    assert "\n".join(part for line in lines for _, part in line) == text


@given(TEXTS, TEXTS)
def test_lines_hold_every_word_of_the_new_text(old: str, new: str) -> None:
    kept = [part for line in changed_lines(old, new) for mark, part in line if mark != "-"]
    assert "".join(kept).replace("\n", "") == new.replace("\n", "")


def test_only_the_changed_word_is_marked() -> None:
    assert word_segments("Greet the caller, please.", "Greet the guest, please.") == (
        ("=", "Greet the "),
        ("-", "caller"),
        ("+", "guest"),
        ("=", ", please."),
    )


def test_neighbouring_changes_are_one() -> None:
    assert word_segments("one two three", "four five three") == (
        ("-", "one two"),
        ("+", "four five"),
        ("=", " three"),
    )


def test_a_marked_piece_never_spans_lines() -> None:
    lines = changed_lines("a b\nc d\ne", "x y\nz w\ne")
    assert all("\n" not in text for line in lines for _, text in line)
    assert lines[-1] == (("=", "e"),)


def test_a_block_too_large_to_compare_is_removed_and_added() -> None:
    old, new = "a " * TOKENS_MAX, "b " * TOKENS_MAX
    assert word_segments(old, new) == (("-", old), ("+", new))
