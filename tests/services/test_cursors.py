"""A cursor goes out opaque and comes back as the key it was made from; others are refused."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.model.errors import InvalidInput
from trunkline.services.pages import before_cursor, key_cursor, parse_before, parse_key


@given(st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1))
def test_keys_come_back(key: str) -> None:
    assert parse_key(key_cursor(key)) == key


@given(st.integers(min_value=0, max_value=10**18 - 1))
def test_numbers_come_back(number: int) -> None:
    assert parse_before(before_cursor(number)) == number


def test_no_cursor_is_the_beginning() -> None:
    assert parse_key(None) == ""
    assert parse_before("") is None
    assert before_cursor(None) is None


@given(st.text())
def test_anything_else_is_refused_and_never_a_crash(text: str) -> None:
    with contextlib.suppress(InvalidInput):
        assert parse_key(text).isprintable()
    with contextlib.suppress(InvalidInput):
        assert (parse_before(text) is None) is (not text)


@pytest.mark.parametrize(
    "key", ["before:", "before:-1", "before:1e3", "after:3", "before:" + "9" * 40]
)
def test_numbers_that_are_none_are_refused(key: str) -> None:
    with pytest.raises(InvalidInput):
        parse_before(key_cursor(key))


def test_control_characters_never_reach_the_store() -> None:
    with pytest.raises(InvalidInput):
        parse_key(key_cursor("agent/\x00/testing"))
