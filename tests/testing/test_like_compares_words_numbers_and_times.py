"""What ``like`` takes for the same words, and what it keeps apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.model.testing.likeness import same_words, says_words, tokens

ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def _below_hundred(number: int) -> str:
    if number < 20:
        return ONES[number]
    ten, one = divmod(number, 10)
    return TENS[ten - 2] + (f"-{ONES[one]}" if one else "")


def _spelt(number: int, joint: str) -> str:
    thousands, rest = divmod(number, 1000)
    hundreds, low = divmod(rest, 100)
    words = [f"{ONES[thousands]} thousand"] if thousands else []
    words += [f"{ONES[hundreds]} hundred"] if hundreds else []
    if low or not words:
        words.append((joint if words else "") + _below_hundred(low))
    return " ".join(words)


@pytest.mark.parametrize("joint", ["", "and "])
def test_every_number_word_is_its_digits(joint: str) -> None:
    wrong = [n for n in range(10_000) if tokens(_spelt(n, joint)) != (str(n),)]
    assert wrong == []


@given(st.integers(0, 9999), st.integers(0, 9999))
def test_two_numbers_are_alike_only_if_they_are_one(one: int, other: int) -> None:
    assert same_words(_spelt(one, ""), str(other)) is (one == other)


@pytest.mark.parametrize("hour", range(24))
def test_a_time_is_like_itself_and_no_other(hour: int) -> None:
    half, other = ("am", "pm") if hour < 12 else ("pm", "am")
    for minute in range(60):
        written = f"{hour:02}:{minute:02}"
        spoken = f"{(hour - 1) % 12 + 1}:{minute:02}"
        assert same_words(f"{spoken} {half}", written)
        assert same_words(spoken, written)
        assert not same_words(f"{spoken} {half}", f"{spoken} {other}")
        assert not same_words(spoken, f"{hour:02}:{(minute + 1) % 60:02}")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("half past two", "2:30"),
        ("half past two", "14:30"),
        ("half past two", "2.30 p.m."),
        ("quarter past nine", "9:15am"),
        ("quarter to three", "2:45"),
        ("quarter to one", "12:45"),
        ("twenty to five", "4:40"),
        ("ten past four", "4:10 PM"),
        ("two o'clock", "2pm"),
        ("two thirty pm", "14:30"),
        ("noon", "12:00 pm"),
        ("16th of June", "sixteenth of june"),
        ("the twenty-first", "the 21st"),
        ("1,250", "one thousand two hundred and fifty"),
        ("2.50", "2.5"),
        ("BLC-204", "blc 204"),
        ("It's Maya's", "its mayas"),
        ("10%", "ten percent"),
        ("\uff21\uff22\uff23", "abc"),
        ("2026-06-16T14:30", "2026 06 16 2:30 pm"),
    ],
)
def test_the_same_in_other_spellings(one: str, other: str) -> None:
    assert same_words(one, other)
    assert same_words(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2:30 am", "2:30 pm"),
        ("02:30", "14:30"),
        ("2:30", "2:45"),
        ("two zero four", "204"),
        ("nineteen eighty four", "1984"),
        ("007", "7"),
        ("año", "ano"),
        ("two thirty", "2:30"),
        ("1.5", "15"),
        ("sixteen", "sixteenth"),
    ],
)
def test_what_is_not_the_same(one: str, other: str) -> None:
    assert not same_words(one, other)


def test_words_are_looked_for_in_order_and_whole() -> None:
    assert says_words("half past two", "So, Tuesday at 2:30, right?")
    assert not says_words("two past half", "half past two")
    assert not says_words("cat", "category")
    assert not says_words("...", "anything")


@given(st.text(max_size=60))
def test_every_text_is_like_itself(text: str) -> None:
    assert same_words(text, text)
    assert same_words(text.upper().lower(), text.lower()) or text.upper().lower() != text.lower()
