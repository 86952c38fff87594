"""Card numbers, addresses and telephone numbers leave a text before it is kept; the rest stays."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.adapters.redaction import redactor
from trunkline.model.calls.events import NewEvent
from trunkline.model.calls.redaction import is_card_number, redacted_event
from trunkline.model.kinds.calls import Redaction

EVERYTHING: tuple[Redaction, ...] = ("card-numbers", "email-addresses", "phone-numbers")
redact = redactor(EVERYTHING, ("+442079460958", "+14155550100"))


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("my card is 4111 1111 1111 1111 until 12 27", "my card is [card number] until 12 27"),
        ("it is 5555-5555-5555-4444, thanks", "it is [card number], thanks"),
        ("378282246310005.", "[card number]."),
        ("one 4111111111111111 two 5105105105105100", "one [card number] two [card number]"),
        ("write to a.b+c@mail.example.co.uk now", "write to [e-mail address] now"),
        ("write to john at example dot com", "write to [e-mail address]"),
        ("call me at 020 7946 0018", "call me at [telephone number]"),
        ("or (415) 555-2671 at work", "or [telephone number] at work"),
        ("abroad it is +49 30 901820", "abroad it is [telephone number]"),
    ],
)
def test_what_names_a_person_is_blotted_out(said: str, kept: str) -> None:
    assert redact(said) == kept


CARD = "four one one one one one one one one one one one one one one one"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (f"my card is {CARD}, till May", "my card is [card number], till May"),
        ("Four one one one 1111 1111 one one one one.", "[card number]."),
        (
            "triple five five, double five double five, five five five five, four four four four",
            "[card number]",
        ),
        ("four one five, five five five, two six seven one", "[telephone number]"),
        (
            "it is oh two oh, seven nine four six, double oh one eight now",
            "it is [telephone number] now",
        ),
        ("plus four nine three zero nine zero one eight two zero", "[telephone number]"),
        ("call 415 five five five 2671", "call [telephone number]"),
    ],
)
def test_digits_in_english_words_count_like_digits(said: str, kept: str) -> None:
    assert redact(said) == kept


@given(
    st.lists(
        st.sampled_from(["one", "two", "double", "oh", "plus", "four", "41", "5", "for", ",", "-"]),
        max_size=40,
    ).map(" ".join)
)
def test_words_that_are_blotted_stay_blotted(said: str) -> None:
    once = redact(said)
    assert redact(once) == once


@pytest.mark.parametrize(
    "said",
    [
        "a table for two at seven, or one for five at eight",
        "one or two, three or four",
        "oh, oh, oh",
        f"vier eins eins {CARD[:30]}",
        "order 1234 5678 9012 3456 please",
        "at 10:15 on 2026-03-02, table 12",
        "I will be at the example at noon",
        "0000 0000 0000 0000",
        "",
    ],
)
def test_what_only_looks_like_it_stays(said: str) -> None:
    assert redact(said) == said


@pytest.mark.parametrize("kind", EVERYTHING)
def test_only_what_the_project_names_goes(kind: Redaction) -> None:
    said = "4111111111111111 a@example.com +442079460018"
    left = {"card-numbers": "4111", "email-addresses": "a@example", "phone-numbers": "+4420"}
    text = redactor((kind,))(said)
    assert {other: word in text for other, word in left.items()} == {
        other: other != kind for other in left
    }
    assert redactor(())(said) == said


@given(st.text(max_size=200))
def test_any_text_is_taken_and_blotting_again_changes_nothing(said: str) -> None:
    once = redact(said)
    assert redact(once) == once


@given(st.integers(min_value=10**12, max_value=10**18))
def test_a_changed_digit_makes_no_card_number(number: int) -> None:
    digits = str(number)
    found = [d for d in "0123456789" if is_card_number(digits + d)]
    assert len(found) <= 1


def test_names_of_things_stay_in_an_event_and_words_do_not() -> None:
    event = NewEvent(
        name="error",
        at=datetime(2026, 3, 2, tzinfo=UTC),
        data={
            "callId": "4111111111111111",
            "message": "refused a@example.com",
            "more": [{"text": "4111111111111111"}],
            "atMs": 1200,
        },
    )
    assert redacted_event(event, redact).data == {
        "callId": "4111111111111111",
        "message": "refused [e-mail address]",
        "more": [{"text": "[card number]"}],
        "atMs": 1200,
    }
