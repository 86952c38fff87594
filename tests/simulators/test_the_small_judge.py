"""The judge of the platform's own tests goes by words, and says when it cannot tell."""

from __future__ import annotations

import pytest

from simulators.elevenlabs.talks.callers import ScriptedCaller
from simulators.elevenlabs.talks.judging import judged

HOURS = "The bakery opens at nine in the morning."


@pytest.mark.parametrize(
    ("condition", "reply", "result"),
    [
        ("says that the bakery opens at nine", HOURS, "success"),
        ("says that the bakery closes at noon on Sundays", HOURS, "failure"),
        ('says "at nine"', HOURS, "success"),
        ('says "at ten"', HOURS, "failure"),
        ("does not mention prices", HOURS, "success"),
        ("does not mention prices", "Our prices are low.", "failure"),
        ("does not promise a refund", "I cannot promise a refund.", "success"),
        ("says the opening hours and does not mention prices", "Our prices are low.", "failure"),
        ('never says "no worries"', "No worries, we open at nine.", "failure"),
        ("says that the bakery opens at nine", "", "failure"),
        ("", HOURS, "unknown"),
    ],
)
def test_a_condition_is_taken_by_its_words(condition: str, reply: str, result: str) -> None:
    assert judged(condition, reply).result == result


def test_an_example_that_is_close_decides() -> None:
    condition = "says that the bakery opens at nine"
    assert judged(condition, HOURS, bad=[HOURS]).result == "failure"
    other = "We never open before noon."
    assert judged(condition, other, good=[other], bad=[HOURS]).result == "success"
    assert judged(condition, HOURS, bad=["An elephant."]).result == "success"


def said(scenario: str, *heard: str) -> list[str | None]:
    caller = ScriptedCaller(scenario)
    return [caller.next_words(words) for words in heard]


def test_a_caller_says_the_quoted_words_of_its_scenario() -> None:
    scenario = 'The caller says "I want a cake." and later "My name is Ann."'
    words = said(scenario, "Hello?", "What is your name?", "Thank you.", "Bye.")
    assert words == ["I want a cake.", "My name is Ann.", "Thank you, goodbye.", None]


def test_a_caller_answers_what_it_is_asked_first() -> None:
    scenario = "You want a cake for Sunday. Your name is Ann."
    words = said(scenario, "May I ask for your name?", "And what do you want?")
    assert words == ["My name is Ann.", "I want a cake for Sunday."]


def test_a_scenario_about_a_caller_becomes_the_first_person() -> None:
    assert said("The caller wants to order bread.", "Hello?") == ["I want to order bread."]
