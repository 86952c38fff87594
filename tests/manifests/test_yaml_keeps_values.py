"""YAML 1.2: what is written is what is meant, whatever an older YAML made of it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.manifests.documents import Unreadable, read_documents
from trunkline.model.base import Json


def value_of(text: str) -> Json:
    document = next(iter(read_documents(f"key: {text}\n")))
    assert document.faults == ()
    assert isinstance(document.value, dict)
    return document.value["key"]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("no", "no"),
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("012", 12),
        ("0o14", 12),
        ("0x1F", 31),
        ("-7", -7),
        ("+7", 7),
        ("1_000", "1_000"),
        ("0b101", "0b101"),
        ("12:30", "12:30"),
        ("190:20:30", "190:20:30"),
        ("2026-06-12", "2026-06-12"),
        ("2026-06-12T09:00:00Z", "2026-06-12T09:00:00Z"),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("1.2.3", "1.2.3"),
        ("~", None),
        ("", None),
        ("null", None),
        ('"123"', "123"),
        ("'true'", "true"),
        ("123#", "123#"),
        ("=", "="),
        ("!!str 5", "5"),
        ('"\\u00e9"', "é"),
        ("+15005550006", 15005550006),
    ],
)
def test_scalar_means_what_yaml_1_2_says(text: str, meant: Json) -> None:
    found = value_of(text)
    assert found == meant
    assert type(found) is type(meant)


def test_keys_that_look_like_booleans_stay_text() -> None:
    document = next(iter(read_documents("on: 1\nno: 2\ny: 3\n")))
    assert document.value == {"on": 1, "no": 2, "y": 3}


def test_documents_that_hold_nothing_are_left_out() -> None:
    assert [each.value for each in read_documents("---\n# nothing\n---\na: 1\n---\n")] == [{"a": 1}]


def test_byte_order_mark_does_not_shift_columns() -> None:
    document = next(iter(read_documents("\ufeffa: 1\n")))
    assert document.places["a"] == (1, 4, 1, 1)


def test_columns_count_characters_not_bytes() -> None:
    document = next(iter(read_documents("{é: ü, b: 1}\n")))
    assert document.places["b"] == (1, 11, 1, 8)


def test_alias_stands_for_the_value_it_names() -> None:
    document = next(iter(read_documents("a: &x [1, 2]\nb: *x\n")))
    assert document.value == {"a": [1, 2], "b": [1, 2]}


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_come_back_as_they_were_written(number: float) -> None:
    found = value_of(repr(number))
    assert isinstance(found, float)
    assert math.isclose(found, number, rel_tol=0, abs_tol=0)


def places_of(text: str) -> list[tuple[int, int]]:
    """Every place in a text, or the one where it stops making sense."""
    try:
        return [(each[0], each[1]) for doc in read_documents(text) for each in doc.places.values()]
    except Unreadable as refusal:
        return [(refusal.line, refusal.column)]


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    assert all(line >= 1 and column >= 1 for line, column in places_of(text))
