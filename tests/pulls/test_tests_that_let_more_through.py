"""Every way in which a proposal takes something away from tests is named, and nothing else is."""

from typing import Any

import pytest

from tests.pulls.trees import BASE, TEST, document, tree
from trunkline.model.pulls.weakening import weakenings


def words(spec: dict[str, Any] | None, tags: tuple[str, ...] = ("smoke",)) -> list[str]:
    files = dict(BASE)
    del files["tests/greets.yaml"]
    if spec is not None:
        files["tests/moved.yaml"] = document("ConversationTest", "greets", spec, tags=list(tags))
    return [one.words for one in weakenings(tree(BASE), tree(files))]


def turns(*expect: dict[str, Any]) -> dict[str, Any]:
    return {**TEST, "turns": [{"say": "Hello", "expect": list(expect)}]}


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (None, "deleted"),
        ({**TEST, "gate": "advisory"}, "advises only now: its failure stops no promotion"),
        ({**TEST, "repeat": {"runs": 3, "pass": 2}}, "2 of 3 runs must pass, 3 of 3 before"),
        ({**TEST, "repeat": {"runs": 1}}, "runs 1 times, 3 before"),
        (turns({"says": "Acme"}), "1 expectation fewer or other than before"),
        (turns({"says": "Acme"}, {"says": "."}), "1 expectation fewer or other than before"),
        ({**TEST, "limits": {"turns": 8}}, "its limit of turns is 8, 4 before"),
        ({**TEST, "limits": {}}, "its limit of turns is gone, 4 before"),
        ({**TEST, "tools": {"live": True}}, "reaches real tools now"),
    ],
)
def test_what_is_taken_away_is_named(spec: dict[str, Any] | None, said: str) -> None:
    assert words(spec) == [said]


@pytest.mark.parametrize(
    "spec",
    [
        TEST,
        {**TEST, "repeat": {"runs": 5, "pass": 5}},
        {**TEST, "limits": {"turns": 3}},
        {**TEST, "limits": {"turns": 4, "seconds": 20.0}},
        turns({"says": "help"}, {"says": "Acme"}),
        turns({"says": "Acme"}, {"says": "help"}, {"says": "today"}),
    ],
)
def test_a_test_that_asks_as_much_is_not(spec: dict[str, Any]) -> None:
    assert words(spec) == []


def test_a_lost_tag_is_named() -> None:
    assert words(TEST, tags=()) == ["lost its tag smoke"]
    assert words(TEST, tags=("smoke", "fast")) == []


def test_tests_of_an_agent_that_goes_go_with_it() -> None:
    files = {"trunkline.yaml": BASE["trunkline.yaml"]}
    assert weakenings(tree(BASE), tree(files)) == ()


def test_it_is_said_whose_test_it_was_and_where() -> None:
    files = {key: text for key, text in BASE.items() if not key.startswith("tests/")}
    [found] = weakenings(tree(BASE), tree(files))
    assert (found.test, found.agent, found.position) == (
        "greets",
        "front-desk",
        "tests/greets.yaml:1",
    )
