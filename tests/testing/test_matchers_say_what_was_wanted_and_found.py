"""Matchers on replies and on arguments, and the one line each has for a report."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from trunkline.model.kinds.matchers import Matcher, TextMatcher, ValueMatcher
from trunkline.model.testing.matching import (
    asks_only,
    forbids_only,
    text_match,
    value_match,
)

TEXTS: TypeAdapter[Any] = TypeAdapter(TextMatcher)
VALUES: TypeAdapter[Any] = TypeAdapter(ValueMatcher)

REPLY = "Tuesday at 2:30  is free,\nthe code is BLC-204."


@pytest.mark.parametrize(
    ("matcher", "holds"),
    [
        ("tuesday AT 2:30 is free", True),
        ("Wednesday", False),
        ({"equals": REPLY}, True),
        ({"equals": "Tuesday"}, False),
        ({"contains": "BLC-204"}, True),
        ({"contains": "blc-204"}, False),
        ({"matches": "BLC-[0-9]+"}, True),
        ({"matches": "^code"}, False),
        ({"matches": "(?i)CODE"}, True),
        ({"like": "half past two is free"}, True),
        ({"like": "code is 204"}, False),
        ({"anyOf": ["wednesday", "TUESDAY"]}, True),
        ({"anyOf": ["wednesday", "thursday"]}, False),
        ({"notContains": "BLC-204"}, False),
        ({"notContains": "blc-204"}, True),
        ({"notMatches": "[0-9]{4}"}, True),
        ({"notMatches": "[0-9]{3}"}, False),
        ({"notLike": "half past two"}, False),
        ({"notLike": "half past three"}, True),
        ({"notAnyOf": ["wednesday", "thursday"]}, True),
        ({"notAnyOf": ["wednesday", "tuesday"]}, False),
        ({"anything": True}, True),
        ({"contains": "Tuesday", "notContains": "Wednesday"}, True),
        ({"contains": "Tuesday", "notContains": "BLC"}, False),
    ],
)
def test_a_reply_is_matched(matcher: Any, holds: bool) -> None:
    assert text_match(TEXTS.validate_python(matcher), REPLY).holds is holds


@pytest.mark.parametrize(
    ("matcher", "value", "holds"),
    [
        ("Maya", "Maya", True),
        ("Maya", "maya", False),
        ("Maya", "Maya Lind", False),
        (3, 3.0, True),
        (1, True, False),
        (True, True, True),
        (None, None, True),
        (None, "", False),
        (["a", 1], ["a", 1.0], True),
        ({"equals": {"a": 1, "b": [2]}}, {"b": [2], "a": 1.0}, True),
        ({"equals": {"a": 1}}, {"a": 1, "b": 2}, False),
        ({"equals": None}, None, True),
        ({"equals": None}, 0, False),
        ({"contains": "aya"}, "Maya", True),
        ({"contains": "b"}, ["a", "b"], True),
        ({"matches": "^[0-9]+$"}, 42, True),
        ({"like": "maya"}, "Maya!", True),
        ({"like": "maya"}, "Maya Lind", False),
        ({"like": "twenty one"}, 21, True),
        ({"like": "half past two"}, "14:30", True),
        ({"anyOf": ["a", "b"]}, "b", True),
        ({"anyOf": ["a", "b"]}, "B", False),
        ({"notAnyOf": ["a", "b"]}, "B", True),
        ({"notLike": "maya"}, "MAYA", False),
        ({"anything": True}, None, True),
    ],
)
def test_an_argument_is_matched(matcher: Any, value: Any, holds: bool) -> None:
    assert value_match(VALUES.validate_python(matcher), value).holds is holds


def test_what_only_a_judge_can_tell_is_handed_back() -> None:
    match = text_match(Matcher.model_validate({"judge": "is polite", "contains": "free"}), REPLY)
    assert (match.holds, match.asks) == (True, ("is polite",))
    assert not text_match(Matcher.model_validate({"judge": "x", "contains": "no"}), REPLY).holds
    assert asks_only(Matcher.model_validate({"judge": "is polite"}))
    assert not asks_only(Matcher.model_validate({"judge": "is polite", "contains": "free"}))


@pytest.mark.parametrize(
    ("matcher", "only"),
    [
        ({"notContains": "a"}, True),
        ({"notContains": "a", "notLike": "b"}, True),
        ({"notContains": "a", "contains": "b"}, False),
        ({"notContains": "a", "judge": "b"}, False),
        ({"equals": None}, False),
    ],
)
def test_what_only_forbids_is_known_as_such(matcher: Any, only: bool) -> None:
    assert forbids_only(Matcher.model_validate(matcher)) is only


def test_wanted_and_found_are_one_line_each() -> None:
    match = text_match(Matcher.model_validate({"contains": "a\nb", "notAnyOf": ["x", "y"]}), REPLY)
    assert match.wanted == 'contains "a b" and says none of "x", "y"'
    assert match.found == '"Tuesday at 2:30 is free, the code is BLC-204."'
    long = text_match("x", "word " * 200)
    assert len(long.found) < 170
    assert text_match("x", "  ").found == "nothing"
    assert value_match("Maya", 3).wanted == '"Maya"'
